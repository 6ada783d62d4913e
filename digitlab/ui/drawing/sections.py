"""The Draw page: a drawing, its answer at once, and sections that analyse it."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import page
from digitlab.ui.drawing.answer import show_drawing_and_answer
from digitlab.ui.drawing.arena import show_arena
from digitlab.ui.drawing.challenge import show_challenge
from digitlab.ui.drawing.collect import show_collection
from digitlab.ui.drawing.explanation import show_explanation
from digitlab.ui.drawing.steps import show_steps
from digitlab.ui.sections import open_section

if TYPE_CHECKING:
    from digitlab.runs.run import Run
    from digitlab.ui.drawing.reading import Reading

SECTIONS = {
    "steps": "What it sees",
    "arena": "Arena",
    "why": "Why",
    "challenge": "Challenges",
    "collect": "Collect",
}


@st.fragment
@page.guard()
def show_drawing_and_sections(run: Run, *, key: str) -> None:
    """The canvas, the answer and the open section; only this fragment reruns after a stroke.

    The browser gets the answer before the section is computed.
    """
    reading = show_drawing_and_answer(run.id, key)
    section = open_section(SECTIONS, param="show")
    with page.guard():
        _show_section(section, reading, run, key)


def _show_section(section: str, reading: Reading | None, run: Run, key: str) -> None:
    """Sections that load slow modules are imported when they are opened: the answer comes first."""
    if section == "steps":
        show_steps(reading)
    elif section == "arena":
        show_arena(reading, run)
    elif section == "why":
        show_explanation(reading)
    elif section == "challenge":
        show_challenge(reading, run, key)
    else:
        show_collection(reading, run)
