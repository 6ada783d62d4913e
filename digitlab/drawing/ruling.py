"""What is printed or ruled around writing: lines, frames, boxes, circles, underlines."""

from __future__ import annotations

import numpy as np

from digitlab.drawing.circle import without_circle
from digitlab.drawing.enclosures import (
    LEAST,
    without_edges,
    without_enclosures,
    without_joined_underlines,
    without_underlines,
)
from digitlab.drawing.frame import without_frames
from digitlab.drawing.printed_lines import without_lines

NEAR = 3  # pixels: as near to what was left out its remains are
THIN = 0.5  # of the thickest mark's pen: a mark that remains of a printed line is thinner
BROADER = 1.8  # a pen so much broader than the printed lines is told from them
CORE = 1.5  # of a printed line's thickness: what is no thicker may be a piece of one
LONG = 2.0  # of its thickness: a shorter piece is a corner of a stroke


def find_ruling(solid: np.ndarray) -> np.ndarray:
    """Which of the ink `solid bool [H, W]` is printed or ruled: `bool [H, W]`.

    Nothing, where no writing would be left.
    """
    if min(solid.shape) < 40 or not solid.any():
        return np.zeros_like(solid)
    rest = solid
    for leave_out in (
        without_frames,
        without_lines,
        without_circle,
        without_edges,
        without_enclosures,
        without_circle,
        without_underlines,
        lambda left: _without_ends(left, solid & ~left),
        without_joined_underlines,
        lambda left: _without_pieces(left, solid & ~left),
    ):
        left = leave_out(rest)
        if _has_writing(left):
            rest = left
    return solid & ~rest


def _without_ends(solid: np.ndarray, ruling: np.ndarray) -> np.ndarray:
    """The ink of a broad pen without the thin ends of its strokes that lie on a printed line."""
    from scipy import ndimage

    depth = _depth(solid)
    line = 2 * float(np.quantile(_depth(ruling)[ruling], 0.9)) if ruling.any() else np.inf
    if 4 * depth[solid].mean() < BROADER * line:  # across a stroke it rises evenly to half of it
        return solid
    square = np.ones((3, 3))
    beside = _beside(ruling)
    core = depth > CORE * line / 2
    strokes = solid & (ndimage.distance_transform_edt(~core) <= CORE * line / 2 + 1.5)
    ends, _ = ndimage.label(solid & ~strokes, square)
    rest = solid
    for number, (rows, columns) in enumerate(ndimage.find_objects(ends), 1):
        size = max(rows.stop - rows.start, columns.stop - columns.start)
        end = np.pad(ends, 2) == number
        around = slice(rows.start, rows.stop + 4), slice(columns.start, columns.stop + 4)
        met = ndimage.binary_dilation(end[around], square) & np.pad(strokes, 2)[around]
        if size >= LONG * line and beside[ends == number].any() and ndimage.label(met)[1] < 2:
            rest = rest & (ends != number)
    return rest


def _without_pieces(solid: np.ndarray, ruling: np.ndarray) -> np.ndarray:
    """The ink without pieces of lines: thin marks beside the ruling or at the image's edge."""
    from scipy import ndimage

    labels, count = ndimage.label(solid, np.ones((3, 3)))
    numbers = np.arange(1, count + 1)
    thickness = np.asarray(ndimage.maximum(_depth(solid), labels, numbers))
    touches = np.asarray(ndimage.maximum(_beside(ruling), labels, numbers), bool)
    gone = touches & (thickness <= THIN * thickness.max(initial=0))
    return solid & ~np.append(False, gone)[labels]


def _beside(ruling: np.ndarray) -> np.ndarray:
    """What lies near the ruling or at the image's edge, `bool [H, W]`."""
    from scipy import ndimage

    edged = np.pad(ruling[1:-1, 1:-1], 1, constant_values=True)
    return ndimage.binary_dilation(edged, np.ones((3, 3)), NEAR)


def _depth(solid: np.ndarray) -> np.ndarray:
    from scipy import ndimage

    return ndimage.distance_transform_edt(np.pad(solid, 1))[1:-1, 1:-1]


def _has_writing(solid: np.ndarray) -> bool:
    from scipy import ndimage

    labels, _ = ndimage.label(solid, np.ones((3, 3)))
    heights = [y.stop - y.start for y, _ in ndimage.find_objects(labels)]
    return max(heights, default=0) >= LEAST * min(solid.shape)
