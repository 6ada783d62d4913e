"""Signs beside digits: points, commas, dashes, plus, equals and currencies.

Digits reach from the top of a line to its baseline; these signs are smaller. A sign is a mark that
has the place and the shape of one beside the digits next to it: a point stands on the baseline, a
comma hangs from it, a dash lies in the middle. A currency is as high as a digit and stands at an
end of the line; a small network tells it. What fits none of these is left to be read with the
digits.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from digitlab.drawing.currency import CURRENCIES, DOUBTFUL, SURE, classify
from digitlab.drawing.layout import Marks, bounds, find_layouts, find_marks
from digitlab.drawing.pieces import COMPACT, line_height
from digitlab.drawing.stages import Box, frame_digit
from digitlab.errors import DrawingError, EmptyDrawingError

# Lengths are shares of the height of the digits beside a sign; places count from 0 at their top to
# 1 at their baseline.
SPECKS = 0.003  # of the largest mark's area: smaller ones are dust, not points
DIGIT_HEIGHT = 0.6  # of the line's: what is lower is no digit to measure by
FAR = 4.0  # paper between a dash and the nearest digit, most …
NEAR = 0.9  # and of a point or comma
LOW = 0.6  # the height of a sign that is no plus, most
SHORT = 0.14  # the way of a pen that makes a point, most; a comma's is longer
SHORT_FLAT = 0.17  # and where it is level
BROKEN = 0.3  # paper between a digit and its broken end, most
LONG = 0.5  # of a comma, most …
HIGH = 0.35  # and of an apostrophe: a small 1 above the line is longer
TALL_PLUS = 0.85  # the height of a plus, most
BESIDE = 0.35  # of a dash's width: what may lie above or below a digit
FLAT = 30.0  # degrees to which a dash may rise or fall
STEEP = 35.0  # and a comma lean at least
THIN = 0.5  # of the pen's width: smaller marks are dust


UNREAD = "?"  # in the place of what is declined


@dataclass(frozen=True)
class Sign:
    """A sign beside digits: what it is, `text`, and its box (left, top, right, bottom) in pixels.

    `text` is '?' for what is no digit and no sign that is known for certain. `line` counts the
    lines of writing from 0 at the top, `position` the drawing's digits before it.
    """

    text: str
    box: Box
    line: int = 0
    position: int = 0

    def to_dict(self) -> dict[str, Any]:
        """JSON-ready: text, box, line, position."""
        return {**asdict(self), "box": list(self.box)}


@dataclass(frozen=True)
class _Shape:
    """A mark beside the digits next to it: shares of their height, places from their top."""

    left: float
    right: float
    top: float
    bottom: float
    length: float  # along its longest axis
    width: float  # across it
    angle: float  # degrees from level, 0 to 180, growing as the right end rises
    pen: float
    gap: float  # paper between it and the nearest digit

    @property
    def middle(self) -> float:
        return (self.top + self.bottom) / 2

    @property
    def way(self) -> float:
        """How far the pen moved."""
        return self.length - self.width


def find_signs(ink: np.ndarray) -> tuple[list[Sign], np.ndarray]:
    """The signs on `ink`, `uint8 [H, W]`, and the ink without them.

    A mark alone is no sign: its place cannot be told without a digit.
    """
    try:
        marks = find_marks(ink, specks=SPECKS)
    except DrawingError:  # so much dust that points cannot be told from it
        return [], ink
    signs: list[Sign] = []
    used: list[int] = []
    for line in _join_lines(marks.boxes) if len(marks.boxes) > 1 else []:
        for text, members in _read_line(marks, line):
            signs.append(Sign(text, bounds(marks.boxes[members])))
            used += members
    if not signs:
        return [], ink
    return signs, np.where(np.isin(marks.labels, np.array(used) + 1), 0, ink).astype(np.uint8)


def _join_lines(boxes: np.ndarray) -> list[list[int]]:
    """The lines of marks; low ones far from any digit join the line at whose height they are."""
    heights = boxes[:, 3] - boxes[:, 1]
    high = heights >= DIGIT_HEIGHT * np.median(heights[heights >= DIGIT_HEIGHT * heights.max()])
    lines = find_layouts(boxes)[0]
    written = [line for line in lines if high[line].any()]
    for mark in (mark for line in lines if not high[line].any() for mark in line):
        x, y = (boxes[mark, :2] + boxes[mark, 2:]) / 2
        gaps = []
        for line in written:
            digits = boxes[[k for k in line if high[k]]]
            nearest = digits[np.abs((digits[:, 0] + digits[:, 2]) / 2 - x).argmin()]
            tall = nearest[3] - nearest[1]
            at_height = nearest[1] - 0.2 * tall <= y <= nearest[3] + 0.4 * tall
            gaps.append(max(nearest[0] - x, x - nearest[2], 0) / tall if at_height else np.inf)
        if min(gaps) <= FAR:
            written[int(np.argmin(gaps))].append(mark)
    return written


def _read_line(marks: Marks, line: list[int]) -> list[tuple[str, list[int]]]:
    """The signs of one line, each with the marks that it is made of."""
    digits = _find_digits(marks, line)
    signs = _find_currencies(marks, line, digits)
    digits = [mark for mark in digits if all(mark not in members for _, members in signs)]
    if not digits or len(digits) + len(signs) == len(line):
        return signs
    pen = _pen_width(marks, digits)
    usual = float(np.median([_height(marks, digit) for digit in digits]))
    dashes = []
    for mark in set(line) - set(digits) - {mark for _, members in signs for mark in members}:
        shape = _measure(marks, mark, digits, pen)
        plus = 0.2 <= shape.middle <= 0.8 and _is_plus(marks, mark, usual)
        text = "+" if plus else _name(marks, mark, shape, digits)
        if text == "-":
            dashes.append((mark, shape))
        elif text:
            signs.append((text, [mark]))
    signs += _pair_dashes(marks, dashes, max(int(marks.boxes[digit][2]) for digit in digits))
    if len(digits) == 1 and all(_ends(marks, digits[0], *sign) for sign in signs):
        return []  # a dot after a digit alone is dust rather than a sign, and no other number
    return signs


def _find_digits(marks: Marks, line: list[int]) -> list[int]:
    """The marks of a line that are as high as digits, and no plus."""
    highest = line_height(marks.boxes[line])
    high = [mark for mark in line if _height(marks, mark) >= DIGIT_HEIGHT * highest]
    if not high:  # only parts above each other
        return []
    usual = float(np.median([_height(marks, mark) for mark in high]))
    digits = [mark for mark in line if _height(marks, mark) >= DIGIT_HEIGHT * usual]
    return [mark for mark in digits if len(digits) == 1 or not _is_plus(marks, mark, usual)]


def _find_currencies(
    marks: Marks, line: Sequence[int], digits: Sequence[int]
) -> list[tuple[str, list[int]]]:
    """The currencies among the first and the last of a line's high marks, with their bars."""
    ordered = sorted(digits, key=lambda mark: int(marks.boxes[mark][0] + marks.boxes[mark][2]))
    ends = {*ordered[:1], *ordered[-1:]} if len(ordered) > 1 else {}
    groups = [_with_bars(marks, mark, set(line) - set(digits)) for mark in ends]
    groups = [group for group in groups if _is_compact(marks.boxes[group])]
    try:
        images = [_frame(marks, group) for group in groups]
    except EmptyDrawingError:  # a filled patch
        return []
    if not images:
        return []
    probabilities = classify(np.stack(images))[:, : len(CURRENCIES)]
    signs = [
        (CURRENCIES[int(row.argmax())] if row.max() >= SURE else UNREAD, group)
        for group, row in zip(groups, probabilities, strict=True)
        if row.sum() >= DOUBTFUL
    ]
    return signs if len(signs) < len(ordered) else []


