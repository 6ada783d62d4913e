"""Data: look at the digits."""

import streamlit as st

from digitlab.ui import cached, page
from digitlab.ui.data import classes, facts, samples
from digitlab.ui.datasets import pick_dataset, pick_split

with page.page(
    page.DATA,
    "Data",
    "A network learns from these images and from nothing else. Look at them first: they explain "
    "most of what comes later.",
):
    left, right = st.columns(2, vertical_alignment="top")
    with left:
        name = pick_dataset()
    with right:
        split = pick_split()
    data = cached.dataset(name)

    facts.show_facts(data, split)
    classes.show_distribution(data, split)
    samples.show_samples(data, split)
    classes.show_class_images(data, split)
    classes.show_overlay(data, split)
    facts.show_pixel_values(data, split)
