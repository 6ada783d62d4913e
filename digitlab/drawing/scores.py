"""How likely a run of pieces is one digit, and the best way over a line's pieces."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from digitlab.drawing.layout import bounds
from digitlab.drawing.pieces import Line

Span = tuple[int, int]  # pieces from the first up to, not including, the last

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
LEAST = 1e-3  # probability: no answer outweighs all the shape


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


def score_span(line: Line, span: Span, image: np.ndarray, probability: float) -> float:
    """Log probability of the most likely digit less what is unlikely about its shape, in nats.

    `image uint8 [28, 28]` is the run of pieces, framed.
    """
    return float(np.log(max(LEAST, probability)) - unlikely(line, span, image) @ WEIGHTS)


def unlikely(line: Line, span: Span, image: np.ndarray) -> np.ndarray:
    """What is unlikely about the shape of a run of pieces, in the order of WEIGHTS."""
    boxes = line.boxes[slice(*span)]
    left, top, right, bottom = bounds(boxes)
    gaps = (_paper(boxes[:, [0, 2]]) + _paper(boxes[:, [1, 3]])) / line.height
    wide = max(0.0, (right - left) / line.height - 1)
    low = max(0.0, LOWEST - (bottom - top) / line.height)
    strokes = max(0.0, strokes_crossed(image) - USUAL)
    strokes += max(0.0, strokes_crossed(image.T) - USUAL_DOWN)
    return np.array([gaps, wide, low, strokes])


WEIGHTS = np.array([GAP, WIDE, LOW, STROKES])


def stray_costs(line: Line) -> np.ndarray:
    """What it costs to leave each piece out of every digit; infinite for what is no speck."""
    heights = line.boxes[:, 3] - line.boxes[:, 1]
    return np.where(heights < STRAY_HEIGHT * line.height, STRAY, np.inf)


def _paper(ends: np.ndarray) -> int:
    """The rows or columns that none of the pieces reaches, from their starts and ends `[n, 2]`."""
    ends = ends[np.argsort(ends[:, 0])]
    reached = np.maximum.accumulate(ends[:, 1])[:-1]
    return int(np.maximum(0, ends[1:, 0] - reached).sum())
