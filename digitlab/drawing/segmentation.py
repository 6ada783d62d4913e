"""Splitting ink into digits: groups of neighbouring pieces, scored by a predictor, best path.

Every run of pieces between two cuts that could be a digit is framed and read, all in one call of
the predictor; the path from left to right over runs with the highest score is the reading
(over-segmentation and dynamic programming, as in LeCun, Bottou, Bengio and Haffner, Proceedings of
the IEEE 86(11), 1998, section V). The score is the log probability of the digits less what is
unlikely about their shape: a network trained on digits alone is often sure about halves and pairs
of them. The default reader was trained on such parts and pairs too, and rejects most of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from digitlab.drawing.layout import Marks, bounds, find_layouts, find_marks
from digitlab.drawing.pieces import COMPACT, SLANTS, Line, build_line, line_height
from digitlab.drawing.scores import best_path, find_shared, find_skips, score_spans, strokes_crossed
from digitlab.drawing.signs import Sign, find_signs, is_lying
from digitlab.drawing.spans import Span, list_spans
from digitlab.drawing.stages import DEFAULT, Box, Framed, Framing, frame_digit
from digitlab.errors import EmptyDrawingError

Predictor = Callable[[np.ndarray], np.ndarray]
"""`uint8 [N, 1, 28, 28]` → probabilities `float32 [N, C]`.

