"""A line of writing → its pieces from left to right: marks, and parts of marks that were cut."""

from __future__ import annotations

from collections.abc import Sequence, Set
from dataclasses import dataclass

import numpy as np

from digitlab.drawing.layout import STACK_SHARE, Marks, bounds
from digitlab.drawing.skeleton import stroke_pieces

SLANTS = (0.0, 0.2, -0.2)  # of the cuts through a line: columns that they move from row to row
REACH = 0.06  # of the line's height: pieces so near touch, or did before a stroke crossed them
MOST_PIECES = 250  # of a line whose marks are cut; with more they stay whole
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
    `touching bool [n, n]` says which pieces touch, and `height` is that of a digit. `cuts bool
    [m, n]` are the ways to part the line: which pieces are left of each; `splits[k]` is what it
    costs to begin a digit at cut k.
    """

    ink: np.ndarray
    parts: np.ndarray
    corner: tuple[int, int]
    boxes: np.ndarray
    marks: np.ndarray
    touching: np.ndarray
    cuts: np.ndarray
    splits: np.ndarray
    height: int

    def ink_of(self, members: np.ndarray) -> np.ndarray:
        """The ink of some of the pieces alone, `bool [n]`, cut out, `uint8`."""
        x, y = self.corner
        left, top, right, bottom = bounds(self.boxes[members])
        inner = (slice(top - y, bottom - y), slice(left - x, right - x))
        chosen = np.append(False, members)[self.parts[inner]]
        return np.where(chosen, self.ink[inner], 0).astype(np.uint8)


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


def build_line(
    marks: Marks, members: list[int], cut: Set[int], slants: Sequence[float] = SLANTS
) -> Line:
    """The pieces of the line of the marks `members`; those in `cut` are cut into their strokes.

    `slants` are those of the lines at which it may be parted.
    """
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
    if cut and len(pieces) > MOST_PIECES:  # no writing has so many strokes in a line
        return build_line(marks, members, set(), slants)
    pieces.sort(key=lambda piece: piece.box[0] + piece.box[2])
    parts = np.zeros(labels.shape, np.int64)
    for number, piece in enumerate(pieces, 1):
        x0, y0, x1, y1 = piece.box
        parts[y0:y1, x0:x1][piece.mask] = number
    boxes = np.stack([piece.box for piece in pieces])
    cuts = find_cuts(boxes, slants)
    return Line(
        ink=marks.ink[top:bottom, left:right],
        parts=parts,
        corner=(left, top),
        boxes=boxes + np.array((left, top, left, top)),
        marks=np.array([piece.mark for piece in pieces]),
        touching=_touching(parts, len(pieces), round(REACH * height)),
        cuts=cuts,
        splits=_split_costs(pieces, cuts),
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
        piece_box = np.array((columns.start, rows.start, columns.stop, rows.stop)) + np.tile(
            box[:2], 2
        )
        pieces.append(_Piece(piece_box, part[where] == number, mark, rare))
    return pieces


def find_cuts(boxes: np.ndarray, slants: Sequence[float]) -> np.ndarray:
    """The ways to part pieces of `boxes [n, 4]` into left and right, `bool [m, n]`: left or not.

    Each is a slanted line; a piece is left if its middle is. Cuts with fewer pieces on their left
    come first: the first has none, the last all.
    """
    count = len(boxes)
    x, y = (boxes[:, 0] + boxes[:, 2]) / 2, (boxes[:, 1] + boxes[:, 3]) / 2
    cuts: dict[bytes, np.ndarray] = {}
    for slant in slants:
        left = np.zeros(count, bool)
        cuts[left.tobytes()] = left
        for piece in np.argsort(x + slant * y, kind="stable"):
            left = left.copy()
            left[piece] = True
            cuts[left.tobytes()] = left
    return np.stack(sorted(cuts.values(), key=np.count_nonzero))


def _touching(parts: np.ndarray, count: int, reach: int) -> np.ndarray:
    """Which pieces touch each other or nearly, `bool [n, n]`, from a line's `parts`.

    Where strokes cross, one stroke can lie between two pieces of the other: pieces as near as
    `reach` pixels, along an axis or a diagonal, count as touching.
    """
    near = np.zeros((count + 1, count + 1), bool)
    for step in {1, max(1, reach)}:
        for first, second in (
            (parts[:, step:], parts[:, :-step]),
            (parts[step:], parts[:-step]),
            (parts[step:, step:], parts[:-step, :-step]),
            (parts[step:, :-step], parts[:-step, step:]),
        ):
            near[first, second] = True
    return (near | near.T)[1:, 1:]


def _split_costs(pieces: list[_Piece], cuts: np.ndarray) -> np.ndarray:
    """What it costs to begin a digit at each cut: through marks, or with marks above each other."""
    left, _, right, _ = np.array([piece.box for piece in pieces]).T
    marks = np.array([piece.mark for piece in pieces])
    rare = np.array([piece.rare for piece in pieces])
    widths = right - left
    shared = np.minimum(right[:, None], right) - np.maximum(left[:, None], left)
    above = ABOVE * np.maximum(0.0, shared / np.minimum(widths[:, None], widths))
    same = marks[:, None] == marks
    through = CUT + RARE * (rare[:, None] | rare)
    costs = np.where(same, 0.0, above), np.where(same, through, 0.0)
    return np.array(
        [NEXT + sum(table[cut][:, ~cut].max(initial=0) for table in costs) for cut in cuts]
    )
