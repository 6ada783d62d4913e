"""Confusion: the matrix, and the images behind each of its cells, rows and columns."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.evaluation.ordering import similarity_order
from digitlab.snippets import evaluation as snippets
from digitlab.ui import page, url
from digitlab.ui.results.classes import Pair, choose_pair, describe_pair, set_pair
from digitlab.ui.results.gallery import show_gallery
from digitlab.ui.results.single_image import show_image_details
from digitlab.ui.results.view import View
from digitlab.words import percent

if TYPE_CHECKING:
    import numpy as np

    from digitlab.evaluation.metrics import Evaluation

MODES = {
    "counts": "Counts",
    "row-shares": "% of row",
    "column-shares": "% of column",
    "errors": "Errors",
}
ORDERS = {"class": "By class", "similarity": "By similarity"}
LISTED = 5


def show(view: View) -> None:
    """Show the matrix and the chosen pair next to it, then the images of that pair."""
    page.cell(
        "Which digits are confused?"
        if view.run.classes == tuple("0123456789")
        else "Which classes are confused?",
        "Rows are the true classes, columns what the network read. Everything off the diagonal is "
        "a mistake. Click a cell, or the label of a row or column, to see its images.",
    )
    result = view.result
    controls = st.columns([3, 2])
    with controls[0]:
        mode = url.choose(
            "Show", MODES, param="matrix", default="counts", widget=st.segmented_control
        )
    with controls[1]:
        order = url.choose(
            "Order", ORDERS, param="sorted", default="class", widget=st.segmented_control
        )
    left, right = st.columns([3, 2])
    with right:
        pair = choose_pair(view.run, st.columns(2))
        _show_pair(view, result, pair)
        _list_most_confused(view, result)
    with left:
        _show_matrix(view, result, mode, order, pair)
    positions = result.positions(*pair) if pair != (None, None) else None
    if positions is not None:
        url.reset_on_change("cell", (view.key, pair), ("behind", "mistake"))
        _show_images(view, positions, pair)
    true, read = pair
    similar = order == "similarity"
    page.code_fold(
        snippets.confusion(*view.snippet_args, mode=mode, similar=similar, true=true, read=read)
    )


@st.fragment
@page.guard()
def _show_images(view: View, positions: np.ndarray, pair: Pair) -> None:
    st.markdown(f"**{describe_pair(view.run.classes, pair)}**")
    first = show_gallery(view, positions, param="behind", key="cell")
    if first is not None:
        show_image_details(view, first)


def _show_matrix(view: View, result: Evaluation, mode: str, order: str, pair: Pair) -> None:
    from digitlab.figures.evaluation import confusion_matrix

    # The key changes with the pair, so that the same cell can be clicked again later.
    key = f"confusion:{view.key}:{mode}:{order}:{pair}"
    figure = confusion_matrix(
        result.confusion,
        view.run.classes,
        mode=mode,
        order=similarity_order(result.confusion) if order == "similarity" else None,
        chosen=pair,
    )
    st.plotly_chart(
        figure,
        key=key,
        on_select=lambda: _select_cell(key),
        selection_mode="points",
        alt="Confusion matrix: rows are the true classes, columns what the network read.",
    )


def _select_cell(key: str) -> None:
    points = st.session_state[key].selection.points
    if points:
        data = points[0]["customdata"]
        true, read = list(data.values() if isinstance(data, dict) else data)[:2]
        set_pair(*(int(label) if label >= 0 else None for label in (true, read)))


def _show_pair(view: View, result: Evaluation, pair: Pair) -> None:
    """Show which pair is chosen and how many images it has."""
    true, read = pair
    if pair == (None, None):
        st.caption("No pair is chosen: click the matrix, or choose classes here.")
        return
    count = len(result.positions(true, read))
    kind = "images, all read correctly" if true == read else "mistakes"
    kind = kind.replace("images", "image", 1).replace("mistakes", "mistake") if count == 1 else kind
    share = ""
    if true is not None and result.per_class[true].support:
        support = result.per_class[true].support
        share = (
            f", {percent(count / support, 1)} of all {support:,} of class " + view.run.classes[true]
        )
    st.markdown(f"{count:,} {kind}{share}.")
    st.button(
        "Clear the choice",
        on_click=set_pair,
        args=(None, None),
        type="tertiary",
        icon=":material/close:",
    )


def _list_most_confused(view: View, result: Evaluation) -> None:
    pairs = result.most_confused(LISTED)
    if not pairs:
        st.markdown("There are no mistakes.")
        return
    st.markdown("**Most often confused**")
    names = view.run.classes
    for pair in pairs:
        share = percent(pair.count / result.per_class[pair.true].support, 1)
        times = {1: "once", 2: "twice"}.get(pair.count, f"{pair.count:,} times")
        st.button(
            f"{names[pair.true]} read as {names[pair.predicted]}: {times}, {share} of its images",
            key=f"confused:{pair.true}:{pair.predicted}",
            on_click=set_pair,
            args=(pair.true, pair.predicted),
            type="tertiary",
        )
