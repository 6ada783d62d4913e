"""Home: what this is, a first drawing, the last runs, ways in."""

import streamlit as st

from digitlab.analysis.recognize import default_reader
from digitlab.ui import page
from digitlab.ui.drawing import draw_and_read
from digitlab.ui.home.preload import warm_up
from digitlab.ui.home.status import show_standing, show_ways_in

with page.page(
    page.HOME,
    "digitlab",
    "A lab for handwritten digits. Look at the images, put together a network, watch it learn, "
    "take its mistakes apart, and draw digits at it. Every number you see comes from a run that "
    "is saved with its architecture, recipe, seed and data, and the few lines of Python that "
    "repeat it.",
):
    show_ways_in()
    page.cell("Draw a digit", "A small network that comes with digitlab reads it at once.")
    draw_and_read(default_reader().id, key="home-canvas")
    show_standing()

    st.caption("digitlab is free software under the MIT licence. It sends nothing anywhere.")
    warm_up()
