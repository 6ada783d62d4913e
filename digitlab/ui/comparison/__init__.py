"""The sections of the Compare page: several runs side by side, honestly."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.ui import page
from digitlab.ui.compare import Chosen
from digitlab.ui.comparison import difference, learning, standing, take, together
from digitlab.ui.sections import Section, show_open

__all__ = ["SECTIONS", "Section", "show_sections", "standing"]


SECTIONS: tuple[Section, ...] = (
    Section("difference", "A against B", difference.show),
    Section("learning", "How they learnt", learning.show),
    Section("cost", "What it costs", learning.show_cost),
    Section("together", "Seeds and ensembles", together.show),
    Section("standing", "Leaderboard", standing.show),
    Section("take", "Take it along", take.show),
)


@st.fragment
@page.guard()
def show_sections(chosen: Sequence[Chosen]) -> None:
    """The choice of a section, which the URL keeps, and the section itself."""
    show_open(SECTIONS, chosen)
