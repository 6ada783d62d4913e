"""A printed rectangle around everything, also where strokes cross its sides or run along them.

A side is where ink covers a straight line through almost the whole mark; its thickness is over how
many rows it does. So a stroke on a side makes it no thicker, and one beyond it is not the side.
"""

from __future__ import annotations

import numpy as np

from digitlab.drawing.printed_lines import SLIM, Line, list_lines, pool, uncover, without_crumbs

COARSE = 256  # pixels of the longer side, at most, while sides are sought
LEAST = 0.12  # of the image's shorter side: a frame is as wide and as high
STEEPEST = 0.07  # rows a column: 4 degrees
OUTERMOST = 0.22  # of the mark's height: a side lies no further inside
MIDDLE = 0.18  # of its length at each end: what is sought is the rest of a side
COVERED = 0.95  # of that is ink
THICKEST = 0.08  # of the mark's longer side
ALIKE = 1.5  # sides are no thicker than so many times the thinnest
HOLDS = 0.3  # of a frame's height: what is inside is at least so high
ACROSS = 0.8  # of the frame: a line as thin and as long is of a table


def without_frames(solid: np.ndarray) -> np.ndarray:
    """The ink `bool [H, W]` without the frame around any of its marks.

    Marks at the image's edge are skipped: lines that go on there are of a grid.
    """
    from scipy import ndimage

    labels, _ = ndimage.label(solid, np.ones((3, 3)))
    left = solid
    height, width = solid.shape
    for rows, columns in ndimage.find_objects(labels):
        free = rows.start > 0 and columns.start > 0 and rows.stop < height and columns.stop < width
        least = min(rows.stop - rows.start, columns.stop - columns.start)
        if free and least >= LEAST * min(solid.shape):
            left = left.copy()
            left[rows, columns] = _without_frame(left[rows, columns])
    return left


def _without_frame(mark: np.ndarray) -> np.ndarray:
    factor = max(1, -(-max(mark.shape) // COARSE))
    coarse = pool(mark, factor)
    sides = [_find_side(np.rot90(coarse, quarters)) for quarters in range(4)]
    if any(side is None for side in sides):
        return mark
    # Seen from the right, the bottom is the top of the mark turned by half, and so on.
    thinnest = min(side[2] for side in sides)
    if thinnest > THICKEST * max(coarse.shape):
        return mark
    thickness = min(ALIKE * thinnest, max(side[2] for side in sides))
    top, right, bottom, left = (
        _side_rows(side, thickness, np.rot90(coarse, quarters).shape, quarters)
        for quarters, side in enumerate(sides)
    )
    level = [_line(rows, (left, right), factor, thickness, mark.shape[1]) for rows in (top, bottom)]
    upright = [
        _line(rows, (top, bottom), factor, thickness, mark.shape[0]) for rows in (left, right)
    ]
    rest = without_crumbs(uncover(mark, level, upright), mark, level + upright)
    if not _holds_writing(rest, level, upright):
        return mark
    return rest


def _find_side(coarse: np.ndarray) -> tuple[int, float, int] | None:
    """The upper side of a mark: its first row in the middle, its slope, its thickness in rows."""
    height, width = coarse.shape
    deepest = max(3, round(OUTERMOST * height))
    around = np.pad(coarse, ((1, 1), (0, 0)))
    broad = around[:-2] | around[1:-1] | around[2:]  # so that a slanted line of a pixel is covered
    columns = np.arange(round(MIDDLE * width), width - round(MIDDLE * width))
    covering: list[
        tuple[float, int, int, float]
    ] = []  # how much is covered, first row, rows, slope
    steps = max(1, round(STEEPEST * width))
    for slope in np.linspace(-STEEPEST, STEEPEST, 2 * steps + 1):
        shift = np.rint(slope * (columns - width / 2)).astype(np.int64)
        rows = np.arange(height)[:, None] + shift
        inside = (rows >= 0) & (rows < height)
        share = (broad[np.clip(rows, 0, height - 1), columns] & inside).mean(axis=1)
        covered = np.append(share >= COVERED, False)
        if not covered[:deepest].any():
            continue
        first = int(np.argmax(covered))
        count = int(np.argmin(covered[first:]))
        covering.append((float(share[first : first + count].sum()), first, count, float(slope)))
    if not covering:
        return None
    outermost = min(first for _, first, _, _ in covering)
    _, first, count, slope = max(c for c in covering if c[1] <= outermost + 1)
    return first + 1, slope, max(1, count - 2)


def _side_rows(
    side: tuple[int, float, int], thickness: float, shape: tuple[int, int], quarters: int
) -> np.ndarray:
    """Where a side of a mark turned by `quarters` lies in the mark: its row or column along it."""
    height, width = shape
    middle = side[0] + (min(side[2], thickness) - 1) / 2
    rows = middle + side[1] * (np.arange(width) - width / 2)
    if quarters in (0, 3):  # rot90 by three quarters turns left to top, bottom first
        return rows if quarters == 0 else rows[::-1]
    return height - 1 - (rows if quarters == 1 else rows[::-1])


def _line(
    rows: np.ndarray, across: tuple[np.ndarray, np.ndarray], factor: int, thickness: float, end: int
) -> Line:
    """A side as a line of the full mark, from one of the sides `across` to the other."""
    start = max(0, int((across[0].min() - thickness) * factor))
    stop = min(end, int((across[1].max() + thickness + 1) * factor))
    columns = np.arange(start, stop)
    full = (np.interp((columns + 0.5) / factor - 0.5, np.arange(len(rows)), rows) + 0.5) * factor
    full -= 0.5
    ends = (int(full[0]), start, int(full[-1]), stop - 1)
    return Line(start, stop, full, thickness * factor, ends)


def _holds_writing(rest: np.ndarray, level: list[Line], upright: list[Line]) -> bool:
    """Whether something is written inside, and no other printed line runs across."""
    from scipy import ndimage

    labels, _ = ndimage.label(rest, np.ones((3, 3)))
    heights = [rows.stop - rows.start for rows, _ in ndimage.find_objects(labels)]
    if max(heights, default=0) < HOLDS * len(rest):
        return False
    thick = SLIM * level[0].thickness + 1
    return not any(
        line.length >= ACROSS * side.length and line.thickness <= thick
        for turned, side in ((rest, level[0]), (rest.T, upright[0]))
        for line in list_lines(turned)
    )
