"""A drawing → the digits it was read as, given a predictor (images in, probabilities out)."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from digitlab.drawing.abstention import Abstention
from digitlab.drawing.layout import bounds, find_marks
from digitlab.drawing.lookalikes import AMPERSAND, INFINITY, is_ampersand, is_infinity
from digitlab.drawing.paper import separate_ink, shrink
from digitlab.drawing.segmentation import MOST_RUNS, Predictor, Reading, read_lines
from digitlab.drawing.signs import UNREAD, Sign
from digitlab.drawing.source import read_pixels
from digitlab.drawing.stages import DEFAULT, Box, Framed, Framing
from digitlab.drawing.strike import list_struck
from digitlab.drawing.strokes import check_strokes
from digitlab.drawing.turning import TURNS, turn, turn_back
from digitlab.errors import DrawingError

TURNED = 0.9  # probability of each digit, of two at least, for which a photo is read turned
TURNABLE = 20  # marks: a photo of more is read as it lies
MOST_TURNED = 120  # runs of pieces that are read for each way to turn it: such marks have 90
UNSURE = "A mark at the end of a line looks like a currency, and not clearly like one of them."
STRUCK = "This is struck out."
DIGIT = 0.2  # probability of being one, least: what looks less like one is none beside digits, too


@dataclass(frozen=True)
class Digit:
    """One digit as it was read.

    `probabilities` are the calibrated ones of each class: the network's, divided in their logits by
    the temperature that fits its validation images. They sum to 1, or to less where the network
    was shown what is no digit: the rest, `no_digit`, is the chance of that. `confidence`, the
    probability of `label`, is one of them, and the only number that a page, a table or the command
    line tells of how sure an answer is. `declined` says why the answer should not be trusted, None
    where it may; `label` is then only the most likely one. `box` is (left, top, right, bottom) in
    the drawing's pixels; `line` counts the lines of writing from 0 at the top.
    """

    label: int
    probabilities: tuple[float, ...]
    box: Box
    framed: Framed
    line: int = 0
    declined: str | None = None

    @property
    def confidence(self) -> float:
        """The calibrated probability that `label` is right."""
        return self.probabilities[self.label]

    @property
    def no_digit(self) -> float:
        """The calibrated probability that this is no digit; 0 where the network cannot tell."""
        return max(0.0, 1 - sum(self.probabilities))

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
    """What a drawing was read as: its `digits`, the `signs` between them, and both as `text`.

    Both are in reading order, lines from top to bottom and each from left to right; in `text`
    lines are separated by newlines, '?' stands for a declined digit, and signs for themselves:
    "1.250,50" or "-42". There is a digit at least; signs are few or none. `turned` is how a photo
    was turned to be read, one of `TURNS`, where it could not be read as it lay. `ruling uint8
    [h, w]` is what was taken as printed or ruled and left out of a photo, at the size of the
    digits' `framed.ink`.
    """

    text: str
    digits: tuple[Digit, ...]
    signs: tuple[Sign, ...] = ()
    turned: str | None = None
    ruling: np.ndarray | None = field(default=None, repr=False, compare=False)

    @property
    def marks(self) -> list[Digit | Sign]:
        """Digits and signs in reading order."""
        keyed = [((digit.line, k, 1), digit) for k, digit in enumerate(self.digits)]
        keyed += [((sign.line, sign.position, 0), sign) for sign in self.signs]
        return [mark for _, mark in sorted(keyed, key=lambda pair: pair[0])]

    def spell(self, classes: Sequence[str], *, unread: str | None = UNREAD) -> str:
        """The text with names in the place of labels: those of the `classes`.

        `unread` stands for a declined digit; None: its most likely class.
        """
        lines: dict[int, list[str]] = {}
        for mark in self.marks:
            name = mark.text if isinstance(mark, Sign) else classes[mark.label]
            declined = isinstance(mark, Digit) and mark.declined and unread is not None
            lines.setdefault(mark.line, []).append(unread if declined else name)
        wide = any(len(name) > 1 for name in classes)
        return "\n".join((" " if wide else "").join(names) for names in lines.values())

    @property
    def declined(self) -> str | None:
        """The first reason for which a digit or a sign was declined; None where none was."""
        unsure = UNSURE if any(sign.text == UNREAD for sign in self.signs) else None
        return next((digit.declined for digit in self.digits if digit.declined), unsure)

    @property
    def confidence(self) -> float:
        """The calibrated probability that every digit is right, were they independent."""
        return float(np.prod([digit.confidence for digit in self.digits]))

    def enlarge(self, factor: int) -> Recognition:
        """Its boxes in the pixels of a drawing that was read `factor` times smaller."""
        if factor == 1:
            return self
        digits, signs = (
            tuple(replace(mark, box=tuple(factor * edge for edge in mark.box)) for mark in marks)
            for marks in (self.digits, self.signs)
        )
        return replace(self, digits=digits, signs=signs)

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: text, declined, confidence, turned and the `to_dict` of digits and signs."""
        return {
            "text": self.text,
            "declined": self.declined,
            "confidence": self.confidence,
            "turned": self.turned,
            "digits": [digit.to_dict() for digit in self.digits],
            "signs": [sign.to_dict() for sign in self.signs],
        }


