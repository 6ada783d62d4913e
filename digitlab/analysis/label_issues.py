"""Suspicious labels among the images of a run: those it never saw, and its training images.

Of images that no run learnt from all finished runs on the same data are asked together.
Of training images the run's own answers are worth little: it has learnt their labels by heart.
They are asked of a quick model by cross-validation instead, which is kept with the run:

    suspects-network.safetensors   positions in the training split [M], probabilities [M, C]
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from digitlab import files
from digitlab.analysis.cache import is_kept, kept_folder, need_weights
from digitlab.analysis.peer_predictions import LOOKED_AT, same_images
from digitlab.errors import RunError
from digitlab.runs import run_folder
from digitlab.runs.run import list_runs

if TYPE_CHECKING:
    from digitlab.data.dataset import Split
    from digitlab.evaluation.label_issues import Suspects
    from digitlab.runs.run import Run

BASES = ("network", "pixels")
MOST_READERS = 20  # runs asked together: more would not change the order much
_MOST_BY_PIXELS = 20_000  # neighbours are looked for among all pairs

Progress = Callable[[str, int, int], None]


@dataclass(frozen=True, eq=False)
class Panel:
    """Runs that were asked together, and what they say: probabilities float32 [N, C]."""

    readers: tuple[Run, ...]
    probabilities: np.ndarray


def find_readers(run: Run, split: str) -> list[Run]:
    """Whom `ask_together` asks: at most 20 finished runs, the fewest errors on validation first.

    They are those whose own `split`, `test` or `val`, has the run's images, which none of them
    has learnt from. Ensembles are left out, as their members are asked.
    """
    found = [
        other
        for other in list_runs(limit=LOOKED_AT)
        if other.record.status == "finished"
        and other.record.test_accuracy is not None
        and not other.record.members
        and (other.id == run.id or same_images(run, other, split))
    ]
    return sorted(found, key=_error)[:MOST_READERS]


def ask_together(run: Run, split: str, readers: Sequence[Run] | None = None) -> Panel:
    """What all runs on the same data say of the images of a run's `test` or `val` split.

    From their saved answers, pooled so that a run with half the errors on validation counts twice.
    `readers` are those of `find_readers` unless given; one without saved answers, or with other
    labels, is passed over. Raises RunError for the training split, and where nobody answers.
    """
    from digitlab.evaluation.label_issues import pool_opinions
    from digitlab.evaluation.softmax import softmax

    if split not in ("test", "val"):
        raise RunError(f"Runs are asked of test or val, which they did not see; not {split!r}.")
    asked, logits, labels = [], [], None
    for reader in find_readers(run, split) if readers is None else readers:
        answers = _saved_answers(reader, split)
        if answers is None or (labels is not None and not np.array_equal(answers[1], labels)):
            continue
        labels = answers[1]
        asked.append(reader)
        logits.append(answers[0])
    if not asked:
        raise RunError(f"No finished run has saved answers to the {split} images of {run.id}.")
    opinions = [softmax(one) for one in logits]
    return Panel(tuple(asked), pool_opinions(opinions, [_error(one) for one in asked]))


def _error(run: Run) -> float:
    """The share misread of the validation images, or of the test images where there are none."""
    record = run.record
    accuracy = record.val_accuracy if record.val_accuracy is not None else record.test_accuracy
    return 1 - accuracy


def _saved_answers(run: Run, split: str) -> tuple[np.ndarray, np.ndarray] | None:
    try:
        saved = run_folder.read_answers(run.id, split)
    except RunError:  # damaged: the others are asked
        return None
    return (saved[0].numpy(), saved[1].numpy()) if saved else None


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
    from digitlab.evaluation.label_issues import find_suspects

    path = suspects_path(run, basis)
    if is_kept(run, path):
        kept = run_folder.read_tensors(path, run.id)
        positions, probabilities = kept["positions"].numpy(), kept["probabilities"].numpy()
    else:
        positions, probabilities = _cross_validate(run, train, basis, on_progress)
    found = find_suspects(probabilities, train.labels.numpy()[positions])
    return type(found)(positions[found.position], found.quality, found.suggested, found.flagged)


def _cross_validate(
    run: Run, train: Split, basis: str, on_progress: Progress | None
) -> tuple[np.ndarray, np.ndarray]:
    import torch

    from digitlab.evaluation.label_issues import cross_validate

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
    files.write_tensors(suspects_path(run, basis), tensors)
    return positions, probabilities


def _inputs(run: Run, train: Split, basis: str, tell: Progress) -> tuple[np.ndarray, np.ndarray]:
    """Positions in the training split and what the quick model sees of these images [M, D]."""
    from digitlab.analysis.features import are_kept, compute_features, read_features

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
