"""The last snapshot of a training network: its predictions or reconstructions, first filters."""

from __future__ import annotations

import streamlit as st

from digitlab.errors import RunError
from digitlab.figures import snapshot as figures
from digitlab.figures.images import before_and_after
from digitlab.runs.run import Run, open_run
from digitlab.runs.snapshot import SavedSnapshot, read_snapshot, snapshot_version
from digitlab.ui import shared_views
from digitlab.ui.live_charts import LiveChart, show_live_charts


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
    if snapshot.reconstructions is not None:
        return _draw_reconstructions(snapshot, run.classes)
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
            confusion,
            share=4,
            rows=2,
        ),
        LiveChart(
            "answers",
            f"{len(snapshot.labels)} images with the network's predictions.",
            answers,
            share=6,
            bar=False,
        ),
    ]
    charts += _filters(snapshot)
    caption = (
        f"{images} {split} images after epoch {snapshot.epoch:.4g}: confusion matrix, some "
        "predictions, and the weights of the first layer."
    )
    return caption, charts


def _draw_reconstructions(
    snapshot: SavedSnapshot, classes: tuple[str, ...]
) -> tuple[str, list[LiveChart]]:
    figure = before_and_after(
        snapshot.images,
        snapshot.reconstructions,
        [f"a {classes[label]}" for label in snapshot.labels],
        columns=6,
        title="Reconstructions",
        words=("as it is", "as the network gives it back"),
    )
    alt = f"{len(snapshot.labels)} images, and below each what the network makes of it."
    split = "validation" if snapshot.split == "val" else "training"
    caption = (
        f"{len(snapshot.labels)} {split} images after epoch {snapshot.epoch:.4g}, each above what "
        "the network gives back"
    )
    caption += ", and the weights of the first layer." if len(snapshot.filters) else "."
    chart = LiveChart("reconstructions", alt, figure, share=5, bar=False)
    return caption, [chart, *_filters(snapshot)]


def _filters(snapshot: SavedSnapshot) -> list[LiveChart]:
    """The chart of the first layer's weights, where they are images."""
    if not len(snapshot.filters):
        return []
    alt = "The weights of the first layer as small images."
    share = 6 if snapshot.reconstructions is None else 5
    figure = figures.first_layer(snapshot.filters)
    return [LiveChart("filters", alt, figure, share=share, bar=False)]
