"""Checks of logits, labels and class names, and the error that they raise."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitlab.errors import DigitlabError


class EvaluationError(DigitlabError):
    """Logits, labels or class names that do not fit together or cannot be evaluated."""


def checked_classes(classes: Sequence[str]) -> tuple[str, ...]:
    """The class names as a tuple; EvaluationError for fewer than two, or a bare string."""
    if isinstance(classes, str):
        raise EvaluationError(
            f"classes must be a sequence of names, one for each class; not the text {classes!r}."
        )
    names = tuple(str(name) for name in classes)
    if len(names) < 2:
        raise EvaluationError(f"There must be at least 2 classes to tell apart; not {len(names)}.")
    return names


def checked_logits(logits: np.ndarray, classes: int) -> np.ndarray:
    """The logits as float32 [N, classes]; EvaluationError unless finite and of that shape."""
    array = np.asarray(logits)
    if array.ndim != 2 or array.shape[1] != classes:
        raise EvaluationError(
            f"logits must have the shape [images, {classes}], one column for each class; "
            f"not {list(array.shape)}."
        )
    if array.shape[0] == 0:
        raise EvaluationError("There is nothing to evaluate: logits has no rows; give at least 1.")
    if array.dtype.kind not in "fiu":
        raise EvaluationError(f"logits must be floating-point numbers; not {array.dtype}.")
    with np.errstate(over="ignore"):  # a float64 too large for float32 is reported below
        array = array.astype(np.float32, copy=False)
    broken = np.flatnonzero(~np.isfinite(array).all(axis=1))
    if broken.size:
        raise EvaluationError(
            f"logits must be finite numbers, but {broken.size:,} of {len(array):,} rows (the first "
            f"is row {broken[0]}) hold NaN or infinity: the training has probably diverged; "
            "try a smaller learning rate."
        )
    return array


def checked_labels(labels: np.ndarray, images: int, classes: int) -> np.ndarray:
    """The labels as int64 [images]; EvaluationError unless whole numbers of 0…classes−1."""
    array = np.asarray(labels)
    if array.ndim != 1 or len(array) != images:
        raise EvaluationError(
            f"labels must have the shape [{images}], one for each row of logits; "
            f"not {list(array.shape)}."
        )
    if array.dtype.kind not in "iu":
        raise EvaluationError(f"labels must be whole numbers (int64); not {array.dtype}.")
    wrong = np.flatnonzero((array < 0) | (array >= classes))
    if wrong.size:
        raise EvaluationError(
            f"labels must lie within 0…{classes - 1}, as there are {classes} classes; "
            f"label {wrong[0]} is {array[wrong[0]]}."
        )
    return array.astype(np.int64, copy=False)
