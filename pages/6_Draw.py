"""Draw: a canvas, and networks that read what is drawn on it."""

import streamlit as st

from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.drawing.reader import pick_reader
from digitlab.ui.drawing.sections import show_drawing_and_sections
from digitlab.ui.drawing.standalone import show_standalone

with page.page(
    page.DRAW,
    "Draw",
    "Write digits anywhere on the canvas, and the network reads them.",
):
    if page.stands_alone(page.DRAW):
        show_standalone()
        st.stop()
    run = pick_reader()
    if run is None:
        page.missing("There is no trained network yet.", page.TRAIN, "Train one")
        st.stop()
    show_drawing_and_sections(run, key="canvas")
    page.code_fold(basics.recognition(run.id), "Reading a drawing in Python")
