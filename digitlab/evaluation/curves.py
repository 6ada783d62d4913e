"""One class against all others: ROC and precision-recall curves, and the areas under them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.metrics import Evaluation
from digitlab.evaluation.softmax import log_softmax


@dataclass(frozen=True, eq=False)
class Curve:
    """A curve in the unit square, from the strictest threshold to the laxest.

    `x`, `y` and `thresholds` are float64 of one length. ROC: x is the false-positive rate, y the
    true-positive rate (recall), from (0, 0), where nothing is accepted (threshold infinity).
    Precision-recall: x is recall, y precision, from (0, 1). `area` 0…1 is the trapezoids' for ROC
    and average precision, Σ (Rₙ − Rₙ₋₁)·Pₙ, for precision-recall, as straight lines between its
    points would promise too much.
    """

    x: np.ndarray
    y: np.ndarray
    thresholds: np.ndarray
    area: float

    def thinned(self, points: int = 400) -> Curve:
        """Its corners; of more than `points`, about that many at even distances along the curve."""
        dx, dy = np.diff(self.x), np.diff(self.y)
        bent = np.abs(dx[1:] * dy[:-1] - dx[:-1] * dy[1:]) > 1e-15
        corners = np.flatnonzero(np.concatenate([[True], bent, [True]]))
        if len(corners) > points:
            way = np.concatenate([[0], np.cumsum(np.abs(dx) + np.abs(dy))])
            indices = np.searchsorted(way, np.linspace(0, way[-1], points))
            corners = np.unique(
                np.concatenate([[0], indices, [len(way) - 1]]).clip(0, len(way) - 1)
            )
        return Curve(self.x[corners], self.y[corners], self.thresholds[corners], self.area)


class OneVsRest(NamedTuple):
    """A class against all others; a curve is None where the split has only one of the two."""

    label: int
    name: str
    support: int
    roc: Curve | None
    precision_recall: Curve | None


def one_vs_rest(result: Evaluation) -> tuple[OneVsRest, ...]:
    """Both curves of every class, by its probability against that of all others together."""
    scores = np.exp(log_softmax(result.logits))
    curves = []
    for label, name in enumerate(result.classes):
        positive = result.labels == label
        both = 0 < positive.sum() < len(positive)
        curves.append(
            OneVsRest(
                label=label,
                name=name,
                support=int(positive.sum()),
                roc=roc_curve(scores[:, label], positive) if both else None,
                precision_recall=precision_recall_curve(scores[:, label], positive)
                if both
                else None,
            )
        )
    return tuple(curves)


def mean_areas(curves: tuple[OneVsRest, ...]) -> tuple[float, float] | None:
    """Mean area of the ROC and of the precision-recall curves; None where no class has any."""
    complete = [curve for curve in curves if curve.roc and curve.precision_recall]
    if not complete:
        return None
    return (
        float(np.mean([curve.roc.area for curve in complete])),
        float(np.mean([curve.precision_recall.area for curve in complete])),
    )


def roc_curve(scores: np.ndarray, positive: np.ndarray) -> Curve:
    """Receiver operating characteristic of scores, float [N], for truths, bool [N].

    EvaluationError unless there are positives and negatives.
    """
    thresholds, hits, alarms = _counts(scores, positive)
    if not hits[-1] or not alarms[-1]:
        raise EvaluationError("A ROC curve needs images of the class and of other classes.")
    x = np.concatenate([[0.0], alarms / alarms[-1]])
    y = np.concatenate([[0.0], hits / hits[-1]])
    return Curve(x, y, np.concatenate([[np.inf], thresholds]), float(np.trapezoid(y, x)))


def precision_recall_curve(scores: np.ndarray, positive: np.ndarray) -> Curve:
    """Precision over recall of scores, float [N], for truths, bool [N].

    EvaluationError where nothing is positive.
    """
    thresholds, hits, alarms = _counts(scores, positive)
    if not hits[-1]:
        raise EvaluationError("A precision-recall curve needs images of the class.")
    recall = np.concatenate([[0.0], hits / hits[-1]])
    precision = np.concatenate([[1.0], hits / (hits + alarms)])
    area = float((np.diff(recall) * precision[1:]).sum())
    return Curve(recall, precision, np.concatenate([[np.inf], thresholds]), area)


def _counts(scores: np.ndarray, positive: np.ndarray) -> tuple[np.ndarray, ...]:
    """Distinct scores, falling; how many positives and negatives score at least as much."""
    order = np.argsort(-scores, kind="stable")
    falling, truths = scores[order], positive[order].astype(np.int64)
    last = np.flatnonzero(np.append(np.diff(falling) != 0, True))  # of each run of equal scores
    hits = np.cumsum(truths)[last]
    return falling[last], hits, last + 1 - hits