1 minus the sum of a row is the probability that the image is no digit; the rows of a network that
was trained on digits alone sum to 1.
"""

# When a compact mark is read as one digit at once. Lengths are shares of a line's height.
SURE = 0.95  # probability from which
CROSSED = 2.0  # strokes that a row meets in the mean, up to which: in 99 % of digits 1.9 or fewer
PAIR = 0.5  # a narrower mark is never cut …
PLAUSIBLE = 0.3  # … nor one this likely to be a digit: two that overlap by a third had 0.24
# The parts of a compact mark need at least this mean probability of being digits: else it is none.
# On tuning writers as many strings that touch are read as with 0.8 for each part, but with that
# 19 % of the letters of LEARNT are taken for digits; 0.97 takes 4 %, and reads 84.6 % of the test
# writers' strings instead of 85.6 %.
CONVINCING = 0.93  # of two
SEVERAL = 0.9  # of more than two, which letters are seldom parted into
CLEAR = 0.9  # probability of each digit, from which upright cuts suffice: else slanted ones, too

MOST_RUNS = 800  # in all ways to read a drawing; of six digits that touch 690, a scribble has more
MOST_PIXELS = 100_000_000  # of all these runs together
LINE = 2.0  # nats: one more line


@dataclass(frozen=True, eq=False)
class Reading:
    """One digit: its frame in the drawing's pixels and its `probabilities float32 [C]`.

    `parted` says whether it was cut out of a mark.
    """

    framed: Framed
    probabilities: np.ndarray
    parted: bool = False


@dataclass(frozen=True, eq=False)
class _Way:
    """One way to read a drawing: lines of digits, how likely, and the marks that are doubtful."""

    lines: list[list[Reading]]
    score: float
    doubtful: set[int]

    def is_clear(self) -> bool:
        """Whether every digit has a probability of at least CLEAR."""
        certainties = [float(digit.probabilities.max()) for line in self.lines for digit in line]
        return min(certainties, default=0.0) >= CLEAR


def read_lines(
    ink: np.ndarray,
    predictor: Predictor,
    *,
    strokes: Sequence[np.ndarray] = (),
    framing: Framing = DEFAULT,
    cut: bool = True,
    most: int = MOST_RUNS,
) -> list[list[Reading | Sign]]:
    """The digits and signs on `ink`, `uint8 [H, W]`.

    Lines go from top to bottom, each from left to right and with a digit at least. The predictor is
    called once where the marks are compact and read with confidence, once more where marks above
    each other may be two lines or one digit, and again where some are doubtful and are taken
    apart: by the `strokes` that drew them where they are known, else by cutting, which is what
    takes time; without `cut` they are left as they are. The predictor is asked about `most` runs
    of pieces. Raises EmptyDrawingError where there is no digit and DrawingError where there are
    too many marks.
    """
    signs, rest = find_signs(ink)
    lines = _read_digits(_Page(rest, predictor, framing, most), strokes, cut)
    if not signs:
        return [list(line) for line in lines]
    whole = [
        [replace(digit, framed=replace(digit.framed, ink=ink)) for digit in line] for line in lines
    ]
    return _place_signs(whole, signs)


def _read_digits(page: _Page, strokes: Sequence[np.ndarray], cut: bool) -> list[list[Reading]]:
    marks = find_marks(page.ink)
    if len(marks.boxes) < 2:
        whole = page.read_compact(marks)
        if not whole and is_lying(marks, 0):  # a dash alone is no digit, nor a row of ones
            return [[page.read_whole()]]
        if whole and (_is_narrow(marks) or _is_sure(whole) or _is_plausible(whole)):
            return [[whole]]
        way = _Way([[whole]] if whole else [], -np.inf, {0})
    else:
        whole = None
        way = page.read_marks(marks, cut=False)
        if not cut or (not way.doubtful and not page.has_wide(marks)):
            return way.lines or [[page.read_whole()]]
    if len(strokes):
        parted = find_marks(page.ink, strokes)
        if len(parted.boxes) > len(marks.boxes):
            marks = parted
            way = page.read_marks(marks, cut=False)
            if way.lines and not way.doubtful:
                return way.lines if not whole or _is_convincing(way) else [[whole]]
    parts = page.read_marks(marks, cut=True, doubtful=way.doubtful)
    if whole and not _is_convincing(parts):
        return [[whole]]
    return parts.lines or way.lines or [[whole or page.read_whole()]]


def list_candidates(ink: np.ndarray) -> Iterator[tuple[np.ndarray, tuple[int, int]]]:
    """Every run of pieces of `ink` that may be read as a digit, whole marks and marks cut up.

    Yields its ink alone, `uint8 [h, w]`, and the (top, left) of that in the drawing: a network
    that learns to tell digits from parts and pairs of them is trained on these.
    """
    marks = find_marks(ink)
    if not len(marks.boxes):
        return
    layout = find_layouts(marks.boxes)[0]
    for cut in (set(), set(range(len(marks.boxes)))):
        for members in layout:
            line = build_line(marks, members, cut, SLANTS if cut else SLANTS[:1])
            for run in list_spans(line)[1]:
                if cut or run.sum() == 1:
                    left, top, _, _ = bounds(line.boxes[run])
                    yield line.ink_of(run), (top, left)


@dataclass(eq=False)
class _Page:
    """A drawing that is being read: `ink uint8 [H, W]`, its predictor, and how it is framed.

    `runs` and `pixels` are those that may still be read.
    """

    ink: np.ndarray
    predictor: Predictor
    framing: Framing
    runs: int
    pixels: int = MOST_PIXELS

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
        """The best reading of the lines; where it is not clear, slanted cuts are tried, too."""
        way = _Way([], -np.inf, set())
        readings_of: list[dict[bytes, Reading | None]] = [{} for _ in layout]
        for slants in (SLANTS[:1], SLANTS) if cut else (SLANTS[:1],):
            lines = [build_line(marks, members, cut, slants) for members in layout]
            span_runs = [list_spans(line) for line in lines]
            if not self._ask(lines, [runs for _, runs in span_runs], readings_of):
                break
            way = _Way([], -LINE * (len(lines) - 1), set())
            for line, (spans, runs), readings in zip(lines, span_runs, readings_of, strict=True):
                path, score = _best_path(line, spans, runs, readings)
                way = _Way(
                    [*way.lines, [reading for _, reading in path]] if path else way.lines,
                    way.score + score,
                    way.doubtful | _find_doubtful(line, path) - cut,
                )
            if way.is_clear():
                break
        return way

    def _ask(
        self,
        lines: Sequence[Line],
        runs: Sequence[np.ndarray],
        readings_of: Sequence[dict[bytes, Reading | None]],
    ) -> bool:
        """Add the reading of each line's runs to `readings_of`; None where a run is too small.

        False, and nothing is added, where these are more runs than may be read.
        """
        new = [
            (readings, line, run)
            for line, line_runs, readings in zip(lines, runs, readings_of, strict=True)
            for run in line_runs
            if run.tobytes() not in readings
        ]
        boxes = np.array([bounds(line.boxes[run]) for _, line, run in new]).reshape(-1, 4)
        pixels = int((boxes[:, 2:] - boxes[:, :2]).prod(axis=1, dtype=np.int64).sum())
        if len(new) > self.runs or pixels > self.pixels:
            return False
        self.runs, self.pixels = self.runs - len(new), self.pixels - pixels
        queue: list[tuple[dict[bytes, Reading | None], bytes, Framed, bool]] = []
        for readings, line, run in new:
            framed = self._frame(line, run)
            readings[run.tobytes()] = None
            if framed:
                in_parts = np.bincount(line.marks)[line.marks] > 1
                queue.append((readings, run.tobytes(), framed, bool(in_parts[run].any())))
        if queue:
            answers = self._predict([framed for _, _, framed, _ in queue])
            for (readings, key, framed, parted), answer in zip(queue, answers, strict=True):
                readings[key] = Reading(framed, answer, parted)
        return True

    def _frame(self, line: Line, run: np.ndarray) -> Framed | None:
        """A run of pieces framed, with its box in the drawing's; None where it is only a speck."""
        left, top, _, _ = bounds(line.boxes[run])
        try:
            framed = frame_digit(line.ink_of(run), self.framing)
        except EmptyDrawingError:  # a dot or a speck: part of a digit, or stray
            return None
        x0, y0, x1, y1 = framed.box
        return replace(framed, ink=self.ink, box=(left + x0, top + y0, left + x1, top + y1))

    def _predict(self, framed: list[Framed]) -> np.ndarray:
        answers = np.asarray(self.predictor(np.stack([digit.image for digit in framed])[:, None]))
        assert answers.ndim == 2, f"[N, C] expected, not {answers.shape}"
        return answers


