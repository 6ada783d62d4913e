"""`Dataset` and `Split`: images and labels in memory, and the validation split drawn from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
import torch

from digitlab.data.info import SPLITS, DatasetInfo
from digitlab.errors import DatasetError

_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Split:
    """One part of a dataset.

    `images` uint8 [N, 1, 28, 28] (0 is paper, 255 is ink), `labels` int64 [N], and `indices`
    int64 [N]: each image's position in the official part (training or test) that it comes from.
    """

    name: str
    images: torch.Tensor
    labels: torch.Tensor
    indices: torch.Tensor

    def __len__(self) -> int:
        return len(self.labels)

    def to(self, device: torch.device | str) -> Split:
        """The split with its images and labels on another device."""
        return Split(self.name, self.images.to(device), self.labels.to(device), self.indices)

    def __repr__(self) -> str:
        return f"Split({self.name!r}, {len(self):,} images)"


@dataclass(frozen=True)
class Dataset:
    """A loaded dataset: `train` and `val` share the official training part, `test` is official."""

    info: DatasetInfo
    train: Split
    val: Split
    test: Split
    val_fraction: float
    split_seed: int

    @property
    def name(self) -> str:
        return self.info.name

    @property
    def classes(self) -> tuple[str, ...]:
        """Names of the classes; a label is an index into them."""
        return self.info.classes

    @property
    def input_shape(self) -> tuple[int, int, int]:
        """Channels, height and width of an image."""
        return tuple(self.train.images.shape[1:])

    @cached_property
    def fingerprint(self) -> str:
        """SHA-256 (hex) of all images and labels: equal data, equal fingerprint.

        It does not depend on how train and val are split.
        """
        digest = hashlib.sha256(self.name.encode())
        order = torch.cat([self.train.indices, self.val.indices]).argsort()
        for rows in order.split(_ROWS_AT_ONCE):
            digest.update(_rows(self.train.images, self.val.images, rows).numpy())
        digest.update(_rows(self.train.labels, self.val.labels, order).numpy())
        digest.update(self.test.images.numpy())
        digest.update(self.test.labels.numpy())
        return digest.hexdigest()

    def split(self, name: str) -> Split:
        """The split `train`, `val` or `test`; DatasetError for any other name."""
        if name not in SPLITS:
            raise DatasetError(f"A split is one of {', '.join(SPLITS)}; not {name!r}.")
        return getattr(self, name)

    def resplit(self, val_fraction: float, seed: int | None = None) -> Dataset:
        """A copy whose validation split is `val_fraction` of the official training part."""
        seed = self.split_seed if seed is None else seed
        check_fraction(val_fraction)
        if (val_fraction, seed) == (self.val_fraction, self.split_seed):
            return self
        train, val = divide(_rejoin(self.train, self.val), val_fraction, seed)
        return replace(self, train=train, val=val, val_fraction=val_fraction, split_seed=seed)

    def subset(self, train_images: int, seed: int = 0) -> Dataset:
        """A copy with at most `train_images` training images, each class keeping its share."""
        if train_images < 1:
            raise DatasetError(f"A subset has at least 1 training image; not {train_images}.")
        if train_images >= len(self.train):
            return self
        _, part = divide(self.train, train_images / len(self.train), seed)
        return replace(self, train=replace(part, name="train"))

    def __repr__(self) -> str:
        sizes = ", ".join(f"{name} {len(self.split(name)):,}" for name in SPLITS)
        return f"Dataset({self.name!r}: {sizes}; {len(self.classes)} classes)"


def check_fraction(val_fraction: float) -> None:
    """DatasetError for a validation fraction that leaves too little to learn from."""
    if not 0.0 <= val_fraction <= 0.5:
        raise DatasetError(f"The validation fraction lies between 0 and 0.5; not {val_fraction}.")


def divide(whole: Split, val_fraction: float, seed: int) -> tuple[Split, Split]:
    """Seeded, stratified division of `whole` into a training and a validation split.

    Both parts keep the official order.
    """
    in_val = choose(whole.labels.numpy(), val_fraction, seed)
    return _pick(whole, "train", ~in_val), _pick(whole, "val", in_val)


def choose(labels: np.ndarray, share: float, seed: int) -> np.ndarray:
    """True, bool [N], for a share of the images, drawn by the seed.

    Each class gives its share, rounded so that the total is the share of all to the image
    (largest remainders).
    """
    rng = np.random.default_rng(seed)
    members = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    exact = np.array([len(group) * share for group in members])
    take = np.floor(exact).astype(int)
    missing = round(len(labels) * share) - int(take.sum())
    take[np.argsort(take - exact, kind="stable")[:missing]] += 1
    drawn = np.zeros(len(labels), dtype=bool)
    for group, count in zip(members, take, strict=True):
        drawn[rng.permutation(group)[:count]] = True
    return drawn


def _pick(whole: Split, name: str, mask: np.ndarray) -> Split:
    rows = torch.from_numpy(np.flatnonzero(mask))
    return Split(name, whole.images[rows], whole.labels[rows], whole.indices[rows])


def _rejoin(train: Split, val: Split) -> Split:
    """The official training part again, in its official order."""
    if not len(val):
        return train
    order = torch.cat([train.indices, val.indices]).argsort()
    return Split(
        "train",
        _rows(train.images, val.images, order),
        _rows(train.labels, val.labels, order),
        _rows(train.indices, val.indices, order),
    )


def _rows(first: torch.Tensor, second: torch.Tensor, rows: torch.Tensor) -> torch.Tensor:
    """`torch.cat([first, second])[rows]` without the copy that joins them."""
    joined = first.new_empty((len(rows), *first.shape[1:]))
    in_first = rows < len(first)
    joined[in_first] = first[rows[in_first]]
    joined[~in_first] = second[rows[~in_first] - len(first)]
    return joined
