"""Facts about a dataset: its size and its pixel values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.figures import data as figures
from digitlab.snippets import basics
from digitlab.ui import cached, page
from digitlab.ui.chart import show_chart
from digitlab.ui.labels import SPLIT_NAMES
from digitlab.ui.markdown import plain
from digitlab.words import size

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


def show_facts(data: Dataset, split: str) -> None:
    """What the dataset is, and how large the split is."""
    part = data.split(split)
    source = f" [Source]({data.info.source})." if data.info.source else ""
    licence = f" Licence: {data.info.licence}." if data.info.licence else ""
    page.cell(data.info.title, f"{plain(data.info.about)}{source}{licence}")
    parts = (
        f"{len(part):,} {SPLIT_NAMES[split].lower()} images",
        f"{len(data.classes)} classes",
        f"{'×'.join(map(str, data.input_shape[1:]))} pixels"
        + (" in colour" if data.input_shape[0] == 3 else ""),
        f"{size(part.images.nbytes + part.labels.nbytes)} in memory",
    )
    st.caption(" · ".join(parts))


def show_pixel_values(data: Dataset, split: str) -> None:
    """A cell with the histogram of the split, and what normalisation uses."""
    page.cell(
        "Pixel values",
        "Most pixels are empty paper. Normalisation subtracts the mean and divides by the "
        "standard deviation, so that a network's inputs lie around zero. It always uses the mean "
        "and standard deviation of the training split.",
    )
    train = cached.pixel_statistics(data, "train")
    columns = st.columns(2)
    columns[0].metric("Mean of the training split (from 0 to 1)", f"{train.mean:.4f}")
    columns[1].metric("Standard deviation of the training split", f"{train.std:.4f}")
    pixels = cached.pixel_statistics(data, split)
    show_chart(
        figures.intensity_histogram(pixels.histogram, pixels.mean, pixels.std),
        key="pixel-histogram",
        alt="How many pixels have each value, on a logarithmic scale.",
    )
    page.code_fold(basics.pixels(data.name, split))
