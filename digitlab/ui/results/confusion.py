"""Confusion: the matrix, and the images behind each of its cells, rows and columns."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.evaluation.ordering import similarity_order
from digitlab.snippets import evaluation as snippets
from digitlab.ui import page, url
from digitlab.ui.board import clicked
from digitlab.ui.chart import show_chart
from digitlab.ui.markdown import plain
from digitlab.ui.results.classes import Pair, choose_pair, describe_pair, set_pair
from digitlab.ui.results.single_image import browse
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
        list_most_confused(view, result, on_choose=set_pair)
    with left:
        show_matrix(view, result, on_choose=set_pair, mode=mode, order=order, pair=pair)
    true, read = pair
    code = snippets.confusion(
        *view.snippet_args, mode=mode, similar=order == "similarity", true=true, read=read
    )
    if pair == (None, None):
        page.code_fold(code)
        return
    url.reset_on_change("cell", (view.key, pair), ("behind", "mistake"))
    _show_images(view, result.positions(*pair), pair, code)


@st.fragment
@page.guard()
def _show_images(view: View, positions: np.ndarray, pair: Pair, code: str) -> None:
    st.markdown(f"**{plain(describe_pair(view.run.classes, pair))}**")
    browse(view, positions, param="behind", key="cell", code=code)


def show_matrix(
    view: View,
    result: Evaluation,
    *,
    on_choose: Callable[[int | None, int | None], None],
    mode: str = "counts",
    order: str = "class",
    pair: Pair = (None, None),
    height: int | None = None,
) -> None:
    """Show the matrix; a click on a cell, a row or a column calls `on_choose` with its pair."""
    from digitlab.figures.evaluation import TEXT_UP_TO, describe_confusion

    # The key changes with the pair, so that the same cell can be clicked again later.
    key = f"confusion:{view.key}:{mode}:{order}:{pair}:{height}"
    figure = describe_confusion(
        result.confusion,
        view.run.classes,
        mode=mode,
        order=similarity_order(result.confusion) if order == "similarity" else None,
        chosen=pair,
    )
    if height and len(view.run.classes) <= TEXT_UP_TO:
        figure["layout"]["height"] = height
    show_chart(
        figure,
        key=key,
        on_select=lambda: _select_cell(key, on_choose),
        alt="Confusion matrix: rows are the true classes, columns what the network read.",
    )


def _select_cell(key: str, on_choose: Callable[[int | None, int | None], None]) -> None:
    if data := clicked(key):
        true, read = data[:2]
        on_choose(*(int(label) if label >= 0 else None for label in (true, read)))


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
        name = plain(view.run.classes[true])
        share = f", {percent(count / support, 1)} of all {support:,} of class {name}"
    st.markdown(f"{count:,} {kind}{share}.")
    st.button(
        "Clear the choice",
        on_click=set_pair,
        args=(None, None),
        icon=":material/close:",
    )


def list_most_confused(
    view: View,
    result: Evaluation,
    *,
    on_choose: Callable[[int | None, int | None], None],
    count: int = LISTED,
) -> None:
    """Show the pairs confused most as buttons that call `on_choose` with the pair."""
    pairs = result.most_confused(count)
    if not pairs:
        st.markdown("There are no mistakes.")
        return
    st.markdown("**Most often confused**")
    names = [plain(name) for name in view.run.classes]
    with st.container(horizontal=True, gap="small"):
        for pair in pairs:
            share = percent(pair.count / result.per_class[pair.true].support, 1)
            st.button(
                f"{names[pair.true]} read as {names[pair.predicted]}: {pair.count:,}×",
                key=f"confused:{pair.true}:{pair.predicted}",
                on_click=on_choose,
                args=(pair.true, pair.predicted),
                help=f"{share} of the images of {names[pair.true]}. Click to see them.",
            )
