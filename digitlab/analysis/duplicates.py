"""Near-duplicates: pairs of images of a dataset that are the same, or nearly, within and between
its splits. A test image that is in the training split, too, tests the memory, not the learning.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from itertools import combinations_with_replacement
from typing import TYPE_CHECKING

import numpy as np

from digitlab.analysis.dataset_features import Neighbours, centre, neighbours, pooled_side
from digitlab.analysis.image_table import ImageTable, Progress, cached, tabulate
from digitlab.data.info import SPLITS

if TYPE_CHECKING:
    import torch

    from digitlab.data.dataset import Dataset

# Of MNIST's 70,000 images no two differ by less than 12.8 %, which two thin ones do; one copied
# with noise of 8 grey values, or as a JPEG, differs from itself by less than 10 %.
NEAR = 0.1
KINDS = ("same", "shifted", "near")
_LIKELY = 2.5 * NEAR  # in the components, where a shift by one pixel weighs more


@dataclass(frozen=True, eq=False)
class Duplicates:
    """P pairs of images of a table, the most alike first.

    `first` and `second` int64 [P] are rows of `table`, `first` < `second`; `kind` int8 [P] is an
    index into KINDS: the same pixels, the same pixels shifted, or nearly the same; `difference`
    float32 [P] is the length of the difference of the pixels, centred and at best shifted by one
    pixel, as a share of the images' own length, 0…0.1. Of more than two copies each is paired with
    the first.
    """

    table: ImageTable
    first: np.ndarray
    second: np.ndarray
    kind: np.ndarray
    difference: np.ndarray

    def __len__(self) -> int:
        return len(self.first)

    @property
    def other_label(self) -> np.ndarray:
        """Whether the two images of a pair have different labels, bool [P]: one must be wrong."""
        return self.table.labels[self.first] != self.table.labels[self.second]

    def between(self, first: str, second: str) -> np.ndarray:
        """The pairs, int64, of which one image is in the split `first` and one in `second`."""
        codes = np.stack([self.table.split[self.first], self.table.split[self.second]])
        splits = sorted((SPLITS.index(first), SPLITS.index(second)))
        return np.flatnonzero((np.sort(codes, axis=0) == np.array(splits)[:, None]).all(axis=0))

    def leaks(self) -> dict[tuple[str, str], int]:
        """For each two splits, and each split with itself, how many images of the second have a
        near-duplicate in the first.
        """
        counts = {}
        for a, b in combinations_with_replacement(SPLITS, 2):
            pairs = self.between(a, b)
            rows = np.concatenate([self.first[pairs], self.second[pairs]])
            inside = rows if a == b else rows[self.table.split[rows] == SPLITS.index(b)]
            counts[a, b] = len(np.unique(inside))
        return counts


def find_duplicates(data: Dataset, on_progress: Progress | None = None) -> Duplicates:
    """The pairs of images that are the same or nearly the same, in all splits; cached.

    Images are compared after their mass was moved to the middle, so that one that was shifted by
    whole pixels counts as the same. Candidates are each image's 10 nearest by 64 principal
    components. Of more than 80,000 images a seeded sample is compared. `on_progress` is called with
    the step, how much of it is done, and its total. DatasetError for fewer than 3 images.
    """
    table = tabulate(data)
    report = on_progress or (lambda step, done, total: None)
    pairs = cached(table, "duplicates", lambda: _find(table, report))
    columns = (pairs[name].numpy() for name in ("first", "second", "kind", "difference"))
    return Duplicates(table, *columns)


def _find(table: ImageTable, report: Progress) -> dict[str, torch.Tensor]:
    import torch

    near, difference = _near_pairs(table, neighbours(table, report), report)
    same = _copies(table.images.split(table.at_once))
    shifted = _copies(map(centre, table.images.split(table.at_once)))
    pairs = np.concatenate([same, shifted, near])
    kind = np.repeat(np.arange(3, dtype=np.int8), [len(same), len(shifted), len(near)])
    difference = np.concatenate([np.zeros(len(same) + len(shifted), np.float32), difference])
    _, order = np.unique(pairs, axis=0, return_index=True)  # the first, which says the most
    order = order[np.lexsort((pairs[order, 0], difference[order], kind[order]))]
    columns = {"first": pairs[order, 0], "second": pairs[order, 1]}
    columns |= {"kind": kind[order], "difference": difference[order]}
    return {name: torch.from_numpy(np.ascontiguousarray(c)) for name, c in columns.items()}


def _copies(parts: Iterable[torch.Tensor]) -> np.ndarray:
    """Pairs int64 [P, 2] of images with the same pixels: the first one, and each of its copies."""
    seen: dict[bytes, int] = {}
    images = (image for part in parts for image in part.numpy())
    pairs = [
        (first, row)
        for row, image in enumerate(images)
        if (first := seen.setdefault(sha256(image.tobytes()).digest(), row)) != row
    ]
    return np.array(pairs, dtype=np.int64).reshape(-1, 2)


def _near_pairs(
    table: ImageTable, near: Neighbours, report: Progress
) -> tuple[np.ndarray, np.ndarray]:
    """Pairs int64 [P, 2] that differ by less than NEAR, and their differences float32 [P]."""
    lengths = np.concatenate([_lengths(part) for part in table.images.split(table.at_once)])
    rows = np.repeat(np.arange(len(table)), near.rows.shape[1])
    pairs = np.sort(np.stack([rows, near.rows.ravel()], axis=1), axis=1)
    allowed = np.sqrt(lengths[pairs[:, 0]] * lengths[pairs[:, 1]])
    side = pooled_side(table.images)  # a mean of squares differs by so many times less
    likely = side * near.distances.ravel() <= _LIKELY * allowed
    pairs = np.unique(pairs[likely], axis=0)
    parts = [np.zeros(0, np.float32)]
    for begin in range(0, len(pairs), table.at_once):
        some = pairs[begin : begin + table.at_once]
        parts.append(_difference(table.images[some[:, 0]], table.images[some[:, 1]]))
        report("Checking the nearest", begin + len(some), len(pairs))
    difference = np.concatenate(parts)
    return pairs[difference < NEAR], difference[difference < NEAR]


def _lengths(images: torch.Tensor) -> np.ndarray:
    """The length of each image's pixels, 0…1 each, float32 [N]; 1 at least."""
    return (images.flatten(1).float() / 255).norm(dim=1).clamp(min=1).numpy()


def _difference(first: torch.Tensor, second: torch.Tensor) -> np.ndarray:
    """How much pairs of images differ, at best shifted by one pixel, float32 [N]."""
    import torch

    a, b = centre(first).float() / 255, centre(second).float() / 255
    best = torch.full((len(a),), torch.inf)
    for down in (-1, 0, 1):
        for right in (-1, 0, 1):
            moved = b.roll((down, right), (2, 3))
            best = torch.minimum(best, (a - moved).flatten(1).norm(dim=1))
    lengths = torch.from_numpy(_lengths(first) * _lengths(second)).sqrt()
    return (best / lengths).numpy()
