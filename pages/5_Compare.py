"""Compare: several runs side by side, and whether their differences are real."""

import streamlit as st

from digitlab.snippets import comparison as snippets
from digitlab.ui import page
from digitlab.ui.compare import side_by_side
from digitlab.ui.compare.choose import choose_runs, warn_of_differences
from digitlab.ui.compare.import_run import offer_import
from digitlab.ui.compare.leaderboard import show_classic
from digitlab.ui.compare.sections import show_sections

with page.page(
    page.COMPARE,
    "Compare",
    "Several runs side by side: how their settings and their results differ, and whether the "
    "difference is more than chance.",
):
    page.cell("Which runs?", "Select 2 to 20. Click a column header to sort.")
    chosen = choose_runs()
    offer_import()
    if len(chosen) < 2:
        show_classic()
        st.stop()
    warn_of_differences(chosen)

    page.cell(
        "Which settings differ?",
        "Only settings that are not the same for all runs. If only one setting differs, it is the "
        "likely cause of a difference in the results.",
    )
    side_by_side.show_settings(chosen)
    page.code_fold(snippets.settings([entry.run.id for entry in chosen]))
    show_sections(chosen)
