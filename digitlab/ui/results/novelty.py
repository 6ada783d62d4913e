"""What is no digit: the reconstruction error of other images beside that of the run's own."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import numpy as np
import streamlit as st

from digitlab.analysis.novelty import KINDS
from digitlab.jobs.compute import requests
from digitlab.snippets import reconstruction as snippets
from digitlab.ui import cached, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.results.reconstruction import error_unit, give_back
from digitlab.ui.results.view import View
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.reconstruction import Separation

SHOWN = 8


def show(view: View) -> None:
    """Show how far the error tells images apart from the run's, and some of them."""
    from digitlab.figures.reconstruction import error_histogram

    run, errors = view.run, view.reconstruction.errors
    page.cell(
        "The error as a measure of what is no digit",
        "An autoencoder gives back well what it has learnt to say in few numbers. Letters, shapes "
        "and noise come back worse: above an error that 95 % of the run's images stay below, an "
        "image is taken for strange. Letters that look like digits are not among them.",
    )
    with st.spinner("Drawing letters and shapes …"):
        novel = cached.of_run(
            requests.find_novel, run, errors, view.split, view.asked_of, key=view.key
        )
    kind = url.choose("Compare with", KINDS, param="kind", default="letters", widget=st.pills)
    strange, values, separation = novel[kind]
    names = ("The run's images", KINDS[kind])
    show_chart(
        error_histogram(errors, values, names, separation.threshold, unit=error_unit(view)),
        key=f"novelty:{kind}",
        bar=False,
        alt=f"Histograms of the errors of the run's images and of {KINDS[kind].lower()}.",
    )
    st.markdown(
        f"**{percent(separation.detection_rate, 0)}** of these {len(values):,} images lie above "
        f"the error {separation.threshold:.4f}. An image of theirs has the larger error of two in "
        f"**{percent(separation.area, 1)}** of all pairs (the area under the ROC curve)."
    )
    _show_pairs(view, strange, values, kind)
    _show_all(novel)
    page.code_fold(snippets.novelty(run.id, view.split, view.dataset))


def _show_pairs(view: View, strange: np.ndarray, values: np.ndarray, kind: str) -> None:
    from digitlab.figures.images import before_and_after

    order = np.argsort(values)
    chosen = np.r_[order[: SHOWN // 2], order[-SHOWN // 2 :]]
    images = strange[chosen]
    show_chart(
        before_and_after(
            images,
            give_back(view, images),
            [f"error {values[n]:.4f}" for n in chosen],
            columns=SHOWN,
            title="Smallest and largest errors",
            words=("as it is", "as the network gives it back"),
        ),
        key=f"novelty-pairs:{kind}",
        bar=False,
        alt=f"{SHOWN} such images, and below each its reconstruction.",
    )


def _show_all(novel: Mapping[str, tuple[np.ndarray, np.ndarray, Separation]]) -> None:
    """The ROC curves of all kinds, and their areas in a table."""
    import pandas as pd

    from digitlab.figures.reconstruction import novelty_roc

    page.cell("All kinds", "The share found, over that of the run's images taken for strange.")
    show_chart(
        novelty_roc({KINDS[name]: entry[2] for name, entry in novel.items()}),
        key="novelty-roc",
        bar=False,
        alt="ROC curves of the reconstruction error for each kind of image.",
    )
    rows = [
        {
            "Images": KINDS[name],
            "Mean error": float(np.mean(entry[1])),
            "Area under the ROC": 100 * entry[2].area,
            "Found at 5 % false alarms": 100 * entry[2].detection_rate,
        }
        for name, entry in novel.items()
    ]
    share = st.column_config.NumberColumn(format="%.1f %%")
    st.dataframe(
        pd.DataFrame(rows),
        hide_index=True,
        column_config={
            "Mean error": st.column_config.NumberColumn(format="%.4f"),
            "Area under the ROC": share,
            "Found at 5 % false alarms": share,
        },
    )