def _with_bars(marks: Marks, mark: int, low: Iterable[int]) -> list[int]:
    """A mark and the low ones in its columns, as the bars of a € that do not touch it."""
    return [mark, *(other for other in low if _beside(marks, other, [mark]) > BESIDE)]


def _is_compact(boxes: np.ndarray) -> bool:
    left, top, right, bottom = bounds(boxes)
    return right - left <= COMPACT * (bottom - top)


def _frame(marks: Marks, members: Sequence[int]) -> np.ndarray:
    left, top, right, bottom = bounds(marks.boxes[list(members)])
    where = slice(top, bottom), slice(left, right)
    chosen = np.isin(marks.labels[where], np.array(members) + 1)
    return frame_digit(np.where(chosen, marks.ink[where], 0)).image


def _height(marks: Marks, mark: int) -> int:
    return int(marks.boxes[mark][3] - marks.boxes[mark][1])


def _ends(marks: Marks, digit: int, text: str, members: list[int]) -> bool:
    """Whether a sign is a point or comma to the right of a digit."""
    left, _, right, _ = marks.boxes[digit]
    return text in ".,'" and 2 * int(marks.boxes[members[0]][0]) > int(left + right)


def _name(marks: Marks, mark: int, shape: _Shape, digits: Sequence[int]) -> str:
    """What a low mark is: a point, a comma, an apostrophe or a dash; "" for none of them."""
    if shape.bottom - shape.top > LOW or shape.width < THIN * shape.pen:
        return ""
    steep = STEEP <= shape.angle <= 180 - STEEP
    thin = shape.width <= max(0.2, 1.6 * shape.pen)
    level = shape.angle <= FLAT or shape.angle >= 180 - FLAT
    if not thin:
        return ""
    if level and shape.way >= SHORT_FLAT and _beside(marks, mark, digits) <= BESIDE:
        return "-" if 0.1 <= shape.middle <= 1.0 else ""
    if shape.gap > NEAR:
        return ""
    if shape.middle > 0.68 and shape.bottom > 0.75 and shape.top < 1.3:
        if _is_below(marks, mark, digits):
            return ""
        if shape.way <= (SHORT if steep else SHORT_FLAT):
            return "."
        if steep and shape.top > 0.55 and shape.way <= LONG:
            return ","
    if shape.middle < 0.3 and steep and SHORT / 2 < shape.way <= HIGH:
        return "'" if _beside(marks, mark, digits) <= BESIDE else ""
    if level and shape.way >= SHORT and _beside(marks, mark, digits) <= BESIDE:
        return "-" if 0.1 <= shape.middle <= 1.0 else ""
    return ""


