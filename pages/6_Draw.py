"""Draw: a canvas that the networks read."""

import streamlit as st

from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.drawing import draw_page
from digitlab.ui.home.preload import warm_up
from digitlab.ui.run_picker import pick_run

with page.page(
    page.DRAW,
    "Draw",
    "Write a digit with mouse, pen or finger, or several, anywhere and as large as you like. Try "
    "to fool the network, look at what it saw, and teach it your hand.",
):
    run = pick_run(bundled_first=True)
    if run is None:
        page.missing("There is no trained network to read with yet.", page.TRAIN, "Train one")
        st.stop()
    draw_page(run, key="canvas")
    page.code_fold(basics.recognition(run.id), "Reading a drawing in Python")
    warm_up()
