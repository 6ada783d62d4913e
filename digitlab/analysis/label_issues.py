"""Label issues: images of a run's data whose labels are probably wrong.

For images that no run was trained on, the predictions of all finished runs on the same data are
pooled. For training images the run's own predictions say little, because it has memorised their
labels: a fast model predicts them by cross-validation instead, which is cached with the run:

    suspects-network.safetensors   positions in the training split [M], probabilities [M, C]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab import files
from digitlab.analysis.cache import cache_folder, check_keeping, is_cached, require_weights
from digitlab.analysis.features import compute_features, has_features, read_features
from digitlab.analysis.peer_predictions import RECENT_RUNS, same_images
from digitlab.errors import RunError
from digitlab.evaluation.label_issues import cross_validate, find_label_issues, pool_probabilities
from digitlab.evaluation.softmax import softmax
from digitlab.runs import run_folder
from digitlab.runs.run import list_runs

if TYPE_CHECKING:
    from digitlab.data.dataset import Split
    from digitlab.evaluation.label_issues import LabelIssues
    from digitlab.runs.run import Run

BASES = ("network", "pixels")
MOST_PEERS = 20  # runs whose predictions are pooled: more hardly change the order
_MOST_BY_PIXELS = 20_000  # the distances of all pairs are computed

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class PooledPredictions:
    """Pooled probabilities float32 [N, C], and the runs that they are from."""

    runs: tuple[Run, ...]
    probabilities: np.ndarray


def peer_runs(run: Run, split: str) -> list[Run]:
    """At most 20 finished runs to pool, those with the highest validation accuracy first.

    Their own `split`, `test` or `val`, holds the same images as the run's, so that none of them
    was trained on these. Ensembles are left out, as their members are included.
    """
    peers = [
        other
        for other in list_runs(limit=RECENT_RUNS)
        if other.record.status == "finished"
        and other.record.test_accuracy is not None
        and not other.record.members
        and (other.id == run.id or same_images(run, other, split))
    ]
    return sorted(peers, key=_error)[:MOST_PEERS]


def pool_predictions(run: Run, split: str, runs: Sequence[Run] | None = None) -> PooledPredictions:
    """The pooled predictions of all runs on the same data for a run's `test` or `val` split.

    They are weighted so that a run with half the validation errors counts twice. `runs` are those
    of `peer_runs` by default; a run without saved predictions, or with other labels, is skipped.
    Raises RunError for the training split, and where no run has saved predictions.
    """
    if split not in ("test", "val"):
        raise RunError(
            f"Predictions are pooled for test or val, which no run was trained on; not {split!r}."
        )
    pooled, logits, labels = [], [], None
    for peer in peer_runs(run, split) if runs is None else runs:
        answers = _saved_answers(peer, split)
        if answers is None or (labels is not None and not np.array_equal(answers[1], labels)):
            continue
        labels = answers[1]
        pooled.append(peer)
        logits.append(answers[0])
    if not pooled:
        raise RunError(f"No finished run has saved predictions for the {split} images of {run.id}.")
    probabilities = [softmax(values) for values in logits]
    errors = [_error(peer) for peer in pooled]
    return PooledPredictions(tuple(pooled), pool_probabilities(probabilities, errors))


def _error(run: Run) -> float:
    """The share of validation images misread; of test images where there are none."""
    record = run.record
    accuracy = record.val_accuracy if record.val_accuracy is not None else record.test_accuracy
    return 1 - accuracy


def _saved_answers(run: Run, split: str) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        return run_folder.read_answers(run.id, split)
    except RunError:  # damaged: the other runs are used
        return None


def label_issues_path(run: Run, basis: str) -> Path:
    """Where the cross-validated probabilities are kept; RunError for an unknown basis."""
    if basis not in BASES:
        raise RunError(f"Cross-validation is based on {' or '.join(BASES)}; not {basis!r}.")
    return cache_folder(run) / f"suspects-{basis}.safetensors"


def has_train_label_issues(run: Run, basis: str) -> bool:
    """Whether the cross-validation is cached for the run's present weights."""
    return is_cached(run, label_issues_path(run, basis))


def find_train_label_issues(
    run: Run, train: Split, basis: str = "network", on_progress: Progress | None = None
) -> LabelIssues:
    """The training images, those whose labels are most probably wrong first; cached with the run.

    `basis` is what the fast model is trained on. `network`: the run's last hidden activations, by
    logistic regression; the labels of a fold are unknown to it, but not to the network that
    computed the activations, so it is only partly out of sample. `pixels`: the images themselves,
    by nearest neighbours; out of sample, but less accurate. Positions are in `train`; with
    `pixels`, a sample of at most 20,000 images is used. `on_progress` is called with the name of
    the step, how much of it is done, and its total. RunError without weights or training images,
    and where they are to be computed for another's run.
    """
    path = label_issues_path(run, basis)
    if is_cached(run, path):
        cached = run_folder.read_tensors(path, run.id)
        positions, probabilities = cached["positions"].numpy(), cached["probabilities"].numpy()
    else:
        positions, probabilities = _cross_validate(run, train, basis, on_progress)
    issues = find_label_issues(probabilities, train.labels.numpy()[positions])
    return replace(issues, position=positions[issues.position])


def _cross_validate(
    run: Run, train: Split, basis: str, on_progress: Progress | None
) -> tuple[np.ndarray, np.ndarray]:
    import torch

    check_keeping(run)
    report = on_progress or (lambda step, done, total: None)
    positions, inputs = _inputs(run, train, basis, report)
    probabilities = cross_validate(
        inputs,
        train.labels.numpy()[positions],
        len(run.classes),
        model="logistic-regression" if basis == "network" else "nearest-neighbours",
        on_progress=lambda done, total: report("Cross-validating", done, total),
    )
    tensors = {
        "positions": torch.from_numpy(positions),
        "probabilities": torch.from_numpy(probabilities),
    }
    files.write_tensors(label_issues_path(run, basis), tensors)
    return positions, probabilities


def _inputs(run: Run, train: Split, basis: str, report: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the training split, and the fast model's inputs [M, D]."""
    if not len(train):
        raise RunError(f"Run {run.id} has no training images to check.", run_id=run.id)
    if basis == "pixels":
        order = np.random.default_rng(0).permutation(len(train))[:_MOST_BY_PIXELS]
        positions = np.sort(order)
        return positions, train.images[positions].flatten(1).numpy().astype(np.float32) / 255
    require_weights(run)
    if has_features(run):
        features = read_features(run)
    else:
        features = compute_features(
            run, train, lambda done, total: report("Reading the training images", done, total)
        )
    return features.positions.numpy(), features.values.numpy()
