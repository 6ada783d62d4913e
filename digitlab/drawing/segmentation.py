"""Ink with any number of digits → the digits: runs of pieces, scored by a predictor, best path.

Every run of neighbouring pieces that could be a digit is framed and read, all in one call of the
predictor; the way from left to right over runs with the highest score is the reading
(over-segmentation and dynamic programming, as in LeCun, Bottou, Bengio and Haffner, Proceedings of
the IEEE 86(11), 1998, section V). The score is the log probability of the digits less what is
unlikely about their shape. A network that saw only digits is often sure about halves and pairs of
them, so the shape counts: without the cost of crossed strokes, touching strings come out with the
right number of digits in 14 % instead of 55 % (150 strings of UCI Pendigits, bundled reader).
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np

from digitlab.drawing.layout import Marks, bounds, find_layouts, find_marks
from digitlab.drawing.pieces import COMPACT, Line, build_line, line_height
from digitlab.drawing.stages import Framed, frame_digit
from digitlab.errors import EmptyDrawingError

Predictor = Callable[[np.ndarray], np.ndarray]
"""`uint8 [N, 1, 28, 28]` → probabilities `float32 [N, C]`."""

Span = tuple[int, int]  # pieces from the first up to, not including, the last

# When a compact mark is read as one digit without more ado. Lengths are shares of a line's height.
SURE = 0.95  # probability from which
CROSSED = 2.0  # strokes that a row meets in the mean, up to which: in 99 % of digits 1.9 or fewer
PAIR = 0.5  # a narrower mark is never cut

WIDEST = 1.7  # what is wider is never one digit
LONGEST = 12  # pieces that make up one digit at most
MOST_SPANS = 800  # about a second's reading: what has more is a scribble, and is read as one digit

# What is unlikely about a digit's shape, in nats.
GAP = 6.0  # paper between its pieces, side by side or above each other, as wide as the line is high
WIDE = 5.0  # what it is wider than the line is high
LOW = 8.0  # what it is lower than LOWEST
LOWEST = 0.7
STROKES = 6.0  # each stroke that a row meets in the mean beyond USUAL: two digits have more
USUAL = 1.5
USUAL_DOWN = 2.4  # and that a column meets: two digits above each other have more
LINE = 2.0  # one more line
STRAY = 6.0  # a mark lower than STRAY_HEIGHT that belongs to no digit
STRAY_HEIGHT = 0.3
LEAST = 1e-3  # probability: no answer outweighs all the shape


@dataclass(frozen=True, eq=False)
class Reading:
    """One digit found: its frame in the drawing's pixels and its `probabilities float32 [C]`."""

    framed: Framed
    probabilities: np.ndarray


def read_lines(ink: np.ndarray, predictor: Predictor) -> list[list[Reading]]:
    """The digits on `ink`, `uint8 [H, W]`: lines from top to bottom, each from left to right.

    The predictor is called once where the marks are compact and read with confidence, once more
    where some are doubtful and are cut, and once more where marks above each other may be two
    lines or one digit. Raises EmptyDrawingError where there is no digit and DrawingError where
    there are too many marks.
    """
    marks = find_marks(ink)
    if len(marks.boxes) < 2:
        return _read_mark(ink, marks, predictor)
    ways = [
        (layout, _read_cut(ink, marks, layout, predictor, _too_wide(marks, layout)))
        for layout in find_layouts(marks.boxes)
    ]
    layout, (found, _, doubtful) = max(ways, key=lambda way: way[1][1])
    if doubtful:
        cut = doubtful | _too_wide(marks, layout)
        found = _read_cut(ink, marks, layout, predictor, cut)[0] or found
    return found or [[_read_whole(ink, predictor)]]


def best_path(
    scores: Mapping[Span, float], splits: np.ndarray, strays: np.ndarray
) -> tuple[list[Span], float]:
    """The spans that cover all pieces with the highest score, from left to right, and the score.

    `splits[k]` is what it costs to begin a digit with piece k, `strays[k]` what it costs to leave
    piece k out (infinite where it cannot be). No spans and -inf where nothing covers the pieces.
    """
    count = len(splits)
    best = [0.0] + [-np.inf] * count
    back: list[tuple[int, bool]] = [(0, False)] * (count + 1)
    for last in range(1, count + 1):
        best[last], back[last] = best[last - 1] - float(strays[last - 1]), (last - 1, False)
        for first in range(last):
            score = scores.get((first, last), -np.inf)
            value = best[first] + score - (float(splits[first]) if first else 0.0)
            if value > best[last]:
                best[last], back[last] = value, (first, True)
    if not np.isfinite(best[count]):
        return [], -np.inf
    path, place = [], count
    while place:
        first, is_digit = back[place]
        if is_digit:
            path.append((first, place))
        place = first
    return path[::-1], best[count]


def strokes_crossed(image: np.ndarray) -> float:
    """How many strokes a row of a digit meets in the mean, over the rows with ink."""
    solid = np.pad(image > 127, ((0, 0), (1, 0)))
    begun = (solid[:, 1:] & ~solid[:, :-1]).sum(axis=1)
    return float(begun.sum() / max(1, np.count_nonzero(begun)))


