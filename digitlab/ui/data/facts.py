"""Facts about a dataset: its size and its pixel values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.figures import data as figures
from digitlab.snippets import basics
from digitlab.ui import cached, page
from digitlab.ui.labels import SPLIT_NAMES
from digitlab.words import size

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


def show_facts(data: Dataset, split: str) -> None:
    """A cell with what the dataset is and how large the split is."""
    part = data.split(split)
    page.cell(data.info.title, f"{data.info.about} [Source]({data.info.source}).")
    columns = st.columns(4)
    columns[0].metric(f"{SPLIT_NAMES[split]} images", f"{len(part):,}")
    columns[1].metric("Classes", len(data.classes))
    columns[2].metric("Image size", "×".join(map(str, data.input_shape[1:])))
    columns[3].metric("In memory", size(part.images.nbytes + part.labels.nbytes))
    page.code_fold(basics.load(data.name, split))


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
    st.plotly_chart(
        figures.intensity_histogram(pixels.histogram, pixels.mean, pixels.std),
        key="pixel-histogram",
    )
    page.code_fold(basics.pixels(data.name, split))
