"""A straight line through a whole mark, from its left end to its right: a strike or an underline.

Its ends are the mark's own, and stand out from the rest of it on both sides. Through the middle it
strikes the mark out, at the bottom it underlines it. The bars of a 4 or 7 and the foot of a 2 are
straight, too, but the rest of the digit begins where they do.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from digitlab.drawing.printed_lines import run_lengths
from digitlab.drawing.stages import Box

SMALLEST = 16  # pixels: in a lower mark nothing is told
FAINT = 40  # of 255: a strike may be drawn more lightly than the digits
MOST_MARKS = 200  # a photo with more is texture
THICKEST = 0.17  # of the mark's height: thicker is no line
COVERED = 0.97  # of its length is ink
BLUNT = 0.35  # of the mark's height: the end of a line is less
AROUND = 0.02  # of the mark's height: so much beside a line belongs to it
# On tuning writers' digits: 97 % of those struck out, and 0.3 % of others.
OUT = 0.04  # of the mark's height: so far both ends stand out …
STEEP, STEEP_OUT = 0.2, 0.03  # … or less where the line is steeper than so many rows a column
STEEPEST = 0.65  # rows a column: a stroke of an 8 is steeper
HIGHEST, LOWEST = 0.2, 0.85  # of the rest's height: where the middle of the line lies
LEAST_SHARE = 0.1  # of the rest's ink, above the line and below it
NEAR = 0.04, 0.08  # of the mark's height: so far from the line the strokes are counted that cross
SINGLE = 1.5  # of its thickness: a single stroke is no broader
CORNER, CORNER_OUT = 0.85, 0.1  # of its thickness and the height: so near its end a 4's bar joins
BROAD, SHORT = 0.3, 0.65  # of the height: a 7 is broader above its bar, which is no longer
# On tuning writers' digits: none but 1, whose foot may be left out as well.
UNDERLINE_OUT = 0.02  # of the mark's height: so far both ends of an underline stand out
FOOT = 0.2  # of the mark's height: so near to its left end a 2's foot begins …
SLIM = 0.7  # … of the pen's width: thinner is no foot
ABOVE = 0.97  # of the rest's ink lies above an underline


@dataclass(frozen=True, eq=False)
class _Line:
    """The line between a mark's ends, and the mark without it.

    `away float [h, w]` are rows below the line; `rest bool [h, w]` is the ink that is not on it.
    """

    slope: float  # rows a column
    thickness: float  # pixels, along a column
    away: np.ndarray
    rest: np.ndarray

    @property
    def out(self) -> tuple[int, int]:
        """Columns by which its left and its right end stand out from the rest."""
        columns = np.flatnonzero(self.rest.any(axis=0))
        return int(columns[0]), int(self.rest.shape[1] - 1 - columns[-1])

    @property
    def above(self) -> float:
        """The share of the rest's ink that lies above it."""
        return float((self.away[self.rest] < 0).mean())


def list_struck(ink: np.ndarray) -> list[Box]:
    """The boxes of the marks that are struck out on `ink uint8 [H, W]`."""
    from scipy import ndimage

    labels, count = ndimage.label(ink > FAINT, np.ones((3, 3)))
    if count > MOST_MARKS:
        return []
    return [
        (columns.start, rows.start, columns.stop, rows.stop)
        for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1)
        if is_struck_out(labels[rows, columns] == number)
    ]


def is_struck_out(mark: np.ndarray) -> bool:
    """Whether a straight line runs through the middle of a mark, `bool [h, w]`, and past it."""
    line = _find_line(mark)
    if line is None or not LEAST_SHARE <= line.above <= 1 - LEAST_SHARE:
        return False
    height = len(mark)
    if (
        abs(line.slope) > STEEPEST
        or min(line.out) < (OUT if abs(line.slope) < STEEP else STEEP_OUT) * height
    ):
        return False
    rows = np.flatnonzero(line.rest.any(axis=1))
    middle = -float(line.away[0].mean())  # its row in the middle
    if not HIGHEST <= (middle - rows[0]) / (rows[-1] + 1 - rows[0]) <= LOWEST:
        return False
    return not _is_bar(line)


