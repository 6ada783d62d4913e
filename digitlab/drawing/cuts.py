"""Where touching digits may be cut apart: paths from top to bottom that cross little ink."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from PIL import Image

ROWS = 48  # a mark is this high while paths are sought
REACH = 8  # columns that a path may stray to either side of where it is sought
SIDEWAYS = 0.1  # what a step aside costs, in pixels of ink: straight where nothing is gained
APART = 5  # columns between two paths that are kept
CROSSED = 4.0  # stroke widths: what crosses more ink runs along a stroke instead of across it
LONGEST = 12  # heights: what is longer is a ruled line, not digits that touch
SLIVER = 0.04  # of a mark's ink: what a path cuts off must be more


@dataclass(frozen=True, eq=False)
class Cut:
    """A path through a mark: `columns int64 [h]`, the first column right of it in each row.

    `crossing` is how many strokes the path crosses, and more where it runs along them.
    """

    columns: np.ndarray
    crossing: float


def find_cuts(mask: np.ndarray) -> list[Cut]:
    """Candidate cuts of a mark, `bool [h, w]`, from left to right, without crossing each other.

    Around every second column the path of least ink is sought (dynamic programming, as in seam
    carving: S. Avidan and A. Shamir, ACM Transactions on Graphics 26(3), 2007), and kept where
    none near it crosses less.
    """
    from scipy import ndimage

    height, width = mask.shape
    if width > LONGEST * height:
        return []
    size = (max(1, round(width * ROWS / height)), ROWS)
    small = Image.fromarray(mask.astype(np.uint8) * np.uint8(255)).resize(
        size, Image.Resampling.BOX
    )
    ink = np.asarray(small, np.float32)
    ink = np.minimum(1, ink / np.quantile(ink[ink > 0], 0.9))
    stroke = 4 * float(ndimage.distance_transform_edt(ink > 0.5)[ink > 0.5].mean()) - 1
    paths, costs = _seams(ink)
    crossing = _crossing(ink, paths, stroke)
    kept = _lowest(costs, crossing, paths, ink)
    if not kept:
        return []
    rows = np.minimum(np.arange(height) * ROWS // height, ROWS - 1)
    columns = np.maximum.accumulate(np.stack([paths[k] for k in kept]), axis=0)[:, rows]
    columns = np.rint((columns + 0.5) * width / size[0]).astype(np.int64)
    return [
        Cut(columns=line, crossing=float(crossing[k]))
        for line, k in zip(columns, kept, strict=True)
    ]


def cut_up(mask: np.ndarray, cuts: list[Cut]) -> np.ndarray:
    """Which part each pixel is in, `int64 [h, w]`: 0 off the mark, 1 left of the first cut, …"""
    part = np.ones(mask.shape, np.int64)
    for cut in cuts:
        part += np.arange(mask.shape[1]) >= cut.columns[:, None]
    return np.where(mask, part, 0)


def _crossing(ink: np.ndarray, paths: np.ndarray, stroke: float) -> np.ndarray:
    """Strokes that each path crosses, or its length in ink over their width where that is more."""
    along = ink[np.arange(ROWS), paths]
    solid = np.pad(along > 0.5, ((0, 0), (1, 0)))
    strokes = (solid[:, 1:] & ~solid[:, :-1]).sum(axis=1)
    return np.maximum(strokes, along.sum(axis=1) / stroke)


def _seams(ink: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Columns `int64 [K, ROWS]` and cost `[K]` of the best path around every second column."""
    rows, width = ink.shape
    padded = np.pad(ink, ((0, 0), (REACH, REACH)), constant_values=ROWS)
    windows = np.lib.stride_tricks.sliding_window_view(padded, 2 * REACH + 1, axis=1)[:, ::2]
    total = windows[0]
    steps = np.zeros(windows.shape, np.int64)
    edge = ((0, 0), (1, 1))
    for row in range(1, rows):
        wide = np.pad(total, edge, constant_values=np.inf)
        options = np.stack([wide[:, 1:-1], wide[:, :-2] + SIDEWAYS, wide[:, 2:] + SIDEWAYS])
        steps[row] = np.array([0, -1, 1])[options.argmin(axis=0)]
        total = options.min(axis=0) + windows[row]
    every = np.arange(len(total))
    place = total.argmin(axis=1)
    paths = np.empty((len(total), rows), np.int64)
    for row in range(rows - 1, -1, -1):
        paths[:, row] = place
        place = place + steps[row, every, place]
    start = 2 * every[:, None] - REACH
    return np.clip(paths + start, 0, width - 1), total.min(axis=1)


def _lowest(
    costs: np.ndarray, crossing: np.ndarray, paths: np.ndarray, ink: np.ndarray
) -> list[int]:
    """The paths that cross least among their neighbours and cut off more than slivers."""
    left = np.cumsum(ink, axis=1)
    shares = np.array([left[np.arange(len(ink)), path].sum() for path in paths]) / ink.sum()
    fit = (shares > SLIVER) & (shares < 1 - SLIVER) & (crossing < CROSSED)
    middles = paths.mean(axis=1)
    kept: list[int] = []
    for k in np.argsort(costs, kind="stable"):
        if fit[k] and all(abs(middles[k] - middles[other]) >= APART for other in kept):
            kept.append(int(k))
    return sorted(kept, key=lambda k: middles[k])
