"""All images of a dataset in one table, whichever split they are in, and where results are cached.

What is computed from a dataset that no run has seen is cached below the home, in a folder for each
fingerprint, so that a dataset that changes is computed again:

    beside/data-FINGERPRINT/    features-*.safetensors, neighbours.safetensors, …
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple
from weakref import WeakValueDictionary

import numpy as np

from digitlab import files
from digitlab.data.info import SPLITS
from digitlab.data.own import cache_folder
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    import torch

    from digitlab.data.dataset import Dataset

MOST = 80_000  # images: every image is compared with all others …
MOST_BYTES = 400_000_000  # … and bytes of them
_SEED = 0

Progress = Callable[[str, int, int], None]  # the step, how much of it is done, and its total


class Place(NamedTuple):
    """Where an image is: its split, and its position there."""

    split: str
    position: int


@dataclass(frozen=True, eq=False)
class ImageTable:
    """N images in the official order, the training part before the test part.

    `images` uint8 [N, C, H, W], `labels` int64 [N], `split` int8 [N] (an index into SPLITS),
    `position` int64 [N] in that split; `classes` are the names of the labels. `total` is the number
    of images in the dataset, of which these are a seeded sample if they are more than 80,000 or
    400 MB.
    """

    images: torch.Tensor
    labels: np.ndarray
    split: np.ndarray
    position: np.ndarray
    classes: tuple[str, ...]
    fingerprint: str
    total: int

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def at_once(self) -> int:
        """So many images are worked on together, for which some 100 MB are enough."""
        return max(1, 8_000_000 // self.images[0].numel())

    def place(self, row: int) -> Place:
        """The split of a row and its position there."""
        return Place(SPLITS[self.split[row]], int(self.position[row]))

    def rows(self, split: str) -> np.ndarray:
        """The rows of a split, int64, in the order of its positions."""
        rows = np.flatnonzero(self.split == SPLITS.index(split))
        return rows[np.argsort(self.position[rows], kind="stable")]


# A table that is in use is not made again: it is a copy of all images.
_IN_USE: WeakValueDictionary[tuple[object, ...], ImageTable] = WeakValueDictionary()


def tabulate(data: Dataset) -> ImageTable:
    """All images of a dataset; DatasetError for one with fewer than 3."""
    key = (data.name, data.fingerprint, data.val_fraction, data.split_seed, len(data.train))
    table = _IN_USE.get(key) or _tabulate(data)
    _IN_USE[key] = table
    return table


def _tabulate(data: Dataset) -> ImageTable:
    import torch

    parts = [data.split(name) for name in SPLITS]
    counts = [len(part) for part in parts]
    if sum(counts) < 3:
        raise DatasetError(f"{data.info.title} has fewer than 3 images: there is nothing to map.")
    split = np.repeat(np.arange(len(SPLITS), dtype=np.int8), counts)
    position = np.concatenate([np.arange(count) for count in counts])
    official = np.concatenate([part.indices.numpy() for part in parts])
    order = np.lexsort((official, split == SPLITS.index("test")))
    most = min(MOST, MOST_BYTES // int(np.prod(data.input_shape)))
    if len(order) > most:
        order = order[np.sort(np.random.default_rng(_SEED).permutation(len(order))[:most])]
    split, position = split[order], position[order]
    images = torch.empty((len(order), *data.input_shape), dtype=torch.uint8)
    labels = np.empty(len(order), dtype=np.int64)
    for code, part in enumerate(parts):
        rows = np.flatnonzero(split == code)
        images[rows] = part.images[position[rows]]
        labels[rows] = part.labels.numpy()[position[rows]]
    return ImageTable(images, labels, split, position, data.classes, data.fingerprint, sum(counts))


def cached(
    table: ImageTable, name: str, compute: Callable[[], dict[str, torch.Tensor]]
) -> dict[str, torch.Tensor]:
    """The tensors that `compute` gives, from the file `name` where they were computed before."""
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    path = cache_path(table, name)
    try:
        return load_file(path)
    except (OSError, SafetensorError):  # not there yet, or damaged
        tensors = compute()
    files.write_tensors(path, tensors)
    return tensors


def cache_path(table: ImageTable, name: str) -> Path:
    """Where a result of this name is cached for these images and labels."""
    return cache_folder(table.fingerprint) / f"{name}.safetensors"
