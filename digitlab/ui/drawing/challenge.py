"""Challenges: fool a network, draw a given digit, be read by all; scores are kept for the visit."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.info import DIGITS
from digitlab.ui import page, url
from digitlab.ui.drawing import arena
from digitlab.ui.drawing.source import clear_drawing
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.words import probability, with_article

if TYPE_CHECKING:
    from digitlab.analysis.arena import Arena
    from digitlab.runs.run import Run
    from digitlab.ui.drawing.reading import Reading

FOOL, ASKED, ALL = "fool", "asked", "all"
MODES = {FOOL: "Fool the network", ASKED: "Draw a given digit", ALL: "Read by all"}
# Pairs of digits that a drawing can lie between.
PAIRS = ("49", "94", "17", "71", "38", "83", "35", "53", "56", "65", "08", "80", "27", "72", "60")
_STATE = "challenge"


def show_challenge(reading: Reading | None, run: Run, key: str) -> None:
    """The chosen challenge: its task, the result of the drawing, scores and buttons."""
    page.cell(
        "Challenges",
        "Find the limits of a network: fool it on purpose, draw a given digit, or write so clearly "
        "that all runs agree.",
    )
    if run.classes != DIGITS:
        st.info("The challenges are about digits: choose a run that reads digits.")
        return
    mode = url.choose(
        "Challenge", MODES, param="challenge", default=FOOL, widget=st.segmented_control
    )
    state = _state(mode)
    st.markdown(f"### {_task(mode, state, run)}")
    body = st.container()
    readers = arena.pick_readers_in_fold(run)
    with body:
        if reading is None:
            st.caption("Draw on the canvas above.")
        elif len(reading.recognition.marks) != 1:
            st.caption("One digit at a time: clear the canvas and draw a single digit.")
            reading = None
        result = arena.read_with_runs(reading, readers) if reading is not None and readers else None
        {FOOL: _show_fooling, ASKED: _show_given_digit, ALL: _show_read_by_all}[mode](
            reading, result, state, key
        )


def _state(mode: str) -> dict[str, Any]:
    """What this visitor has done in the mode so far."""
    states = st.session_state.setdefault(_STATE, {})
    return states.setdefault(mode, _new_state(mode))


def _new_state(mode: str) -> dict[str, Any]:
    return {"task": _choose_task(mode), "best": {}, "done": 0, "right": {}, "streak": 0}


def _choose_task(mode: str, last: str = "") -> str:
    tasks = [task for task in (PAIRS if mode == FOOL else DIGITS) if task != last]
    return random.choice(tasks)


def _task(mode: str, state: dict[str, Any], run: Run) -> str:
    task = state["task"]
    if mode == FOOL:
        name = plain(run_title(run.record))
        return f"Draw {with_article(task[0])} that {name} reads as {task[1]}"
    return f"Draw {with_article(task)}" + (" that all the runs read" if mode == ALL else "")


def _show_fooling(
    reading: Reading | None, result: Arena | None, state: dict[str, Any], key: str
) -> None:
    digit, target = state["task"]
    best = state["best"]
    if reading is not None:
        share = float(reading.digit.probabilities[int(target)])
        answers = result.answers if result else ()
        other_answers = [answer for answer in answers if answer.run.id != reading.run.id]
        right = sum(answer.text == digit for answer in other_answers)
        columns = st.columns(2)
        columns[0].metric(f"Probability of {target}", probability(share))
        columns[1].metric(
            f"Other runs that read {with_article(digit)}", f"{right} of {len(other_answers)}"
        )
        legible = st.checkbox(
            f"A person would read it as {digit}",
            key=f"fool:{state['task']}:{reading.drawing.digest}",
        )
        if legible or right * 2 > len(other_answers):
            best[state["task"]] = max(best.get(state["task"], 0.0), share)
            _show_whether_fooled(reading, digit, target)
        else:
            st.caption(
                f"It counts when most other runs read {with_article(digit)}, or when you say that "
                "a person would."
            )
    if best:
        scores = "; ".join(
            f"{task[0]} as {task[1]}: {probability(s, short=True)}" for task, s in best.items()
        )
        st.markdown(f"**Your best:** {scores}")
    _show_buttons(FOOL, key, "Next pair")


def _show_whether_fooled(reading: Reading, digit: str, target: str) -> None:
    if reading.answer == target and not reading.digit.declined:
        st.success(f"Fooled: {with_article(digit)} is read as {target}.", icon=":material/trophy:")
    elif reading.answer == target:
        st.info(
            f"Nearly fooled: {target} is the most likely class, but the network declines.",
            icon=":material/help:",
        )
    else:
        st.info(f"It still reads {reading.answer}: change the drawing.", icon=":material/draw:")


def _show_given_digit(
    reading: Reading | None, result: Arena | None, state: dict[str, Any], key: str
) -> None:
    if result is not None:
        right = len(result.agreeing(state["task"]))
        st.markdown(f"{right} of {len(result.answers)} read it as {with_article(state['task'])}.")
        _show_count_button(result, state, key)
    _show_rates(state)
    _show_buttons(ASKED, key, "Another digit")


def _show_read_by_all(
    reading: Reading | None, result: Arena | None, state: dict[str, Any], key: str
) -> None:
    if result is not None:
        right, count = len(result.agreeing(state["task"])), len(result.answers)
        st.progress(
            right / max(1, count),
            text=f"{right} of {count} runs read {with_article(state['task'])}",
        )
        if right == count:
            st.success("All runs read it.", icon=":material/trophy:")
            _show_count_button(result, state, key)
        else:
            wrong = ", ".join(
                f"{plain(run_title(answer.run.record))} reads {answer.text or 'nothing'}"
                for answer in result.answers
                if answer.text != state["task"]
            )
            st.caption(f"Not yet: {wrong}.")
    if state["done"]:
        st.markdown(f"**Read by all so far:** {state['done']}")
    _show_buttons(ALL, key, "Another digit")


def _show_count_button(result: Arena, state: dict[str, Any], key: str) -> None:
    st.button(
        "Count it and show the next digit",
        type="primary",
        icon=":material/check:",
        on_click=_count,
        args=(state, _hits(result, state["task"]), key),
    )


def _hits(result: Arena, task: str) -> dict[str, tuple[str, bool]]:
    right = result.agreeing(task)
    return {
        answer.run.id: (run_title(answer.run.record), answer in right) for answer in result.answers
    }


def _count(state: dict[str, Any], hits: dict[str, tuple[str, bool]], key: str) -> None:
    """Add the drawing to every run's score, clear it, and choose the next digit."""
    state["done"] += 1
    for run_id, (name, hit) in hits.items():
        _, right, total = state["right"].get(run_id, (name, 0, 0))
        state["right"][run_id] = (name, right + hit, total + 1)
    state["task"] = _choose_task(ASKED, state["task"])
    clear_drawing(key)


