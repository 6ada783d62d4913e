"""The sections of the Results page: one run, measured on some images, taken apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import streamlit as st

from digitlab.ui import page, url
from digitlab.ui.results import (
    calibration,
    confusion,
    inside,
    learning,
    mistakes,
    overview,
    ranking,
    robustness,
    suspects,
    take,
)
from digitlab.ui.results.view import View, pick_view

__all__ = ["SECTIONS", "Section", "View", "pick_view", "show_sections"]


class Section(NamedTuple):
    """A part of the page: its name in the URL, its title, and what shows it.

    `show` is given the View (run, split, dataset, `result`, `images()`) and draws its cells. Only
    the open section runs, and alone when one of its widgets changes.
    """

    key: str
    title: str
    show: Callable[[View], None]


SECTIONS: tuple[Section, ...] = (
    Section("overview", "Overview", overview.show),
    Section("confusion", "Confusion", confusion.show),
    Section("mistakes", "Mistakes", mistakes.show),
    Section("ranking", "ROC and precision", ranking.show),
    Section("calibration", "Calibration", calibration.show),
    Section("robustness", "Robustness", robustness.show),
    Section("inside", "Inside the network", inside.show),
    Section("suspects", "Suspicious labels", suspects.show),
    Section("learning", "How it learnt", learning.show),
    Section("take", "Take it along", take.show),
)


@st.fragment
@page.guard()
def show_sections(view: View) -> None:
    """The choice of a section, which the URL keeps, and the section itself."""
    titles = {section.key: section.title for section in SECTIONS}
    chosen = url.choose(
        "Section",
        titles,
        param="section",
        default=SECTIONS[0].key,
        widget=st.segmented_control,
        label_visibility="collapsed",
    )
    next(section for section in SECTIONS if section.key == chosen).show(view)
