"""A closer look at one test image: what each of the compared runs read."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import url
from digitlab.ui.chart import show_chart
from digitlab.ui.compare.choose import ComparedRun
from digitlab.ui.markdown import plain
from digitlab.words import hundred

if TYPE_CHECKING:
    import numpy as np
    from streamlit.delta_generator import DeltaGenerator

    from digitlab.data.dataset import Split


def show_compared_image(
    positions: np.ndarray, test: Split, runs: Sequence[ComparedRun], place: DeltaGenerator
) -> None:
    """Show the clicked image, or the first at `positions`, in `place`; below, the runs' answers."""
    param = url.get("image")
    is_valid = param is not None and param.isdecimal() and int(param) < len(test)
    position = int(param) if is_valid else int(positions[0])
    names = runs[0].result.classes
    true = int(runs[0].result.labels[position])
    with place:
        _show_image(test.images[position], f"Number {position:,}: {names[true]}")
    _show_answers(position, true, runs)


def _show_image(image: np.ndarray, title: str) -> None:
    from digitlab.figures.data import describe_pixels

    show_chart(
        describe_pixels(image, title, height=340),
        key="compare:closeup",
        bar=False,
        alt=f"{title}, enlarged.",
    )


def _show_answers(position: int, true: int, runs: Sequence[ComparedRun]) -> None:
    import pandas as pd

    names = runs[0].result.classes
    right = sum(int(run.result.predictions[position]) == true for run in runs)
    st.markdown(f"{right} of {len(runs)} runs read the label's class, **{plain(names[true])}**.")
    table = pd.DataFrame(
        {
            "Run": [run.name for run in runs],
            "Read as": [names[run.result.predictions[position]] for run in runs],
            "Confidence": [hundred(float(run.result.confidence[position])) for run in runs],
            f"Probability of {names[true]}": [
                hundred(float(run.result.probabilities[position, true])) for run in runs
            ],
        }
    )
    share = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        table,
        hide_index=True,
        column_config={"Confidence": share, f"Probability of {names[true]}": share},
    )
