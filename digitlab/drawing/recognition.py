"""A drawing → the digits it was read as, given a predictor (images in, probabilities out)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import Box, Framed, frame_digit

Predictor = Callable[[np.ndarray], np.ndarray]
"""`uint8 [N, 1, 28, 28]` → probabilities `float32 [N, C]`."""


@dataclass(frozen=True)
class Digit:
    """One digit as it was read; `box` is (left, top, right, bottom) in the drawing's pixels."""

    label: int
    probabilities: tuple[float, ...]
    box: Box
    framed: Framed

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: label, probabilities, box."""
        return {
            "label": self.label,
            "probabilities": list(self.probabilities),
            "box": list(self.box),
        }


@dataclass(frozen=True)
class Recognition:
    """What a drawing was read as: its `digits` from left to right, and their labels as `text`."""

    text: str
    digits: tuple[Digit, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: text, and label, probabilities and box of each digit."""
        return {"text": self.text, "digits": [digit.to_dict() for digit in self.digits]}


def recognize_drawing(source: Any, predictor: Predictor) -> Recognition:
    """Read a drawing: any source of `read_drawing`, with one digit on it.

    The predictor is called once for all digits. Raises DrawingError where the source cannot be
    read, EmptyDrawingError where nothing is drawn.
    """
    framed = [frame_digit(ink) for ink in split_digits(read_drawing(source))]
    images = np.stack([one.image for one in framed])[:, None]
    probabilities = np.asarray(predictor(images))
    assert probabilities.ndim == 2, f"[N, C] expected, not {probabilities.shape}"
    digits = tuple(
        Digit(
            label=int(row.argmax()),
            probabilities=tuple(float(p) for p in row),
            box=one.box,
            framed=one,
        )
        for row, one in zip(probabilities, framed, strict=True)
    )
    return Recognition(text="".join(str(digit.label) for digit in digits), digits=digits)


def split_digits(ink: np.ndarray) -> list[np.ndarray]:
    """The ink of each digit, left to right, each `uint8 [H, W]` on the whole drawing's canvas.

    Whole canvases keep the boxes in the drawing's pixels and let neighbours overlap. For now the
    drawing is taken as one digit.
    """
    return [ink]
