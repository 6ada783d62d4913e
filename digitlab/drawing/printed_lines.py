"""Straight lines printed around writing: ruling, squares, the sides of frames and of cells.

They are found as Hough's method does, in windows: a window of a row, sheared by a small slope, that
is inked throughout and thinly. What tells a printed line from a straight stroke is where it ends:
at the image's edge or at other lines, while strokes end in the paper. A line is left out where it
is no thicker than elsewhere; what is thicker there is a stroke that crosses it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

COARSE = 288  # pixels of the longer side, at most, while lines are sought
STEEPEST = 0.2  # rows a column: 11 degrees
WINDOW = 0.12  # of the shorter side: what is straight for so long may be part of a line …
COVERED, THINLY = 0.9, 0.55  # … where so much of it is ink, and so much is thin ink
THICKEST = 0.08  # of the shorter side: thicker is no line
THICKER = 1.4  # of a line's usual thickness: more is a stroke that crosses it
CRUMB = 1.5  # of a line's thickness: what is left of it is no larger …
SLIVER = 0.3  # … or no wider, as an edge that was not covered
AT_EDGE = 0.03  # of the shorter side: a line that ends so near reaches the edge
SLIM = 1.25  # a line between others is no thicker than so many times these: else a stroke
SIDE = 0.25  # of the shorter side: a frame's sides are as long
ACROSS = 0.75  # of the side: a line so long from one edge runs across the paper
FILLED = 0.7  # of a line's columns are inked
ON = 2.0  # coarse pixels from a line that are on it
MOST_IN_ONE = 3  # lines that meet at a small angle
PARALLEL = 0.03  # rows a column: ruled lines differ less
BENT = 0.015  # of its length: how far a line may bow
LONG, FAMILY = 0.55, 3  # of the width: so many parallel lines as long are ruling wherever they end
INSIDE = 0.4  # of a frame's height: what it is around is at least so high


@dataclass(eq=False, frozen=True)
class Line:
    """A line that runs along axis 1: from column `start` to `stop`, its row in each column."""

    start: int
    stop: int
    rows: np.ndarray
    thickness: float
    ends: tuple[int, int, int, int]  # its first row and column and its last ones

    @property
    def length(self) -> int:
        return self.stop - self.start

    @property
    def slope(self) -> float:
        return float(self.rows[-1] - self.rows[0]) / max(1, self.length - 1)


def without_lines(solid: np.ndarray) -> np.ndarray:
    level, upright = _keep_printed(list_lines(solid), list_lines(solid.T), solid.shape)
    left = uncover(solid, level, upright)
    loose = _without_writing(level, upright, left)
    if loose:
        level, upright = (
            [line for line in lines if line not in loose] for lines in (level, upright)
        )
        left = uncover(solid, level, upright)
    return without_crumbs(left, solid, level + upright) if level or upright else left


def uncover(solid: np.ndarray, level: list[Line], upright: list[Line]) -> np.ndarray:
    """What is left of the ink without these lines."""
    for lines, turned in ((upright, True), (level, False)):
        plane = solid.T if turned else solid
        if lines:
            plane = plane & ~_cover(plane, lines)
        solid = plane.T if turned else plane
    return solid


def without_crumbs(left: np.ndarray, solid: np.ndarray, lines: list[Line]) -> np.ndarray:
    """Without what is left of lines: specks where they cross, and slivers along them."""
    from scipy import ndimage

    thickest = max((line.thickness for line in lines), default=0)
    side = CRUMB * thickest + 3
    labels, count = ndimage.label(left, np.ones((3, 3)))
    beside = np.unique(labels[ndimage.binary_dilation(solid & ~left, np.ones((3, 3)))])
    small = np.zeros(count + 1, bool)
    for number, (y, x) in enumerate(ndimage.find_objects(labels), 1):
        sides = y.stop - y.start, x.stop - x.start
        small[number] = max(sides) <= side or min(sides) <= SLIVER * thickest
    gone = np.zeros(count + 1, bool)
    gone[beside] = small[beside]
    return left & ~gone[labels]


def _without_writing(level: list[Line], upright: list[Line], left: np.ndarray) -> list[Line]:
    """The lines that frame nothing: neither do they reach an edge, nor is any mark inside."""
    from scipy import ndimage

    edge = AT_EDGE * min(left.shape) + 2
    labels, _ = ndimage.label(left, np.ones((3, 3)))
    marks = [(y.start, x.start, y.stop, x.stop) for y, x in ndimage.find_objects(labels)]
    boxes = [(*line.ends, line) for line in level]
    boxes += [(line.ends[1], line.ends[0], line.ends[3], line.ends[2], line) for line in upright]
    loose = []
    for group in _connected(boxes, edge):
        ends = np.array([box[:4] for box in group])
        top, left_, bottom, right = (
            *np.minimum(ends[:, :2], ends[:, 2:]).min(0),
            *np.maximum(ends[:, :2], ends[:, 2:]).max(0),
        )
        free = top > edge and left_ > edge and bottom < left.shape[0] - edge
        free = free and right < left.shape[1] - edge
        holds = any(
            top - edge < m[0]
            and m[2] < bottom + edge
            and left_ - edge < m[1]
            and m[3] < right + edge
            and m[2] - m[0] >= INSIDE * (bottom - top)
            for m in marks
        )
        if free and not holds:
            loose += [box[4] for box in group]
    return loose


def _connected(boxes: list[tuple], near: float) -> list[list[tuple]]:
    """Lines that touch, by their ends' boxes `(top, left, bottom, right, line)`, in groups."""
    groups: list[list[tuple]] = []
    for box in boxes:
        touching = [group for group in groups if any(_touch(box, other, near) for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([box, *(other for group in touching for other in group)])
    return groups


def _touch(first: tuple, second: tuple, near: float) -> bool:
    return all(
        max(min(first[k], first[k + 2]), min(second[k], second[k + 2])) - near
        <= min(max(first[k], first[k + 2]), max(second[k], second[k + 2]))
        for k in (0, 1)
    )


def run_lengths(solid: np.ndarray) -> np.ndarray:
    """For each pixel of ink how long its run of ink in the column is, `int32 [H, W]`; else 0."""
    height = len(solid)
    rows = np.arange(height, dtype=np.int32)[:, None]
    above = np.maximum.accumulate(np.where(solid, np.int32(-1), rows), axis=0)
    below = np.minimum.accumulate(np.where(solid, np.int32(height), rows)[::-1], axis=0)[::-1]
    return np.where(solid, below - above - 1, 0)


def list_lines(solid: np.ndarray) -> list[Line]:
    """Everything that is straight, thin and nearly level."""
    from scipy import ndimage

    factor = max(1, -(-max(solid.shape) // COARSE))
    runs = run_lengths(solid)
    most = THICKEST * min(solid.shape) + 1
    ink = pool(solid, factor)
    thin = pool(solid & (runs <= most), factor)
    window = max(10, round(WINDOW * min(ink.shape)))
    band = _straight(ink, thin, window)
    labels, _ = ndimage.label(band, np.ones((3, 3)))
    lines = []
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), 1):
        y, x = np.nonzero(labels[rows, columns] == number)
        y, x = y + rows.start, x + columns.start
        for _ in range(MOST_IN_ONE):
            if not len(x) or np.ptp(x) + 1 < window:
                break
            curve = _fit_curve(y, x)
            on = np.abs(y - np.polyval(curve, x)) <= ON
            lines.append(_describe(np.unique(x[on]), curve, factor, runs, most))
            y, x = y[~on], x[~on]
    return _distinct([line for line in lines if line and line.length >= window * factor], factor)


def _distinct(lines: list[Line], factor: int) -> list[Line]:
    """Without those that lie on longer ones, as a thick or blurred line is seen several times."""
    distinct: list[Line] = []
    for line in sorted(lines, key=lambda line: -line.length):
        middle = (line.start + line.stop) // 2
        row = line.rows[middle - line.start]
        reach = line.thickness + ON * factor
        if not any(
            other.start <= middle < other.stop
            and abs(other.rows[middle - other.start] - row) <= reach
            for other in distinct
        ):
            distinct.append(line)
    return distinct


def _fit_curve(y: np.ndarray, x: np.ndarray) -> np.ndarray:
    """A parabola through the line that most of the points lie on, for `np.polyval`."""
    slopes = np.linspace(-1.2 * STEEPEST, 1.2 * STEEPEST, 49)[:, None]
    offsets = np.rint(y - slopes * (x - x.mean())).astype(np.int64)
    low = int(offsets.min())
    counts = [np.convolve(np.bincount(row - low, minlength=2), (1, 1, 1)) for row in offsets]
    best = int(np.argmax([count.max() for count in counts]))
    middle = int(np.argmax(counts[best])) - 1 + low
    curve = np.array((0.0, slopes[best, 0], middle - slopes[best, 0] * x.mean()))
    for reach in (2 * ON, ON):
        on = np.abs(y - np.polyval(curve, x)) <= reach
        if len(np.unique(x[on])) > 4:
            middle = x[on].mean()
            a, b, c = np.polyfit(x[on] - middle, y[on], 2)
            curve = np.array((a, b - 2 * a * middle, c - b * middle + a * middle**2))
    return curve


def pool(mask: np.ndarray, factor: int) -> np.ndarray:
    if factor == 1:
        return mask
    height, width = (-(-side // factor) * factor for side in mask.shape)
    padded = np.zeros((height, width), bool)
    padded[: mask.shape[0], : mask.shape[1]] = mask
    return padded.reshape(height // factor, factor, width // factor, factor).any(axis=(1, 3))


def _straight(ink: np.ndarray, thin: np.ndarray, window: int) -> np.ndarray:
    """The pixels in windows that run straight along ink, most of it thin."""
    from scipy import ndimage

    height, width = ink.shape
    reach = round(STEEPEST * width / 2) + 2
    steps = int(np.ceil(STEEPEST * window / 1.5))
    tall = np.pad(ink | np.roll(ink, 1, 0) | np.roll(ink, -1, 0), ((reach, reach), (0, 0)))
    slim = np.pad(thin | np.roll(thin, 1, 0) | np.roll(thin, -1, 0), ((reach, reach), (0, 0)))
    band = np.zeros_like(tall)
    columns = np.arange(width)
    rows = np.arange(height + 2 * reach)[:, None]
    for slope in np.linspace(-STEEPEST, STEEPEST, 2 * steps + 1):
        shift = np.rint(slope * (columns - width / 2)).astype(np.int64)
        source = np.clip(rows + shift, 0, len(tall) - 1)
        full = np.take_along_axis(tall, source, 0).astype(np.float32)
        share = ndimage.uniform_filter1d(full, window, axis=1, mode="nearest")
        slender = np.take_along_axis(slim, source, 0).astype(np.float32)
        thinly = ndimage.uniform_filter1d(slender, window, axis=1, mode="nearest")
        hit = (share >= COVERED) & (thinly >= THINLY)
        if not hit.any():
            continue
        spread = ndimage.maximum_filter1d(hit, window, axis=1) & (full > 0)
        back = np.clip(rows - shift, 0, len(tall) - 1)
        band |= np.take_along_axis(spread, back, 0)
    return band[reach : reach + height]


def _describe(
    on: np.ndarray, curve: np.ndarray, factor: int, runs: np.ndarray, most: float
) -> Line | None:
    """The line through the coarse columns `on` as one of the full image.

    None where it is bent more than ruling on a curled page.
    """
    height, width = runs.shape
    if len(on) < 2 or len(on) < FILLED * (np.ptp(on) + 1):
        return None
    length = np.ptp(on) + 1
    if abs(curve[0]) * length**2 / 4 > BENT * length + 1:
        return None
    start, stop = int(on[0]) * factor, min(width, int(on[-1] + 1) * factor)
    columns = np.arange(start, stop)
    rows = (np.polyval(curve, (columns + 0.5) / factor - 0.5) + 0.5) * factor - 0.5
    near = np.rint(rows).astype(np.int64) + np.arange(-2 * factor, 2 * factor + 1)[:, None]
    lengths = runs[np.clip(near, 0, height - 1), columns]
    met = lengths[(lengths > 0) & (lengths <= most)]
    if not len(met):
        return None
    ends = (int(rows[0]), start, int(rows[-1]), stop - 1)
    return Line(start, stop, rows, float(np.quantile(met, 0.3)), ends)


def _cover(plane: np.ndarray, lines: Sequence[Line]) -> np.ndarray:
    """The pixels of lines, but for what is thicker there."""
    runs = run_lengths(plane)
    height = len(plane)
    factor = max(1, -(-max(plane.shape) // COARSE))
    covered = np.zeros_like(plane)
    for line in lines:
        columns = np.arange(line.start, line.stop)
        reach = int(np.ceil(line.thickness / 2)) + 1 + 2 * factor
        near = np.rint(line.rows).astype(np.int64) + np.arange(-reach, reach + 1)[:, None]
        near = np.clip(near, 0, height - 1)
        length = runs[near, columns]
        thin = (length > 0) & (length <= THICKER * line.thickness + 1)
        covered[near, columns] |= thin
    return covered


def _keep_printed(
    level: list[Line], upright: list[Line], shape: tuple[int, int]
) -> tuple[list[Line], list[Line]]:
    """The lines that end where strokes do not.

    Those from edge to edge, or long parallel ones; those between them that are no thicker; and
    those that join another's end at both of theirs, as a frame's sides do.
    """
    near = AT_EDGE * min(shape) + 2  # pixels
    lines = [(line, axis) for axis, part in ((0, level), (1, upright)) for line in part]
    extents = (shape[1], shape[0])
    rules = [
        pair
        for pair in lines
        if _runs_across(pair[0], extents[pair[1]], extents[1 - pair[1]], near)
    ]
    for axis in (0, 1):
        long = [p for p in lines if p[1] == axis and p[0].length >= LONG * extents[axis]]
        alike = _alike_to([line for line, _ in long], long) if long else []
        rules += [p for p in alike if len(alike) >= FAMILY and p not in rules]
    rules = _add_parallel(rules, lines, near, extents)
    if max(sum(axis == k for _, axis in rules) for k in (0, 1)) >= FAMILY:
        rules = _even_out(rules)
        return [line for line, axis in rules if axis == 0], [
            line for line, axis in rules if axis == 1
        ]
    rules = _add_between(rules, lines, extents, near)
    joined = [p for p in lines if p in rules or p[0].length >= SIDE * min(shape)]
    before = 0
    while before != len(joined):
        before = len(joined)
        joined = [
            (line, axis)
            for line, axis in joined
            if (line, axis) in rules
            or all(
                at_edge or _meets(y, x, [o for o, a in joined if a != axis], near) == "end"
                for at_edge, y, x in _ends(line, extents[axis], extents[1 - axis], near)
            )
        ]
    rules = _add_between(joined, lines, extents, near)
    return [line for line, axis in rules if axis == 0], [line for line, axis in rules if axis == 1]


def _alike_to(family: list[Line], lines: list[tuple[Line, int]]) -> list[tuple[Line, int]]:
    """Those of the lines that are parallel to a family and as thin as most of it."""
    slope = np.median([line.slope for line in family])
    thick = SLIM * np.median([line.thickness for line in family]) + 0.5
    return [
        (line, axis)
        for line, axis in lines
        if line.thickness <= thick and abs(line.slope - slope) <= PARALLEL
    ]


def _add_parallel(
    ruling: list[tuple[Line, int]],
    lines: list[tuple[Line, int]],
    near: float,
    extents: tuple[int, int],
) -> list[tuple[Line, int]]:
    """With what is as thin as the ruling, as steep, and reaches an edge: a line that is broken."""
    for axis in (0, 1):
        family = [line for line, a in ruling if a == axis]
        if len(family) < 2:
            continue
        ruling = ruling + [
            (line, a)
            for line, a in _alike_to(family, lines)
            if a == axis
            and (line, a) not in ruling
            and any(at for at, _, _ in _ends(line, extents[axis], extents[1 - axis], near))
        ]
    return ruling


def _even_out(ruling: list[tuple[Line, int]]) -> list[tuple[Line, int]]:
    """Ruling with lines as thin as most: one with a stroke along it is measured too thick."""
    usual = SLIM * float(np.median([line.thickness for line, _ in ruling])) + 0.5
    return [(replace(line, thickness=min(line.thickness, usual)), axis) for line, axis in ruling]


def _ends(line: Line, along: int, across: int, near: float) -> list[tuple[bool, int, int]]:
    """Whether each end lies at the image's edge, its row and its column."""
    y0, x0, y1, x1 = line.ends
    crosses = abs(y1 - y0) > 2 * near  # so that it may leave the image above or below
    out = [crosses and not near < y < across - 1 - near for y in (y0, y1)]
    return [(x0 <= near or out[0], y0, x0), (x1 >= along - 1 - near or out[1], y1, x1)]


def _runs_across(line: Line, along: int, across: int, near: float) -> bool:
    edges = sum(at_edge for at_edge, _, _ in _ends(line, along, across, near))
    return edges == 2 or (edges == 1 and line.length >= ACROSS * along)


def _add_between(
    ruling: list[tuple[Line, int]],
    lines: list[tuple[Line, int]],
    extents: tuple[int, int],
    near: float,
) -> list[tuple[Line, int]]:
    """With the lines between those that are kept, where they are no thicker."""
    while True:
        added = [
            (line, axis)
            for line, axis in lines
            if (line, axis) not in ruling
            and _is_between(line, [o for o, a in ruling if a != axis], extents, axis, near)
        ]
        if not added:
            return ruling
        ruling = ruling + added


def _is_between(
    line: Line, others: list[Line], extents: tuple[int, int], axis: int, near: float
) -> bool:
    """Whether it ends at others or at edges, and is no thicker than the others are."""
    if not others or line.thickness > SLIM * np.median([o.thickness for o in others]) + 0.5:
        return False
    return all(
        at_edge or _meets(y, x, others, near)
        for at_edge, y, x in _ends(line, extents[axis], extents[1 - axis], near)
    )


def _meets(y: int, x: int, others: Sequence[Line], near: float) -> str:
    """Where the point lies on a line of the other axis: at an "end", in its "middle", or ""."""
    where = ""
    for other in others:
        if not other.start - near <= y <= other.stop + near:
            continue
        at = int(np.clip(y - other.start, 0, other.length - 1))
        if abs(float(other.rows[at]) - x) <= near / 2 + other.thickness / 2:
            if min(abs(y - other.start), abs(y - other.stop)) <= near + other.thickness:
                return "end"
            where = "middle"
    return where
