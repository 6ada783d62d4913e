"""A page of images that can be clicked, with what they are and what they were read as."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DatasetError
from digitlab.ui import url
from digitlab.ui.results.view import View
from digitlab.ui.samples import clicked_index
from digitlab.ui.words import percent

if TYPE_CHECKING:
    import numpy as np

PER_PAGE = 48
COLUMNS = 8


def show_gallery(view: View, positions: np.ndarray, *, param: str, key: str) -> int | None:
    """One page of the images at `positions` of the split; the position of the first on it.

    The page's number is in the URL as `param`; a click puts an image's position into it as
    `mistake`. None where there is nothing to show.
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
        _show_grid(view, shown, images, f"{key}:{view.key}:{shown[0]}:{len(shown)}")
    return int(shown[0])


def _show_grid(view: View, shown: np.ndarray, images: np.ndarray, key: str) -> None:
    from digitlab.figures.images import image_grid

    captions, hovers = [], []
    result, names = view.result, view.run.classes
    for position in shown.tolist():
        true, read = names[result.labels[position]], names[result.predictions[position]]
        sure = float(result.confidence[position])
        captions.append(f"{true[:4]}→{read[:4]} {100 * sure:.0f}")  # a phone has 44 pixels for it
        hovers.append(
            f"number {position:,}: labelled {true}, read as {read} with {percent(sure, 1)}"
        )
    st.plotly_chart(
        image_grid(
            images,
            captions=captions,
            hovers=hovers,
            indices=shown.tolist(),
            columns=COLUMNS,
            tile=80,
        ),
        key=key,
        on_select=lambda: _take_click(key),
        selection_mode="points",
        config={"displayModeBar": False},
        alt="Images with their true class, what they were read as, and the confidence.",
    )
    st.caption(
        "True class → what was read, and how sure the network was, in %. Click one to see it large."
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
