"""The last snapshot of a training network: confusion matrix, some predictions, first filters."""

from __future__ import annotations

import streamlit as st

from digitlab.errors import RunError
from digitlab.figures import snapshot as figures
from digitlab.runs.run import Run, open_run
from digitlab.runs.snapshot import read_snapshot, snapshot_version
from digitlab.ui import shared_views
from digitlab.ui.live_charts import LiveChart, as_json, show_live_charts


def show_snapshot(run: Run) -> None:
    """The charts of the last snapshot; nothing where there is none."""
    version = snapshot_version(run.id)
    if version is None:
        return
    try:
        caption, charts = shared_views.draw_once(run.id, version, _draw)
    except RunError:  # it cannot be read now; the next one may
        return
    st.caption(caption)
    show_live_charts("snapshot", charts)


def _draw(run_id: str) -> tuple[str, list[LiveChart]]:
    run, snapshot = open_run(run_id), read_snapshot(run_id)
    if snapshot is None:
        raise RunError(f"The last snapshot of run {run_id} cannot be read.", run_id=run_id)
    images = f"{int(snapshot.confusion.sum()):,}"
    split = "validation" if snapshot.split == "val" else "training"
    confusion = figures.small_confusion(snapshot.confusion, run.classes)
    answers = figures.sample_answers(
        snapshot.images, snapshot.labels.tolist(), snapshot.probabilities, run.classes
    )
    charts = [
        LiveChart(
            "confusion",
            f"Confusion matrix of {images} {split} images.",
            as_json(confusion),
            share=4,
            rows=2,
        ),
        LiveChart(
            "answers",
            f"{len(snapshot.labels)} images with the network's predictions.",
            as_json(answers),
            share=6,
            bar=False,
        ),
    ]
    if len(snapshot.filters):
        filters = figures.first_layer(snapshot.filters)
        alt = "The weights of the first layer as small images."
        charts.append(LiveChart("filters", alt, as_json(filters), share=6, bar=False))
    caption = (
        f"{images} {split} images after epoch {snapshot.epoch:.4g}: confusion matrix, some "
        "predictions, and the weights of the first layer."
    )
    return caption, charts
