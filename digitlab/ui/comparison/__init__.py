"""The sections of the Compare page: several runs side by side, honestly."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import streamlit as st

from digitlab.ui import page, url
from digitlab.ui.compare import Chosen
from digitlab.ui.comparison import difference, learning, standing, take, together

__all__ = ["SECTIONS", "Section", "show_sections", "standing"]


class Section(NamedTuple):
    """A part of the page: its name in the URL, its title, and what shows it for the chosen runs.

    Only the open section runs, and alone when one of its widgets changes.
    """

    key: str
    title: str
    show: Callable[[Sequence[Chosen]], None]


SECTIONS: tuple[Section, ...] = (
    Section("difference", "A against B", difference.show),
    Section("learning", "How they learnt", learning.show),
    Section("together", "Seeds and ensembles", together.show),
    Section("standing", "Leaderboard", standing.show),
    Section("take", "Take it along", take.show),
)


@st.fragment
@page.guard()
def show_sections(chosen: Sequence[Chosen]) -> None:
    """The choice of a section, which the URL keeps, and the section itself."""
    key = url.choose(
        "Section",
        {section.key: section.title for section in SECTIONS},
        param="section",
        default=SECTIONS[0].key,
        widget=st.segmented_control,
        label_visibility="collapsed",
    )
    next(section for section in SECTIONS if section.key == key).show(chosen)
