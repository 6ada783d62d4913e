"""The sample browser: filter, shuffle, page, pick one and see it large."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import cached, url
from digitlab.ui.page import clicked_index

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split

PER_PAGE = 64
ALL = "all"


def browse(dataset: str, split_name: str) -> tuple[int | None, int | None, int]:
    """The grid and the picked sample; returns class filter, shuffle seed and picked position."""
    from digitlab.data.statistics import pick_indices

    data = cached.dataset(dataset)
    split = data.split(split_name)
    filters = st.columns([2, 1, 1, 1], vertical_alignment="bottom")
    with filters[0]:
        chosen = url.choose(
            "Class",
            {ALL: "All classes", **{str(i): name for i, name in enumerate(data.classes)}},
            param="class",
            default=ALL,
        )
    with filters[1]:
        shuffled = url.switch("Shuffle", param="shuffle")
    with filters[2]:
        seed = url.number(
            "Shuffle seed", param="order", default=0, low=0, high=999_999, disabled=not shuffled
        )
    label = None if chosen == ALL else int(chosen)
    order = pick_indices(split, label, seed if shuffled else None)
    shown_of = (dataset, split_name, label, seed if shuffled else None)
    url.reset_on_change("samples", shown_of, ("page", "sample"))
    with filters[3]:
        pages = max(1, -(-len(order) // PER_PAGE))
        number = url.number(f"Page (of {pages:,})", param="page", default=1, low=1, high=pages)
    url.reset_on_change("samples-page", (*shown_of, number), ("sample",))
    shown = order[(number - 1) * PER_PAGE : number * PER_PAGE]
    if not len(shown):
        st.info("This split has no image of this class.", icon=":material/info:")
        return label, seed if shuffled else None, 0
    key = f"samples:{dataset}:{split_name}:{label}:{seed if shuffled else '-'}:{number}"
    left, right = st.columns([3, 2])
    with left:
        _grid(split, data.classes, shown, key)
    with right:
        picked = _pick(split, int(shown[0]))
        _show_large(split, data.classes, picked)
    return label, seed if shuffled else None, picked


def _grid(split: Split, classes: tuple[str, ...], shown: np.ndarray, key: str) -> None:
    from digitlab.figures.images import image_grid

    labels = [classes[label] for label in split.labels[shown].tolist()]
    figure = image_grid(
        split.images[shown].numpy(),
        captions=[label.split("/")[0][:9] for label in labels],
        hovers=[f"{name}, number {row:,}" for name, row in zip(labels, shown, strict=True)],
        indices=shown.tolist(),
        columns=8,
    )
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _take_click(key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Sample images; click one to see it large.",
    )
    st.caption("Click an image to see it large.")


def _take_click(key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        url.put("sample", clicked_index(points[0]))


def _pick(split: Split, first: int) -> int:
    """The picked position in the split: from the URL or a click, else the first one shown."""
    return url.number(
        "Number of the sample", param="sample", default=first, low=0, high=len(split) - 1
    )


def _show_large(split: Split, classes: tuple[str, ...], picked: int) -> None:
    from digitlab.figures.data import pixel_values

    name = classes[int(split.labels[picked])]
    numbers = url.switch("Write the pixel values into the image", param="values")
    st.plotly_chart(
        pixel_values(
            split.images[picked, 0].numpy(),
            title=f"Label {name}, number {picked:,} of the split",
            numbers=numbers,
        ),
        key="large-sample",
        config={"displayModeBar": False},
        alt=f"Sample number {picked}, labelled {name}, pixel by pixel.",
    )
    st.caption(f"Position {int(split.indices[picked]):,} in the official files.")
