"""Results: one run in detail."""

import streamlit as st

from digitlab.ui import page
from digitlab.ui.home.path import offer_next_step
from digitlab.ui.results.sections import show_sections
from digitlab.ui.results.standalone import show_standalone
from digitlab.ui.results.view import pick_view

with page.page(
    page.RESULTS,
    "Results",
    "One run in detail: how good its answers are, on which images they are worst, and why.",
):
    if page.stands_alone(page.RESULTS):
        show_standalone()
        st.stop()
    view = pick_view()
    if view is None:
        page.missing("There is no run with results yet.", page.TRAIN, "Train a network")
        st.stop()
    offer_next_step()
    show_sections(view)
