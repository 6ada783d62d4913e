"""A look at a network as it learns: its confusions, some answers, its first filters."""

from __future__ import annotations

import streamlit as st

from digitlab.figures import live as figures
from digitlab.runs.live import read_look
from digitlab.runs.run import Run


def show_look(run: Run) -> None:
    """What the network makes of some images now, or made of them at its end."""
    look = read_look(run.id)
    if look is None:
        return
    split = "validation" if look.split == "val" else "training"
    images = int(look.confusion.sum())
    st.caption(
        f"A look at {images:,} {split} images after epoch {look.epoch:.4g}: what it confuses, some "
        "of its answers, and the weights of its first layer."
    )
    left, right = st.columns([2, 3])
    left.plotly_chart(
        figures.small_confusion(look.confusion, run.classes),
        key="look:confusion",
        alt=f"Confusion matrix of {images} {split} images.",
    )
    with right:
        st.plotly_chart(
            figures.sample_answers(
                look.images, look.labels.tolist(), look.probabilities, run.classes
            ),
            key="look:answers",
            config={"displayModeBar": False},
            alt=f"{len(look.labels)} images and what the network reads in them.",
        )
        if len(look.filters):
            st.plotly_chart(
                figures.first_layer(look.filters),
                key="look:filters",
                config={"displayModeBar": False},
                alt="The weights of the first layer as small pictures.",
            )
