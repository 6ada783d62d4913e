"""The sections of the Data page: one split of a dataset."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

import streamlit as st

from digitlab.ui import page
from digitlab.ui.data import (
    classes,
    duplicates,
    facts,
    image_map,
    label_issues,
    outliers,
    samples,
    use,
    versions,
)
from digitlab.ui.sections import Section, show_open

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


class Part(NamedTuple):
    """A dataset, and the split of it that is looked at."""

    data: Dataset
    split: str


SECTIONS: tuple[Section, ...] = (
    Section("samples", "Samples", lambda part: samples.show(*part)),
    Section(
        "classes",
        "Classes",
        lambda part: classes.show(*part),
        params=("bars", "average", "laid", "laid_images"),
    ),
    Section("pixels", "Pixel values", lambda part: facts.show_pixel_values(*part)),
    Section("map", "Map", lambda part: image_map.show(*part), params=("area",)),
    Section("labels", "Label issues", lambda part: label_issues.show(*part)),
    Section("duplicates", "Near-duplicates", lambda part: duplicates.show(*part)),
    Section("outliers", "Outliers", lambda part: outliers.show(*part)),
    Section("changes", "Changes", lambda part: versions.show(*part)),
    Section("use", "Use", lambda part: use.show(*part)),
)


@st.fragment
@page.guard()
def show_sections(data: Dataset, split: str) -> None:
    """The choice of a section, which the URL keeps, and the section itself."""
    show_open(SECTIONS, Part(data, split))
