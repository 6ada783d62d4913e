"""`Mistakes`: the images that were read wrongly, in an order that says most, and filtered."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple, overload

import numpy as np

from digitlab.evaluation.checks import EvaluationError

ORDERS = ("confidence", "loss", "margin", "pair")


class Mistake(NamedTuple):
    """One image that was read wrongly.

    `position` is its place in the evaluated split, `confidence` the probability given to the
    class it was read as, `true_probability` the one given to the class it is labelled with.
    `loss` is the image's cross-entropy, and `margin` how far the class it was read as is ahead of
    the true one, both in nats: a margin near 0 is a close call.
    """

    position: int
    true: int
    predicted: int
    confidence: float
    true_probability: float
    loss: float
    margin: float


@dataclass(frozen=True, eq=False)
class Mistakes(Sequence[Mistake]):
    """A sequence of `Mistake`, stored as arrays of one length so that thousands cost little.

    `position`, `true` and `predicted` are int64 [M], `confidence` and `true_probability`
    float32 [M], 0…1, `loss` and `margin` float32 [M], nats. A slice and `where` give Mistakes
    again, in the same order; `ordered` gives them in another one.
    """

    position: np.ndarray
    true: np.ndarray
    predicted: np.ndarray
    confidence: np.ndarray
    true_probability: np.ndarray
    loss: np.ndarray
    margin: np.ndarray

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

    def where(
        self,
        *,
        true: int | None = None,
        predicted: int | None = None,
        above: float | None = None,
    ) -> Mistakes:
        """Those with this true label, this predicted label, a confidence of at least `above`."""
        keep = np.ones(len(self), dtype=bool)
        if true is not None:
            keep &= self.true == true
        if predicted is not None:
            keep &= self.predicted == predicted
        if above is not None:
            keep &= self.confidence >= above
        return self._pick(keep)

    def ordered(self, by: str = "confidence") -> Mistakes:
        """The most confident first, the highest `loss` first, the closest call (`margin`) first,
        or by `pair`: the pair of classes confused most first, its mistakes side by side.

        Where two are equal they stay as they are. EvaluationError for any other order.
        """
        if by not in ORDERS:
            raise EvaluationError(f"Mistakes are ordered by {', '.join(ORDERS)}; not {by!r}.")
        if by == "pair":
            pairs, count = np.unique(
                np.stack([self.true, self.predicted]), axis=1, return_inverse=True
            )
            often = np.bincount(count.ravel(), minlength=pairs.shape[1])
            keys = (count.ravel(), -often[count.ravel()])  # the last key is the first to count
            return self._pick(np.lexsort(keys))
        column = {"confidence": -self.confidence, "loss": -self.loss, "margin": self.margin}[by]
        return self._pick(np.argsort(column, kind="stable"))

    def __repr__(self) -> str:
        return f"Mistakes({len(self):,} images)"

    def _columns(self) -> tuple[np.ndarray, ...]:
        return tuple(getattr(self, name) for name in Mistake._fields)

    def _pick(self, which: slice | np.ndarray) -> Mistakes:
        return Mistakes(*(column[which] for column in self._columns()))


def find_mistakes(
    log_probabilities: np.ndarray, labels: np.ndarray, predictions: np.ndarray
) -> Mistakes:
    """The mistakes among N images, by confidence, and in the split's order where it is equal.

    `log_probabilities` float64 [N, C]; `labels` and `predictions` int64 [N].
    """
    wrong = np.flatnonzero(predictions != labels)
    # Sorted as logarithms: many confidences that differ are 1.0 once they are float32.
    wrong = wrong[np.argsort(-log_probabilities[wrong, predictions[wrong]], kind="stable")]
    of_read = log_probabilities[wrong, predictions[wrong]]
    of_true = log_probabilities[wrong, labels[wrong]]
    with np.errstate(under="ignore"):
        confidence, true_probability = np.exp(of_read), np.exp(of_true)
    floats = (confidence, true_probability, -of_true, of_read - of_true)
    return Mistakes(
        wrong,
        labels[wrong],
        predictions[wrong],
        *(values.astype(np.float32) for values in floats),
    )
