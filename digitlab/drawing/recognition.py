"""A drawing → the digits it was read as, given a predictor (images in, probabilities out)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from digitlab.drawing.abstention import Abstention
from digitlab.drawing.segmentation import Predictor, Reading, read_lines
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import DEFAULT, Box, Framed, Framing
from digitlab.drawing.strokes import check_strokes

UNREAD = "?"  # in the place of what is declined
DIGIT = 0.2  # probability of being one, least: what looks less like one is none beside digits, too


@dataclass(frozen=True)
class Digit:
    """One digit as it was read.

    `probabilities` are the network's, of each class given that this is a digit; `confidence` is
    the calibrated probability that `label` is right, which also counts the chance that this is no
    digit. `declined` says why the answer should not be trusted, None where it may; `label` is then
    only the most likely one. `box` is (left, top, right, bottom) in the drawing's pixels; `line`
    counts the lines of writing from 0 at the top.
    """

    label: int
    probabilities: tuple[float, ...]
    box: Box
    framed: Framed
    line: int = 0
    confidence: float = 1.0
    declined: str | None = None

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: label, probabilities, confidence, declined, box, line."""
        return {
            "label": self.label,
            "probabilities": list(self.probabilities),
            "confidence": self.confidence,
            "declined": self.declined,
            "box": list(self.box),
            "line": self.line,
        }


@dataclass(frozen=True)
class Recognition:
    """What a drawing was read as: its `digits`, and their labels as `text`.

    Digits are in reading order, lines from top to bottom and each from left to right; in `text`
    lines are separated by newlines, and '?' stands for a declined digit.
    """

    text: str
    digits: tuple[Digit, ...]

    @property
    def declined(self) -> str | None:
        """The first reason for which a digit was declined; None where none was."""
        return next((digit.declined for digit in self.digits if digit.declined), None)

    @property
    def confidence(self) -> float:
        """The calibrated probability that every digit is right, were they independent."""
        return float(np.prod([digit.confidence for digit in self.digits]))

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: text, declined, confidence and each digit's `to_dict`."""
        return {
            "text": self.text,
            "declined": self.declined,
            "confidence": self.confidence,
            "digits": [digit.to_dict() for digit in self.digits],
        }


def recognize_drawing(
    source: Any,
    predictor: Predictor,
    *,
    strokes: Sequence[Any] | None = None,
    framing: Framing = DEFAULT,
    abstention: Abstention | None = None,
) -> Recognition:
    """Read a drawing: any source of `read_drawing`, with one digit or several in lines.

    `strokes` are those that drew it, where they are known: arrays `[n, 2]` of x, y in its pixels,
    by which digits that touch are separated. `framing` says which steps of MNIST's framing are
    taken, `abstention` when an answer is declined. The predictor is called once where the marks are
    clear, and a few times at most. Raises DrawingError where the source or the strokes cannot
    be read, EmptyDrawingError where nothing is drawn.
    """
    arrays = check_strokes(strokes) if strokes is not None else ()
    lines = read_lines(read_drawing(source), predictor, strokes=arrays, framing=framing)
    digits = tuple(
        digit
        for number, line in enumerate(lines)
        for digit in _judge(line, number, abstention or Abstention())
    )
    rows = [""] * len(lines)
    for digit in digits:
        rows[digit.line] += UNREAD if digit.declined else str(digit.label)
    return Recognition(text="\n".join(rows), digits=digits)


def _judge(line: Sequence[Reading], number: int, abstention: Abstention) -> list[Digit]:
    """The digits of a line. Those cut out of marks are digits as surely as the line is on average.

    A cut takes ink from one digit and leaves it to the next, so each of them alone looks less like
    a digit than it is; of something that is no digit, most parts look like none.
    """
    calibrated = [abstention.calibrate(reading.probabilities) for reading in line]
    mean = float(np.mean([values.sum() for values in calibrated]))
    return [
        _digit(
            reading,
            number,
            values * max(1.0, mean / max(DIGIT, values.sum())) if reading.parted else values,
            abstention,
        )
        for reading, values in zip(line, calibrated, strict=True)
    ]


def _digit(reading: Reading, line: int, calibrated: np.ndarray, abstention: Abstention) -> Digit:
    normalised = reading.probabilities / max(1e-12, float(reading.probabilities.sum()))
    return Digit(
        label=int(reading.probabilities.argmax()),
        probabilities=tuple(float(p) for p in normalised),
        box=reading.framed.box,
        framed=reading.framed,
        line=line,
        confidence=float(calibrated.max()),
        declined=abstention.decline(calibrated),
    )