def _place_signs(
    lines: Sequence[Sequence[Reading]], signs: Sequence[Sign]
) -> list[list[Reading | Sign]]:
    """Signs between the digits of the lines, each where it stands."""
    placed: list[list[Reading | Sign]] = [list(line) for line in lines]
    boxes = [np.array([digit.framed.box for digit in line]) for line in lines]
    for sign in sorted(signs, key=lambda sign: sign.box[0] + sign.box[2]):
        number = int(np.argmin([_distance(sign.box, digits) for digits in boxes]))
        middles = boxes[number][:, [0, 2]].sum(axis=1)
        follows = int(np.count_nonzero(middles < sign.box[0] + sign.box[2]))
        position = _position(placed[number], follows)
        placed[number].insert(position, sign)
    return placed


def _position(line: Sequence[Reading | Sign], digits: int) -> int:
    """Where a sign goes that follows `digits` digits, and the signs that are there already."""
    ends = [k for k, mark in enumerate(line) if isinstance(mark, Reading)] + [len(line)]
    return ends[digits]


def _distance(box: Box, digits: np.ndarray) -> float:
    """How far a sign is from the nearest of a line's digits, in their heights."""
    gaps = np.maximum(digits[:, :2] - np.array(box[2:]), np.array(box[:2]) - digits[:, 2:])
    across, down = np.maximum(gaps, 0).T
    return float(((0.3 * across + down) / (digits[:, 3] - digits[:, 1])).min())


def _best_path(
    line: Line,
    spans: Mapping[Span, int],
    runs: np.ndarray,
    readings: Mapping[bytes, Reading | None],
) -> tuple[list[tuple[np.ndarray, Reading]], float]:
    """The best path through a line: its runs with their readings, and its score."""
    digits = {i: digit for i, run in enumerate(runs) if (digit := readings[run.tobytes()])}
    answers = {
        i: (digit.framed.image, float(digit.probabilities.max())) for i, digit in digits.items()
    }
    scores = score_spans(line, spans, runs, answers)
    shared = find_shared(line, scores)
    path, score = best_path(scores, line.splits, find_skips(line), shared)
    return [(runs[spans[span]], digits[spans[span]]) for span in path], score


def _find_doubtful(line: Line, path: Sequence[tuple[np.ndarray, Reading]]) -> set[int]:
    """The marks wide enough for two digits that were not read with confidence."""
    return {
        int(mark)
        for run, reading in path
        if _width(line.boxes[run]) >= PAIR * line.height and not _is_sure(reading)
        for mark in line.marks[run]
    }


def _too_wide(marks: Marks, layout: list[list[int]]) -> set[int]:
    """The marks that are cut in any case: all wider than a digit, but no line that lies."""
    return {
        mark
        for line in layout
        for mark in line
        if _width(marks.boxes[[mark]]) > COMPACT * line_height(marks.boxes[line])
        and not is_lying(marks, mark)
    }


def _is_narrow(marks: Marks) -> bool:
    return _width(marks.boxes) < PAIR * line_height(marks.boxes)


def _is_sure(reading: Reading) -> bool:
    sure = reading.probabilities.max() >= SURE
    return bool(sure and strokes_crossed(reading.framed.image) <= CROSSED)


def _is_plausible(reading: Reading) -> bool:
    """Whether it may be one digit, by a network that rejects others: its sums are below 1."""
    return PLAUSIBLE <= float(reading.probabilities.sum()) < 1 - 1e-5


def _is_convincing(way: _Way) -> bool:
    """Whether the parts of a mark look like digits."""
    sums = [float(reading.probabilities.sum()) for line in way.lines for reading in line]
    least = CONVINCING if len(sums) == 2 else SEVERAL
    return len(sums) > 1 and float(np.mean(sums)) >= least


def _width(boxes: np.ndarray) -> int:
    left, _, right, _ = bounds(boxes)
    return right - left