def _pair_dashes(
    marks: Marks, dashes: list[tuple[int, _Shape]], last: float
) -> list[tuple[str, list[int]]]:
    """Dashes alone, and equals signs: two of them above each other."""
    signs = []
    left = list(dashes)
    while left:
        mark, shape = left.pop(0)
        partner = next((other for other in left if _is_pair(shape, other[1])), None)
        if partner:
            left.remove(partner)
            signs.append(("=", [mark, partner[0]]))
        elif 0.25 <= shape.middle <= 0.78 or (shape.middle > 0.25 and marks.boxes[mark][0] >= last):
            signs.append(("-", [mark]))
    return signs


def _is_pair(first: _Shape, second: _Shape) -> bool:
    shared = min(first.right, second.right) - max(first.left, second.left)
    narrower = min(first.right - first.left, second.right - second.left)
    return shared >= 0.5 * narrower and abs(first.middle - second.middle) <= 0.45


def _measure(marks: Marks, mark: int, digits: Sequence[int], pen: float) -> _Shape:
    left, top, right, bottom = (int(edge) for edge in marks.boxes[mark])
    centre = (left + right) / 2
    middles = np.array([(marks.boxes[d][0] + marks.boxes[d][2]) / 2 for d in digits])
    near = [
        digits[int(np.where(side, np.abs(middles - centre), np.inf).argmin())]
        for side in (middles <= centre, middles > centre)
        if side.any()
    ]
    start = float(np.mean([marks.boxes[d][1] for d in near]))
    height = float(np.mean([marks.boxes[d][3] for d in near])) - start
    rows, columns = _pixels(marks, mark)
    length, width, angle = _axes(rows, columns)
    return _Shape(
        left=left / height,
        right=right / height,
        top=(top - start) / height,
        bottom=(bottom - start) / height,
        length=length / height,
        width=width / height,
        angle=angle,
        pen=pen / height,
        gap=max(0.0, min(_gaps(marks.boxes[mark], marks.boxes[near]))) / height,
    )


def _gaps(box: np.ndarray, others: np.ndarray) -> np.ndarray:
    """The columns between a box and others beside it; below 0 where they share some."""
    return np.maximum(others[:, 0] - box[2], box[0] - others[:, 2])


