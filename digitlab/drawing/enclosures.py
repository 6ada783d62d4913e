"""Marks drawn around writing or cut off beside it: borders, frames, underlines."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitlab.drawing.printed_lines import run_lengths
from digitlab.drawing.strike import MOST_MARKS, without_underline

LEAST = 0.12  # of the image's shorter side: what is written is higher than that
RAYS, AROUND = 72, 0.8  # from a mark in all directions; what so many of them meet is around it
STRAIGHT = 0.25  # of its length: a stroke spreads less across
WITHIN = 0.2  # of what is around it: a mark inside is at least so high
NARROWEST = 0.62  # of its height: narrower it is a 0 with something inside
FLAT = 0.22  # of its width: an underline is not higher
ACROSS = 3.0  # of an underline's thickness: a comma that hangs on it is as high
BENEATH = 0.68  # of the writing's height: an underline lies further down
BESIDE = 0.015  # of the shorter side: so near to the edge a mark may be cut off
OUTER = 0.22  # of the side: what reaches the edge and no deeper is part of something cut off


def without_edges(solid: np.ndarray) -> np.ndarray:
    """Without what reaches the edge and is cut off by it: a neighbour's stroke, a scan's border."""
    from scipy import ndimage

    labels, count = ndimage.label(solid, np.ones((3, 3)))
    height, width = solid.shape
    near = BESIDE * min(solid.shape)
    gone = np.zeros(count + 1, bool)
    for number, (y, x) in enumerate(ndimage.find_objects(labels), 1):
        deep = []
        deep += [y.stop / height] if y.start <= near else []
        deep += [1 - y.start / height] if y.stop >= height - near else []
        deep += [x.stop / width] if x.start <= near else []
        deep += [1 - x.start / width] if x.stop >= width - near else []
        gone[number] = bool(deep) and min(deep) <= OUTER
    return solid & ~gone[labels]


def without_enclosures(solid: np.ndarray) -> np.ndarray:
    """Without circles and frames: what lies around another mark on nearly all sides."""
    from scipy import ndimage

    labels, count = ndimage.label(solid, np.ones((3, 3)))
    if not 2 <= count <= MOST_MARKS:
        return solid
    boxes = ndimage.find_objects(labels)
    gone = np.zeros(count + 1, bool)
    sizes = np.array([(y.stop - y.start, x.stop - x.start) for y, x in boxes])
    for number in np.argsort(-sizes.prod(axis=1)) + 1:
        (y, x), (height, width) = boxes[number - 1], sizes[number - 1]
        inner = [
            other
            for other in range(1, count + 1)
            if other != number
            and not gone[other]
            and _is_inside(boxes[other - 1], (y, x))
            and sizes[other - 1][0] >= WITHIN * height
        ]
        if inner:
            mark = labels == number
            shaped = width >= NARROWEST * height or _is_rectangle(mark[y, x])
            shaped = shaped or not _is_straight(np.isin(labels[y, x], inner))
            gone[number] = shaped and _surrounds(mark, boxes, inner)
    return solid & ~gone[labels]


def _is_straight(crop: np.ndarray) -> bool:
    """Whether the ink is about one straight stroke, as that of a slashed 0 is."""
    spread = np.linalg.eigvalsh(np.cov(np.stack(np.nonzero(crop)).astype(np.float64)))
    return bool(spread[0] < STRAIGHT**2 * spread[1])


def _is_rectangle(crop: np.ndarray) -> bool:
    """Whether nearly all ink lies along the sides of its box."""
    depth = max(2, round(0.12 * min(crop.shape)))
    return int(crop[depth:-depth, depth:-depth].sum()) <= 0.1 * int(crop.sum())


def _is_inside(box: tuple[slice, slice], outer: tuple[slice, slice]) -> bool:
    return all(b.start > o.start and b.stop < o.stop for b, o in zip(box, outer, strict=True))


def _surrounds(mark: np.ndarray, boxes: Sequence[tuple[slice, slice]], inner: list[int]) -> bool:
    """Whether rays from the middle of the inner marks meet this one nearly everywhere."""
    y = np.mean([boxes[i - 1][0].start + boxes[i - 1][0].stop for i in inner]) / 2
    x = np.mean([boxes[i - 1][1].start + boxes[i - 1][1].stop for i in inner]) / 2
    rows, columns = np.nonzero(mark)
    angles = np.arctan2(rows - y, columns - x)
    met = np.unique(((angles + np.pi) / (2 * np.pi) * RAYS).astype(np.int64) % RAYS)
    return len(met) >= AROUND * RAYS


def without_underlines(solid: np.ndarray) -> np.ndarray:
    """Without flat marks below the writing that are about as wide as it is, or wider."""
    from scipy import ndimage

    labels, count = ndimage.label(solid, np.ones((3, 3)))
    boxes = ndimage.find_objects(labels)
    sizes = np.array([(y.stop - y.start, x.stop - x.start) for y, x in boxes]).reshape(-1, 2)
    flat = (sizes[:, 0] <= FLAT * sizes[:, 1]) & (sizes[:, 1] >= 0.5 * LEAST * min(solid.shape))
    tall = np.flatnonzero(~flat & (sizes[:, 0] >= 0.4 * sizes[~flat, 0].max(initial=0)))
    gone = np.zeros(count + 1, bool)
    if not len(tall):
        return solid
    for number in np.flatnonzero(flat):
        y, x = boxes[number]
        middle = (y.start + y.stop) / 2
        above = [
            k
            for k in tall
            if min(boxes[k][1].stop, x.stop) - max(boxes[k][1].start, x.start)
            >= 0.5 * min(sizes[k][1], sizes[number][1])
        ]
        if not above:
            continue
        top = min(boxes[k][0].start for k in above)
        bottom = max(boxes[k][0].stop for k in above)
        span = max(boxes[k][1].stop for k in above) - min(boxes[k][1].start for k in above)
        below = middle >= top + BENEATH * (bottom - top)
        gone[number + 1] = below and sizes[number][1] >= 0.7 * span
    left = solid & ~gone[labels]
    for number in np.flatnonzero(gone):
        where = boxes[number - 1]
        left[where] |= _across(labels[where] == number)
    return left


def _across(underline: np.ndarray) -> np.ndarray:
    """What is written across an underline `bool [h, w]`, as a comma is: where it is far thicker."""
    runs = run_lengths(underline)
    return runs > ACROSS * np.median(runs[underline])


def without_joined_underlines(solid: np.ndarray) -> np.ndarray:
    """Without underlines that meet the writing above them."""
    from scipy import ndimage

    labels, count = ndimage.label(solid, np.ones((3, 3)))
    if count > MOST_MARKS:
        return solid
    left = solid.copy()
    for number, where in enumerate(ndimage.find_objects(labels), 1):
        mark = labels[where] == number
        left[where] &= ~mark | without_underline(mark)
    return left
