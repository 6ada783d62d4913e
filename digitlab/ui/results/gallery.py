"""A page of images that can be clicked, with their true classes and what was read."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DatasetError
from digitlab.ui import page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.datasets import explain_absence
from digitlab.ui.results.view import View
from digitlab.words import probability, shorten, whole_percent

if TYPE_CHECKING:
    import numpy as np

PER_PAGE = 48
COLUMNS = 8
PAGER_WIDTH = 200  # pixels
LEGEND = "True class → what was read, and the confidence in %."
TO_ENLARGE = f"{LEGEND} Click an image to enlarge it."
Describe = Callable[[int], tuple[str, str]]  # an image's position → its caption and hover


def open_image(position: int) -> None:
    """Put the image's position into the URL: the closer look is then at this image."""
    url.put("mistake", position)


def show_gallery(
    view: View,
    positions: np.ndarray,
    *,
    param: str,
    key: str,
    describe: Describe | None = None,
    legend: str = TO_ENLARGE,
) -> int:
    """Show one page of the images at `positions` of the split, of which there is at least one.

    The page's number is in the URL as `param`; a click stores an image's position there as
    `mistake`. `describe` gives each image's caption and hover, `describe_reading` by default;
    `legend` explains them. Returns the position of the first image on the page.
    """
    pages = -(-len(positions) // PER_PAGE)
    number = 1
    if pages > 1:
        label = f"Page (of {pages:,})"
        number = url.number(label, param=param, default=1, low=1, high=pages, width=PAGER_WIDTH)
    url.reset_on_change(f"{key}-page", (view.key, number), ("mistake",))
    page_positions = positions[(number - 1) * PER_PAGE : number * PER_PAGE]
    show_images(view, page_positions, key=key, describe=describe, legend=legend)
    return int(page_positions[0])


def show_images(
    view: View,
    positions: np.ndarray,
    *,
    key: str,
    columns: int = COLUMNS,
    describe: Describe | None = None,
    legend: str = TO_ENLARGE,
    on_choose: Callable[[int], None] | None = open_image,
) -> None:
    """Show the images at `positions`, or a table of them if they are not on this machine.

    `on_choose` is called with the position of the image that is clicked; without it none can be.
    """
    try:
        images = view.images().images[positions]
    except DatasetError as e:
        explain_absence("The images", e)
        _show_as_table(view, positions)
        return
    describe = describe or describe_reading(view)
    texts = [describe(position) for position in positions.tolist()]
    grid = f"{key}:{view.key}:{positions[0]}:{len(positions)}"
    _show_grid(images, texts, positions, grid, columns, on_choose)
    st.caption(legend)


def describe_reading(view: View) -> Describe:
    """Captions and hovers of the label of an image, what was read, and the confidence."""
    result, names = view.result, view.run.classes

    def describe(position: int) -> tuple[str, str]:
        true, read = names[result.labels[position]], names[result.predictions[position]]
        confidence = float(result.confidence[position])
        certainty = probability(confidence)
        hover = f"number {position:,}: labelled {true}, read as {read} with {certainty}"
        caption = f"{shorten(true, 4)}→{shorten(read, 4)}"  # 44 pixels wide on a phone
        return f"{caption} {whole_percent(confidence)}", hover

    return describe


def _show_grid(
    images: np.ndarray,
    texts: list[tuple[str, str]],
    positions: np.ndarray,
    key: str,
    columns: int,
    on_choose: Callable[[int], None] | None,
) -> None:
    from digitlab.figures.images import describe_grid

    def choose() -> None:
        if on_choose and (position := page.clicked_index(key)) is not None:
            on_choose(position)

    show_chart(
        describe_grid(
            images,
            captions=[caption for caption, _ in texts],
            hovers=[hover for _, hover in texts],
            indices=positions.tolist(),
            columns=columns,
            tile=64,  # larger tiles would leave a phone, which shrinks them, half empty
        ),
        key=key,
        on_select=choose if on_choose else None,
        bar=False,
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
