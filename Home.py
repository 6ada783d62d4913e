"""Home: a first drawing, the steps from it to a network of one's own, runs and datasets."""

import streamlit as st

from digitlab.analysis.recognize import default_reader
from digitlab.data.registry import default_dataset
from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.classic import offer_classic
from digitlab.ui.home.moderation import show_moderation
from digitlab.ui.home.path import own_runs, show_drawing_and_path
from digitlab.ui.home.status import show_status

with page.page(
    page.HOME,
    "digitlab",
    "Draw a digit and see how a network reads it. Then train one yourself, and find out why it "
    "works or fails.",
):
    reader = default_reader().id
    show_drawing_and_path(reader, own_runs())
    st.page_link(
        page.LEARN,
        label="Learn with lessons whose goals are checked on what you make",
        icon=page.ICONS[page.LEARN],
    )
    offer_classic(default_dataset(), key="home", sentence=True)
    show_status()
    show_moderation()
    page.code_fold(basics.recognition(reader), "Reading a drawing in Python")

    st.caption("digitlab is free software under the MIT licence. It sends no data anywhere.")
