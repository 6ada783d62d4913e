"""An ellipse drawn around everything, in pieces, cut off or meeting the writing as it may be.

It is fitted to the outermost ink in each direction. What is inside tells it from a 0: something as
high as writing is, that is no slash from side to side.
"""

from __future__ import annotations

import numpy as np

SECTORS = 60  # directions from its middle
ROUND = 0.12  # of its radius: how far a circle drawn by hand may be off
EVEN = 0.045  # of its radius: the spread of the distances; an outline of an 8 has 0.06
ALL_AROUND = 0.9  # of the directions in which it lies inside the image …
VISIBLE = 0.4  # … and those are so many of all
BEYOND = 0.15  # of the ink lies outside, at most
DEEP = 0.34  # of its radius: the thickest circle
FLATTEST = 0.5, 3.0  # its width in heights
HOLDS = 0.5  # of its height: what is inside is at least so high
INSIDE = 0.4  # of its radius: what is nowhere further inside may be a 0's curl …
ALONG = 0.75  # … and what is nowhere further in than this is a piece of the circle
STRAIGHT = 0.25  # of its length: a stroke spreads less across
FITS = 6  # rounds in which what is far off is left out of the fit


def without_circle(solid: np.ndarray) -> np.ndarray:
    """The ink `bool [H, W]` without a circle around all of it."""
    rows, columns = np.nonzero(solid)
    ellipse = _fit_ellipse(rows, columns, solid.shape)
    if ellipse is None:
        return solid
    y, x, high, wide = ellipse
    down, across = (rows - y) / high, (columns - x) / wide
    radius = np.hypot(down, across)  # 1 on the ellipse
    angle = _sector(down, across)
    outer = np.zeros(SECTORS)
    np.maximum.at(outer, angle, np.where(radius <= 1 + ROUND, radius, 0))
    on = outer >= 1 - ROUND
    visible = _visible(ellipse, solid.shape)
    if visible.mean() < VISIBLE or on[visible].mean() < ALL_AROUND:
        return solid
    if outer[on].std() > EVEN or (radius > 1 + ROUND).mean() > BEYOND:
        return solid
    depth = _depth(radius, angle, outer)
    ring = (radius > outer[angle] - depth) & (radius <= 1 + ROUND) & on[angle]
    left = np.zeros_like(solid)
    left[rows[~ring], columns[~ring]] = True
    inside = np.nonzero(_without_pieces(left, ellipse, INSIDE))
    if not len(inside[0]) or np.ptp(inside[0]) < HOLDS * 2 * high:
        return solid
    slash = _is_slash((inside[0] - y) / high, (inside[1] - x) / wide)
    return solid if slash else _without_pieces(left, ellipse, ALONG)


def _sector(down: np.ndarray, across: np.ndarray) -> np.ndarray:
    return (np.arctan2(down, across) / (2 * np.pi) * SECTORS).astype(np.int64) % SECTORS


def _fit_ellipse(
    rows: np.ndarray, columns: np.ndarray, shape: tuple[int, int]
) -> tuple[float, float, float, float] | None:
    """The middle's row and column and half the height and width; None without an ellipse."""
    if not len(rows):
        return None
    y, x = (along.min() + np.ptp(along) / 2 for along in (rows, columns))
    high, wide = (np.ptp(along) / 2 + 1 for along in (rows, columns))
    angle = _sector((rows - y) / high, (columns - x) / wide)
    order = np.argsort(np.hypot((rows - y) / high, (columns - x) / wide))
    last = np.full(SECTORS, -1)
    last[angle[order]] = order
    outermost = last[last >= 0]
    points = np.stack([rows[outermost], columns[outermost]], axis=1).astype(np.float64)
    edge = np.array(shape) - 3
    points = points[((points > 2) & (points < edge)).all(axis=1)]
    for _ in range(FITS):
        if len(points) < SECTORS / 3:
            return None
        scaled = (points - (y, x)) / (high, wide)
        terms = np.concatenate([scaled**2, scaled], axis=1)
        a, b, c, d = np.linalg.lstsq(terms, np.ones(len(points)), rcond=None)[0]
        if min(a, b) <= 0:
            return None
        size = 1 + c * c / (4 * a) + d * d / (4 * b)
        middle = np.array((y - c / (2 * a) * high, x - d / (2 * b) * wide))
        reach = np.array((high * (size / a) ** 0.5, wide * (size / b) ** 0.5))
        off = np.abs(np.hypot(*((points - middle) / reach).T) - 1)
        if (off <= ROUND).all():
            break
        points = points[off <= max(ROUND, float(np.quantile(off, 0.85)))]
    if not FLATTEST[0] <= reach[1] / reach[0] <= FLATTEST[1]:
        return None
    return (*middle, *reach)


def _visible(ellipse: tuple[float, float, float, float], shape: tuple[int, int]) -> np.ndarray:
    """In which directions the ellipse lies inside the image, `bool [SECTORS]`."""
    y, x, high, wide = ellipse
    angle = (np.arange(SECTORS) + 0.5) / SECTORS * 2 * np.pi
    row, column = y + high * np.sin(angle), x + wide * np.cos(angle)
    return (row > 2) & (column > 2) & (row < shape[0] - 3) & (column < shape[1] - 3)


def _depth(radius: np.ndarray, angle: np.ndarray, outer: np.ndarray) -> float:
    """How thick the ellipse is, in shares of its radius: the usual run of ink from outside."""
    steps = ((outer[angle] - radius) / DEEP * 20).astype(np.int64)
    seen = np.zeros((SECTORS, 21), bool)
    near = (steps >= 0) & (steps <= 20)
    seen[angle[near], steps[near]] = True
    runs = np.where(seen.all(axis=1), 21, np.argmin(seen, axis=1))
    return min(DEEP, 1.3 * float(np.quantile(runs, 0.4)) / 20 * DEEP + 0.03)


def _without_pieces(
    left: np.ndarray, ellipse: tuple[float, float, float, float], depth: float
) -> np.ndarray:
    """Without marks that stay further out than `depth`, in shares of the ellipse's radius."""
    from scipy import ndimage

    y, x, high, wide = ellipse
    labels, count = ndimage.label(left, np.ones((3, 3)))
    if not count:
        return left
    rows, columns = np.nonzero(left)
    nearest = np.full(count + 1, np.inf)
    radius = np.hypot((rows - y) / high, (columns - x) / wide)
    np.minimum.at(nearest, labels[rows, columns], radius)
    return left & (nearest <= depth)[labels]


def _is_slash(down: np.ndarray, across: np.ndarray) -> bool:
    """Whether what is inside is one straight stroke that comes near the ellipse at both ends."""
    far = np.unique(_sector(down, across)[np.hypot(down, across) > 0.75])
    opposite = np.isin((far + SECTORS // 2) % SECTORS, (far[:, None] + np.arange(-4, 5)) % SECTORS)
    spread = np.linalg.eigvalsh(np.cov(np.stack([down, across])))
    return bool(opposite.any() and spread[0] < STRAIGHT**2 * spread[1])
