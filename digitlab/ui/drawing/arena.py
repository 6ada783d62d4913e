"""The arena: many runs read the same drawing at once; whether they agree is seen at a glance."""

from __future__ import annotations

import numpy as np
import streamlit as st

from digitlab.analysis.arena import Answer, Arena, read_together
from digitlab.errors import DigitlabError
from digitlab.runs.checkpoints import has_weights
from digitlab.runs.run import Run, list_runs, open_run
from digitlab.snippets import drawing as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.drawing.context import Look
from digitlab.ui.run_picker import OFFERED, USABLE
from digitlab.words import ago, hundred, percent

AT_FIRST = 5


def show(look: Look | None, run: Run) -> None:
    """The choice of runs, what each reads, and the probabilities that each gives."""
    page.cell(
        "Arena",
        "Several runs read the same drawing, pen stroke by pen stroke. Where they disagree, the "
        "drawing is hard or one of them has learnt something odd.",
    )
    chosen = pick_readers(run)
    if look is None:
        st.caption("Draw something: every run chosen reads it.")
        return
    if not chosen:
        st.caption("Choose at least one run.")
        return
    arena = ask(look, chosen)
    _say(arena)
    _show_table(arena)
    _show_strip(look, arena)
    page.code_fold(snippets.arena(chosen))


def pick_readers(run: Run) -> list[str]:
    """The ids of the runs that read: those in the URL, or the chosen one and a handful more."""
    options = offered(run)
    default = [run.id, *(one for one in options if one != run.id)][:AT_FIRST]
    return url.several(
        "Runs that read",
        options,
        param="readers",
        default=default,
        max_selections=cached.AT_ONCE,
        placeholder="Choose runs",
    )


def offered(run: Run) -> dict[str, str]:
    """Runs that can read what `run` reads, bundled ones first: id → description."""
    runs = [one for one in list_runs(limit=OFFERED) if _can_read(one, run)]
    runs.sort(key=lambda one: not one.record.bundled)
    return {one.id: _in_short(one) for one in [run, *runs]}


def ask(look: Look, run_ids: list[str]) -> Arena:
    """What each run reads in the drawing; remembered until the drawing or the choice changes."""
    runs = [reader for run_id in run_ids if (reader := _load(run_id)) is not None]
    signature = (look.drawing.digest, tuple((run.id, run.record.ended) for run in runs))
    known = st.session_state.get("arena:read")
    if known is None or known[0] != signature:
        strokes = look.drawing.strokes
        known = (signature, read_together(look.drawing.pixels, runs, strokes=strokes))
        st.session_state["arena:read"] = known
    return known[1]


def _in_short(run: Run) -> str:
    """The name, with what tells it from others of that name: what it reached, and when."""
    record = run.record
    parts = [record.name]
    parts += [] if record.test_accuracy is None else [percent(record.test_accuracy)]
    parts += [] if record.bundled else [ago(record.created)]
    return " · ".join(parts)


def _can_read(one: Run, like: Run) -> bool:
    record = one.record
    return (
        record.status in USABLE
        and (has_weights(one.id) or bool(record.members))
        and one.classes == like.classes
        and one.spec.input == like.spec.input
    )


def _load(run_id: str) -> Run | None:
    try:
        return cached.reader(open_run(run_id))
    except DigitlabError as e:
        st.caption(f"{run_id} cannot read: {e}")
        return None


def _say(arena: Arena) -> None:
    """Who agrees, in one sentence; the names of those that read something else or decline."""
    count, majority = len(arena.answers), arena.majority
    sure = arena.agreeing(majority)
    others = ", ".join(_in_words(a) for a in arena.answers if a not in sure)
    if count == 1:
        st.markdown(f"It reads **{majority}**." if sure else f"{others}.")
    elif len(sure) == count:
        st.success(f"All {count} read **{majority}**.", icon=":material/check_circle:")
    else:
        agreed = f"{len(sure)} of {count} read **{majority}**" if sure else "Nobody is sure"
        st.warning(f"{agreed}; {others}.", icon=":material/call_split:")


def _in_words(answer: Answer) -> str:
    name = answer.run.record.name
    if not answer.declined:
        return f"{name} reads **{answer.text or 'nothing'}**"
    return f"{name} declines, nearest to **{answer.text}**" if answer.text else f"{name} declines"


def _show_table(arena: Arena) -> None:
    import pandas as pd

    agreeing = arena.agreeing(arena.majority)
    table = pd.DataFrame(
        {
            "": ["=" if answer in agreeing else "≠" for answer in arena.answers],
            "Run": [answer.run.record.name for answer in arena.answers],
            "Reads": [_reads(answer) for answer in arena.answers],
            "Confidence": [hundred(answer.confidence) for answer in arena.answers],
            "Learnt from": [answer.run.record.dataset for answer in arena.answers],
        }
    )
    config = {
        "": st.column_config.TextColumn(width=30, help="Whether it reads what most read."),
        "Run": st.column_config.TextColumn(width=130),
        "Reads": st.column_config.TextColumn(width=80),
        "Confidence": st.column_config.ProgressColumn(
            width=105, format="%.1f %%", min_value=0, max_value=100
        ),
        "Learnt from": st.column_config.TextColumn(width=100),
    }
    st.dataframe(table, hide_index=True, column_config=config)


def _reads(answer: Answer) -> str:
    if answer.recognition is None:
        return answer.problem
    return f"?, near {answer.text}" if answer.recognition.declined else answer.text


def _show_strip(look: Look, arena: Arena) -> None:
    from digitlab.figures.recognition import answer_strip

    which = ""
    if len(look.recognition.digits) > 1:
        which = f" of number {look.place + 1}"
    st.markdown(
        f"**Where each puts its belief{which}**, given the 28×28 that the run above saw: in "
        "percent, before they are calibrated to the confidence above."
    )
    names, rows = [], []
    for answer in arena.answers:
        if not answer.problem:
            names.append(answer.run.record.name)
            rows.append(answer.run.predict(look.image[None, None])[0])
    if rows:
        st.plotly_chart(
            answer_strip(names, np.stack(rows), look.run.classes),
            key="arena:strip",
            config={"displayModeBar": False},
            alt=f"Probabilities of every class by {len(rows)} runs.",
        )