def recognize_drawing(
    source: Any,
    predictor: Predictor,
    *,
    strokes: Sequence[Any] | None = None,
    framing: Framing = DEFAULT,
    abstention: Abstention | None = None,
    keep_ruling: bool = False,
) -> Recognition:
    """Read a drawing: any source of `read_drawing`, with one digit or several in lines,
    and signs between them.

    `strokes` are those that drew it, where they are known: arrays `[n, 2]` of x, y in its pixels,
    by which digits that touch are separated. `framing` says which steps of MNIST's framing are
    taken, `abstention` when an answer is declined. What is printed or ruled on a photo is left out,
    unless with `keep_ruling`; a large photo is read at a smaller size, and one that makes no sense
    is turned. The predictor is called once where the marks are clear, and a few times at most, for
    each way that a photo is turned. Raises DrawingError where the source or the strokes cannot
    be read, EmptyDrawingError where nothing is drawn.
    """
    arrays = check_strokes(strokes) if strokes is not None else ()
    pixels, factor = (read_pixels(source), 1) if arrays else shrink(read_pixels(source))
    ink, ruling = separate_ink(pixels, keep_ruling=keep_ruling or bool(arrays))
    limits = abstention or Abstention()
    photo = _is_photo(pixels) and not arrays

    def read(ink: np.ndarray, cut: bool = True, most: int = MOST_RUNS) -> Recognition:
        lines = read_lines(ink, predictor, strokes=arrays, framing=framing, cut=cut, most=most)
        return _judge_lines(lines, limits, list_struck(ink) if photo else [])

    recognition = read(ink)
    if photo:
        recognition = _read_turned(ink, recognition, read)
    return replace(recognition, ruling=ruling if ruling.any() else None).enlarge(factor)


def _is_photo(pixels: np.ndarray) -> bool:
    return pixels.ndim == 2 or pixels.shape[2] < 4 or bool(pixels[..., 3].all())


def _read_turned(
    ink: np.ndarray, recognition: Recognition, read: Callable[[np.ndarray, bool, int], Recognition]
) -> Recognition:
    """The recognition, or that of the ink turned where it is far better: all digits are sure.

    Marks are cut only where most of them are sure as they are, turned in one way: it takes time.
    """
    unread = sum(digit.declined not in (None, STRUCK) for digit in recognition.digits)
    if 2 * unread < len(recognition.digits) or len(recognition.digits) < 2:
        return recognition
    if len(find_marks(ink).boxes) > TURNABLE:
        return recognition
    others: list[tuple[float, str]] = []
    for how in TURNS:
        with contextlib.suppress(DrawingError):
            other = read(turn(ink, how), False, MOST_TURNED)
            others.append((_count_unsure(other) / len(other.digits), how))
    unsure, how = min(others, default=(1.0, ""))
    if unsure > 0.5:
        return recognition
    other = read(turn(ink, how), unsure > 0, MOST_TURNED)
    if len(other.digits) < 2 or _count_unsure(other):
        return recognition
    digits, signs = (
        tuple(replace(mark, box=turn_back(mark.box, how, ink.shape)) for mark in marks)
        for marks in (other.digits, other.signs)
    )
    return replace(other, digits=digits, signs=signs, turned=how)


