"""The classes of a dataset: how many images each has, its mean image, its images overlaid."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.figures import data as data_figures
from digitlab.figures.images import per_class_images
from digitlab.snippets import basics
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.labels import describe_balance
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


def show(data: Dataset, split: str) -> None:
    """Show how many images each class has, its mean image, and its images overlaid."""
    _show_distribution(data, split)
    _show_class_images(data, split)
    _show_overlay(data, split)


def _show_distribution(data: Dataset, split: str) -> None:
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
    show_distribution_chart(data, show)
    st.markdown(plain(describe_balance(cached.class_counts(data)[split], data.classes)))
    page.code_fold(basics.class_distribution(data.name))


def show_distribution_chart(data: Dataset, show: str, height: int | None = None) -> None:
    """Show the images of each class in each split, as "counts" or "shares"."""
    figure = data_figures.class_distribution(cached.class_counts(data), data.classes, show=show)
    if height:  # in a narrow column the legend takes three lines
        figure.update_layout(height=height, margin_t=90)
    show_chart(
        figure,
        key="class-distribution",
        alt="Images of each class in each split.",
    )


def _show_class_images(data: Dataset, split: str) -> None:
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
    show_chart(figure, key=f"class-images-{kind}", alt=f"{figure.layout.title.text}, as pictures.")
    page.code_fold(basics.class_images(data.name, split, kind))


def _show_overlay(data: Dataset, split: str) -> None:
    """A cell with images of one class laid over each other."""
    page.cell(
        "Images of one class, laid over each other",
        "More images give a softer shape. What stays sharp is what all writers agree on.",
    )
    left, right = st.columns(2)
    with left:
        usual = str(min(3, len(data.classes) - 1))
        names = {str(label): name for label, name in enumerate(data.classes)}
        label = int(url.choose("Class to lay over", names, param="laid", default=usual))
    with right:
        count = url.number("Images", param="laid_images", default=20, low=1, high=1000)
    show_chart(
        cached.overlay_figure(data, split, label, count),
        key="overlay",
        alt=f"{count} images of class {data.classes[label]}, laid over each other.",
    )
    page.code_fold(basics.overlay(data.name, split, label, count))
