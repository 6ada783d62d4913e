"""The Draw page: a drawing, its answer at once, and sections that take it apart."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.info import DIGITS
from digitlab.errors import DrawingError
from digitlab.ui import page, url
from digitlab.ui.drawing.answer import EMPTY, NO_PHOTO, read, show_answer
from digitlab.ui.drawing.sheet import CANVAS, choose_drawing, is_wide
from digitlab.ui.sections import open_section

if TYPE_CHECKING:
    from digitlab.runs.run import Run
    from digitlab.ui.drawing.context import Look
    from digitlab.ui.drawing.sheet import Drawing

__all__ = ["SECTIONS", "draw_and_read", "draw_page"]

SECTIONS = {
    "steps": "What it sees",
    "arena": "Arena",
    "why": "Why",
    "challenge": "Challenges",
    "collect": "Collect",
}


@st.fragment
@page.guard()
def draw_page(run: Run, *, key: str) -> None:
    """A drawing beside its answer, and the open section; this part alone runs on a stroke.

    The answer is sent before the section is computed.
    """
    look = _draw(run.id, key)
    section = open_section(SECTIONS, param="show")
    with page.guard():
        _show_section(section, look, run, key)


@st.fragment
@page.guard()
def draw_and_read(run_id: str, *, key: str) -> None:
    """A canvas beside the answer and nothing else, as on Home."""
    _draw(run_id, key, small=True)


def _draw(run_id: str, key: str, *, small: bool = False) -> Look | None:
    shares = [2.2, 1] if not small and is_wide() else [1, 1.4]
    left, right = st.columns(shares, gap="medium")
    with left:
        drawing = _choose(key, small)
    with right:
        if drawing is None:
            photo = not small and url.get("source") not in (None, CANVAS)
            st.info(NO_PHOTO if photo else EMPTY, icon=":material/draw:")
            return None
        look = read(drawing, run_id, key)
        if look is None:
            return None
        look = show_answer(look, key)
        if not small and look.run.classes == DIGITS:
            _offer_correction(look)
        return look


def _choose(key: str, small: bool) -> Drawing | None:
    try:
        return choose_drawing(key, small=small)
    except DrawingError as e:
        st.warning(str(e), icon=":material/broken_image:")
        return None


def _offer_correction(look: Look) -> None:
    from digitlab.ui.drawing import collect

    with st.popover("Wrong? Say what it is", icon=":material/edit:"):
        collect.offer(look, collect.current(), "correct")


def _show_section(section: str, look: Look | None, run: Run, key: str) -> None:
    """Imported when they are opened: what the answer needs comes first."""
    if section == "steps":
        from digitlab.ui.drawing import steps

        steps.show(look)
    elif section == "arena":
        from digitlab.ui.drawing import arena

        arena.show(look, run)
    elif section == "why":
        from digitlab.ui.drawing import attribution

        attribution.show(look)
    elif section == "challenge":
        from digitlab.ui.drawing import challenge

        challenge.show(look, run, key)
    else:
        from digitlab.ui.drawing import collect

        collect.show(look, run)