def _count_unsure(recognition: Recognition) -> int:
    return sum(
        digit.declined is not None or digit.confidence < TURNED for digit in recognition.digits
    )


def _judge_lines(
    lines: Sequence[Sequence[Reading | Sign]], abstention: Abstention, struck: Sequence[Box]
) -> Recognition:
    digits: list[Digit] = []
    signs: list[Sign] = []
    rows = [""] * len(lines)
    for number, line in enumerate(lines):
        for mark in _judge(line, number, abstention):
            if isinstance(mark, Sign):
                signs.append(replace(mark, line=number, position=len(digits)))
                rows[number] += mark.text
            else:
                if any(_is_within(mark.box, box) for box in struck):
                    mark = replace(mark, declined=STRUCK)
                digits.append(mark)
                rows[number] += UNREAD if mark.declined else str(mark.label)
    return Recognition(text="\n".join(rows), digits=tuple(digits), signs=tuple(signs))


def _is_within(box: Box, outer: Box) -> bool:
    """Whether its middle is."""
    return all(2 * outer[k] <= box[k] + box[k + 2] <= 2 * outer[k + 2] for k in (0, 1))


def _judge(
    line: Sequence[Reading | Sign], number: int, abstention: Abstention
) -> list[Digit | Sign]:
    """The marks of a line. Digits cut out of marks are as surely digits as all are on average.

    A cut takes ink from one digit and leaves it to the next, so each of them alone looks less like
    a digit than it is; of something that is no digit, most parts look like none.
    """
    readings = [mark for mark in line if isinstance(mark, Reading)]
    calibrated = [abstention.calibrate(reading.probabilities) for reading in readings]
    mean = float(np.mean([values.sum() for values in calibrated]))
    judged = [
        _digit(
            reading,
            number,
            values * max(1.0, mean / max(DIGIT, values.sum())) if reading.parted else values,
            abstention,
        )
        for reading, values in zip(readings, calibrated, strict=True)
    ]
    if abstention.digit:
        judged = _decline_lookalikes(judged, [reading.parted for reading in readings])
    digits = iter(judged)
    return [mark if isinstance(mark, Sign) else next(digits) for mark in line]


def _decline_lookalikes(digits: list[Digit], parted: Sequence[bool]) -> list[Digit]:
    """A line's digits; an 8 that is an & and zeros cut out of a mark that is an ∞ are declined."""
    digits = list(digits)
    for k, digit in enumerate(digits):
        pair = digits[k : k + 2]
        if digit.declined:
            continue
        if digit.label == 8 and not parted[k] and is_ampersand(digit.framed.crop > 127):
            digits[k] = replace(digit, declined=AMPERSAND)
        zeros = all(parted[k : k + 2]) and [zero.label for zero in pair] == [0, 0]
        if zeros and is_infinity(_ink_of(pair)):
            digits[k : k + 2] = (replace(zero, declined=INFINITY) for zero in pair)
    return digits


def _ink_of(digits: Sequence[Digit]) -> np.ndarray:
    """What is drawn within the box around the digits, `bool [h, w]`."""
    left, top, right, bottom = bounds(np.array([digit.box for digit in digits]))
    return digits[0].framed.ink[top:bottom, left:right] > 127


def _digit(reading: Reading, line: int, calibrated: np.ndarray, abstention: Abstention) -> Digit:
    return Digit(
        label=int(reading.probabilities.argmax()),
        probabilities=tuple(float(p) for p in calibrated),
        box=reading.framed.box,
        framed=reading.framed,
        line=line,
        declined=abstention.decline(calibrated),
    )
