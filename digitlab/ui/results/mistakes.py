"""The mistakes: filtered, sorted, page by page, with a closer look at one image."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.snippets import evaluation as snippets
from digitlab.ui import page, url
from digitlab.ui.results.classes import choose_pair
from digitlab.ui.results.single_image import browse
from digitlab.ui.results.view import View

if TYPE_CHECKING:
    import numpy as np

FILTER_WIDTH = 165  # pixels: two beside each other on a phone
ORDERS = {
    "confidence": "Most confident",
    "loss": "Highest loss",
    "margin": "Smallest margin",
    "pair": "Most confused",
}
MEANING = {
    "confidence": "the most confident first",
    "loss": "those with the lowest probability of the true class first",
    "margin": "those where the true class was almost as likely as the answer first",
    "pair": "the pair of classes that is confused most often first",
}


def show(view: View) -> None:
    """Show the gallery with its filters, and one image in detail."""
    page.cell(
        "Mistakes",
        "The most confident ones show best what was learnt wrongly, or labels that are wrong.",
    )
    with st.container(horizontal=True):
        columns = [st.container(width=FILTER_WIDTH) for _ in range(4)]
    true, read = choose_pair(view.run, columns[:2])
    with columns[2]:
        above = url.number("Least confidence (%)", param="above", default=0, low=0, high=100)
    with columns[3]:
        by = url.choose("Order", ORDERS, param="by", default="confidence")
    url.reset_on_change("mistakes", (view.key, true, read, above, by), ("mistakes", "mistake"))
    mistakes = view.result.errors.where(
        true=true, predicted=read, above=above / 100 if above else None
    ).ordered(by)
    if len(mistakes):
        plural = "" if len(mistakes) == 1 else "s"
        st.markdown(f"{len(mistakes):,} mistake{plural}, {MEANING[by]}.")
    code = snippets.mistakes(*view.snippet_args, true=true, read=read, above=above / 100, by=by)
    _show_images(view, mistakes.position, code)


@st.fragment
@page.guard()
def _show_images(view: View, positions: np.ndarray, code: str) -> None:
    browse(view, positions, param="mistakes", key="mistakes", code=code)
