"""Selective classification: accuracy on the images that a network answers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.intervals import Interval, wilson_interval
from digitlab.evaluation.metrics import Evaluation


@dataclass(frozen=True, eq=False)
class CoverageCurve:
    """Accuracy of the answers for every share of images that is answered, the surest first.

    `coverage`, `accuracy` and `threshold` are float64 of one length, 0…1: images with a
    confidence of at least `threshold` are answered. `area_under_risk` is the mean error over all
    coverages, 0…1: the smaller, the better the confidence tells mistakes from hits.

    Source: Y. Geifman, R. El-Yaniv, "Selective classification for deep neural networks",
    NeurIPS 2017.
    """

    coverage: np.ndarray
    accuracy: np.ndarray
    threshold: np.ndarray
    area_under_risk: float


class Declined(NamedTuple):
    """What happens below a confidence: the counts of images answered and declined.

    `accuracy` 0…1 is that of the answers with its 95 % Wilson interval, None without answers.
    `spared` mistakes are declined, and so are `lost` images that were read rightly.
    """

    threshold: float
    answered: int
    declined: int
    accuracy: float | None
    interval: Interval | None
    spared: int
    lost: int


def coverage_curve(result: Evaluation) -> CoverageCurve:
    """Coverage against accuracy, one point for each distinct confidence."""
    order = np.argsort(-result.confidence, kind="stable")
    falling = result.confidence[order].astype(np.float64)
    right = (result.predictions == result.labels)[order]
    answered = np.arange(1, result.n + 1)
    accuracy = np.cumsum(right) / answered
    last = np.flatnonzero(np.append(np.diff(falling) != 0, True))
    # Images of one confidence are answered together: each of them meets their common risk.
    sizes = np.diff(np.concatenate([[-1], last]))
    risk = float(((1 - accuracy[last]) * sizes).sum() / result.n)
    return CoverageCurve(answered[last] / result.n, accuracy[last], falling[last], risk)


def decline_below(result: Evaluation, threshold: float) -> Declined:
    """What the network gets right where it answers only with a confidence ≥ `threshold`, 0…1."""
    if not 0 <= threshold <= 1:
        raise EvaluationError(f"A confidence lies between 0 and 1; not {threshold}.")
    answering = result.confidence >= threshold
    right = result.predictions == result.labels
    answered, hits = int(answering.sum()), int((answering & right).sum())
    return Declined(
        threshold=threshold,
        answered=answered,
        declined=result.n - answered,
        accuracy=hits / answered if answered else None,
        interval=wilson_interval(hits, answered),
        spared=int((~answering & ~right).sum()),
        lost=int((~answering & right).sum()),
    )
