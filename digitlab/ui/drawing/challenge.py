"""Challenges: fool a network, be read by all, draw what is asked; scores stay for the visit."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.info import DIGITS
from digitlab.ui import page, url
from digitlab.ui.drawing import arena
from digitlab.ui.drawing.sheet import new_sheet
from digitlab.words import percent, probability, with_article

if TYPE_CHECKING:
    from digitlab.analysis.arena import Arena
    from digitlab.runs.run import Run
    from digitlab.ui.drawing.context import Look

FOOL, ASKED, ALL = "fool", "asked", "all"
MODES = {FOOL: "Fool it", ASKED: "Draw what is asked", ALL: "Read by all"}
# Pairs that a drawing can lie between.
PAIRS = ("49", "94", "17", "71", "38", "83", "35", "53", "56", "65", "08", "80", "27", "72", "60")
_STATE = "challenge"


def show(look: Look | None, run: Run, key: str) -> None:
    """The chosen challenge: its task, how the present drawing does, scores and buttons."""
    page.cell(
        "Challenges",
        "Find where a network's idea of a digit ends: by fooling it on purpose, by drawing what "
        "you are asked for, or by writing so clearly that all of them agree.",
    )
    if run.classes != DIGITS:
        st.info("Choose a run that reads digits: the challenges are about them.")
        return
    mode = url.choose(
        "Challenge", MODES, param="challenge", default=FOOL, widget=st.segmented_control
    )
    state = _state(mode)
    st.markdown(f"### {_task(mode, state, run)}")
    body = st.container()
    with st.expander("Who reads along", icon=":material/groups:"):
        readers = arena.pick_readers(run)
    with body:
        if look is None:
            st.caption("Draw on the canvas above.")
        elif len(look.recognition.digits) != 1:
            st.caption("One digit at a time: clear the canvas and draw a single one.")
            look = None
        result = arena.ask(look, readers) if look is not None and readers else None
        {FOOL: _fool, ASKED: _asked, ALL: _all}[mode](look, result, state, key)


def _state(mode: str) -> dict[str, Any]:
    """What this visitor has done in the mode; begun where it is the first time."""
    states = st.session_state.setdefault(_STATE, {})
    return states.setdefault(mode, _begin(mode))


def _begin(mode: str) -> dict[str, Any]:
    return {"task": _draw_task(mode), "best": {}, "done": 0, "right": {}, "streak": 0}


def _draw_task(mode: str, last: str = "") -> str:
    tasks = [task for task in (PAIRS if mode == FOOL else DIGITS) if task != last]
    return random.choice(tasks)


def _task(mode: str, state: dict[str, Any], run: Run) -> str:
    task = state["task"]
    if mode == FOOL:
        return f"Draw {with_article(task[0])} that {run.record.name} reads as {task[1]}"
    return f"Draw {with_article(task)}" + (" that all the runs read" if mode == ALL else "")


def _fool(look: Look | None, result: Arena | None, state: dict[str, Any], key: str) -> None:
    honest, target = state["task"]
    best = state["best"]
    if look is not None:
        share = float(look.digit.probabilities[int(target)])
        others = [one for one in result.answers if one.run.id != look.run.id] if result else []
        seen = sum(one.text == honest for one in others)
        majority = seen * 2 > len(others)
        left, right = st.columns(2)
        left.metric(f"Probability of {target}", probability(share))
        right.metric(
            f"Other runs that still see {with_article(honest)}", f"{seen} of {len(others)}"
        )
        mine = st.checkbox(
            f"A person would read it as {honest}", key=f"fool:{state['task']}:{look.drawing.digest}"
        )
        if majority or mine:
            best[state["task"]] = max(best.get(state["task"], 0.0), share)
            _say_fooled(look, honest, target)
        else:
            st.caption(
                f"It counts when most other runs still see {with_article(honest)}, or when "
                "you say that a person would."
            )
    if best:
        scores = "; ".join(f"{p[0]} as {p[1]}: {percent(s, 1)}" for p, s in best.items())
        st.markdown(f"**Your best:** {scores}")
    _buttons(FOOL, key, ("Next pair", _next))


def _say_fooled(look: Look, honest: str, target: str) -> None:
    if look.answer == target and not look.digit.declined:
        st.success(f"Fooled: an honest {honest} is read as {target}.", icon=":material/trophy:")
    elif look.answer == target:
        st.info(
            f"It comes nearest to {target}, but the network declines to say so: nearly fooled.",
            icon=":material/help:",
        )
    else:
        st.info(f"It still reads {look.answer}: bend it further.", icon=":material/draw:")


def _asked(look: Look | None, result: Arena | None, state: dict[str, Any], key: str) -> None:
    if result is not None:
        right = [one.run.record.name for one in result.agreeing(state["task"])]
        st.markdown(
            f"{len(right)} of {len(result.answers)} read it as {with_article(state['task'])}."
        )
        st.button(
            "Count it, and the next digit",
            type="primary",
            icon=":material/check:",
            on_click=_count,
            args=(state, _hits(result, state["task"]), key),
        )
    _show_rates(state)
    _buttons(ASKED, key, ("Another digit", _next))


def _all(look: Look | None, result: Arena | None, state: dict[str, Any], key: str) -> None:
    if result is not None:
        right, count = len(result.agreeing(state["task"])), len(result.answers)
        st.progress(
            right / max(1, count),
            text=f"{right} of {count} runs read {with_article(state['task'])}",
        )
        if right == count:
            st.success("All of them read it.", icon=":material/trophy:")
            st.button(
                "Count it, and the next digit",
                type="primary",
                icon=":material/check:",
                on_click=_count,
                args=(state, _hits(result, state["task"]), key),
            )
        else:
            missed = [one for one in result.answers if one.text != state["task"]]
            said = ", ".join(
                f"{one.run.record.name} reads {one.text or 'nothing'}" for one in missed
            )
            st.caption(f"Not yet: {said}.")
    if state["done"]:
        st.markdown(f"**Read by all so far:** {state['done']}")
    _buttons(ALL, key, ("Another digit", _next))


def _hits(result: Arena, task: str) -> dict[str, tuple[str, bool]]:
    right = result.agreeing(task)
    return {one.run.id: (one.run.record.name, one in right) for one in result.answers}


def _count(state: dict[str, Any], hits: dict[str, tuple[str, bool]], key: str) -> None:
    """Add a drawing to every run's score, and ask for the next digit on a new sheet."""
    state["done"] += 1
    for run_id, (name, hit) in hits.items():
        _, right, total = state["right"].get(run_id, (name, 0, 0))
        state["right"][run_id] = (name, right + hit, total + 1)
    state["task"] = _draw_task(ASKED, state["task"])
    new_sheet(key)


def _show_rates(state: dict[str, Any]) -> None:
    """Each run's accuracy over the visitor's own drawings."""
    import pandas as pd

    if not state["right"]:
        st.caption("Count a few drawings to see how well each run reads *your* hand.")
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


def _buttons(mode: str, key: str, onward: tuple[str, Any]) -> None:
    label, action = onward
    with st.container(horizontal=True):
        st.button(label, icon=":material/skip_next:", on_click=action, args=(mode, key))
        st.button("Reset scores", icon=":material/restart_alt:", on_click=_reset, args=(mode, key))


def _next(mode: str, key: str) -> None:
    state = _state(mode)
    state["task"] = _draw_task(mode, state["task"])
    new_sheet(key)


def _reset(mode: str, key: str) -> None:
    st.session_state.get(_STATE, {}).pop(mode, None)
    new_sheet(key)
