"""`Mistakes`: the images that were read wrongly, the most confident mistake first."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np


class Mistake(NamedTuple):
    """One image that was read wrongly.

    `position` is its place in the evaluated split, `confidence` the probability given to the
    class it was read as, `true_probability` the one given to the class it is labelled with.
    """

    position: int
    true: int
    predicted: int
    confidence: float
    true_probability: float


@dataclass(frozen=True, eq=False)
class Mistakes(Sequence[Mistake]):
    """A sequence of `Mistake`, kept as arrays of one length so that thousands cost little.

    `position`, `true` and `predicted` are int64 [M], `confidence` and `true_probability`
    float32 [M], 0…1. A slice and `where` give Mistakes again, in the same order.
    """

    position: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    true_probability: np.ndarray

    def __len__(self) -> int:
        return len(self.position)

    @overload
    def __getitem__(self, index: int) -> Mistake: ...
    @overload
    def __getitem__(self, index: slice) -> Mistakes: ...
    def __getitem__(self, index):
        if isinstance(index, slice):
            return self._pick(index)
        return Mistake(*(column[index].item() for column in self._columns()))

    def where(self, *, true: int | None = None, predicted: int | None = None) -> Mistakes:
        """Those with this true label, this predicted label, or both: a cell of the confusion."""
        keep = np.ones(len(self), dtype=bool)
        if true is not None:
            keep &= self.true == true
        if predicted is not None:
            keep &= self.predicted == predicted
        return self._pick(keep)

    def __repr__(self) -> str:
        return f"Mistakes({len(self):,} images)"

    def _columns(self) -> tuple[np.ndarray, ...]:
        return (self.position, self.true, self.predicted, self.confidence, self.true_probability)

    def _pick(self, which: slice | np.ndarray) -> Mistakes:
        return Mistakes(*(column[which] for column in self._columns()))


def find_mistakes(
    log_probabilities: np.ndarray, labels: np.ndarray, predictions: np.ndarray
) -> Mistakes:
    """The mistakes among N images, by confidence, and in the split's order where it is equal.

    `log_probabilities` float64 [N, C]; `labels` and `predictions` int64 [N].
    """
    wrong = np.flatnonzero(predictions != labels)
    certainty = log_probabilities[wrong, predictions[wrong]]
    # Sorted as logarithms: many confidences that differ are 1.0 once they are float32.
    wrong = wrong[np.argsort(-certainty, kind="stable")]
    with np.errstate(under="ignore"):
        confidence = np.exp(log_probabilities[wrong, predictions[wrong]]).astype(np.float32)
        true_probability = np.exp(log_probabilities[wrong, labels[wrong]]).astype(np.float32)
    return Mistakes(wrong, labels[wrong], predictions[wrong], confidence, true_probability)
