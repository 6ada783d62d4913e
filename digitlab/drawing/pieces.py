"""A line of writing → its pieces from left to right: marks, and parts of marks that were cut."""

from __future__ import annotations

from collections.abc import Set
from dataclasses import dataclass

import numpy as np

from digitlab.drawing.layout import STACK_SHARE, Marks, bounds
from digitlab.drawing.skeleton import stroke_pieces

COMPACT = 1.4  # of the line's height: a mark no wider is most likely one digit

# What it costs to end a digit between two pieces, in nats.
NEXT = 0.7  # one more digit at all
CUT = 0.3  # where that cuts a mark …
RARE = 1.0  # … and more in a compact one: few of them are two digits
ABOVE = 1.0  # pieces of two marks above each other, by the share of the narrower one's columns


@dataclass(frozen=True, eq=False)
class Line:
    """A line's pieces, sorted by the middle of their width.

    `ink uint8 [h, w]` is the line's box cut out of the drawing, and `parts int64 [h, w]` there 0
    off the line's marks and k + 1 on piece k; `corner` is its (left, top) and `boxes int64 [n, 4]`
    are the pieces', both in the drawing's pixels. `marks[k]` is the mark that piece k is of,
    `splits[k]` what it costs to begin a digit with piece k, and `height` that of a digit.
    """

    ink: np.ndarray
    parts: np.ndarray
    corner: tuple[int, int]
    boxes: np.ndarray
    marks: np.ndarray
    splits: np.ndarray
    height: int

    def ink_of(self, first: int, last: int) -> np.ndarray:
        """The ink of the pieces first … last - 1 alone, cut out, `uint8`."""
        x, y = self.corner
        left, top, right, bottom = bounds(self.boxes[first:last])
        inner = (slice(top - y, bottom - y), slice(left - x, right - x))
        part = self.parts[inner]
        return np.where((part > first) & (part <= last), self.ink[inner], 0).astype(np.uint8)


@dataclass(frozen=True, eq=False)
class _Piece:
    box: np.ndarray  # in the line's box
    mask: np.ndarray  # in its own
    mark: int
    rare: bool  # whether its mark is compact


def line_height(boxes: np.ndarray) -> int:
    """The height of a digit in a line: its tallest mark, or marks above each other together."""
    left, top, right, bottom = boxes.T
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    widths = right - left
    stacked = shared >= STACK_SHARE * np.minimum(widths[:, None], widths)
    ends = np.where(stacked, bottom, 0).max(axis=1)
    starts = np.where(stacked, top, bottom.max()).min(axis=1)
    return int((ends - starts).max())


def build_line(marks: Marks, members: list[int], cut: Set[int]) -> Line:
    """The pieces of the line of the marks `members`; those in `cut` are cut where they may be."""
    left, top, right, bottom = bounds(marks.boxes[members])
    labels = marks.labels[top:bottom, left:right]
    height = line_height(marks.boxes[members])
    pieces: list[_Piece] = []
    for member in members:
        box = marks.boxes[member] - (left, top, left, top)
        mask = labels[box[1] : box[3], box[0] : box[2]] == member + 1
        if member in cut:
            pieces += _cut_mark(mask, box, member, height)
        else:
            pieces.append(_Piece(box, mask, member, rare=True))
    pieces.sort(key=lambda piece: piece.box[0] + piece.box[2])
    parts = np.zeros(labels.shape, np.int64)
    for number, piece in enumerate(pieces, 1):
        x0, y0, x1, y1 = piece.box
        parts[y0:y1, x0:x1][piece.mask] = number
    return Line(
        ink=marks.ink[top:bottom, left:right],
        parts=parts,
        corner=(left, top),
        boxes=np.stack([piece.box for piece in pieces]) + np.array((left, top, left, top)),
        marks=np.array([piece.mark for piece in pieces]),
        splits=_split_costs(pieces),
        height=height,
    )


def _cut_mark(mask: np.ndarray, box: np.ndarray, mark: int, height: int) -> list[_Piece]:
    from scipy import ndimage

    part = stroke_pieces(mask, height)
    rare = mask.shape[1] <= COMPACT * height
    pieces = []
    for number, where in enumerate(ndimage.find_objects(part), 1):
        if where is None:  # a line so thin that none of the mark's pixels is nearest to it
            continue
        rows, columns = where
        place = np.array((columns.start, rows.start, columns.stop, rows.stop)) + np.tile(box[:2], 2)
        pieces.append(_Piece(place, part[where] == number, mark, rare))
    return pieces


def _split_costs(pieces: list[_Piece]) -> np.ndarray:
    """What it costs to begin a digit with each piece: marks that are cut, or above each other."""
    above, cut = np.zeros(len(pieces)), np.zeros(len(pieces))
    for one, piece in enumerate(pieces):
        for other in range(one):
            between = slice(other + 1, one + 1)
            if pieces[other].mark == piece.mark:
                cut[between] = np.maximum(cut[between], CUT + RARE * piece.rare)
            else:
                share = _share(pieces[other], piece)
                above[between] = np.maximum(above[between], ABOVE * share)
    return NEXT + above + cut


def _share(one: _Piece, other: _Piece) -> float:
    """The columns that two pieces share, of the narrower one's; 0 where they share none."""
    shared = min(one.box[2], other.box[2]) - max(one.box[0], other.box[0])
    widths = one.box[2] - one.box[0], other.box[2] - other.box[0]
    return max(0.0, float(shared) / float(min(widths)))
