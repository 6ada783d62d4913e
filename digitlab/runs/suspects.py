"""Suspicious labels among the images of a run: those it never saw, and its training images.

Of training images the run's own answers are worth little: it has learnt their labels by heart.
They are asked of a quick model by cross-validation instead, which is kept with the run:

    suspects-network.safetensors   positions in the training split [M], probabilities [M, C]
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab.errors import RunError
from digitlab.runs import artifacts
from digitlab.runs.beside import is_kept, kept_folder, need_weights

if TYPE_CHECKING:
    from digitlab.data.dataset import Split
    from digitlab.evaluation.suspects import Suspects
    from digitlab.runs.run import Run

BASES = ("network", "pixels")
_MOST_BY_PIXELS = 20_000  # neighbours are looked for among all pairs

Progress = Callable[[str, int, int], None]


def suspects_path(run: Run, basis: str) -> Path:
    """Where the cross-validated probabilities are kept; RunError for an unknown basis."""
    if basis not in BASES:
        raise RunError(f"Cross-validation goes by {' or '.join(BASES)}; not {basis!r}.")
    return kept_folder(run) / f"suspects-{basis}.safetensors"


def are_suspects_kept(run: Run, basis: str) -> bool:
    """Whether the training images were cross-validated already, with the run's weights of now."""
    return is_kept(run, suspects_path(run, basis))


def find_train_suspects(
    run: Run, train: Split, basis: str = "network", on_progress: Progress | None = None
) -> Suspects:
    """The training images in the order of how suspicious their labels are; kept with the run.

    `basis` says what the quick model sees. `network`: the run's last hidden activations, by
    logistic regression; the fold's labels are unknown to it, but not to the network that made the
    activations, so it is only partly out of sample. `pixels`: the images themselves, by their
    nearest neighbours; out of sample, but a weaker reader. Positions are in `train`; where not
    all images could be asked, the others are left out. `on_progress` is told what is being done,
    how much is done, and of how much. RunError without weights or training images.
    """
    from digitlab.evaluation.suspects import find_suspects

    path = suspects_path(run, basis)
    if is_kept(run, path):
        kept = artifacts.read_tensors(path, run.id)
        positions, probabilities = kept["positions"].numpy(), kept["probabilities"].numpy()
    else:
        positions, probabilities = _cross_validate(run, train, basis, on_progress)
    found = find_suspects(probabilities, train.labels.numpy()[positions])
    return type(found)(positions[found.position], found.quality, found.suggested, found.flagged)


def _cross_validate(
    run: Run, train: Split, basis: str, on_progress: Progress | None
) -> tuple[np.ndarray, np.ndarray]:
    import torch

    from digitlab.evaluation.suspects import cross_validate

    tell = on_progress or (lambda what, done, total: None)
    positions, inputs = _inputs(run, train, basis, tell)
    probabilities = cross_validate(
        inputs,
        train.labels.numpy()[positions],
        len(run.classes),
        model="logistic-regression" if basis == "network" else "nearest-neighbours",
        on_progress=lambda done, total: tell("Cross-validating", done, total),
    )
    tensors = {
        "positions": torch.from_numpy(positions),
        "probabilities": torch.from_numpy(probabilities),
    }
    artifacts.write_tensors(suspects_path(run, basis), tensors)
    return positions, probabilities


def _inputs(run: Run, train: Split, basis: str, tell: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the training split and what the quick model sees of these images [M, D]."""
    from digitlab.runs.features import are_kept, compute_features, read_features

    if not len(train):
        raise RunError(f"Run {run.id} has no training images to look among.", run_id=run.id)
    if basis == "pixels":
        order = np.random.default_rng(0).permutation(len(train))[:_MOST_BY_PIXELS]
        positions = np.sort(order)
        return positions, train.images[positions].flatten(1).numpy().astype(np.float32) / 255
    need_weights(run)
    if are_kept(run):
        features = read_features(run)
    else:
        features = compute_features(
            run, train, lambda done, total: tell("Reading the training images", done, total)
        )
    return features.positions.numpy(), features.values.numpy()
