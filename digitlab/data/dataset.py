"""`Dataset` and `Split`: images and labels in memory, and the validation split drawn from them."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np

from digitlab.data.info import SPLITS, DatasetInfo
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    import torch

_ROWS_AT_ONCE = 2_000


@dataclass(frozen=True)
class Split:
    """One part of a dataset.

    `images` uint8 [N, C, H, W] (0 is paper, 255 is ink; most are [N, 1, 28, 28]), `labels` int64
    [N], and `indices` int64 [N]: each image's position in the official part (training or test)
    that it comes from. They are tensors; arrays where a process without torch looks at them.
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

    def as_arrays(self) -> Split:
        """The same in arrays, which share the memory."""
        return Split(self.name, *map(np.asarray, (self.images, self.labels, self.indices)))

    def as_tensors(self) -> Split:
        """The same in tensors, which share the memory."""
        import torch

        return Split(self.name, *map(torch.as_tensor, (self.images, self.labels, self.indices)))

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

        It does not depend on how train and val are split, nor on the name of an own dataset.
        """
        digest = hashlib.sha256(self.info.identity.encode())
        train, val, test = (self.split(name).as_arrays() for name in SPLITS)
        order = np.concatenate([train.indices, val.indices]).argsort()
        for start in range(0, len(order), _ROWS_AT_ONCE):
            digest.update(_rows(train.images, val.images, order[start : start + _ROWS_AT_ONCE]))
        digest.update(_rows(train.labels, val.labels, order))
        digest.update(np.ascontiguousarray(test.images))
        digest.update(np.ascontiguousarray(test.labels))
        return digest.hexdigest()

    def as_arrays(self) -> Dataset:
        """The same in arrays, which share the memory."""
        return self._with([self.split(name).as_arrays() for name in SPLITS])

    def as_tensors(self) -> Dataset:
        """The same in tensors, which share the memory."""
        return self._with([self.split(name).as_tensors() for name in SPLITS])

    def _with(self, splits: list[Split]) -> Dataset:
        other = replace(self, **{split.name: split for split in splits})
        vars(other).update(self._known)
        return other

    @property
    def _known(self) -> dict[str, str]:
        """The fingerprint where it was computed: it takes as long as reading the files."""
        return {key: value for key, value in vars(self).items() if key == "fingerprint"}

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
        other = replace(self, train=train, val=val, val_fraction=val_fraction, split_seed=seed)
        vars(other).update(self._known)
        return other

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
    in_val = choose(np.asarray(whole.labels), val_fraction, seed)
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
    rows = np.flatnonzero(mask)
    return Split(name, whole.images[rows], whole.labels[rows], whole.indices[rows])


def _rejoin(train: Split, val: Split) -> Split:
    """The official training part again, in its official order."""
    if not len(val):
        return train
    first, second = train.as_arrays(), val.as_arrays()
    order = np.concatenate([first.indices, second.indices]).argsort()
    whole = Split(
        "train",
        _rows(first.images, second.images, order),
        _rows(first.labels, second.labels, order),
        _rows(first.indices, second.indices, order),
    )
    return whole if isinstance(train.images, np.ndarray) else whole.as_tensors()


def _rows(first: np.ndarray, second: np.ndarray, rows: np.ndarray) -> np.ndarray:
    """`np.concatenate([first, second])[rows]` without the copy that joins them."""
    joined = np.empty((len(rows), *first.shape[1:]), first.dtype)
    in_first = rows < len(first)
    joined[in_first] = first[rows[in_first]]
    joined[~in_first] = second[rows[~in_first] - len(first)]
    return joined
