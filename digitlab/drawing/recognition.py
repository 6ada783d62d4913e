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
    by which digits that touch are told apart. `framing` says which steps of MNIST's framing are
    taken, `abstention` when an answer is declined. The predictor is called once where the marks are
    clear, and a few times at most. Raises DrawingError where the source or the strokes cannot
    be read, EmptyDrawingError where nothing is drawn.
    """
    known = check_strokes(strokes) if strokes is not None else ()
    lines = read_lines(read_drawing(source), predictor, strokes=known, framing=framing)
    digits = tuple(
        digit
        for number, line in enumerate(lines)
        for digit in _judge(line, number, abstention or Abstention())
    )
    rows = (
        "".join(UNREAD if one.declined else str(one.label) for one in digits if one.line == k)
        for k in range(len(lines))
    )
    return Recognition(text="\n".join(rows), digits=digits)


def _judge(line: Sequence[Reading], number: int, abstention: Abstention) -> list[Digit]:
    """The digits of a line. Those cut out of marks are digits as surely as the line is on average.

    A cut takes ink from one and leaves it to the next, so that one by one they look less like
    digits than they are; what is none is cut into parts of which most look like none.
    """
    calibrated = [abstention.calibrate(one.probabilities) for one in line]
    whole = float(np.mean([own.sum() for own in calibrated]))
    return [
        _digit(
            one,
            number,
            own * max(1.0, whole / max(DIGIT, own.sum())) if one.parted else own,
            abstention,
        )
        for one, own in zip(line, calibrated, strict=True)
    ]


def _digit(one: Reading, line: int, calibrated: np.ndarray, abstention: Abstention) -> Digit:
    given = one.probabilities / max(1e-12, float(one.probabilities.sum()))
    return Digit(
        label=int(one.probabilities.argmax()),
        probabilities=tuple(float(p) for p in given),
        box=one.framed.box,
        framed=one.framed,
        line=line,
        confidence=float(calibrated.max()),
        declined=abstention.decline(calibrated),
    )
