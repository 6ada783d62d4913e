"""The training images most similar to an image, by the activations of the last hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.cache import may_keep
from digitlab.analysis.features import has_features
from digitlab.errors import RunError
from digitlab.jobs.compute import requests
from digitlab.runs.run_folder import WEIGHTS
from digitlab.ui import cached
from digitlab.ui.chart import show_chart
from digitlab.ui.compute import compute
from digitlab.ui.results.view import View
from digitlab.words import shorten

if TYPE_CHECKING:
    import numpy as np

    from digitlab.data.dataset import Split

METRICS = {"cosine": "Cosine", "euclidean": "Euclidean"}
NEIGHBOURS = 10


def show_neighbours(view: View, image: np.ndarray, position: int, metric: str) -> None:
    """Show the nearest training images, or a button to compute their activations first.

    Raises DatasetError if the training images are not on this machine, RunError without weights.
    """
    run = view.run
    if not (run.folder / WEIGHTS).is_file():
        raise RunError(f"run {run.id} has no weights any more.", run_id=run.id)
    train = cached.own_dataset(run).train
    if not has_features(run):
        _offer(view, train)
        if not has_features(run):
            return
    exclude = position if view.is_own and view.split == "train" else None
    neighbours, searched, total = compute(
        requests.nearest, run.id, image, NEIGHBOURS, metric, exclude
    )
    _show(view, train, neighbours)
    count = f"{searched:,} of {total:,}" if searched < total else f"{total:,}"
    st.caption(
        f"Class and distance, among {count} training images, by the input of the network's last "
        "linear layer."
    )


def _offer(view: View, train: Split) -> None:
    """Show a button, then a progress bar while the activations are computed."""
    if not may_keep(view.run):
        st.caption("Only the run's owner can have its training images searched.")
        return
    slot = st.empty()
    pressed = slot.button(
        f"Search the {len(train):,} training images",
        icon=":material/image_search:",
        help="Computes the activations of all of them once, in seconds to a minute, and saves them "
        "with the run.",
    )
    if not pressed:
        return
    bar = slot.progress(0.0, text="Reading the training images …")

    def update(done: int, total: int) -> None:
        bar.progress(done / total, text=f"Reading the training images: {done:,} of {total:,}")

    compute(requests.compute_features, view.run.id, on_progress=update)
    slot.empty()


def _show(view: View, train: Split, neighbours: list) -> None:
    from digitlab.figures.images import describe_grid

    positions = [neighbour.position for neighbour in neighbours]
    names = [view.run.classes[label] for label in train.labels[positions].tolist()]
    show_chart(
        describe_grid(
            train.images[positions],
            captions=[
                f"{shorten(name, 8)}<br>{f'{neighbour.distance:#.3g}'.rstrip('.')}"
                for name, neighbour in zip(names, neighbours, strict=True)
            ],
            hovers=[
                f"training image {neighbour.position:,}, labelled {name}<br>"
                f"distance {neighbour.distance:.4g}"
                for name, neighbour in zip(names, neighbours, strict=True)
            ],
            columns=NEIGHBOURS,
            tile=68,
        ),
        key="neighbours",
        bar=False,
        alt="The nearest training images with their classes and distances.",
    )
