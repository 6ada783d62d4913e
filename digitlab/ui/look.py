"""A look at a network as it learns: its confusions, some answers, its first filters."""

from __future__ import annotations

import streamlit as st

from digitlab.figures import live as figures
from digitlab.runs.live import look_moment, read_look
from digitlab.runs.run import Run, open_run
from digitlab.ui import cached
from digitlab.ui.moving import Moving, as_json, moving_charts


def show_look(run: Run) -> None:
    """What the network makes of some images now, or made of them at its end."""
    moment = look_moment(run.id)
    drawn = moment and cached.drawn(run.id, moment, _draw)
    if not drawn:
        return
    caption, charts = drawn
    st.caption(caption)
    moving_charts("look", charts)


def _draw(run_id: str) -> tuple[str, list[Moving]] | None:
    run, look = open_run(run_id), read_look(run_id)
    if look is None:
        return None
    split = "validation" if look.split == "val" else "training"
    images = int(look.confusion.sum())
    confusion = figures.small_confusion(look.confusion, run.classes)
    answers = figures.sample_answers(
        look.images, look.labels.tolist(), look.probabilities, run.classes
    )
    said = f"{len(look.labels)} images and what the network reads in them."
    charts = [
        Moving(
            "confusion",
            f"Confusion matrix of {images} {split} images.",
            as_json(confusion),
            share=4,
            rows=2,
        ),
        Moving("answers", said, as_json(answers), share=6, bar=False),
    ]
    if len(look.filters):
        weights = as_json(figures.first_layer(look.filters))
        said = "The weights of the first layer as small pictures."
        charts.append(Moving("filters", said, weights, share=6, bar=False))
    caption = (
        f"A look at {images:,} {split} images after epoch {look.epoch:.4g}: what it confuses, some "
        "of its answers, and the weights of its first layer."
    )
    return caption, charts
