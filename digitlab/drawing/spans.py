"""Which of a line's pieces may be one digit: connected pieces between two cuts."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from digitlab.drawing.pieces import Line

Span = tuple[int, int]  # of two cuts: the pieces left of the second and not of the first

# Limits of a digit's size in shares of the line's height: of whole marks, and of parts of marks.
WIDEST, WIDEST_PART = 1.7, 1.3
LOWEST, LOWEST_PART = 0.5, 0.6
LONGEST = 12  # pieces that make up one digit at most


def list_spans(line: Line) -> tuple[dict[Span, int], np.ndarray]:
    """The pairs of cuts that may have a digit between them, and each such run of pieces once.

    The runs are `bool [r, n]`: which pieces; the spans map to their rows. A run is any mark as
    a whole, or pieces of a size that a digit may have, where the parts of each mark are connected.
    """
    cuts, sizes = _as_numbers(line.cuts), line.cuts.sum(axis=1)
    touching = _as_numbers(line.touching)
    parts = _as_numbers(line.marks == np.unique(line.marks)[:, None])
    runs: list[np.ndarray] = []
    indices: dict[int, int | None] = {}
    spans = {}
    for first, before in enumerate(cuts):
        for last in range(first + 1, len(cuts)):
            if sizes[last] - sizes[first] > LONGEST:
                break
            if before & ~cuts[last]:
                continue
            pieces = cuts[last] & ~before
            if pieces not in indices:
                run = line.cuts[last] & ~line.cuts[first]
                whole = sizes[last] == sizes[first] + 1 and pieces in parts
                possible = whole or (_may_be_digit(line, run) and _hang(pieces, parts, touching))
                indices[pieces] = len(runs) if possible else None
                runs += [run] if possible else []
            index = indices[pieces]
            if index is not None:
                spans[first, last] = index
    return spans, np.array(runs, bool).reshape(-1, len(line.boxes))


def _may_be_digit(line: Line, run: np.ndarray) -> bool:
    boxes = line.boxes[run]
    width = boxes[:, 2].max() - boxes[:, 0].min()
    height = boxes[:, 3].max() - boxes[:, 1].min()
    parted = (np.bincount(line.marks)[line.marks[run]] > 1).any()
    widest, lowest = (WIDEST_PART, LOWEST_PART) if parted else (WIDEST, LOWEST)
    return bool(width <= widest * line.height and height >= lowest * line.height)


def _hang(pieces: int, parts: Sequence[int], touching: Sequence[int]) -> bool:
    """Whether each mark's parts among `pieces` are connected, directly or through others."""
    for part in parts:
        left = pieces & part
        reached = left & -left
        while reached:
            left &= ~reached
            around = 0
            while reached:
                lowest = reached & -reached
                around |= touching[lowest.bit_length() - 1]
                reached ^= lowest
            reached = around & left
        if left:
            return False
    return True


def _as_numbers(rows: np.ndarray) -> list[int]:
    """Rows `bool [m, n]` as numbers with a bit for each column, the first the lowest."""
    return [int.from_bytes(np.packbits(row, bitorder="little").tobytes(), "little") for row in rows]
