"""What is known of a dataset before it is loaded, and the constants that all of them share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

DIGITS = tuple("0123456789")
SPLITS = ("train", "val", "test")
INPUT_SHAPE = (1, 28, 28)  # channels, height and width of MNIST's images, and of most datasets'
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
    reader: str = ""  # of `published.READERS`, for what torchvision does not read
    first_label: int = 0  # in the files, of the first class
    licence: str = ""
    shape: tuple[int, int, int] = INPUT_SHAPE  # channels, height and width of an image
    own: bool = False  # added under a name of its own: see `own`
    base: str = ""  # of a mix: the identity of the dataset among whose images drawings are mixed

    @property
    def made_here(self) -> bool:
        """True for what is made on this machine: own datasets, collections and mixes of them."""
        return self.own or ":" in self.name

    @property
    def identity(self) -> str:
        """What a fingerprint says beside the images: the name, or the classes of an own dataset,
        which may be renamed, also where it is the base of a mix.
        """
        if self.own:
            return "own:" + "\n".join(self.classes)
        return f"{self.name.partition('+')[0]}+{self.base}" if self.base else self.name

    @property
    def embedded(self) -> bool:
        """True where the dataset comes with the installed packages."""
        return not self.files

    def missing_files(self, root: Path) -> tuple[str, ...]:
        """The files, relative to `root`, that are not there or empty."""
        return tuple(name for name in self.files if find_file(root, name) is None)


def find_file(root: Path, name: str) -> Path | None:
    """Where a dataset's file lies below the data folder; None where it is missing or empty.

    MNIST's own files and those in its form may lie in the dataset's folder or in `raw` in it,
    MNIST's also in the data folder itself, plain or packed (.gz), under Kaggle's names, too.
    """
    return next((path for path in _places(root, name) if _has_bytes(path)), None)


def _places(root: Path, name: str) -> Iterator[Path]:
    path = root / name
    if path.parent.name != "raw":
        yield path
        return
    folders = [path.parent, path.parent.parent]
    if name.startswith("MNIST/"):
        folders.append(root)
    kaggle = path.name.replace("-idx", ".idx")  # also in a folder of the file's usual name
    for folder in folders:
        for file in (path.name, kaggle, f"{path.name}/{path.name}", f"{path.name}/{kaggle}"):
            yield folder / file
            yield folder / f"{file}.gz"


def _has_bytes(path: Path) -> bool:
    return path.is_file() and path.stat().st_size > 0
