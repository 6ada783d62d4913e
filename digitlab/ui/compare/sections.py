"""The sections of the Compare page: several runs side by side."""

from __future__ import annotations

from collections.abc import Sequence

import streamlit as st

from digitlab.ui import page
from digitlab.ui.compare import difference, download, leaderboard, learning, seeds_and_ensembles
from digitlab.ui.compare.choose import ComparedRun
from digitlab.ui.sections import Section, show_open

SECTIONS: tuple[Section, ...] = (
    Section("difference", "Differences", difference.show),
    Section("classes", "Classes", difference.show_classes, params=("measure",)),
    Section("images", "Images", difference.show_images, params=("images", "shown", "image")),
    Section("learning", "Learning curves", learning.show),
    Section("cost", "Cost", learning.show_cost),
    Section("seeds", "Seeds and ensembles", seeds_and_ensembles.show, former_key="together"),
    Section("architectures", "Architectures", difference.show_architectures),
    Section("leaderboard", "Leaderboard", leaderboard.show, former_key="standing"),
    Section("download", "Download", download.show, former_key="take"),
)


@st.fragment
@page.guard()
def show_sections(runs: Sequence[ComparedRun]) -> None:
    """The choice of a section, which the URL keeps, and the section itself."""
    show_open(SECTIONS, runs)
