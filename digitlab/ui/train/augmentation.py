"""A preview of what a recipe's augmentation does to real images."""

from __future__ import annotations

import streamlit as st

from digitlab.data.catalog import EMBEDDED
from digitlab.data.registry import default_dataset
from digitlab.errors import DatasetError
from digitlab.jobs.compute import requests
from digitlab.snippets import basics
from digitlab.training.config import Augmentation
from digitlab.ui import cached, url
from digitlab.ui.chart import show_chart
from digitlab.ui.compute import compute

_SHOWN = 16


def preview_augmentation(recipe: Augmentation) -> None:
    """Some training images before and after, by the very function that training uses."""
    if not recipe.active:
        return
    from digitlab.figures.images import before_and_after

    dataset = url.get("dataset") or default_dataset()
    try:
        data = cached.dataset(dataset)
    except DatasetError:  # the page says so, and goes on with this one
        dataset, data = EMBEDDED, cached.dataset(EMBEDDED)
    seed = _seed(url.get("preview"))
    key = cached.data_key(data)
    before, after, labels = compute(requests.preview, key, recipe, seed, _SHOWN)
    show_chart(
        before_and_after(before, after, [data.classes[label] for label in labels]),
        key="augmentation-preview",
        bar=False,
        alt=f"{len(labels)} training images, each before and after augmentation.",
    )
    st.caption("Top: images of the dataset. Bottom: the same images after augmentation.")
    with st.container(horizontal=True, vertical_alignment="center"):
        st.button(
            "Reshuffle",
            on_click=url.put,
            args=("preview", seed + 1),
            icon=":material/shuffle:",
            help="Shows other images, with new random changes.",
        )
        with st.popover("The same in Python", icon=":material/code:"):
            active = {name: value for name, value in recipe.model_dump().items() if value}
            st.code(basics.augmentation(dataset, active, seed, _SHOWN), language="python")


def _seed(text: str | None) -> int:
    return int(text) % 10**6 if text and text.isdecimal() else 0
