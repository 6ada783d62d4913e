"""`load_dataset`: from a name to a `Dataset` in memory."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from digitlab.data import derived
from digitlab.data.dataset import Dataset, Split, check_fraction, divide
from digitlab.data.download import download_dataset
from digitlab.data.info import SPLIT_SEED, VAL_FRACTION
from digitlab.data.registry import find_dataset
from digitlab.settings import read_settings

if TYPE_CHECKING:
    import torch


def load_dataset(
    name: str = "mnist",
    *,
    val_fraction: float = VAL_FRACTION,
    seed: int = SPLIT_SEED,
    download: bool = False,
    on_progress: Callable[[int, int], None] | None = None,
) -> Dataset:
    """Load a dataset of the catalog, or one of your own, into memory.

    `val` is a stratified part of the official training set, drawn with `seed`; `test` is the
    official test set. With `download`, missing files are fetched first into the data folder
    (`on_progress` is called with bytes done and bytes in all).

    Returns splits of images uint8 [N, 1, 28, 28] and labels int64 [N]. Raises DatasetError for an
    unknown name, DatasetMissingError, DatasetDamagedError or DownloadError, each with a remedy.
    """
    import torch

    from digitlab.data.readers import read_parts

    info = find_dataset(name)
    check_fraction(val_fraction)
    if download:
        download_dataset(info.name, on_progress)
    read = derived.read if info.made_here else read_parts
    (train_images, train_labels), (test_images, test_labels) = read(info, read_settings().data)
    whole = Split("train", train_images, train_labels, torch.arange(len(train_labels)))
    train, val = divide(whole, val_fraction, seed)
    test = Split("test", test_images, test_labels, torch.arange(len(test_labels)))
    return Dataset(info, train, val, test, val_fraction, seed)


def only_training(images: torch.Tensor, labels: torch.Tensor) -> Dataset:
    """Images uint8 [N, C, H, W] and their labels as a dataset to train on and nothing else."""
    import torch

    indices = torch.arange(len(labels))
    empty = images[:0], labels[:0], indices[:0]
    return Dataset(
        info=find_dataset("mnist"),
        train=Split("train", images, labels, indices),
        val=Split("val", *empty),
        test=Split("test", *empty),
        val_fraction=0.0,
        split_seed=0,
    )
