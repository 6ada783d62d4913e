"""`evaluate_logits` and the `Evaluation` it returns: accuracy, loss, confusion, averages."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import cached_property
from typing import NamedTuple

import numpy as np

from digitlab.evaluation.agreement import summarize_confusions
from digitlab.evaluation.checks import (
    EvaluationError,
    checked_classes,
    checked_labels,
    checked_logits,
)
from digitlab.evaluation.intervals import (
    Interval,
    bootstrap_intervals,
    f1_interval,
    wilson_interval,
)
from digitlab.evaluation.mistakes import Mistakes, find_mistakes
from digitlab.evaluation.softmax import cross_entropy, log_softmax, softmax
from digitlab.words import interval, percent


class Confused(NamedTuple):
    """`count` images labelled `true` were read as `predicted`."""

    true: int
    predicted: int
    count: int


@dataclass(frozen=True)
class ClassMetrics:
    """The metrics of one class; all shares 0…1.

    `recall` is the share of the class's images that were found: None where the split has none of
    them (`support` 0). `precision` is the share of the images read as this class that are of it:
    None where none was read so. `f1` is the harmonic mean of the two, i.e. 2·hits over all images
    that are or were read as the class: None where there are none. The intervals are Wilson's,
    95 %; that of F1 follows from one, see `f1_interval`.
    """

    label: int
    name: str
    precision: float | None
    precision_interval: Interval | None
    recall: float | None
    recall_interval: Interval | None
    f1: float | None
    f1_interval: Interval | None
    support: int
    predicted: int


class Averages(NamedTuple):
    """Precision, recall and F1 over the classes that the split has images of, 0…1."""

    precision: float
    recall: float
    f1: float


@dataclass(frozen=True, eq=False, repr=False)
class Evaluation:
    """The metrics of N logits and labels.

    `n` images; `accuracy` 0…1 with its 95 % Wilson interval; `loss` mean cross-entropy in nats;
    `confusion` int64 [C, C], rows are true and columns predicted labels; `per_class` one
    ClassMetrics a class; `macro` averages classes alike and `weighted` by support, both over the
    classes with support (one that was never read counts as precision 0); `predictions` int64 [N];
    `confidence` float32 [N], the probability of the predicted class; `errors` the mistakes, most
    confident first.
    """

    classes: tuple[str, ...]
    n: int
    accuracy: float
    accuracy_interval: Interval
    loss: float
    confusion: np.ndarray
    per_class: tuple[ClassMetrics, ...]
    macro: Averages
    weighted: Averages
    predictions: np.ndarray
    confidence: np.ndarray
    errors: Mistakes
    logits: np.ndarray
    labels: np.ndarray

    @cached_property
    def probabilities(self) -> np.ndarray:
        """Probabilities of all classes, float32 [N, C]; every row sums to 1."""
        return softmax(self.logits)

    @property
    def balanced_accuracy(self) -> float:
        """Mean recall of the classes that the split has images of, 0…1: rare ones count alike."""
        return self.macro.recall

    @cached_property
    def cohen_kappa(self) -> float | None:
        """Agreement beyond chance, −1…1; None where only one class is there and read."""
        return self._agreement["cohen_kappa"]

    @cached_property
    def matthews(self) -> float:
        """Matthews' correlation of true and read classes, −1…1; 0 where one never varies."""
        return self._agreement["matthews"]

    @cached_property
    def intervals(self) -> dict[str, Interval]:
        """Bootstrapped 95 % intervals by name: see `bootstrap_intervals`."""
        return bootstrap_intervals(self.confusion)

    @cached_property
    def _agreement(self) -> dict[str, float | None]:
        figures = summarize_confusions(self.confusion)
        return {name: None if np.isnan(value) else float(value) for name, value in figures.items()}

    def top_k(self, k: int = 2) -> float:
        """Share of images whose true class is among the `k` largest logits, 0…1.

        Of equal logits the lower label is the larger, as in `predictions`. EvaluationError where
        k is less than 1.
        """
        if k < 1:
            raise EvaluationError(f"k must be 1 or more classes; not {k}.")
        return float((self._ranks < k).mean())

    @cached_property
    def _ranks(self) -> np.ndarray:
        """How many classes are ranked above the true one, int64 [N]."""
        own = np.take_along_axis(self.logits, self.labels[:, None], axis=1)
        lower = np.arange(len(self.classes)) < self.labels[:, None]
        return ((self.logits > own) | ((self.logits == own) & lower)).sum(axis=1)

    def positions(self, true: int | None = None, predicted: int | None = None) -> np.ndarray:
        """Positions, int64, of the images behind a cell, a row or a column of the confusion.

        A row (`true` alone) and a column (`predicted` alone) are its mistakes, the most confident
        first; so is a cell, but one on the diagonal are its hits, the least certain first.
        """
        if true is None or true != predicted:
            return self.errors.where(true=true, predicted=predicted).position
        hits = np.flatnonzero((self.labels == true) & (self.predictions == true))
        return hits[np.argsort(self.confidence[hits], kind="stable")]

    def most_confused(self, k: int = 10) -> tuple[Confused, ...]:
        """The at most `k` (true, predicted) pairs confused most often, without pairs of 0 images.

        EvaluationError where k is negative.
        """
        if k < 0:
            raise EvaluationError(f"k must be 0 or more pairs; not {k}.")
        off = self.confusion - np.diag(np.diag(self.confusion))
        order = np.argsort(-off, axis=None, kind="stable")[:k]
        cells = (Confused(*divmod(int(i), len(self.classes)), int(off.flat[i])) for i in order)
        return tuple(cell for cell in cells if cell.count)

    def to_dict(self) -> dict:
        """All metrics as JSON-ready values, without what is per image; undefined ones are None."""
        return {
            "n": self.n,
            "classes": list(self.classes),
            "accuracy": self.accuracy,
            "accuracy_interval": list(self.accuracy_interval),
            "loss": self.loss,
            "errors": len(self.errors),
            "balanced_accuracy": self.balanced_accuracy,
            "top_2": self.top_k(2),
            "cohen_kappa": self.cohen_kappa,
            "matthews": self.matthews,
            "confusion": self.confusion.tolist(),
            "per_class": [_class_dict(metrics) for metrics in self.per_class],
            "macro": self.macro._asdict(),
            "weighted": self.weighted._asdict(),
            "most_confused": [pair._asdict() for pair in self.most_confused()],
        }

    def __repr__(self) -> str:
        within = interval(self.accuracy_interval)
        return (
            f"Evaluation({self.n:,} images, accuracy {percent(self.accuracy)} "
            f"({within}), loss {self.loss:.4f}, {len(self.errors):,} errors)"
        )


