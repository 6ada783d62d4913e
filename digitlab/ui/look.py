"""A look at a network as it learns: its confusions, some answers, its first filters."""

from __future__ import annotations

import plotly.graph_objects as go
import streamlit as st

from digitlab.figures import live as figures
from digitlab.runs.live import Look, look_moment, read_look
from digitlab.runs.run import Run, open_run
from digitlab.ui import cached


def show_look(run: Run) -> None:
    """What the network makes of some images now, or made of them at its end."""
    moment = look_moment(run.id)
    drawn = moment and cached.drawn(run.id, moment, _draw)
    if not drawn:
        return
    look, confusion, answers, filters = drawn
    split = "validation" if look.split == "val" else "training"
    images = int(look.confusion.sum())
    st.caption(
        f"A look at {images:,} {split} images after epoch {look.epoch:.4g}: what it confuses, some "
        "of its answers, and the weights of its first layer."
    )
    left, right = st.columns([2, 3])
    left.plotly_chart(
        confusion,
        key="look:confusion",
        alt=f"Confusion matrix of {images} {split} images.",
    )
    with right:
        st.plotly_chart(
            answers,
            key="look:answers",
            config={"displayModeBar": False},
            alt=f"{len(look.labels)} images and what the network reads in them.",
        )
        if filters is not None:
            st.plotly_chart(
                filters,
                key="look:filters",
                config={"displayModeBar": False},
                alt="The weights of the first layer as small pictures.",
            )


def _draw(run_id: str) -> tuple[Look, go.Figure, go.Figure, go.Figure | None] | None:
    run, look = open_run(run_id), read_look(run_id)
    if look is None:
        return None
    return (
        look,
        figures.small_confusion(look.confusion, run.classes),
        figures.sample_answers(look.images, look.labels.tolist(), look.probabilities, run.classes),
        figures.first_layer(look.filters) if len(look.filters) else None,
    )
