"""Home: what digitlab is, links to its pages, a first drawing, data and runs."""

import streamlit as st

from digitlab.analysis.recognize import default_reader
from digitlab.ui import page
from digitlab.ui.drawing.answer import draw_and_read
from digitlab.ui.home.preload import warm_up
from digitlab.ui.home.status import show_links, show_status

with page.page(
    page.HOME,
    "digitlab",
    "A lab for handwritten digits. Look at the images, build a network, watch it learn, analyse "
    "its mistakes, and draw digits for it to read. Every number comes from a run that is saved "
    "with its architecture, recipe, seed and data, and every page shows the few lines of Python "
    "that give the same result.",
):
    show_links()
    page.cell("Draw a digit", "A small network that is included in digitlab reads it at once.")
    draw_and_read(default_reader().id, key="home-canvas")
    show_status()

    st.caption("digitlab is free software under the MIT licence. It sends no data anywhere.")
    warm_up()
