"""Mistakes: filtered, put in an order that says something, page by page, and each from near."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.snippets import evaluation as snippets
from digitlab.ui import page, url
from digitlab.ui.results.classes import choose_pair
from digitlab.ui.results.gallery import show_gallery
from digitlab.ui.results.single_image import show_closeup
from digitlab.ui.results.view import View

if TYPE_CHECKING:
    import numpy as np

ORDERS = {
    "confidence": "Most confident first",
    "loss": "Highest loss first",
    "margin": "Closest calls first",
    "pair": "By pair of classes",
}
MEANING = {
    "confidence": "the most confident first",
    "loss": "those first whose true class got the least probability",
    "margin": "those first where the true class was nearly as likely as what was read",
    "pair": "the pair of classes confused most often first",
}


def show(view: View) -> None:
    """The gallery with its filters, and the first image."""
    page.cell(
        "Mistakes",
        "The most confident mistakes say most about what the network has learnt wrongly, or about "
        "labels that are wrong themselves. Closest calls are what a little more training may mend.",
    )
    places = st.columns([2, 2, 2, 3])
    true, read = choose_pair(view.run, places[:2])
    with places[2]:
        above = url.number("Confident by at least (%)", param="above", default=0, low=0, high=100)
    with places[3]:
        by = url.choose("Order", ORDERS, param="by", default="confidence")
    url.reset_on_change("mistakes", (view.key, true, read, above, by), ("mistakes", "mistake"))
    chosen = view.result.errors.where(
        true=true, predicted=read, above=above / 100 if above else None
    ).ordered(by)
    if len(chosen):
        one = len(chosen) == 1
        st.markdown(f"{len(chosen):,} mistake{'' if one else 's'}, {MEANING[by]}.")
    code = snippets.mistakes(*view.named, true=true, read=read, above=above / 100, by=by)
    _show_images(view, chosen.position, code)


@st.fragment
@page.guard()
def _show_images(view: View, positions: np.ndarray, code: str) -> None:
    first = show_gallery(view, positions, param="mistakes", key="mistakes")
    page.code_fold(code)
    if first is not None:
        show_closeup(view, first)
