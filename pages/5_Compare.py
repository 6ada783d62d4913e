"""Compare: several runs side by side, and whether their differences are real."""

import streamlit as st

from digitlab.snippets import comparison as snippets
from digitlab.ui import compare, page
from digitlab.ui.compare import side_by_side
from digitlab.ui.compare.choose import choose_runs, warn_of_differences
from digitlab.ui.compare.import_run import offer_import

with page.page(
    page.COMPARE,
    "Compare",
    "Several runs side by side: what differs in how they were made, what differs in what they do, "
    "and whether that is more than luck.",
):
    page.cell("Which runs?", "Tick 2 to 20. A column's head sorts the table by it.")
    chosen = choose_runs()
    offer_import()
    if len(chosen) < 2:
        compare.leaderboard.show_classic()
        st.stop()
    warn_of_differences(chosen)

    page.cell(
        "What differs in how they were made?",
        "Only the settings that are not the same for all. With one setting changed at a time, a "
        "difference in the results has one suspect.",
    )
    side_by_side.show_settings(chosen)
    page.code_fold(snippets.settings([one.run.id for one in chosen]))
    compare.show_sections(chosen)
