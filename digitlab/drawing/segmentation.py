"""Ink with any number of digits → the digits: runs of pieces, scored by a predictor, best path.

Every run of neighbouring pieces that could be a digit is framed and read, all in one call of the
predictor; the way from left to right over runs with the highest score is the reading
(over-segmentation and dynamic programming, as in LeCun, Bottou, Bengio and Haffner, Proceedings of
the IEEE 86(11), 1998, section V). The score is the log probability of the digits less what is
unlikely about their shape: a network that saw only digits is often sure about halves and pairs of
them. One that was shown such, as the default reader was, tells most of them itself.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitlab.drawing.layout import Marks, bounds, find_layouts, find_marks
from digitlab.drawing.pieces import COMPACT, Line, build_line, line_height
from digitlab.drawing.scores import Span, best_path, score_span, stray_costs, strokes_crossed
from digitlab.drawing.stages import DEFAULT, Framed, Framing, frame_digit
from digitlab.errors import EmptyDrawingError

Predictor = Callable[[np.ndarray], np.ndarray]
"""`uint8 [N, 1, 28, 28]` → probabilities `float32 [N, C]`.

What a row lacks to 1 is the probability that the image is no digit at all; the rows of a network
that was never shown such images sum to 1.
"""

# When a compact mark is read as one digit without more ado. Lengths are shares of a line's height.
SURE = 0.95  # probability from which
CROSSED = 2.0  # strokes that a row meets in the mean, up to which: in 99 % of digits 1.9 or fewer
CONVINCING = 0.7  # probability of being digits, of what a compact mark is cut into: else it is none
PAIR = 0.5  # a narrower mark is never cut

WIDEST = 1.7  # what is wider is never one digit
LEAST_HEIGHT = 0.5  # pieces of a stroke that reach no further are no digit
LONGEST = 12  # pieces that make up one digit at most
MOST_SPANS = 800  # about a second's reading: what has more is a scribble, and is read as one digit
LINE = 2.0  # nats: one more line


@dataclass(frozen=True, eq=False)
class Reading:
    """One digit found: its frame in the drawing's pixels and its `probabilities float32 [C]`."""

    framed: Framed
    probabilities: np.ndarray


@dataclass(frozen=True, eq=False)
class _Way:
    """One way to read a drawing: lines of digits, how likely, and the marks that are doubtful."""

    lines: list[list[Reading]]
    score: float
    doubtful: set[int]


def read_lines(
    ink: np.ndarray,
    predictor: Predictor,
    *,
    strokes: Sequence[np.ndarray] = (),
    framing: Framing = DEFAULT,
) -> list[list[Reading]]:
    """The digits on `ink`, `uint8 [H, W]`: lines from top to bottom, each from left to right.

    The predictor is called once where the marks are compact and read with confidence, once more
    where marks above each other may be two lines or one digit, and again where some are doubtful
    and are taken apart: by the `strokes` that drew them where they are known, else by cutting.
    Raises EmptyDrawingError where there is no digit and DrawingError where there are too many
    marks.
    """
    page = _Page(ink, predictor, framing)
    marks = find_marks(ink)
    if len(marks.boxes) < 2:
        whole = page.read_compact(marks)
        if whole and (_width(marks.boxes) < PAIR * line_height(marks.boxes) or _is_sure(whole)):
            return [[whole]]
        way = _Way([[whole]] if whole else [], -np.inf, {0})
    else:
        whole = None
        way = page.read_marks(marks, cut=False)
        if not way.doubtful and not page.has_wide(marks):
            return way.lines or [[page.read_whole()]]
    if len(strokes):
        parted = find_marks(ink, strokes)
        if len(parted.boxes) > len(marks.boxes):
            marks = parted
            way = page.read_marks(marks, cut=False)
            if way.lines and not way.doubtful:
                return way.lines
    cut = page.read_marks(marks, cut=True, doubtful=way.doubtful)
    if whole and not _is_convincing(cut):
        return [[whole]]
    return cut.lines or way.lines or [[whole or page.read_whole()]]


