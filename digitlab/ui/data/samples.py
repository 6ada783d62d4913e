"""The sample browser: filter by class, shuffle, turn pages, and look at one image closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.image_table import Place
from digitlab.data.statistics import pick_indices
from digitlab.figures.data import describe_pixels
from digitlab.figures.images import describe_grid
from digitlab.snippets import basics
from digitlab.ui import page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.data.classes import show_distribution_chart
from digitlab.ui.data.correct import show_controls
from digitlab.ui.data.facts import show_facts
from digitlab.words import shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Dataset, Split

PER_PAGE = 40
PAGER_WIDTH = 160  # pixels, as the heights
INDEX_WIDTH = 132
SAMPLE_HEIGHT = 250  # samples, the large one and the classes are on the first screen together
DISTRIBUTION_HEIGHT = 240
ALL = "all"


def show(data: Dataset, split_name: str) -> None:
    """Show the images in pages, one of them large, what the dataset is, and its classes."""
    split = data.split(split_name)
    left, right = st.columns([3, 2], gap="medium")
    index = 0
    with left:
        label, seed, indices = _choose_page(data, split_name)
        if len(indices):
            _show_grid(split, data.classes, indices, f"samples:{label}:{seed}:{indices[0]}")
        else:
            st.info("This split has no image of this class.", icon=":material/info:")
    with right:
        if len(indices):
            index = _show_sample(data, split_name, int(indices[0]))
        show_distribution_chart(data, "counts", height=DISTRIBUTION_HEIGHT)
    show_facts(data, split_name)
    page.code_fold(basics.samples(data.name, split_name, label, seed, index))


def _choose_page(data: Dataset, split_name: str) -> tuple[int | None, int | None, np.ndarray]:
    """Let the visitor filter, shuffle and turn pages: the class, the seed, and the indices."""
    with st.container(horizontal=True, vertical_alignment="bottom"):
        label = _pick_class(data.classes)
        pager = st.container(width=PAGER_WIDTH)
        with st.popover("Shuffle", icon=":material/shuffle:"):
            shuffled = url.switch("Shuffle", param="shuffle")
            shuffle_seed = url.number(
                "Shuffle seed", param="order", default=0, low=0, high=999_999, disabled=not shuffled
            )
    seed = shuffle_seed if shuffled else None
    order = pick_indices(data.split(split_name), label, seed)
    listed = (data.name, split_name, label, seed)
    url.reset_on_change("samples", listed, ("page", "sample"))
    with pager:
        pages = max(1, -(-len(order) // PER_PAGE))
        number = url.number(f"Page (of {pages:,})", param="page", default=1, low=1, high=pages)
    url.reset_on_change("samples-page", (*listed, number), ("sample",))
    return label, seed, order[(number - 1) * PER_PAGE : number * PER_PAGE]


def _pick_class(classes: tuple[str, ...]) -> int | None:
    """The class to show; None for all."""
    options = {ALL: "All classes", **{str(label): name for label, name in enumerate(classes)}}
    label = url.choose("Class", options, param="class", default=ALL)
    return None if label == ALL else int(label)


def _show_grid(split: Split, classes: tuple[str, ...], indices: np.ndarray, key: str) -> None:
    names = [classes[label] for label in split.labels[indices].tolist()]
    figure = describe_grid(
        split.images[indices],
        captions=[shorten(name.split("/")[0], 9) for name in names],
        hovers=[f"{name}, index {index:,}" for name, index in zip(names, indices, strict=True)],
        indices=indices.tolist(),
        columns=8,
        tile=60,
    )
    show_chart(
        figure,
        key=key,
        on_select=lambda: page.store_click(key, "sample"),
        bar=False,
        alt="Sample images; click one to enlarge it.",
    )
    st.caption("Click an image to enlarge it. Which would you misread yourself?")


def _show_sample(data: Dataset, split_name: str, first: int) -> int:
    """Show one image large; returns its index in the split, `first` unless another is chosen."""
    split = data.split(split_name)
    with st.container(horizontal=True, vertical_alignment="bottom", gap="xsmall"):
        index = url.number(
            "Index of the sample",
            param="sample",
            default=first,
            low=0,
            high=len(split) - 1,
            width=INDEX_WIDTH,
        )
        with st.popover("Fix", icon=":material/edit:"):
            show_controls(data, Place(split_name, index))
        numbers = url.switch("Pixel values", param="values")
    name = data.classes[int(split.labels[index])]
    figure = describe_pixels(
        split.images[index],
        f"Label {name} (file index {int(split.indices[index]):,})",
        numbers=numbers,
        height=460 if numbers else SAMPLE_HEIGHT,
    )
    show_chart(
        figure,
        key="large-sample",
        bar=False,
        alt=f"Sample {index}, labelled {name}, pixel by pixel.",
    )
    return index
