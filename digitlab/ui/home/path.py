"""The path from a first drawing to a network of one's own: five steps, each with one way in.

A step is done by what the visitor did: pages that were opened and drawings that were read are those
of this visit, runs are those of this machine. Where visitors are strangers, only their own runs
count, and those that they opened in this visit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import streamlit as st

from digitlab.analysis.recognize import READER
from digitlab.data.catalog import EMBEDDED
from digitlab.data.registry import is_available
from digitlab.models.naming import is_known
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.ui import page
from digitlab.ui.drawing.answer import show_drawing_and_answer
from digitlab.ui.visit import drew, opened, opened_runs

FIRST_MODEL = "two-hidden-64-relu"
FIRST_RUN = "mlp"  # the bundled run of that model
NEWEST = 50  # own runs that are looked at


@dataclass(frozen=True)
class Step:
    """One step: its name, a sentence, whether it is done, and the page where it is done."""

    name: str
    sentence: str
    done: bool
    page: str
    params: dict[str, str] = field(default_factory=dict)


def own_runs() -> list[RunRecord]:
    """The newest runs with results that a visitor may call their own, newest first."""
    records = store.list_records(("finished", "stopped"), limit=NEWEST)
    records = [record for record in records if record.changeable or record.id in opened_runs()]
    return [record for record in records if record.test_accuracy is not None]


def find_steps(own: Sequence[RunRecord]) -> list[Step]:
    """The steps in their order; `own` are the visitor's own runs, newest first."""
    return [
        Step(
            "Draw a digit",
            "A network reads it as soon as you lift the pen.",
            drew(),
            page.DRAW,
        ),
        Step(
            "See what it gets wrong",
            "Look at the test images that it misreads, and at what misleads it.",
            opened(page.RESULTS),
            page.RESULTS,
            _mistakes(),
        ),
        Step(
            "Train your own",
            "A small network learns in seconds while you watch.",
            bool(own),
            page.TRAIN,
            {"model": FIRST_MODEL},
        ),
        Step(
            "Take it apart",
            "Which digits does it confuse, and what do its layers see?",
            any(record.id in opened_runs(page.RESULTS) for record in own),
            page.RESULTS,
            {"run": own[0].id if own else FIRST_RUN, "section": "overview"},
        ),
        Step(
            "Improve it",
            "Change its layers or its recipe, train it again, and compare.",
            has_improved(own),
            page.ARCHITECTURE,
            {"preset": own[0].model} if own and is_known(own[0].model) else {},
        ),
    ]


def has_improved(own: Sequence[RunRecord]) -> bool:
    """Whether one of the runs, newest first, beats an earlier one on the same dataset."""
    best: dict[str, float] = {}
    for record in reversed(own):
        accuracy = record.test_accuracy
        if accuracy > best.setdefault(record.dataset, accuracy):
            return True
    return False


def _mistakes() -> dict[str, str]:
    """The mistakes of the network that reads drawings, on a dataset that is on this machine."""
    params = {"run": READER, "section": "mistakes"}
    return params if is_available("mnist") else {**params, "data": EMBEDDED}


def next_step(steps: Sequence[Step]) -> Step | None:
    """The first step that is not done; None when all are."""
    return next((step for step in steps if not step.done), None)


def show_next_step(steps: Sequence[Step]) -> None:
    """The next step as the primary button of the page."""
    step = next_step(steps)
    if step is None:
        return
    if st.button(step.name, type="primary", icon=":material/arrow_forward:", key="next-step"):
        st.switch_page(step.page, query_params=step.params)


def offer_next_step() -> None:
    """On Results, for who began the path in this visit by drawing: a link to the step after it."""
    steps = find_steps(own_runs()) if drew() else ()
    step = next_step([step for step in steps if step.page != page.RESULTS])
    if step:
        st.page_link(
            step.page,
            label=f"Next: {step.name}",
            icon=":material/arrow_forward:",
            query_params=step.params,
        )


def show_path(steps: Sequence[Step]) -> None:
    """All steps in their order, with what is done marked."""
    page.cell("From a first drawing to a network of your own")
    following = next_step(steps)
    grid = st.grid(len(steps), min_column_width=175, border=True, key="path")
    for number, step in enumerate(steps, start=1):
        with grid.cell():
            _show_step(number, step, is_next=step == following)


def _show_step(number: int, step: Step, *, is_next: bool) -> None:
    label = f"{step.name} (done)" if step.done else step.name
    st.page_link(
        step.page,
        label=f":blue[**{label}**]" if is_next else label,
        icon=":material/check_circle:" if step.done else f":material/counter_{number}:",
        query_params=step.params,
    )
    st.caption(step.sentence)


@st.fragment
@page.guard()
def show_drawing_and_path(reader: str, own: Sequence[RunRecord]) -> None:
    """The canvas, the answer of the run `reader` with the next step beside it, and all steps."""
    show_drawing_and_answer(
        reader, "home-canvas", small=True, then=lambda: show_next_step(find_steps(own))
    )
    show_path(find_steps(own))
