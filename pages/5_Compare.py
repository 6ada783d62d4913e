"""Compare: several runs side by side, and whether their differences are real."""

import streamlit as st

from digitlab.ui import page
from digitlab.ui.compare.choose import choose_runs, warn_of_differences
from digitlab.ui.compare.import_run import offer_import
from digitlab.ui.compare.leaderboard import show_classic
from digitlab.ui.compare.sections import show_sections

with page.page(
    page.COMPARE,
    "Compare",
    "Several runs side by side: how they differ, and whether the difference is more than chance.",
):
    chosen = choose_runs()
    offer_import()
    if len(chosen) < 2:
        show_classic()
        st.stop()
    warn_of_differences(chosen)
    show_sections(chosen)
