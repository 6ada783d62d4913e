"""Datasets that are made on this machine: own ones, collections, and mixes of these.

An own dataset has a plain name (see `own`). `collection:NAME` is a collection of saved drawings;
`mix:NAME+BASE` is what a run is fine-tuned on: the collection's training drawings, several times
over, among a sample of the dataset BASE, so that the network does not forget them. The test part of
both are the collection's held-out drawings.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from digitlab.data import collections, own
from digitlab.data.catalog import find_entry
from digitlab.data.info import DatasetInfo
from digitlab.errors import DatasetError

if TYPE_CHECKING:
    from digitlab.data.readers import Part

MIX = "mix"
BASE_IMAGES = 2_000  # of the base dataset in a mix
DRAWN_IMAGES = 1_000  # to which the drawings are repeated …
MOST_REPEATS = 40  # … each so often at most
_SEED = 0
_BY_HAND = "Its drawings are made and saved on the Draw page"


def list_infos() -> tuple[DatasetInfo, ...]:
    """Every own dataset and every collection. Mixes are not offered to be looked at."""
    drawn = (_describe_collection(name) for name in collections.list_collections())
    return (*own.list_own(), *drawn)


def describe(name: str) -> DatasetInfo | None:
    """The entry of an own dataset, by its present or a former name, of `collection:NAME` or
    `mix:NAME+BASE`; None where the name is none of these.

    Raises DatasetError for a bad name, DatasetMissingError where there is no such collection, and
    DatasetDamagedError.
    """
    kind, colon, rest = name.partition(":")
    if not colon:
        present = own.find_own(name)
        return own.describe(present) if present else None
    if kind == collections.KIND:
        return _describe_collection(rest)
    return _describe_mix(*_parts(rest)) if kind == MIX else None


def read(info: DatasetInfo, root: Path) -> tuple[Part, Part]:
    """The training and test parts: images uint8 [N, C, H, W] and labels int64 [N]."""
    if info.own:
        return own.read_own(info.name)
    kind, _, rest = info.name.partition(":")
    if kind == collections.KIND:
        return _read_collection(rest)
    return _read_mix(*_parts(rest), root)


def collection_dataset(name: str) -> str:
    """The name of a collection in the catalog."""
    return f"{collections.KIND}:{collections.check_name(name)}"


def mix_dataset(name: str, base: str) -> str:
    """The name in the catalog of a collection mixed with the dataset `base`."""
    return f"{MIX}:{collections.check_name(name)}+{_find_base(base).name}"


def _find_base(name: str) -> DatasetInfo:
    """A dataset of the catalog or an own one, among which drawings may be mixed."""
    present = own.find_own(name)
    return own.describe(present) if present else find_entry(name)


def _parts(rest: str) -> tuple[str, str]:
    name, _, base = rest.partition("+")
    if ":" in base:
        raise DatasetError(
            f"A mix is a collection and a dataset of the catalog or your own; not {rest[:80]!r}."
        )
    return name, base


def _describe_collection(name: str) -> DatasetInfo:
    entries = collections.require_entries(name)
    held = int(collections.is_held_out(entries).sum())
    return DatasetInfo(
        name=collection_dataset(name),
        title=f"Collection {name}",
        about=f"{len(entries):,} drawings saved on the Draw page, framed like MNIST's digits. "
        "Of each digit the second, the fifth and so on are held out as the test part.",
        source="",
        train_size=len(entries) - held,
        test_size=held,
        files=(str(collections.collection_folder(name) / collections.META),),
        by_hand=_BY_HAND,
    )


def _describe_mix(name: str, base: str) -> DatasetInfo:
    drawn, other = _describe_collection(name), _find_base(base)
    if (other.classes, other.shape) != (drawn.classes, drawn.shape):
        raise DatasetError(f"{other.title} has other classes or images than {drawn.title}.")
    sample = min(BASE_IMAGES, other.train_size)
    return DatasetInfo(
        name=mix_dataset(name, base),
        title=f"{drawn.title} among {other.title}",
        about=f"{drawn.train_size:,} drawings, each {_repeats(drawn.train_size)} times, among "
        f"{sample:,} training images of {other.title}; tested on {drawn.test_size:,} drawings.",
        source=other.source,
        train_size=sample + drawn.train_size * _repeats(drawn.train_size),
        test_size=drawn.test_size,
        files=drawn.files + other.files,
        by_hand=_BY_HAND,
        base=other.identity,
    )


def _repeats(drawings: int) -> int:
    return max(1, min(MOST_REPEATS, DRAWN_IMAGES // max(1, drawings)))


def _read_collection(name: str) -> tuple[Part, Part]:
    import numpy as np
    import torch

    entries = collections.require_entries(name)
    drawn = [collections.read_entry(name, entry).image for entry in entries]
    images = torch.from_numpy(np.stack(drawn))[:, None]
    labels = torch.tensor([entry.label for entry in entries])
    held = torch.from_numpy(collections.is_held_out(entries))
    return (images[~held], labels[~held]), (images[held], labels[held])


def _read_mix(name: str, base: str, root: Path) -> tuple[Part, Part]:
    import torch

    from digitlab.data.readers import read_parts

    (drawn, labels), test = _read_collection(name)
    info = _find_base(base)
    (base_images, base_labels), _ = own.read_own(info.name) if info.own else read_parts(info, root)
    if base_images.shape[1:] != drawn.shape[1:]:
        raise DatasetError(f"{info.title} has images of another size than drawings: 28×28.")
    order = torch.randperm(len(base_labels), generator=torch.Generator().manual_seed(_SEED))
    sample = order[:BASE_IMAGES].sort().values
    times = _repeats(len(labels))
    images = torch.cat([base_images[sample], drawn.repeat(times, 1, 1, 1)])
    return (images, torch.cat([base_labels[sample], labels.repeat(times)])), test
