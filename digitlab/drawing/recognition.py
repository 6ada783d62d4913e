"""A drawing → the digits it was read as, given a predictor (images in, probabilities out)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from digitlab.drawing.segmentation import Predictor, read_lines
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import Box, Framed


@dataclass(frozen=True)
class Digit:
    """One digit as it was read.

    `box` is (left, top, right, bottom) in the drawing's pixels; `line` counts the lines of writing
    from 0 at the top.
    """

    label: int
    probabilities: tuple[float, ...]
    box: Box
    framed: Framed
    line: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: label, probabilities, box, line."""
        return {
            "label": self.label,
            "probabilities": list(self.probabilities),
            "box": list(self.box),
            "line": self.line,
        }


@dataclass(frozen=True)
class Recognition:
    """What a drawing was read as: its `digits`, and their labels as `text`.

    Digits are in reading order, lines from top to bottom and each from left to right; in `text`
    lines end with a newline, but for the last.
    """

    text: str
    digits: tuple[Digit, ...]

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: text, and label, probabilities, box and line of each digit."""
        return {"text": self.text, "digits": [digit.to_dict() for digit in self.digits]}


def recognize_drawing(source: Any, predictor: Predictor) -> Recognition:
    """Read a drawing: any source of `read_drawing`, with one digit or several in lines.

    The predictor is called once where the marks leave no doubt, and a few times at most. Raises
    DrawingError where the source cannot be read, EmptyDrawingError where nothing is drawn.
    """
    lines = read_lines(read_drawing(source), predictor)
    digits = tuple(
        Digit(
            label=int(one.probabilities.argmax()),
            probabilities=tuple(float(p) for p in one.probabilities),
            box=one.framed.box,
            framed=one.framed,
            line=number,
        )
        for number, line in enumerate(lines)
        for one in line
    )
    rows = ("".join(str(one.label) for one in digits if one.line == k) for k in range(len(lines)))
    return Recognition(text="\n".join(rows), digits=digits)