def list_candidates(ink: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """Every run of pieces of `ink` that may be asked about, whole marks and marks cut up.

    Yields its ink alone, `uint8 [h, w]`, and the (top, left) of that in the drawing: what a
    network that is to tell digits from parts and pairs of them has to be shown.
    """
    marks = find_marks(ink)
    if not len(marks.boxes):
        return
    layout = find_layouts(marks.boxes)[0]
    for cut in (set(), set(range(len(marks.boxes)))):
        for members in layout:
            line = build_line(marks, members, cut)
            for first, last in list_spans(line):
                if cut or last == first + 1:
                    left, top, _, _ = bounds(line.boxes[first:last])
                    yield line.ink_of(first, last), (top, left)


def list_spans(line: Line) -> list[Span]:
    """Every run of neighbouring pieces of a size that a digit may have, and every whole mark."""
    count, widest = len(line.boxes), WIDEST * line.height
    cut = np.bincount(line.marks)[line.marks] > 1  # a part of a stroke alone is no digit
    return [
        (first, last)
        for first in range(count)
        for last in range(first + 1, min(count, first + LONGEST) + 1)
        if (last == first + 1 and not cut[first])
        or (
            _width(line.boxes[first:last]) <= widest
            and _height(line.boxes[first:last]) >= LEAST_HEIGHT * line.height
        )
    ]


@dataclass(frozen=True, eq=False)
class _Page:
    """A drawing that is being read: `ink uint8 [H, W]`, by whom, and how it is framed."""

    ink: np.ndarray
    predictor: Predictor
    framing: Framing

    def read_whole(self) -> Reading:
        framed = frame_digit(self.ink, self.framing)
        return Reading(framed=framed, probabilities=self._predict([framed])[0])

    def read_compact(self, marks: Marks) -> Reading | None:
        """A drawing of one mark, read as it is; None where it is too wide for one digit."""
        compact = not len(marks.boxes) or _width(marks.boxes) <= COMPACT * line_height(marks.boxes)
        return self.read_whole() if compact else None

    def has_wide(self, marks: Marks) -> bool:
        return any(_too_wide(marks, layout) for layout in find_layouts(marks.boxes))

    def read_marks(
        self, marks: Marks, *, cut: bool, doubtful: Sequence[int] | set[int] = ()
    ) -> _Way:
        """The best way to read marks in lines; with `cut`, doubtful and wide ones are cut up."""
        ways = []
        for layout in find_layouts(marks.boxes):
            apart = _too_wide(marks, layout) | set(doubtful) if cut else set()
            ways.append(self._read_lines(marks, layout, apart))
        return max(ways, key=lambda way: way.score)

    def _read_lines(self, marks: Marks, layout: list[list[int]], cut: set[int]) -> _Way:
        lines = [build_line(marks, members, cut) for members in layout]
        runs = [list_spans(line) for line in lines]
        if sum(map(len, runs)) > MOST_SPANS:
            return _Way([], -np.inf, set())
        framed = [self._frame(line, spans) for line, spans in zip(lines, runs, strict=True)]
        candidates = [one for spans in framed for one in spans.values()]
        if not candidates:
            return _Way([], -np.inf, set())
        answers = iter(self._predict(candidates))
        found: list[list[Reading]] = []
        total, doubtful = -LINE * (len(lines) - 1), set()
        for line, spans in zip(lines, framed, strict=True):
            readings = {span: Reading(one, next(answers)) for span, one in spans.items()}
            scores = {
                span: score_span(line, span, one.framed.image, float(one.probabilities.max()))
                for span, one in readings.items()
            }
            path, score = best_path(scores, line.splits, stray_costs(line))
            total += score
            found += [[readings[span] for span in path]] if path else []
            for first, last in path:
                wide = _width(line.boxes[first:last]) >= PAIR * line.height
                if wide and not _is_sure(readings[first, last]):
                    doubtful |= {int(mark) for mark in line.marks[first:last]}
        return _Way(found, total, doubtful - cut)

    def _frame(self, line: Line, spans: list[Span]) -> dict[Span, Framed]:
        """Those of the spans that may be a digit, framed, with their boxes in the drawing's."""
        framed = {}
        for first, last in spans:
            left, top, _, _ = bounds(line.boxes[first:last])
            try:
                one = frame_digit(line.ink_of(first, last), self.framing)
            except EmptyDrawingError:  # a dot or a speck: part of a digit, or stray
                continue
            x0, y0, x1, y1 = one.box
            box = (left + x0, top + y0, left + x1, top + y1)
            framed[first, last] = replace(one, ink=self.ink, box=box)
        return framed

    def _predict(self, framed: list[Framed]) -> np.ndarray:
        answers = np.asarray(self.predictor(np.stack([one.image for one in framed])[:, None]))
        assert answers.ndim == 2, f"[N, C] expected, not {answers.shape}"
        return answers


def _too_wide(marks: Marks, layout: list[list[int]]) -> set[int]:
    """The marks that are cut in any case."""
    return {
        mark
        for line in layout
        for mark in line
        if _width(marks.boxes[[mark]]) > COMPACT * line_height(marks.boxes[line])
    }


def _is_sure(reading: Reading) -> bool:
    sure = reading.probabilities.max() >= SURE
    return bool(sure and strokes_crossed(reading.framed.image) <= CROSSED)


def _is_convincing(way: _Way) -> bool:
    """Whether all that cutting found looks like digits, not like parts of something else."""
    found = [one for line in way.lines for one in line]
    return bool(found) and min(float(one.probabilities.sum()) for one in found) >= CONVINCING


def _height(boxes: np.ndarray) -> int:
    _, top, _, bottom = bounds(boxes)
    return bottom - top


def _width(boxes: np.ndarray) -> int:
    left, _, right, _ = bounds(boxes)
    return right - left
