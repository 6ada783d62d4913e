"""Occlusion: how a predictor's answer depends on the parts of an image."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

Predict = Callable[[np.ndarray], np.ndarray]  # uint8 [N, 1, H, W] → probabilities [N, C]

PATCHES = (4, 6, 8, 10)  # sides of the squares that hide a part, in pixels; the smallest first
STRIDE = 2
_ROWS = ("top", "middle", "bottom")
_COLUMNS = ("left", "middle", "right")


@dataclass(frozen=True)
class Flip:
    """A square of paper, (left, top, side) in pixels, that makes class `label` the answer.

    Where none does, it is the square that brings the label nearest, and `wins` is False.
    `probability` is the label's, from 0 to 1, with the square in place.
    """

    left: int
    top: int
    side: int
    label: int
    probability: float
    wins: bool

    def place(self, height: int = 28, width: int = 28) -> str:
        """Where it lies in an image of that size, in words: "bottom left", "middle"."""
        middle = self.side / 2
        row = _ROWS[min(2, int(3 * (self.top + middle) / height))]
        column = _COLUMNS[min(2, int(3 * (self.left + middle) / width))]
        return row if row == column else f"{row} {column}"


def hide(image: np.ndarray, left: int, top: int, side: int) -> np.ndarray:
    """A copy of an image uint8 [H, W] with paper in the square."""
    hidden = image.copy()
    hidden[top : top + side, left : left + side] = 0
    return hidden


def occlusion_map(predict: Predict, image: np.ndarray, label: int, side: int = 6) -> np.ndarray:
    """By how much the label's probability falls, on average, where a square hides the pixel.

    float32 [H, W] of an image uint8 [H, W]; negative where hiding makes it more likely (Zeiler
    and Fergus, Visualizing and understanding convolutional networks, 2014).
    """
    corners = _places(image.shape, side)
    changed = np.stack([hide(image, x, y, side) for x, y in corners])
    before = predict(image[None, None])[0, label]
    after = predict(changed[:, None])[:, label]
    falls, counts = np.zeros(image.shape, np.float32), np.zeros(image.shape, np.float32)
    for (x, y), probability in zip(corners, after, strict=True):
        falls[y : y + side, x : x + side] += before - probability
        counts[y : y + side, x : x + side] += 1
    return falls / np.maximum(counts, 1)


def find_flip(predict: Predict, image: np.ndarray, label: int) -> Flip:
    """The smallest square of paper that makes `label` the answer for an image uint8 [H, W].

    Of several equally small ones, that which makes it most likely; where none makes it the
    answer, the one that brings it nearest. Squares that hide no ink are left out.
    """
    nearest: Flip | None = None
    for side in PATCHES:
        corners = [
            (x, y) for x, y in _places(image.shape, side) if image[y : y + side, x : x + side].any()
        ]
        if not corners:
            continue
        changed = np.stack([hide(image, x, y, side) for x, y in corners])
        answers = predict(changed[:, None])
        wins = answers.argmax(1) == label
        order = np.lexsort((answers[:, label], wins))
        best = int(order[-1])
        flip = Flip(*corners[best], side, label, float(answers[best, label]), bool(wins[best]))
        if flip.wins:
            return flip
        if nearest is None or flip.probability > nearest.probability:
            nearest = flip
    return nearest or Flip(0, 0, PATCHES[0], label, 0.0, False)


def _places(shape: tuple[int, ...], side: int) -> list[tuple[int, int]]:
    height, width = shape
    return [
        (x, y)
        for y in range(0, height - side + 1, STRIDE)
        for x in range(0, width - side + 1, STRIDE)
    ]
