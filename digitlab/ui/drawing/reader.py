"""The run that reads the drawings: the network just trained, and how well it may read them."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.recognize import READER
from digitlab.data.info import DIGITS
from digitlab.data.registry import dataset_title
from digitlab.ui import url
from digitlab.ui.run_picker import pick_run
from digitlab.ui.share import offer_sharing
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.runs.run import Run

IMAGE = (1, 28, 28)  # what a drawing becomes
POOR = 0.8  # accuracy on the test images below which drawings are hardly read
SMALL = "optdigits"  # images of 8×8 pixels, enlarged


def pick_reader() -> Run | None:
    """The run chosen, at first the newest own one that reads digits; None without any run.

    Without an own one the bundled reader comes first. A run that was watched or opened in this
    visit is in the URL and stays chosen.
    """
    with st.container(key="read-by", horizontal=True):
        run = pick_run(label="Read by", first=_is_own_reader)
        if run is not None:
            offer_sharing(run, "draw", "A pad on which this network reads, and nothing else.")
    return run


def _is_own_reader(run: Run) -> bool:
    return run.record.changeable and run.classes == DIGITS and tuple(run.spec.input) == IMAGE


def show_doubts(run: Run) -> None:
    """Why the run may read drawings badly, and a button for the bundled reader, if that is so."""
    sentence = describe_doubts(run)
    if not sentence:
        return
    st.warning(sentence, icon=":material/info:")
    if st.button("Use the bundled reader", icon=":material/swap_horiz:", key="use-reader"):
        url.put("run", READER)
        st.rerun()


def describe_doubts(run: Run) -> str:
    """Why the run may read drawings badly, or reads none; empty where it should read them well."""
    record = run.record
    if run.spec.input != IMAGE:
        channels, height, width = run.spec.input
        colour = " in colour" if channels == 3 else ""
        return (
            f"This network reads images of {height}×{width} pixels{colour}; a drawing becomes grey "
            "and 28×28: it cannot be read."
        )
    if record.bundled or run.classes != DIGITS:
        return ""
    if record.test_accuracy is not None and record.test_accuracy < POOR:
        share = percent(record.test_accuracy, 1)
        return f"This network reads {share} of its own test images right, and drawings hardly more."
    if record.dataset == SMALL:
        count = f"{record.data.train_images:,} " if record.data.train_images else ""
        return (
            f"Trained on {dataset_title(SMALL)}: {count}images of 8×8 pixels. It may read drawings "
            "badly."
        )
    return ""
