"""Links of lessons and words into the pages, with everything set there."""

from __future__ import annotations

import streamlit as st

from digitlab.lessons.lesson import Link
from digitlab.ui import lesson_bar, page
from digitlab.ui.markdown import plain

_PAGES = {
    "data": page.DATA,
    "architecture": page.ARCHITECTURE,
    "train": page.TRAIN,
    "results": page.RESULTS,
    "compare": page.COMPARE,
    "draw": page.DRAW,
}


def show_link(link: Link, lesson: str = "") -> None:
    """A link, from which a bar leads back to the lesson of that id, if there is one."""
    target = _PAGES[link.page]
    back = {lesson_bar.PARAM: lesson} if lesson else {}
    st.page_link(
        target,
        label=plain(link.label),
        icon=page.ICONS[target],
        query_params={**link.params, **back},
    )
