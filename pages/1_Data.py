"""Data: look at the digits."""

import streamlit as st

from digitlab.ui import cached, page
from digitlab.ui.data.add import offer_adding
from digitlab.ui.data.sections import show_sections
from digitlab.ui.datasets import pick_dataset, pick_split

with page.page(
    page.DATA,
    "Data",
    "A network learns from these images and from nothing else: look at them first.",
):
    subject = st.container(horizontal=True)
    name = pick_dataset(subject)
    with subject:
        split = pick_split()
    offer_adding()
    show_sections(cached.dataset(name), split)
