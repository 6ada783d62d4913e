"""The sample browser: filter by class, shuffle, turn pages, and look at one image closely."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.snippets import basics
from digitlab.ui import page, url
from digitlab.words import shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Dataset, Split

PER_PAGE = 64
ALL = "all"


def show_samples(data: Dataset, split_name: str) -> None:
    """A cell with the images of a class in pages, and the selected one large."""
    from digitlab.data.statistics import pick_indices

    page.cell(
        "Samples",
        "Every image is a grid of numbers from 0 (paper) to 255 (ink). Look for images that you "
        "would misread yourself.",
    )
    split = data.split(split_name)
    filters = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
    with filters[0]:
        label = _pick_class(data.classes)
    with filters[1]:
        shuffled = url.switch("Shuffle", param="shuffle")
    with filters[2]:
        shuffle_seed = url.number(
            "Shuffle seed", param="order", default=0, low=0, high=999_999, disabled=not shuffled
        )
    seed = shuffle_seed if shuffled else None
    order = pick_indices(split, label, seed)
    listed = (data.name, split_name, label, seed)
    url.reset_on_change("samples", listed, ("page", "sample"))
    with filters[3]:
        pages = max(1, -(-len(order) // PER_PAGE))
        number = url.number(f"Page (of {pages:,})", param="page", default=1, low=1, high=pages)
    url.reset_on_change("samples-page", (*listed, number), ("sample",))
    indices = order[(number - 1) * PER_PAGE : number * PER_PAGE]
    index = 0
    if len(indices):
        index = _show_page(split, data.classes, indices, f"samples:{listed}:{number}")
    else:
        st.info("This split has no image of this class.", icon=":material/info:")
    page.code_fold(basics.samples(data.name, split_name, label, seed, index))


def _pick_class(classes: tuple[str, ...]) -> int | None:
    """The class to show; None for all."""
    options = {ALL: "All classes", **{str(label): name for label, name in enumerate(classes)}}
    label = url.choose("Class", options, param="class", default=ALL)
    return None if label == ALL else int(label)


def _show_page(split: Split, classes: tuple[str, ...], indices: np.ndarray, key: str) -> int:
    """The images of a page and the selected one; returns the index of that one in the split."""
    left, right = st.columns([3, 2])
    with left:
        _show_grid(split, classes, indices, key)
    with right:
        index = url.number(
            "Index of the sample",
            param="sample",
            default=int(indices[0]),
            low=0,
            high=len(split) - 1,
        )
        _show_large(split, classes, index)
    return index


def _show_grid(split: Split, classes: tuple[str, ...], indices: np.ndarray, key: str) -> None:
    from digitlab.figures.images import image_grid

    names = [classes[label] for label in split.labels[indices].tolist()]
    figure = image_grid(
        split.images[indices].numpy(),
        captions=[shorten(name.split("/")[0], 9) for name in names],
        hovers=[f"{name}, index {index:,}" for name, index in zip(names, indices, strict=True)],
        indices=indices.tolist(),
        columns=8,
    )
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: page.store_click(key, "sample"),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Sample images; click one to enlarge it.",
    )
    st.caption("Click an image to enlarge it.")


def _show_large(split: Split, classes: tuple[str, ...], index: int) -> None:
    from digitlab.figures.data import pixel_values

    name = classes[int(split.labels[index])]
    numbers = url.switch("Write the pixel values into the image", param="values")
    st.plotly_chart(
        pixel_values(
            split.images[index, 0].numpy(),
            title=f"Label {name}, index {index:,} of the split",
            numbers=numbers,
        ),
        key="large-sample",
        config={"displayModeBar": False},
        alt=f"Sample {index}, labelled {name}, pixel by pixel.",
    )
    st.caption(f"Index in the official files: {int(split.indices[index]):,}.")
