"""How good a run is and where it errs, for a link or another site: nothing can be changed."""

from __future__ import annotations

import streamlit as st

from digitlab.ui import page
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.ui.results import overview, reconstruction
from digitlab.ui.results.classes import Pair, chosen_pair, describe_pair, set_pair
from digitlab.ui.results.confusion import list_most_confused, show_matrix
from digitlab.ui.results.gallery import LEGEND, show_images
from digitlab.ui.results.view import View, linked_view
from digitlab.words import counted

SHOWN, COLUMNS = 24, 6  # mistakes; a phone shows six beside each other
HEIGHT = 400  # pixels of the matrix


@st.fragment
@page.guard()
def show_standalone() -> None:
    """The accuracy, the confusion matrix, and the mistakes; a click shows those of one pair."""
    view = linked_view()
    if view.run.task != "classify":
        st.title("Results", anchor=False)
        reconstruction.show(view)
        return
    st.title(plain(run_title(view.run.record)), anchor=False)
    st.markdown(overview.describe(view))
    left, right = st.columns(2, gap="medium")
    pair = chosen_pair(view.run)
    with left:
        overview.show_numbers(view.result)
        list_most_confused(view, view.result, on_choose=set_pair, count=overview.CONFUSED)
    with right:
        show_matrix(view, view.result, on_choose=set_pair, pair=pair, height=HEIGHT)
    _show_mistakes(view, pair)


def _show_mistakes(view: View, pair: Pair) -> None:
    true, read = pair
    mistakes = view.result.errors.where(true=true, predicted=read)
    heading = "Mistakes" if pair == (None, None) else describe_pair(view.run.classes, pair)
    page.cell(plain(heading))
    if pair != (None, None):
        st.button("All mistakes", on_click=set_pair, args=(None, None), icon=":material/close:")
    if not len(mistakes):
        st.markdown("There are none.")
        return
    shown = mistakes.position[:SHOWN]
    more = f": the {len(shown)} most confident" if len(shown) < len(mistakes) else ""
    st.markdown(f"{counted(len(mistakes), 'mistake')}{more}.")
    show_images(view, shown, key="alone", columns=COLUMNS, legend=LEGEND, on_choose=None)
