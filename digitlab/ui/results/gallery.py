"""A page of images that can be clicked, with what they are and what they were read as."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DatasetError
from digitlab.ui import url
from digitlab.ui.page import clicked_index
from digitlab.ui.results.view import View
from digitlab.words import percent

if TYPE_CHECKING:
    import numpy as np

PER_PAGE = 48
COLUMNS = 8
LEGEND = (
    "True class → what was read, and how sure the network was, in %. Click one to see it large."
)
Words = Callable[[int], tuple[str, str]]  # of an image's position: a caption, and a hover


def show_gallery(
    view: View,
    positions: np.ndarray,
    *,
    param: str,
    key: str,
    words: Words | None = None,
    legend: str = LEGEND,
) -> int | None:
    """One page of the images at `positions` of the split; the position of the first on it.

    The page's number is in the URL as `param`; a click puts an image's position into it as
    `mistake`. `words` says what stands under an image and under the pointer, what was read unless
    given; `legend` explains it. None where there is nothing to show.
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
    shown = positions[(number - 1) * PER_PAGE : number * PER_PAGE]
    try:
        images = view.images().images[shown].numpy()
    except DatasetError as e:
        st.info(f"The images cannot be shown: {e}", icon=":material/image_not_supported:")
        _show_as_table(view, shown)
    else:
        said = [(words or reading(view))(position) for position in shown.tolist()]
        _show_grid(images, said, shown, f"{key}:{view.key}:{shown[0]}:{len(shown)}")
        st.caption(legend)
    return int(shown[0])


def reading(view: View) -> Words:
    """What an image is labelled, what it was read as, and how sure the network was."""
    result, names = view.result, view.run.classes

    def words(position: int) -> tuple[str, str]:
        true, read = names[result.labels[position]], names[result.predictions[position]]
        sure = float(result.confidence[position])
        hover = f"number {position:,}: labelled {true}, read as {read} with {percent(sure, 1)}"
        return f"{true[:4]}→{read[:4]} {100 * sure:.0f}", hover  # a phone has 44 pixels for it

    return words


def _show_grid(
    images: np.ndarray, said: list[tuple[str, str]], shown: np.ndarray, key: str
) -> None:
    from digitlab.figures.images import image_grid

    st.plotly_chart(
        image_grid(
            images,
            captions=[caption for caption, _ in said],
            hovers=[hover for _, hover in said],
            indices=shown.tolist(),
            columns=COLUMNS,
            tile=64,  # larger ones would leave a phone, which shows them smaller, half empty
        ),
        key=key,
        on_select=lambda: _take_click(key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Images with their true class, what they were read as, and the confidence.",
    )


def _take_click(key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        url.put("mistake", clicked_index(points[0]))


def _show_as_table(view: View, shown: np.ndarray) -> None:
    import pandas as pd

    result, names = view.result, view.run.classes
    rows = [
        (
            position,
            names[result.labels[position]],
            names[result.predictions[position]],
            100 * float(result.confidence[position]),
        )
        for position in shown.tolist()
    ]
    st.dataframe(
        pd.DataFrame(rows, columns=("Number", "True class", "Read as", "Confidence")),
        hide_index=True,
        column_config={"Confidence": st.column_config.NumberColumn(format="%.1f %%")},
    )
