"""Ink → its separate marks, and the lines of writing that they form."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image, ImageDraw

from digitlab.drawing.stages import SPECK_SHARE, Box, find_pieces
from digitlab.errors import DrawingError

MOST_MARKS = 200  # more is a page of text or a pattern, and would take seconds to read

TALL = 0.4  # of the tallest mark's height: what is lower is a bar, a dot or a broken end …
NEAR = 0.5  # … and belongs to the tall mark no further away than this share of its height
SAME_LINE = 0.4  # of the lower mark's height: neighbours in a line share at least so many rows
STACK_GAP = 0.25  # of the taller mark's height: parts of one digit above each other are as near
STACK_SHARE = 0.5  # of the narrower mark's width: and share at least so many columns


@dataclass(frozen=True, eq=False)
class Marks:
    """The connected pieces of a drawing's ink, dust removed.

    `ink uint8 [H, W]`; `labels int32 [H, W]`, 0 paper and k + 1 on mark k; `boxes int64 [n, 4]`:
    left, top, right, bottom in the drawing's pixels, the last two exclusive.
    """

    ink: np.ndarray
    labels: np.ndarray
    boxes: np.ndarray


def find_marks(
    ink: np.ndarray, strokes: Sequence[np.ndarray] = (), *, specks: float = SPECK_SHARE
) -> Marks:
    """The marks of `ink`, `uint8 [H, W]`; none on empty paper.

    With the `strokes` that drew it (`[n, 2]` of x, y in its pixels) each of them is a mark of its
    own, so that digits which touch come apart. Pieces smaller than `specks`, a share of the
    largest's area, are dust. Raises DrawingError where there are more than MOST_MARKS.
    """
    from scipy import ndimage

    labels, count = find_pieces(ink, specks)
    clean = np.where(labels, ink, 0).astype(np.uint8)
    if strokes and count:
        labels, count = _part_by_strokes(clean, strokes)
    if count > MOST_MARKS:
        raise DrawingError(
            f"The drawing has {count} separate marks, and at most {MOST_MARKS} are read: "
            "cut the image down to the digits."
        )
    edges = [(x.start, y.start, x.stop, y.stop) for y, x in ndimage.find_objects(labels)]
    return Marks(ink=clean, labels=labels, boxes=np.array(edges, np.int64).reshape(-1, 4))


def _part_by_strokes(ink: np.ndarray, strokes: Sequence[np.ndarray]) -> tuple[np.ndarray, int]:
    """Assign each pixel of ink to the nearest stroke: labels as of `ndimage.label`, their count."""
    from scipy import ndimage

    height, width = ink.shape
    lines = Image.new("I", (width, height))
    pen = ImageDraw.Draw(lines)
    for number, stroke in enumerate(strokes, 1):
        points = [(float(x), float(y)) for x, y in stroke]
        pen.line(points, fill=number)
        pen.point(points, fill=number)
    drawn = np.asarray(lines)
    if not drawn.any():
        return ndimage.label(ink, structure=np.ones((3, 3)))
    nearest = ndimage.distance_transform_edt(
        drawn == 0, return_distances=False, return_indices=True
    )
    labels = np.where(ink > 0, drawn[tuple(nearest)], 0)
    values, labels = np.unique(labels, return_inverse=True)
    return labels.reshape(ink.shape) + (values[0] != 0), len(values) - (values[0] == 0)


def find_layouts(boxes: np.ndarray) -> list[list[list[int]]]:
    """The ways to arrange marks in lines: each a list of lines of indices into `boxes`.

    Lines go from top to bottom. Mostly there is one way; where tall marks lie closely above each
    other there are two, since they may be two lines or one digit in two parts.
    """
    links = _neighbours(boxes)
    stacks = [pair for pair in _stacks(boxes) if pair not in links]
    apart = _lines(boxes, links)
    together = _lines(boxes, links + stacks)
    return [apart] if together == apart else [apart, together]


def bounds(boxes: np.ndarray) -> Box:
    """The box around all `boxes [n, 4]`."""
    left, top = boxes[:, :2].min(axis=0)
    right, bottom = boxes[:, 2:].max(axis=0)
    return int(left), int(top), int(right), int(bottom)


def _neighbours(boxes: np.ndarray) -> list[tuple[int, int]]:
    """Pairs of marks in one line: each tall mark and the next, each low mark and its tall one.

    Lines are followed from neighbour to neighbour, so they may rise or fall along the paper.
    """
    heights = boxes[:, 3] - boxes[:, 1]
    low = {i: owner for i in range(len(boxes)) if (owner := _owner(i, boxes, heights)) is not None}
    pairs = list(low.items())
    tall = [int(i) for i in np.argsort(boxes[:, 0] + boxes[:, 2], kind="stable") if i not in low]
    for position, mark in enumerate(tall):
        for other in tall[position + 1 :]:
            shared = _shared(boxes[mark], boxes[other], axis=1)
            if shared >= SAME_LINE * min(heights[mark], heights[other]):
                pairs.append((mark, other))
                break
    return pairs


def _owner(mark: int, boxes: np.ndarray, heights: np.ndarray) -> int | None:
    """The tall mark that a low one belongs to; None for tall marks and for isolated ones."""
    if heights[mark] >= TALL * heights.max():
        return None
    tall = np.flatnonzero(heights * TALL > heights[mark])
    gaps = [
        max(-_shared(boxes[mark], boxes[i], 0), -_shared(boxes[mark], boxes[i], 1), 0) for i in tall
    ]
    nearest = int(np.argmin(gaps))
    return int(tall[nearest]) if gaps[nearest] <= NEAR * heights[tall[nearest]] else None


def _stacks(boxes: np.ndarray) -> list[tuple[int, int]]:
    pairs = []
    widths, heights = boxes[:, 2] - boxes[:, 0], boxes[:, 3] - boxes[:, 1]
    for mark in range(len(boxes)):
        for other in range(mark + 1, len(boxes)):
            gap = -_shared(boxes[mark], boxes[other], 1)
            near = gap <= STACK_GAP * max(heights[mark], heights[other])
            shared = _shared(boxes[mark], boxes[other], 0)
            if near and shared >= STACK_SHARE * min(widths[mark], widths[other]):
                pairs.append((mark, other))
    return pairs


def _shared(first: np.ndarray, second: np.ndarray, axis: int) -> int:
    """Columns (axis 0) or rows (axis 1) that two boxes share; below 0 it is the gap between."""
    return int(min(first[axis + 2], second[axis + 2]) - max(first[axis], second[axis]))


def _lines(boxes: np.ndarray, pairs: list[tuple[int, int]]) -> list[list[int]]:
    """The marks that pairs connect, the lines from top to bottom by the middle of their height."""
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    links = np.array(pairs, np.int64).reshape(-1, 2).T
    graph = coo_array((np.ones(len(pairs)), (links[0], links[1])), shape=(len(boxes),) * 2)
    count, which = connected_components(graph, directed=False)
    lines = [np.flatnonzero(which == line).tolist() for line in range(count)]
    middles = (boxes[:, 1] + boxes[:, 3]) / 2
    return sorted(lines, key=lambda line: float(middles[line].mean()))
