"""`Experiment`: what is to be trained, on which data, and how; and when two are the same."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from digitlab.data.info import SPLIT_SEED, VAL_FRACTION
from digitlab.data.registry import find_dataset
from digitlab.models.spec import ModelSpec
from digitlab.training.config import TrainConfig

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset


@dataclass(frozen=True)
class DatasetSplit:
    """A dataset by name, and how its official training part is divided.

    `val_fraction` of it, drawn by class with `split_seed`, is the validation split. `fingerprint`,
    the SHA-256 of all images and labels, is None until the data has been read.
    """

    name: str
    classes: tuple[str, ...]
    val_fraction: float
    split_seed: int
    fingerprint: str | None = None

    def same_images(self, other: DatasetSplit, split: str = "train") -> bool:
        """Whether `split` holds the same images in both; test images do not depend on the division.

        Data that has not been read yet is known by its name only, which an own dataset may change.
        """
        if self.fingerprint and other.fingerprint:
            same = self.fingerprint == other.fingerprint
        else:
            same = self.name == other.name
        same = same and self.classes == other.classes
        ours, theirs = (self.val_fraction, self.split_seed), (other.val_fraction, other.split_seed)
        return same and (split == "test" or ours == theirs)


def divide(data: str | Dataset | DatasetSplit, config: TrainConfig) -> DatasetSplit:
    """How `data` is divided: by the recipe's `val_fraction`, or else by its own.

    Raises DatasetError for an unknown name.
    """
    if isinstance(data, str):
        info = find_dataset(data)
        split = DatasetSplit(info.name, info.classes, VAL_FRACTION, SPLIT_SEED)
    else:
        split = DatasetSplit(data.name, data.classes, data.val_fraction, data.split_seed)
    if config.val_fraction is None:
        return split
    return replace(split, val_fraction=config.val_fraction)


@dataclass(frozen=True)
class Experiment:
    """An architecture, a dataset with its split, and a recipe: all that decides what is learnt.

    It is made and checked once, by `execution.prepare.plan`, and never changed. `start_from` is the
    id of the run whose weights it starts from, None for new weights. `same_architecture`,
    `same_recipe` and `same_data` are the only definitions of "the same".
    """

    spec: ModelSpec
    dataset: DatasetSplit
    config: TrainConfig
    start_from: str | None = None

    @property
    def recipe(self) -> TrainConfig:
        """The config with the validation share that it was carried out with, never None."""
        return self.config.changed(val_fraction=self.dataset.val_fraction)

    def same_architecture(self, other: Experiment) -> bool:
        """Whether both have the same layers, input and initialisation; names do not count."""
        return self.spec.fingerprint == other.spec.fingerprint

    def same_recipe(self, other: Experiment) -> bool:
        """Whether both train in the same way, starting from the same weights or from new ones.

        The seed, where and how fast they compute, and what they measure on the way do not count.
        """
        return self.start_from == other.start_from and all(
            getattr(self.config, name) == getattr(other.config, name)
            for name in TrainConfig.names("recipe")
        )

    def same_but_seed(self, other: Experiment) -> bool:
        """Whether both are the same experiment, or would be with the same seed."""
        return self.same_data(other) and self.same_recipe(other) and self.same_architecture(other)

    def same_data(self, other: Experiment) -> bool:
        """Whether both use the same data in the same way; the seed chooses among it."""
        same_subset = self.config.subset == other.config.subset
        return same_subset and self.dataset.same_images(other.dataset)