def _read_mark(ink: np.ndarray, marks: Marks, predictor: Predictor) -> list[list[Reading]]:
    """A drawing of one mark: read as it is, and cut only where it is wide or doubtful."""
    aspect = _width(marks.boxes) / line_height(marks.boxes) if len(marks.boxes) else 0
    whole = _read_whole(ink, predictor) if aspect <= COMPACT else None
    if whole and (aspect < PAIR or not _is_doubtful(whole)):
        return [[whole]]
    found, _, _ = _read_cut(ink, marks, [[0]], predictor, cut={0})
    return found or [[whole or _read_whole(ink, predictor)]]


def _read_whole(ink: np.ndarray, predictor: Predictor) -> Reading:
    framed = frame_digit(ink)
    return Reading(framed=framed, probabilities=_predict(predictor, [framed])[0])


def _too_wide(marks: Marks, layout: list[list[int]]) -> set[int]:
    """The marks that are cut in any case."""
    return {
        mark
        for line in layout
        for mark in line
        if _width(marks.boxes[[mark]]) > COMPACT * line_height(marks.boxes[line])
    }


def _read_cut(
    ink: np.ndarray,
    marks: Marks,
    layout: list[list[int]],
    predictor: Predictor,
    cut: set[int],
) -> tuple[list[list[Reading]], float, set[int]]:
    """Readings, score and doubtful marks, with the marks of `cut` cut into pieces."""
    lines = [build_line(marks, members, cut) for members in layout]
    runs = [_runs(line) for line in lines]
    if sum(map(len, runs)) > MOST_SPANS:
        return [], -np.inf, set()
    framed = [_frame_spans(line, spans, ink) for line, spans in zip(lines, runs, strict=True)]
    candidates = [one for spans in framed for one in spans.values()]
    if not candidates:
        return [], -np.inf, set()
    answers = iter(_predict(predictor, candidates))
    found: list[list[Reading]] = []
    total, doubtful = -LINE * (len(lines) - 1), set()
    for line, spans in zip(lines, framed, strict=True):
        readings = {span: Reading(one, next(answers)) for span, one in spans.items()}
        scores = {span: _score(line, span, one) for span, one in readings.items()}
        path, score = best_path(scores, line.splits, _stray_costs(line))
        total += score
        found += [[readings[span] for span in path]] if path else []
        for first, last in path:
            wide = _width(line.boxes[first:last]) >= PAIR * line.height
            if wide and _is_doubtful(readings[first, last]):
                doubtful |= {int(mark) for mark in line.marks[first:last]}
    return found, total, doubtful - cut


def _runs(line: Line) -> list[Span]:
    """Every run of neighbouring pieces that is narrow enough for a digit; each piece is one."""
    count, widest = len(line.boxes), WIDEST * line.height
    return [
        (first, last)
        for first in range(count)
        for last in range(first + 1, min(count, first + LONGEST) + 1)
        if last == first + 1 or _width(line.boxes[first:last]) <= widest
    ]


def _frame_spans(line: Line, spans: list[Span], ink: np.ndarray) -> dict[Span, Framed]:
    """Those of the spans that may be a digit, framed, with their boxes in the drawing's pixels."""
    framed = {}
    for first, last in spans:
        left, top, _, _ = bounds(line.boxes[first:last])
        try:
            one = frame_digit(line.ink_of(first, last))
        except EmptyDrawingError:  # a dot or a speck: part of a digit, or stray
            continue
        x0, y0, x1, y1 = one.box
        box = (left + x0, top + y0, left + x1, top + y1)
        framed[first, last] = replace(one, ink=ink, box=box)
    return framed


def _predict(predictor: Predictor, framed: list[Framed]) -> np.ndarray:
    probabilities = np.asarray(predictor(np.stack([one.image for one in framed])[:, None]))
    assert probabilities.ndim == 2, f"[N, C] expected, not {probabilities.shape}"
    return probabilities


def _is_doubtful(reading: Reading) -> bool:
    unsure = reading.probabilities.max() < SURE
    return bool(unsure or strokes_crossed(reading.framed.image) > CROSSED)


def _score(line: Line, span: Span, reading: Reading) -> float:
    """Log probability of the most likely digit less what is unlikely about its shape."""
    boxes = line.boxes[slice(*span)]
    left, top, right, bottom = bounds(boxes)
    gaps = (_paper(boxes[:, [0, 2]]) + _paper(boxes[:, [1, 3]])) / line.height
    wide = max(0.0, (right - left) / line.height - 1)
    low = max(0.0, LOWEST - (bottom - top) / line.height)
    image = reading.framed.image
    strokes = max(0.0, strokes_crossed(image) - USUAL)
    strokes += max(0.0, strokes_crossed(image.T) - USUAL_DOWN)
    sure = max(LEAST, float(reading.probabilities.max()))
    return float(np.log(sure) - GAP * gaps - WIDE * wide - LOW * low - STROKES * strokes)


def _paper(ends: np.ndarray) -> int:
    """The rows or columns that none of the pieces reaches, from their starts and ends `[n, 2]`."""
    ends = ends[np.argsort(ends[:, 0])]
    reached = np.maximum.accumulate(ends[:, 1])[:-1]
    return int(np.maximum(0, ends[1:, 0] - reached).sum())


def _stray_costs(line: Line) -> np.ndarray:
    heights = line.boxes[:, 3] - line.boxes[:, 1]
    return np.where(heights < STRAY_HEIGHT * line.height, STRAY, np.inf)


def _width(boxes: np.ndarray) -> int:
    left, _, right, _ = bounds(boxes)
    return right - left
