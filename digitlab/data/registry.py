"""Every dataset by name: those of the catalog, and those that were made on this machine."""

from __future__ import annotations

from digitlab.data import derived
from digitlab.data.catalog import CATALOG, EMBEDDED, find_entry
from digitlab.data.info import DatasetInfo
from digitlab.errors import DigitlabError
from digitlab.settings import read_settings


def list_datasets() -> tuple[DatasetInfo, ...]:
    """Every dataset of the catalog, in the order in which they are offered, then collections."""
    return (*CATALOG.values(), *derived.list_infos())


def find_dataset(name: str) -> DatasetInfo:
    """The dataset `name`; DatasetError with the nearest names where there is none.

    A name `KIND:REST` is of a dataset that was made on this machine: see `derived`.
    """
    kind, colon, rest = str(name).lower().strip().partition(":")
    made_here = derived.describe(kind, rest) if colon else None
    return made_here or find_entry(name)


def dataset_title(name: str) -> str:
    """A dataset's title, or `name` itself if this machine does not know the dataset."""
    try:
        return find_dataset(name).title
    except DigitlabError:
        return name


def is_available(name: str) -> bool:
    """Whether the dataset can be loaded without a download."""
    return not find_dataset(name).missing_files(read_settings().data)


def default_dataset() -> str:
    """`mnist` where its files are on disk, else the embedded dataset."""
    return "mnist" if is_available("mnist") else EMBEDDED
