"""`Reconstruction`: how well an autoencoder gives images back, and what that tells apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from digitlab.evaluation.checks import EvaluationError, checked_classes, checked_labels
from digitlab.evaluation.intervals import Z_95, Interval


class ClassError(NamedTuple):
    """The mean reconstruction error of one class's `count` images; None without any."""

    name: str
    error: float | None
    count: int


class Separation(NamedTuple):
    """How well the error tells other images from those of the dataset.

    `area` is that under the ROC curve: the chance that an other image has the larger error.
    `threshold` is the error that 95 % of the dataset's images stay below, and `detection_rate` the
    share of the others that lie above it. `rates` [K, 2] are the shares of both that lie above each
    error.
    """

    area: float
    threshold: float
    detection_rate: float
    rates: np.ndarray


@dataclass(frozen=True, eq=False, repr=False)
class Reconstruction:
    """The reconstruction errors of N images, each a mean over the image's pixels.

    `error` is their mean with its 95 % interval (normal: the images are many and independent),
    `median` their median, `errors` float32 [N] and `labels` int64 [N] are those of each image.
    """

    classes: tuple[str, ...]
    errors: np.ndarray
    labels: np.ndarray

    @property
    def n(self) -> int:
        return len(self.errors)

    @cached_property
    def error(self) -> float:
        return float(self.errors.astype(np.float64).mean())

    @cached_property
    def interval(self) -> Interval:
        spread = float(self.errors.astype(np.float64).std(ddof=min(1, self.n - 1)))
        half = Z_95 * spread / np.sqrt(self.n)
        return Interval(self.error - half, self.error + half)

    @cached_property
    def median(self) -> float:
        return float(np.median(self.errors))

    @cached_property
    def per_class(self) -> tuple[ClassError, ...]:
        """The mean error of each class."""
        parts = [self.errors[self.labels == label] for label in range(len(self.classes))]
        return tuple(
            ClassError(name, float(part.mean()) if len(part) else None, len(part))
            for name, part in zip(self.classes, parts, strict=True)
        )

    def best(self, k: int) -> np.ndarray:
        """Positions, int64, of the `k` images with the smallest errors, the smallest first."""
        return np.argsort(self.errors, kind="stable")[:k]

    def worst(self, k: int) -> np.ndarray:
        """Positions, int64, of the `k` images with the largest errors, the largest first."""
        return np.argsort(-self.errors, kind="stable")[:k]

    def to_dict(self) -> dict:
        """All measures as JSON-ready values, without what is per image."""
        return {
            "n": self.n,
            "classes": list(self.classes),
            "error": self.error,
            "error_interval": list(self.interval),
            "median": self.median,
            "per_class": [row._asdict() for row in self.per_class],
        }

    def __repr__(self) -> str:
        low, high = self.interval
        return (
            f"Reconstruction({self.n:,} images, error {self.error:.4f} ({low:.4f} to {high:.4f}))"
        )


def evaluate_errors(
    errors: np.ndarray, labels: np.ndarray, classes: Sequence[str]
) -> Reconstruction:
    """Measure an autoencoder by its errors float [N] and the images' labels int64 [N].

    EvaluationError where they do not fit together, are empty, or hold NaN or infinity.
    """
    names = checked_classes(classes)
    errors = np.asarray(errors, np.float32)
    if errors.ndim != 1 or not len(errors) or not np.isfinite(errors).all():
        raise EvaluationError(
            "Reconstruction errors must be finite numbers, one for each image and at least one; "
            f"not {list(errors.shape)}. Where the training has diverged, try a smaller learning "
            "rate."
        )
    return Reconstruction(names, errors, checked_labels(labels, len(errors), len(names)))


def separate(known: np.ndarray, others: np.ndarray) -> Separation:
    """How well larger errors float [M] of `others` stand out from errors float [N] of `known`.

    EvaluationError where either is empty.
    """
    if not len(known) or not len(others):
        raise EvaluationError("There must be images of both kinds to compare their errors.")
    from sklearn.metrics import roc_auc_score, roc_curve

    truth = np.r_[np.zeros(len(known)), np.ones(len(others))]
    scores = np.r_[known, others].astype(np.float64)
    false, true, _ = roc_curve(truth, scores)
    threshold = float(np.quantile(known, 0.95))
    return Separation(
        area=float(roc_auc_score(truth, scores)),
        threshold=threshold,
        detection_rate=float((others > threshold).mean()),
        rates=np.stack([false, true], 1),
    )
