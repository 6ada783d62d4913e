"""The classes of a dataset: how many images each has, its mean image, its images overlaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.figures import data as data_figures
from digitlab.figures.images import per_class_images
from digitlab.snippets import basics
from digitlab.ui import cached, page, url
from digitlab.ui.labels import describe_balance

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


def show_distribution(data: Dataset, split: str) -> None:
    """A cell with the images of each class, as counts or shares."""
    page.cell(
        "How many images of each class?",
        "A network that always guesses the most frequent class is right on that class's share of "
        "the images. Training, validation and test should hold about the same shares.",
    )
    show = url.choose(
        "Show",
        {"counts": "Images", "shares": "Shares"},
        param="bars",
        default="counts",
        widget=st.segmented_control,
    )
    counts = cached.class_counts(data)
    st.plotly_chart(
        data_figures.class_distribution(counts, data.classes, show=show), key="class-distribution"
    )
    st.markdown(describe_balance(counts[split], data.classes))
    page.code_fold(basics.class_distribution(data.name))


def show_class_images(data: Dataset, split: str) -> None:
    """A cell with the mean image of each class, or its standard deviation."""
    page.cell(
        "The mean image of each class, and where its images differ",
        "A linear model learns weights that look much like these mean images. Bright pixels of "
        "the variability show where people write differently.",
    )
    kind = url.choose(
        "Picture",
        {"mean": "Mean image", "deviation": "Variability"},
        param="average",
        default="mean",
        widget=st.segmented_control,
    )
    means, deviations = cached.class_images(data, split)
    if kind == "mean":
        figure = per_class_images(means, data.classes)
    else:
        figure = per_class_images(
            deviations,
            data.classes,
            title="Variability of each class",
            unit="standard deviation of pixel values",
        )
    st.plotly_chart(figure, key=f"class-images-{kind}")
    page.code_fold(basics.class_images(data.name, split, kind))


def show_overlay(data: Dataset, split: str) -> None:
    """A cell with images of one class laid over each other."""
    page.cell(
        "Images of one class, laid over each other",
        "More images give a softer shape. What stays sharp is what all writers agree on.",
    )
    left, right = st.columns(2)
    with left:
        names = {str(label): name for label, name in enumerate(data.classes)}
        label = int(url.choose("Class to lay over", names, param="laid", default="3"))
    with right:
        count = url.number("Images", param="laid_images", default=20, low=1, high=1000)
    st.plotly_chart(cached.overlay_figure(data, split, label, count), key="overlay")
    page.code_fold(basics.overlay(data.name, split, label, count))
