"""Draw: a canvas that the networks read."""

import streamlit as st

from digitlab.notebook import snippets
from digitlab.ui import page
from digitlab.ui.drawing import draw_page
from digitlab.ui.run_picker import pick_run
from digitlab.ui.warm import warm_up

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
    page.code_fold(snippets.recognition(run.id), "Reading a drawing in Python")
    warm_up()
