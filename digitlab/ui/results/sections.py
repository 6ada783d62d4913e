"""The sections of the Results page: one run, evaluated on some images."""

from __future__ import annotations

import streamlit as st

from digitlab.ui import page
from digitlab.ui.results import (
    activations,
    calibration,
    confusion,
    download,
    label_issues,
    latent,
    learning,
    metrics,
    mistakes,
    novelty,
    overview,
    ranking,
    reconstruction,
    robustness,
)
from digitlab.ui.results.view import View
from digitlab.ui.sections import Section, show_open

SECTIONS: tuple[Section, ...] = (
    Section("overview", "Overview", overview.show),
    Section("confusion", "Confusion", confusion.show),
    Section("mistakes", "Mistakes", mistakes.show),
    Section("metrics", "All metrics", metrics.show),
    Section("ranking", "ROC and precision", ranking.show),
    Section("calibration", "Calibration", calibration.show),
    Section("robustness", "Robustness", robustness.show),
    Section("activations", "Activations", activations.show, former_key="inside"),
    Section("label-issues", "Label issues", label_issues.show, former_key="suspects"),
    Section("learning", "Learning curves", learning.show),
    Section("download", "Download", download.show, former_key="take"),
)


# Of an autoencoder.
RECONSTRUCTION_SECTIONS: tuple[Section, ...] = (
    Section("overview", "Overview", reconstruction.show),
    Section("metrics", "All metrics", reconstruction.show_metrics),
    Section("latent", "Latent space", latent.show),
    Section("novelty", "What is no digit", novelty.show),
    Section("learning", "Learning curves", learning.show),
    Section("download", "Download", download.show_of_autoencoder),
)


@st.fragment
@page.guard()
def show_sections(view: View) -> None:
    """The choice of a section, which the URL keeps, and the section itself."""
    show_open(SECTIONS if view.run.task == "classify" else RECONSTRUCTION_SECTIONS, view)
