"""Results: one run taken apart."""

import streamlit as st

from digitlab.ui import page, results

with page.page(
    page.RESULTS,
    "Results",
    "One run, taken apart: how good it is, how sure that is, and which images it gets wrong.",
):
    view = results.pick_view()
    if view is None:
        page.missing("There is no run with results yet.", page.TRAIN, "Train a first network")
        st.stop()
    results.show_sections(view)
