"""How likely a run of pieces is one digit, and the best path through a line's pieces."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from digitlab.drawing.layout import bounds
from digitlab.drawing.pieces import Line
from digitlab.drawing.spans import Span

# What is unlikely about a digit's shape, in nats. Lengths are shares of a line's height.
GAP = 6.0  # paper between its pieces, side by side or above each other, as wide as the line is high
WIDE = 5.0  # what it is wider than the line is high
LOW = 8.0  # what it is lower than LOWEST
LOWEST = 0.7
STROKES = 3.0  # each stroke that a row meets in the mean beyond USUAL: two digits have more
USUAL = 1.5
USUAL_DOWN = 2.4  # and that a column meets: two digits above each other have more
STRAY = 6.0  # a mark lower than STRAY_HEIGHT that belongs to no digit
STRAY_HEIGHT = 0.3
OVERLAP = 3.0  # columns of it that the digits before reach beyond, as wide as the line is high
EVIDENCE = 2.0  # weight of the log probability against them
SHARED = 2.0  # a piece that two digits have in common, since their strokes lie on each other
LEAST = 1e-4  # probability: no answer outweighs all the shape


def best_path(
    scores: Mapping[Span, float],
    splits: np.ndarray,
    skips: Mapping[Span, float],
    shared: Mapping[Span, Sequence[int]],
) -> tuple[list[Span], float]:
    """The spans that lead from the first cut to the last with the highest score, and the score.

    `splits[k]` is what it costs to begin a digit at cut k, `skips` what it costs to leave out what
    is between two cuts. A span may also follow a digit that ended at one of its `shared` cuts: both
    have what is between. No spans and -inf where nothing leads to the last cut.
    """
    ways: list[list[tuple[int, int, float, bool]]] = [[] for _ in splits]
    for (first, last), score in scores.items():
        score -= float(splits[first]) if first else 0.0
        ways[last].append((first, first, score, True))
        for before in shared.get((first, last), ()):
            ways[last].append((before, first, score - SHARED, True))
    for (first, last), cost in skips.items():
        ways[last].append((first, first, -cost, False))
    best = [0.0] + [-np.inf] * (len(splits) - 1)
    back = [(0, 0, False)] * len(splits)
    for last in range(1, len(splits)):
        for before, first, score, is_digit in ways[last]:
            if best[before] + score > best[last]:
                best[last], back[last] = best[before] + score, (before, first, is_digit)
    if not np.isfinite(best[-1]):
        return [], -np.inf
    path, cut = [], len(splits) - 1
    while cut:
        before, first, is_digit = back[cut]
        if is_digit:
            path.append((first, cut))
        cut = before
    return path[::-1], best[-1]


def strokes_crossed(image: np.ndarray) -> float:
    """How many strokes a row of a digit meets in the mean, over the rows with ink."""
    solid = np.pad(image > 127, ((0, 0), (1, 0)))
    begun = (solid[:, 1:] & ~solid[:, :-1]).sum(axis=1)
    return float(begun.sum() / max(1, np.count_nonzero(begun)))


def score_spans(
    line: Line,
    spans: Mapping[Span, int],
    runs: np.ndarray,
    answers: Mapping[int, tuple[np.ndarray, float]],
) -> dict[Span, float]:
    """Log probability of the most likely digit less the costs of an unlikely shape, in nats.

    `spans` and `runs` are as `list_spans` has them; `answers` each run's image `uint8 [28, 28]`
    and the probability. Spans whose run has none are left out.
    """
    own = {
        run: EVIDENCE * np.log(max(LEAST, probability)) - unlikely(line, runs[run], image) @ WEIGHTS
        for run, (image, probability) in answers.items()
    }
    reached = [int(line.boxes[cut, 2].max(initial=0)) for cut in line.cuts]
    begun = [int(line.boxes[run, 0].min()) for run in runs]
    return {
        (first, last): float(own[run] - OVERLAP * max(0, reached[first] - begun[run]) / line.height)
        for (first, last), run in spans.items()
        if run in own
    }


def unlikely(line: Line, run: np.ndarray, image: np.ndarray) -> np.ndarray:
    """What is unlikely about the shape of a run of pieces, in the order of WEIGHTS."""
    boxes = line.boxes[run]
    left, top, right, bottom = bounds(boxes)
    gaps = (_paper(boxes[:, [0, 2]]) + _paper(boxes[:, [1, 3]])) / line.height
    wide = max(0.0, (right - left) / line.height - 1)
    low = max(0.0, LOWEST - (bottom - top) / line.height)
    strokes = max(0.0, strokes_crossed(image) - USUAL)
    strokes += max(0.0, strokes_crossed(image.T) - USUAL_DOWN)
    return np.array([gaps, wide, low, strokes])


WEIGHTS = np.array([GAP, WIDE, LOW, STROKES])


def find_skips(line: Line) -> dict[Span, float]:
    """Pairs of cuts with only a speck between them, and the cost of leaving it out."""
    heights = line.boxes[:, 3] - line.boxes[:, 1]
    skips = {}
    for piece in np.flatnonzero(heights < STRAY_HEIGHT * line.height):
        before = {cut.tobytes(): k for k, cut in enumerate(line.cuts) if not cut[piece]}
        for last in np.flatnonzero(line.cuts[:, piece]):
            without = line.cuts[last].copy()
            without[piece] = False
            first = before.get(without.tobytes())
            if first is not None:
                skips[first, int(last)] = STRAY
    return skips


def find_shared(line: Line, spans: Iterable[Span]) -> dict[Span, list[int]]:
    """For each span the cuts that the digit before may end at, though it begins before them.

    That is one piece of a mark that was cut, which then is in both digits.
    """
    sizes = line.cuts.sum(axis=1)
    parted = np.bincount(line.marks)[line.marks] > 1
    beyond = {
        first: [
            int(more)
            for more in np.flatnonzero(sizes == sizes[first] + 1)
            if not (cut & ~line.cuts[more]).any() and parted[line.cuts[more] & ~cut].all()
        ]
        for first, cut in enumerate(line.cuts)
        if first
    }
    return {
        (first, last): [
            more
            for more in beyond.get(first, ())
            if more < last and not (line.cuts[more] & ~line.cuts[last]).any()
        ]
        for first, last in spans
    }


def _paper(ends: np.ndarray) -> int:
    """The rows or columns that none of the pieces reaches, from their starts and ends `[n, 2]`."""
    ends = ends[np.argsort(ends[:, 0])]
    reached = np.maximum.accumulate(ends[:, 1])[:-1]
    return int(np.maximum(0, ends[1:, 0] - reached).sum())