def without_underline(mark: np.ndarray) -> np.ndarray:
    """A mark `bool [h, w]` without the straight line that it stands on and meets."""
    line = _find_line(mark)
    if line is None or line.above < ABOVE or min(line.out) < UNDERLINE_OUT * len(mark):
        return mark
    rows = np.flatnonzero(line.rest.any(axis=1))
    if -float(line.away[0].mean()) < rows[0] + LOWEST * (rows[-1] + 1 - rows[0]):
        return mark
    return mark if _is_foot(line) else line.rest


def _find_line(mark: np.ndarray) -> _Line | None:
    """The straight line from a mark's left end to its right; None without one."""
    height, width = mark.shape
    if height < SMALLEST or width < SMALLEST / 2:
        return None
    ends = [_end(part, BLUNT * height) for part in (mark, mark[:, ::-1])]
    if ends[0] is None or ends[1] is None:
        return None
    columns = np.arange(width)
    rows = np.linspace(ends[0], ends[1], width)
    near = np.clip(np.rint(rows).astype(np.int64) + np.arange(-1, 2)[:, None], 0, height - 1)
    if mark[near, columns].any(axis=0).mean() < COVERED:
        return None
    runs = run_lengths(mark)[near[1], columns]
    thickness = float(np.quantile(runs[runs > 0], 0.25))
    if thickness > THICKEST * height:
        return None
    away = np.arange(height)[:, None] - rows
    rest = mark & (np.abs(away) > thickness / 2 + 1 + AROUND * height)
    if not rest.any():
        return None
    return _Line((ends[1] - ends[0]) / (width - 1), thickness, away, rest)


def _end(mark: np.ndarray, most: float) -> float | None:
    """The row of the mark's left end; None where it is no end of a line but blunt."""
    rows = np.flatnonzero(mark[:, : max(2, round(AROUND * mark.shape[1]))].any(axis=1))
    return None if rows[-1] - rows[0] + 1 > most else float(rows[0] + rows[-1]) / 2


def _is_bar(line: _Line) -> bool:
    """Whether the line may be the bar of a 4 or a 7: below it there is a single stroke.

    A 4 begins at its bar's left end and goes up from there. A 7 crosses a short bar with a single
    stroke and is broad above it.
    """
    height, width = line.rest.shape
    beside = (np.abs(line.away) - line.thickness / 2) / height
    near = (beside > NEAR[0]) & (beside <= NEAR[1])
    upper, lower = line.rest & near & (line.away < 0), line.rest & near & (line.away > 0)
    single = SINGLE * line.thickness + NEAR[1] * height
    if _breadth(lower) > single or _breadth(upper) > 2 * single:
        return False
    left = line.out[0]
    if left < min(CORNER * line.thickness, CORNER_OUT * height):
        return bool(upper[:, : round(left + 1.5 * line.thickness) + 1].any())
    broad = _breadth(line.rest & (line.away < 0)) >= BROAD * height
    return broad and width <= SHORT * height and _breadth(upper) <= single


def _breadth(mask: np.ndarray) -> int:
    """Columns with ink."""
    return int(mask.any(axis=0).sum())


def _is_foot(line: _Line) -> bool:
    """Whether the rest meets the line at its left end, and the same pen drew both, as in a 2."""
    from scipy import ndimage

    height = len(line.rest)
    reach = line.thickness / 2 + 1 + AROUND * height + max(2, 0.03 * height)
    met = np.flatnonzero((line.rest & (np.abs(line.away) <= reach)).any(axis=0))
    if not len(met) or met[0] > FOOT * height:
        return False
    depth = ndimage.distance_transform_edt(np.pad(line.rest, 1))[1:-1, 1:-1]
    return line.thickness >= SLIM * 4 * float(depth[line.rest].mean())
