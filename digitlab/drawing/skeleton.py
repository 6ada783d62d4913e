"""A mark → its strokes' pieces: thinned to lines, which are cut where strokes meet."""

from __future__ import annotations

from functools import lru_cache
from itertools import pairwise

import numpy as np
from PIL import Image

ROWS = 56  # a digit's height while its strokes are thinned: a stroke is then 4 to 9 pixels wide
SHORTEST = 0.3  # stroke widths: a shorter line is a burr
LONGEST = 12  # digits' heights: what is longer is a ruled line
TURN = 0.5  # a line is cut at a corner that turns by more (radians, over one stroke width each way)
ACROSS = 0.3  # digits' heights: a line that reaches further across is cut into such stretches
THICK = 1.35  # usual widths: a wider line is two strokes side by side
LEVEL = 0.3  # of the direction across a line: with less of it sideways the line counts as level


def stroke_pieces(mask: np.ndarray, height: int) -> np.ndarray:
    """Which piece each pixel of a mark is in, `int64 [h, w]`: 0 off the mark, then 1, 2, …

    `mask bool [h, w]`; `height` is that of a digit in the mark's line, in pixels. Every piece is
    a stretch of stroke between two of: an end, a meeting of strokes, a sharp corner, and places
    along what reaches far across, where two digits may join end to end. Where two strokes run
    side by side and have become one, each has its half.
    """
    scale = ROWS / height
    size = (max(1, round(mask.shape[1] * scale)), max(1, round(mask.shape[0] * scale)))
    if size[0] > LONGEST * ROWS or size[1] > LONGEST * ROWS:
        return mask.astype(np.int64)
    small = np.asarray(
        Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).resize(size, Image.Resampling.BOX)
    )
    solid = np.pad(small > 127, 1)
    depth = _depth(solid)
    lines = _lines(solid, depth)
    if lines.max() < 2:
        return mask.astype(np.int64)
    return _enlarge(_spread(lines, depth)[1:-1, 1:-1], mask)


def _depth(solid: np.ndarray) -> np.ndarray:
    """The distance of each pixel of ink to the paper, `float64 [h, w]`."""
    from scipy import ndimage

    return ndimage.distance_transform_edt(solid)