def _pixels(marks: Marks, mark: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows and columns of a mark's ink in its box."""
    left, top, right, bottom = marks.boxes[mark]
    rows, columns = np.nonzero(marks.labels[top:bottom, left:right] == mark + 1)
    return rows, columns


def is_lying(marks: Marks, mark: int) -> bool:
    """Whether a mark is one nearly level stroke, as of a dash or an underline."""
    rows, columns = _pixels(marks, mark)
    length, width, angle = _axes(rows, columns)
    level = angle <= FLAT or angle >= 180 - FLAT
    return bool(level and width <= 0.25 * length and len(rows) >= 0.7 * length * width)


def _axes(rows: np.ndarray, columns: np.ndarray) -> tuple[float, float, float]:
    """The extent of pixels along their main axis and across it, and that axis's angle."""
    points = np.stack([columns - columns.mean(), rows - rows.mean()])
    values, vectors = np.linalg.eigh(points @ points.T / points.shape[1])
    along = vectors[:, 1] @ points
    angle = float(np.degrees(np.arctan2(-vectors[1, 1], vectors[0, 1])) % 180)
    # The uniform width with the same spread: ends and bows count less than by the extent.
    return float(np.ptp(along)) + 1, float(np.sqrt(12 * values[0] + 1)), angle


def _pen_width(marks: Marks, digits: Sequence[int]) -> float:
    """The usual width of the digits' strokes in pixels: twice their area by their edge's length."""
    widths = []
    for digit in digits:
        left, top, right, bottom = marks.boxes[digit]
        ink = np.pad(marks.labels[top:bottom, left:right] == digit + 1, 1)
        inner = ink[1:-1, :-2] & ink[1:-1, 2:] & ink[:-2, 1:-1] & ink[2:, 1:-1] & ink[1:-1, 1:-1]
        edge = np.count_nonzero(ink) - np.count_nonzero(inner)
        widths.append(2 * np.count_nonzero(ink) / max(1, edge))
    return float(np.median(widths))


def _beside(marks: Marks, mark: int, digits: Sequence[int]) -> float:
    """The share of a mark's width that lies above or below one of the digits."""
    left, _, right, _ = marks.boxes[mark]
    shared = [min(right, marks.boxes[d][2]) - max(left, marks.boxes[d][0]) for d in digits]
    return max(0.0, float(max(shared)) / float(right - left))


def _is_below(marks: Marks, mark: int, digits: Sequence[int]) -> bool:
    """Whether a mark lies under a digit or its broken end, and not beside one."""
    left, top, right, _ = (int(edge) for edge in marks.boxes[mark])
    boxes = marks.boxes[list(digits)]
    shared = np.minimum(right, boxes[:, 2]) - np.maximum(left, boxes[:, 0])
    if ((2 * shared > right - left) & (boxes[:, 3] <= top)).any():
        return True
    height = int((boxes[:, 3] - boxes[:, 1]).max())
    above = marks.labels[max(0, top - round(BROKEN * height)) : top, left:right]
    return bool(np.isin(above, np.array(digits) + 1).any(axis=0).mean() > 0.5)


def _is_plus(marks: Marks, mark: int, usual: float) -> bool:
    """Whether a mark is two strokes that cross near their middles, one level and one upright."""
    left, top, right, bottom = (int(edge) for edge in marks.boxes[mark])
    height, width = bottom - top, right - left
    if not 0.2 * usual <= height <= TALL_PLUS * usual or not 0.5 <= width / height <= 2:
        return False
    rows, columns = _pixels(marks, mark)
    pen = len(rows) / (height + width)
    if min(height, width) < 2.7 * pen:  # a blot: a plus of arms as short as its pen is wide has 3
        return False
    tilt = np.radians(np.arange(-25, 26, 5))[:, None]
    x, y = columns - np.median(columns), rows - np.median(rows)
    beside, above = x * np.cos(tilt) + y * np.sin(tilt), y * np.cos(tilt) - x * np.sin(tilt)
    reach = 0.75 * pen + 0.5
    off = (np.abs(beside) > reach).astype(float) @ (np.abs(above) > reach).T.astype(float)
    arms = [x.max(), -x.min(), y.max(), -y.min()]
    return bool(off.min() / len(rows) < 0.04 and min(arms) >= 0.2 * (height + width) / 2)