def evaluate_logits(logits: np.ndarray, labels: np.ndarray, classes: Sequence[str]) -> Evaluation:
    """Measure a classifier by its logits, float32 [N, C], and the true labels, int64 [N].

    `classes` names the C ≥ 2 classes; a label is an index into them. Where two logits are equally
    large the lower label is predicted, as NumPy and PyTorch do. EvaluationError where the three do
    not fit together, are empty, or hold NaN or infinity.
    """
    names = checked_classes(classes)
    logits = checked_logits(logits, len(names))
    labels = checked_labels(labels, len(logits), len(names))
    predictions = logits.argmax(axis=1).astype(np.int64)
    log_probabilities = log_softmax(logits)
    confusion = _confusion(labels, predictions, len(names))
    per_class = tuple(_class_metrics(label, name, confusion) for label, name in enumerate(names))
    hits = int(np.trace(confusion))
    return Evaluation(
        classes=names,
        n=len(labels),
        accuracy=hits / len(labels),
        accuracy_interval=wilson_interval(hits, len(labels)),
        loss=cross_entropy(log_probabilities, labels),
        confusion=confusion,
        per_class=per_class,
        macro=_average(per_class, [1 if metrics.support else 0 for metrics in per_class]),
        weighted=_average(per_class, [metrics.support for metrics in per_class]),
        predictions=predictions,
        confidence=np.exp(log_probabilities.max(axis=1)).astype(np.float32),
        errors=find_mistakes(log_probabilities, labels, predictions),
        logits=logits,
        labels=labels,
    )


def _confusion(labels: np.ndarray, predictions: np.ndarray, classes: int) -> np.ndarray:
    cells = np.bincount(labels * classes + predictions, minlength=classes * classes)
    return cells.reshape(classes, classes).astype(np.int64)


def _class_metrics(label: int, name: str, confusion: np.ndarray) -> ClassMetrics:
    hits = int(confusion[label, label])
    support = int(confusion[label].sum())
    predicted = int(confusion[:, label].sum())
    return ClassMetrics(
        label=label,
        name=name,
        precision=hits / predicted if predicted else None,
        precision_interval=wilson_interval(hits, predicted),
        recall=hits / support if support else None,
        recall_interval=wilson_interval(hits, support),
        f1=2 * hits / (support + predicted) if support + predicted else None,
        f1_interval=f1_interval(hits, support, predicted),
        support=support,
        predicted=predicted,
    )


def _average(per_class: Sequence[ClassMetrics], weights: Sequence[int]) -> Averages:
    def mean(values: list[float | None]) -> float:
        return float(np.average([value or 0.0 for value in values], weights=weights))

    return Averages(
        mean([metrics.precision for metrics in per_class]),
        mean([metrics.recall for metrics in per_class]),
        mean([metrics.f1 for metrics in per_class]),
    )


def _class_dict(metrics: ClassMetrics) -> dict:
    values = asdict(metrics)
    for key in ("precision_interval", "recall_interval", "f1_interval"):
        values[key] = list(values[key]) if values[key] else None
    return values