def _lines(solid: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The skeleton's lines, `int64 [h, w]`: 0 off them, short ones left out."""
    from scipy import ndimage

    bone = thin(solid)
    width = 2 * float(np.median(depth[bone])) if bone.any() else 1.0
    around = ndimage.convolve(bone.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant")
    meeting = bone & (_crossings(bone) >= 3)
    meeting |= bone & (around >= 5)
    apart = bone & ~ndimage.binary_dilation(meeting, np.ones((3, 3)))
    labels, count = ndimage.label(apart, np.ones((3, 3)))
    if not count:
        return labels.astype(np.int64)
    labels = _cut_corners(labels.astype(np.int64), count, max(2, round(width)))
    sizes = np.bincount(labels.ravel())
    sizes[0] = 0
    long = sizes >= min(SHORTEST * width, sizes.max())
    numbers = np.where(long, np.cumsum(long), 0)
    return numbers[labels]


def thin(solid: np.ndarray) -> np.ndarray:
    """The strokes' middle lines, one pixel wide, `bool [h, w]`; the border must be paper.

    T. Y. Zhang and C. Y. Suen, A fast parallel algorithm for thinning digital patterns,
    Communications of the ACM 27(3), 1984.
    """
    bone = solid.copy()
    tables = _tables()
    flat = bone.ravel()
    width = solid.shape[1]
    # P2 … P9, clockwise from above
    steps = np.array((-width, 1 - width, 1, width + 1, width, width - 1, -1, -width - 1))
    weights = 1 << np.arange(8)
    positions = np.flatnonzero(flat)
    while True:
        changed = False
        for table in tables:
            code = (flat[positions[:, None] + steps] * weights).sum(axis=1)
            gone = table[code]
            if gone.any():
                flat[positions[gone]] = False
                positions = positions[~gone]
                changed = True
        if not changed:
            return flat.reshape(solid.shape)


@lru_cache(maxsize=1)
def _tables() -> tuple[np.ndarray, np.ndarray]:
    """For each ring of eight neighbours whether its middle pixel is removed, in the two passes."""
    rings = (np.arange(256)[:, None] >> np.arange(8)) & 1
    count = rings.sum(axis=1)
    rises = ((rings == 0) & (np.roll(rings, -1, axis=1) == 1)).sum(axis=1)
    removable = (count >= 2) & (count <= 6) & (rises == 1)
    north, east, south, west = rings[:, 0], rings[:, 2], rings[:, 4], rings[:, 6]
    first = removable & (north * east * south == 0) & (east * south * west == 0)
    second = removable & (north * east * west == 0) & (north * south * west == 0)
    return first, second


def _crossings(bone: np.ndarray) -> np.ndarray:
    """How many branches leave each pixel, over its ring of eight."""
    wide = np.pad(bone, 1).astype(np.int8)
    height, width = bone.shape
    ring = [
        wide[1 + dy : 1 + dy + height, 1 + dx : 1 + dx + width]
        for dy, dx in ((-1, 0), (-1, 1), (0, 1), (1, 1), (1, 0), (1, -1), (0, -1), (-1, -1))
    ]
    return sum((ring[k] == 0) & (ring[(k + 1) % 8] == 1) for k in range(8))


def _cut_corners(labels: np.ndarray, count: int, reach: int) -> np.ndarray:
    """The lines cut where they turn sharply or reach far across: two digits may join there."""
    number = count
    for line in range(1, count + 1):
        rows, columns = np.nonzero(labels == line)
        if len(rows) < 4 * reach:
            continue
        order = _walk(rows, columns)
        points = np.stack([rows, columns], 1)[order].astype(float)
        for cut in _stretches(_corners(points, reach), points[:, 1]):
            number += 1
            tail = order[cut:]
            labels[rows[tail], columns[tail]] = number
    return labels


def _walk(rows: np.ndarray, columns: np.ndarray) -> np.ndarray:
    """The order of a line's pixels from one of its ends to the other."""
    where = {(int(r), int(c)): k for k, (r, c) in enumerate(zip(rows, columns, strict=True))}
    near = [(0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (1, -1), (-1, 1), (-1, -1)]
    links = [[where[r + a, c + b] for a, b in near if (r + a, c + b) in where] for r, c in where]
    start = min(range(len(links)), key=lambda k: len(links[k]))
    order, visited = [start], {start}
    while True:
        following = [k for k in links[order[-1]] if k not in visited]
        if not following:
            return np.array(order + [k for k in range(len(links)) if k not in visited])
        order.append(following[0])
        visited.add(following[0])


def _corners(points: np.ndarray, reach: int) -> list[int]:
    """Indices where a line turns most sharply, more than `reach` apart and off its ends."""
    before = points[reach:-reach] - points[: -2 * reach]
    after = points[2 * reach :] - points[reach:-reach]
    cross = before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0]
    turn = np.abs(np.arctan2(cross, (before * after).sum(axis=1)))
    corners: list[int] = []
    for k in np.argsort(-turn, kind="stable"):
        if turn[k] < TURN:
            break
        if all(abs(k + reach - other) > 2 * reach for other in corners):
            corners.append(int(k) + reach)
    return sorted(corners)


def _stretches(corners: list[int], columns: np.ndarray) -> list[int]:
    """The corners of a line, and more cuts between them where a stretch reaches far across."""
    ends = [0, *corners, len(columns)]
    cuts = []
    for start, end in pairwise(ends):
        parts = max(1, round(float(np.ptp(columns[start:end])) / (ACROSS * ROWS)))
        cuts += [start + round(k * (end - start) / parts) for k in range(parts)]
    return cuts[1:]


def _spread(lines: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """Assign each pixel to the nearest line, `int64 [h, w]`; a thick line's to either half."""
    from scipy import ndimage

    nearest = ndimage.distance_transform_edt(
        lines == 0, return_distances=False, return_indices=True
    )
    full = lines[nearest[0], nearest[1]]
    away = np.indices(full.shape) - nearest
    number = int(lines.max())
    for line in _thick(lines, depth):
        across = _across(np.argwhere(lines == line))
        number += 1
        full[(full == line) & (across[0] * away[0] + across[1] * away[1] > 0)] = number
    return full


def _thick(lines: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The numbers of the lines that are much thicker than most."""
    from scipy import ndimage

    numbers = np.arange(1, int(lines.max()) + 1)
    depths = np.asarray(ndimage.median(depth, lines, numbers))
    return numbers[depths >= THICK * float(np.median(depth[lines > 0]))]


def _across(points: np.ndarray) -> np.ndarray:
    """The direction (row, column) across a line of `points [n, 2]`: to the right, or down."""
    spread = points - points.mean(axis=0)
    _, towards = np.linalg.eigh(spread.T @ spread)
    across = towards[:, 0]
    return across * (np.sign(across[1]) if abs(across[1]) >= LEVEL else np.sign(across[0]))


def _enlarge(small: np.ndarray, mask: np.ndarray) -> np.ndarray:
    """The pieces at the mark's own size, `int64 [h, w]`; 0 off it."""
    rows = np.minimum(np.arange(mask.shape[0]) * small.shape[0] // mask.shape[0], len(small) - 1)
    columns = np.arange(mask.shape[1]) * small.shape[1] // mask.shape[1]
    columns = np.minimum(columns, small.shape[1] - 1)
    return np.where(mask, small[np.ix_(rows, columns)], 0)
