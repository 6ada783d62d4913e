"""The training images that the network sees as most alike, found in its last hidden layer."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.analysis.features import compute_features, has_features, nearest
from digitlab.errors import RunError
from digitlab.runs.run_folder import WEIGHTS
from digitlab.ui import cached
from digitlab.ui.results.view import View

if TYPE_CHECKING:
    import torch

    from digitlab.data.dataset import Split

METRICS = {"cosine": "Cosine", "euclidean": "Euclidean"}
SHOWN = 10


def show_neighbours(view: View, image: torch.Tensor, position: int, metric: str) -> None:
    """The nearest training images; where activations are not kept yet, an offer to compute them.

    Raises DatasetError where the training images are not here, RunError without weights.
    """
    run = view.run
    if not (run.folder / WEIGHTS).is_file():
        raise RunError(f"run {run.id} has no weights any more.", run_id=run.id)
    train = cached.own_dataset(run).train
    if not has_features(run):
        _offer(view, train)
        if not has_features(run):
            return
    features = cached.features(run)
    itself = position if view.is_own and view.split == "train" else None
    found = nearest(cached.reader(run), features, image, SHOWN, metric, exclude=itself)
    _show(view, train, found)
    few = len(features.positions) < features.total
    among = f"{len(features.positions):,} of {features.total:,}" if few else f"{features.total:,}"
    st.caption(
        f"Class and distance, among {among} training images, by what enters the network's last "
        "linear layer."
    )


def _offer(view: View, train: Split) -> None:
    """A button, and then a bar that fills while the training images are read."""
    place = st.empty()
    pressed = place.button(
        f"Look among the {len(train):,} training images",
        icon=":material/image_search:",
        help="The network reads them all once, which takes seconds to a minute; what it makes of "
        "them is kept with the run.",
    )
    if not pressed:
        return
    bar = place.progress(0.0, text="Reading the training images …")

    def fill(done: int, total: int) -> None:
        bar.progress(done / total, text=f"Reading the training images: {done:,} of {total:,}")

    compute_features(cached.reader(view.run), train, fill)
    place.empty()


def _show(view: View, train: Split, found: list) -> None:
    from digitlab.figures.images import image_grid

    positions = [one.position for one in found]
    names = [view.run.classes[label] for label in train.labels[positions].tolist()]
    st.plotly_chart(
        image_grid(
            train.images[positions].numpy(),
            captions=[
                f"{name[:8]}<br>{f'{one.distance:#.3g}'.rstrip('.')}"
                for name, one in zip(names, found, strict=True)
            ],
            hovers=[
                f"training image {one.position:,}, labelled {name}<br>distance {one.distance:.4g}"
                for name, one in zip(names, found, strict=True)
            ],
            columns=SHOWN,
            tile=68,
        ),
        key="neighbours",
        config={"displayModeBar": False},
        alt="The nearest training images with their classes and distances.",
    )
