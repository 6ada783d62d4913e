"""A look at a network as it learns: its confusions, some answers, its first filters."""

from __future__ import annotations

import streamlit as st

from digitlab.errors import RunError
from digitlab.figures import snapshot as figures
from digitlab.runs.run import Run, open_run
from digitlab.runs.snapshot import read_snapshot, snapshot_version
from digitlab.ui import shared_views
from digitlab.ui.live_charts import LiveChart, as_json, show_live_charts


def show_look(run: Run) -> None:
    """What the network makes of some images now, or made of them at its end."""
    moment = snapshot_version(run.id)
    if moment is None:
        return
    try:
        caption, charts = shared_views.draw_once(run.id, moment, _draw)
    except RunError:  # it cannot be read now; the next one may
        return
    st.caption(caption)
    show_live_charts("look", charts)


def _draw(run_id: str) -> tuple[str, list[LiveChart]]:
    run, look = open_run(run_id), read_snapshot(run_id)
    if look is None:
        raise RunError(f"The last look at run {run_id} cannot be read.", run_id=run_id)
    split = "validation" if look.split == "val" else "training"
    images = int(look.confusion.sum())
    confusion = figures.small_confusion(look.confusion, run.classes)
    answers = figures.sample_answers(
        look.images, look.labels.tolist(), look.probabilities, run.classes
    )
    said = f"{len(look.labels)} images and what the network reads in them."
    charts = [
        LiveChart(
            "confusion",
            f"Confusion matrix of {images} {split} images.",
            as_json(confusion),
            share=4,
            rows=2,
        ),
        LiveChart("answers", said, as_json(answers), share=6, bar=False),
    ]
    if len(look.filters):
        weights = as_json(figures.first_layer(look.filters))
        said = "The weights of the first layer as small pictures."
        charts.append(LiveChart("filters", said, weights, share=6, bar=False))
    caption = (
        f"A look at {images:,} {split} images after epoch {look.epoch:.4g}: what it confuses, some "
        "of its answers, and the weights of its first layer."
    )
    return caption, charts
