"""Every dataset by name: those of the catalog, and those that were made on this machine."""

from __future__ import annotations

from digitlab.data import derived
from digitlab.data.catalog import CATALOG, EMBEDDED, find_entry
from digitlab.data.info import DatasetInfo, find_file
from digitlab.errors import DigitlabError
from digitlab.settings import read_settings


def list_datasets() -> tuple[DatasetInfo, ...]:
    """Every dataset of the catalog, in the order in which they are offered, own, collections."""
    return (*CATALOG.values(), *derived.list_infos())


def find_dataset(name: str) -> DatasetInfo:
    """The dataset `name`; DatasetError with the nearest names where there is none.

    One that was made on this machine may have a name `KIND:REST`: see `derived`.
    """
    return _find(name) or find_entry(name, [info.name for info in derived.list_infos()])


def _find(name: str) -> DatasetInfo | None:
    text = str(name).lower().strip()
    return find_entry(text) if text in CATALOG else derived.describe(text)


def dataset_title(name: str) -> str:
    """A dataset's title, or `name` itself if this machine does not know the dataset."""
    try:
        info = _find(name)
    except DigitlabError:
        return name
    return info.title if info else name


def is_available(name: str) -> bool:
    """Whether the dataset can be loaded without a download."""
    return not find_dataset(name).missing_files(read_settings().data)


def files_stamp(name: str) -> tuple[tuple[str, ...], float]:
    """A value that changes with the dataset's files; DatasetError for an unknown dataset."""
    root = read_settings().data
    paths = [find_file(root, file) for file in find_dataset(name).files]
    times = [path.stat().st_mtime for path in paths if path is not None]
    return (str(root), *map(str, paths)), max(times, default=0.0)


def default_dataset() -> str:
    """`mnist` where its files are on disk, else the embedded dataset."""
    return "mnist" if is_available("mnist") else EMBEDDED
