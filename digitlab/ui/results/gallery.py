"""A page of images that can be clicked, with their true classes and what was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DatasetError
from digitlab.ui import url
from digitlab.ui.page import store_click
from digitlab.ui.results.view import View
from digitlab.words import percent, shorten

if TYPE_CHECKING:
    import numpy as np

PER_PAGE = 48
COLUMNS = 8
LEGEND = "True class → what was read, and the confidence in %. Click an image to enlarge it."
Describe = Callable[[int], tuple[str, str]]  # an image's position → its caption and hover


def show_gallery(
    view: View,
    positions: np.ndarray,
    *,
    param: str,
    key: str,
    describe: Describe | None = None,
    legend: str = LEGEND,
) -> int | None:
    """Show one page of the images at `positions` of the split.

    The page's number is in the URL as `param`; a click stores an image's position there as
    `mistake`. `describe` gives each image's caption and hover, `describe_reading` by default;
    `legend` explains them. Returns the position of the first image on the page, or None if there
    are no images.
    """
    if not len(positions):
        st.info("No mistakes of this kind.", icon=":material/thumb_up:")
        return None
    pages = -(-len(positions) // PER_PAGE)
    number = 1
    if pages > 1:
        narrow, _ = st.columns([1, 3])
        with narrow:
            number = url.number(f"Page (of {pages:,})", param=param, default=1, low=1, high=pages)
    url.reset_on_change(f"{key}-page", (view.key, number), ("mistake",))
    page_positions = positions[(number - 1) * PER_PAGE : number * PER_PAGE]
    try:
        images = view.images().images[page_positions].numpy()
    except DatasetError as e:
        st.info(f"The images cannot be shown: {e}", icon=":material/image_not_supported:")
        _show_as_table(view, page_positions)
    else:
        describe = describe or describe_reading(view)
        texts = [describe(position) for position in page_positions.tolist()]
        grid = f"{key}:{view.key}:{page_positions[0]}:{len(page_positions)}"
        _show_grid(images, texts, page_positions, grid)
        st.caption(legend)
    return int(page_positions[0])


def describe_reading(view: View) -> Describe:
    """Captions and hovers of the label of an image, what was read, and the confidence."""
    result, names = view.result, view.run.classes

    def describe(position: int) -> tuple[str, str]:
        true, read = names[result.labels[position]], names[result.predictions[position]]
        confidence = float(result.confidence[position])
        hover = (
            f"number {position:,}: labelled {true}, read as {read} with {percent(confidence, 1)}"
        )
        caption = f"{shorten(true, 4)}→{shorten(read, 4)}"  # 44 pixels wide on a phone
        return f"{caption} {100 * confidence:.0f}", hover

    return describe


def _show_grid(
    images: np.ndarray, texts: list[tuple[str, str]], positions: np.ndarray, key: str
) -> None:
    from digitlab.figures.images import image_grid

    st.plotly_chart(
        image_grid(
            images,
            captions=[caption for caption, _ in texts],
            hovers=[hover for _, hover in texts],
            indices=positions.tolist(),
            columns=COLUMNS,
            tile=64,  # larger tiles would leave a phone, which shrinks them, half empty
        ),
        key=key,
        on_select=lambda: store_click(key, "mistake"),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Images with their true class, what they were read as, and the confidence.",
    )


def _show_as_table(view: View, positions: np.ndarray) -> None:
    import pandas as pd

    result, names = view.result, view.run.classes
    rows = [
        (
            position,
            names[result.labels[position]],
            names[result.predictions[position]],
            100 * float(result.confidence[position]),
        )
        for position in positions.tolist()
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=("Number", "True class", "Read as", "Confidence")),
        hide_index=True,
        column_config={"Confidence": st.column_config.NumberColumn(format="%.1f %%")},
    )
