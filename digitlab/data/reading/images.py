"""`LabelledImages`: what was read of a file, and how it is a dataset."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.data.dataset import Dataset, Split
from digitlab.data.info import DatasetInfo

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


@dataclass(frozen=True, eq=False)
class LabelledImages:
    """What was read: `images` uint8 [N, C, H, W], `labels` int64 [N], and `notes`, sentences
    on how it was read and what was changed on the way. `parts` are the sizes of train, val and test
    where the file has several, in the order of the images. `source` is the name and the arguments
    that a person gave, as code. `digest` is the SHA-256 (hex) of images,
    labels and classes.
    """

    name: str
    images: np.ndarray
    labels: np.ndarray
    classes: tuple[str, ...]
    notes: tuple[str, ...]
    parts: tuple[tuple[str, int], ...] = ()
    source: str = ""

    def __len__(self) -> int:
        return len(self.labels)

    @property
    def digest(self) -> str:
        """Equal images, labels and classes, equal digest."""
        digest = hashlib.sha256("\n".join(self.classes).encode())
        digest.update(self.images.tobytes())
        digest.update(self.labels.tobytes())
        return digest.hexdigest()

    @property
    def splits(self) -> dict[str, LabelledImages]:
        """train, val and test, those of them that the file has; empty where it has one part."""
        parts, start = {}, 0
        for name, count in self.parts:
            rows = slice(start, start + count)
            parts[name] = LabelledImages(
                self.name,
                self.images[rows],
                self.labels[rows],
                self.classes,
                self.notes,
                source=self.source,
            )
            start += count
        return parts

    @property
    def measured(self) -> LabelledImages:
        """What a network is measured on: the test part where there is one, else all."""
        return self.splits.get("test", self)

    def as_dataset(self) -> Dataset:
        """A Dataset with the file's own splits; where it has one part, that is the test split."""
        return self.as_arrays().as_tensors()

    def as_arrays(self) -> Dataset:
        """The same in arrays."""
        splits = self.splits if "test" in self.splits else {"test": self}
        sizes = {name: len(splits.get(name, ())) for name in ("train", "val", "test")}
        info = DatasetInfo(
            name="upload",
            title=self.name,
            about=f"{len(self):,} labelled images from {self.name}.",
            source="",
            train_size=sizes["train"] + sizes["val"],
            test_size=sizes["test"],
            classes=self.classes,
            shape=self.images.shape[1:],
        )

        def split(name: str, start: int = 0) -> Split:
            part = splits.get(name, self)
            rows = np.arange(start, start + sizes[name])
            return Split(name, part.images[: sizes[name]], part.labels[: sizes[name]], rows)

        share = sizes["val"] / max(1, sizes["train"] + sizes["val"])
        return Dataset(info, split("train"), split("val", sizes["train"]), split("test"), share, 0)