def _show_rates(state: dict[str, Any]) -> None:
    """Each run's accuracy on the visitor's drawings."""
    import pandas as pd

    if not state["right"]:
        st.caption("Count a few drawings to see how well each run reads *your* handwriting.")
        return
    rows = sorted(state["right"].values(), key=lambda row: -row[1] / row[2])
    table = pd.DataFrame(
        {
            "Run": [name for name, _, _ in rows],
            "Right": [f"{right} of {total}" for _, right, total in rows],
            "Accuracy on your drawings": [100 * right / total for _, right, total in rows],
        }
    )
    bar = st.column_config.ProgressColumn(format="%.0f %%", min_value=0, max_value=100)
    st.dataframe(table, hide_index=True, column_config={"Accuracy on your drawings": bar})


def _show_buttons(mode: str, key: str, label: str) -> None:
    with st.container(horizontal=True):
        st.button(label, icon=":material/skip_next:", on_click=_next, args=(mode, key))
        st.button("Reset scores", icon=":material/restart_alt:", on_click=_reset, args=(mode, key))


def _next(mode: str, key: str) -> None:
    state = _state(mode)
    state["task"] = _choose_task(mode, state["task"])
    clear_drawing(key)


def _reset(mode: str, key: str) -> None:
    st.session_state.get(_STATE, {}).pop(mode, None)
    clear_drawing(key)
