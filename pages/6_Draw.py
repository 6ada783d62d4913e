"""Draw: a canvas, and networks that read what is drawn on it."""

import streamlit as st

from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.drawing.sections import show_drawing_and_sections
from digitlab.ui.home.preload import warm_up
from digitlab.ui.run_picker import pick_run

with page.page(
    page.DRAW,
    "Draw",
    "Write one or more digits with mouse, pen or finger, anywhere on the canvas and at any size. "
    "Look at what the network saw, try to fool it, and fine-tune it on your handwriting.",
):
    run = pick_run(bundled_first=True)
    if run is None:
        page.missing("There is no trained network yet.", page.TRAIN, "Train one")
        st.stop()
    show_drawing_and_sections(run, key="canvas")
    page.code_fold(basics.recognition(run.id), "Reading a drawing in Python")
    warm_up()
