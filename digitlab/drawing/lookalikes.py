"""Signs that only look like digits: an & like an 8, an ∞ like two zeros that touch."""

from __future__ import annotations

import numpy as np
from PIL import Image

from digitlab.drawing.skeleton import thin

AMPERSAND = "This looks like an &, not like an 8."
INFINITY = "This looks like an ∞, not like two zeros."

_ROWS = 100  # a mark's height while it is judged
_HOLE = 0.01  # of the mark's box: a smaller hole is a flaw of the pen
# Of 200 & that were drawn unsteadily, 177 have such a tail; of 2,000 eights of tuning writers and
# of MNIST 2 do.
_TAIL = 0.2  # of the mark's height, from the nearest hole to a stroke's end at the lower right
# Of 200 ∞, 190 have two holes, and 97 % of these cross in less; of pairs of zeros that touch 1 %.
_CROSSING = 2.4  # strokes' widths: so far along each other run the two loops
_APART = 2.5  # strokes' widths between the loops: where they are further apart a line joins them


def is_ampersand(mark: np.ndarray) -> bool:
    """Whether a mark `bool [h, w]` that was read as an 8 has a tail at the lower right."""
    from scipy import ndimage

    mark = _shrink(mark)
    holes = _holes(mark)
    if len(holes) != 2:
        return False
    bone = thin(mark)
    around = ndimage.convolve(bone.astype(np.uint8), np.ones((3, 3), np.uint8), mode="constant")
    rows, columns = np.nonzero(bone & (around == 2))
    height, width = mark.shape
    low = (rows > 0.55 * height) & (columns > 0.5 * width)
    away = ndimage.distance_transform_edt(~(holes[0] | holes[1]))
    return bool((away[rows[low], columns[low]] > _TAIL * height).any())


def is_infinity(mark: np.ndarray) -> bool:
    """Whether the two loops of a mark `bool [h, w]` that was read as 00 cross in a point."""
    from scipy import ndimage

    mark = _shrink(mark)
    holes = _holes(mark)
    if len(holes) != 2:
        return False
    depth = ndimage.distance_transform_edt(mark)
    pen = 2 * float(np.median(depth[thin(mark)]))
    away = np.where(holes[1], ndimage.distance_transform_edt(~holes[0]), np.inf)
    if away.min() > _APART * pen:
        return False
    rows, _ = np.nonzero(away <= away.min() + pen)
    return float(np.ptp(rows) + 1) < _CROSSING * pen


def _shrink(mark: np.ndarray) -> np.ndarray:
    """The mark at most `_ROWS` high, with paper around it."""
    height, width = mark.shape
    if height > _ROWS:
        size = (max(1, round(width * _ROWS / height)), _ROWS)
        grey = Image.fromarray(mark.astype(np.uint8) * np.uint8(255))
        mark = np.asarray(grey.resize(size, Image.Resampling.BOX)) > 127
    return np.pad(mark, 1)


def _holes(mark: np.ndarray) -> list[np.ndarray]:
    """The paper that the mark encloses, hole by hole, each `bool [h, w]`."""
    from scipy import ndimage

    labels, count = ndimage.label(~mark)
    sizes = np.bincount(labels.ravel(), minlength=count + 1)
    return [
        labels == number
        for number in range(1, count + 1)
        if number != labels[0, 0] and sizes[number] >= _HOLE * mark.size
    ]
