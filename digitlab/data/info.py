"""What is known of a dataset before it is loaded, and the constants that all of them share."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

DIGITS = tuple("0123456789")
SPLITS = ("train", "val", "test")
INPUT_SHAPE = (1, 28, 28)  # channels, height and width of every dataset's images
VAL_FRACTION = 0.1  # of the official training part, by default
SPLIT_SEED = 0


@dataclass(frozen=True)
class DatasetInfo:
    """What is known of a dataset before it is loaded.

    `files` are paths below the data folder that must be there (empty: embedded, no download);
    `download_bytes` is what a download transfers; `torchvision` is the class that reads it, with
    the arguments of its official training and test parts. `by_hand` says where to get the files
    of a dataset that digitlab does not download itself.
    """

    name: str
    title: str
    about: str
    source: str
    train_size: int
    test_size: int
    classes: tuple[str, ...] = DIGITS
    download_bytes: int = 0
    files: tuple[str, ...] = ()
    torchvision: str = ""
    train_args: Mapping[str, object] = field(default_factory=lambda: {"train": True})
    test_args: Mapping[str, object] = field(default_factory=lambda: {"train": False})
    transposed: bool = False
    by_hand: str = ""

    @property
    def made_here(self) -> bool:
        """True for what is made on this machine: collections, and mixes of them."""
        return ":" in self.name

    @property
    def embedded(self) -> bool:
        """True where the dataset comes with the installed packages."""
        return not self.files

    def missing_files(self, root: Path) -> tuple[str, ...]:
        """The files, relative to `root`, that are not there or empty."""
        return tuple(name for name in self.files if not _has_bytes(root / name))


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
