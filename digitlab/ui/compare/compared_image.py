"""One test image from near: what each of the compared runs made of it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import url
from digitlab.ui.compare.choose import Chosen
from digitlab.ui.page import clicked_index
from digitlab.words import hundred

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split


def take_click(key: str) -> None:
    """Put the clicked image's position into the URL."""
    points = st.session_state[key].selection.points
    if points:
        url.put("image", clicked_index(points[0]))


def show_closeup(places: np.ndarray, test: Split, readers: Sequence[Chosen]) -> None:
    """The clicked image, or the first of those shown, large, with the runs' answers."""
    asked = url.get("image")
    known = asked is not None and asked.isdecimal() and int(asked) < len(test)
    position = int(asked) if known else int(places[0])
    names = readers[0].result.classes
    true = int(readers[0].result.labels[position])
    left, right = st.columns([2, 3])
    with left:
        _show_image(test.images[position, 0].numpy(), f"Number {position:,}: {names[true]}")
    with right:
        _show_answers(position, true, readers)


def _show_image(image: np.ndarray, title: str) -> None:
    from digitlab.figures.data import pixel_values

    st.plotly_chart(
        pixel_values(image, title=title).update_layout(height=340),
        key="compare:closeup",
        config={"displayModeBar": False},
        alt=f"{title}, large.",
    )


def _show_answers(position: int, true: int, readers: Sequence[Chosen]) -> None:
    import pandas as pd

    names = readers[0].result.classes
    right = sum(int(one.result.predictions[position]) == true for one in readers)
    st.markdown(f"{right} of {len(readers)} runs read it as labelled, **{names[true]}**.")
    table = pd.DataFrame(
        {
            "Run": [one.name for one in readers],
            "Read as": [names[one.result.predictions[position]] for one in readers],
            "Confidence": [hundred(float(one.result.confidence[position])) for one in readers],
            f"For {names[true]}": [
                hundred(float(one.result.probabilities[position, true])) for one in readers
            ],
        }
    )
    share = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        table, hide_index=True, column_config={"Confidence": share, f"For {names[true]}": share}
    )
