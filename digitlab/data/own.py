"""Own datasets: images that a person added under a name, and versions made of them.

    $DIGITLAB_HOME/datasets/NAME/
        images.safetensors    train_images and test_images uint8 [N, C, H, W] (0 paper, 255 ink),
                              train_labels and test_labels int64 [N]
        facts.json            `Facts`: classes, how the file was read, the parent and the changes

What a visitor adds lies in that visitor's folder (see `owners`). A folder is written beside its
place and renamed into it: it is there whole or not at all, and of two processes that add one name
the second is told so. Names are checked before they become paths.
"""

from __future__ import annotations

import contextlib
import os
import re
import secrets
import shutil
import time
from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import BaseModel, ConfigDict, ValidationError

from digitlab import quotas, visitors
from digitlab.data.catalog import CATALOG
from digitlab.data.info import DIGITS, DatasetInfo
from digitlab.errors import DatasetDamagedError, DatasetError, DatasetMissingError, StoreError
from digitlab.files import write_atomically, write_tensors, writing
from digitlab.owners import may_change
from digitlab.settings import read_settings
from digitlab.words import counted, percent, size

if TYPE_CHECKING:
    import numpy as np
    import torch

    from digitlab.data.dataset import Dataset
    from digitlab.data.readers import Part
    from digitlab.data.reading.images import LabelledImages

FOLDER = "datasets"
FACTS = "facts.json"
IMAGES = "images.safetensors"
TEST_FRACTION = 0.2  # of a file that has no test part
MAX_DATASETS = 200
MAX_BYTES = 8_000_000_000  # of all own datasets together
MAX_SIDE = 128  # pixels
MAX_CLASSES = 1_000
MAX_CHANGES = 1_000_000
ALLOWED = "1 to 40 small letters, digits and hyphens, beginning with a letter or digit"
_RESERVED = {"upload", "latest"}
_STALE_SECONDS = 3_600.0  # nobody writes a dataset for so long
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


class Change(BaseModel):
    """One change of a version: image `index` of the parent's official part `split` ("train", of
    which validation is drawn, or "test") has another `label`, or is dropped where that is None.
    """

    model_config = ConfigDict(frozen=True)

    split: str
    index: int
    label: int | None = None


class Parent(BaseModel):
    """The dataset that a version was made of, as it was then."""

    model_config = ConfigDict(frozen=True)

    name: str
    fingerprint: str


class Facts(BaseModel):
    """What is remembered of an own dataset beside its images.

    `file` is the source file's name, `read` how it was read (the arguments of `read_images`, as
    code), `split` how train and test came about; `fingerprint` is that of the `Dataset`, equal for
    equal images, labels and classes; `former_names` are kept so that runs still find the dataset.
    `writers` are the numbers of those who wrote the images, the training part's first, where they
    are known.
    """

    model_config = ConfigDict(frozen=True)

    classes: tuple[str, ...]
    shape: tuple[int, int, int]
    train_size: int
    test_size: int
    fingerprint: str
    created: float
    file: str = ""
    read: str = ""
    split: str = ""
    notes: tuple[str, ...] = ()
    parent: Parent | None = None
    changes: tuple[Change, ...] = ()
    former_names: tuple[str, ...] = ()
    writers: tuple[int, ...] = ()


@dataclass(frozen=True, eq=False)
class Parts:
    """Images uint8 [N, C, H, W] and labels int64 [N] of the official training and test part."""

    train_images: torch.Tensor
    train_labels: torch.Tensor
    test_images: torch.Tensor
    test_labels: torch.Tensor


def check_name(name: str) -> str:
    """The name, in small letters; DatasetError unless it may be that of an own dataset."""
    text = name.strip().lower() if isinstance(name, str) else ""
    if not _NAME.fullmatch(text):
        raise DatasetError(
            f"A dataset cannot be named {str(name)[:60]!r}: a name has {ALLOWED}.",
            name=str(name)[:60],
        )
    if text in CATALOG or text in _RESERVED:
        raise DatasetError(f"The name {text} is taken: choose another one.", name=text)
    return text


def check_free(name: str, renamed: str = "") -> str:
    """`check_name`; DatasetError also where an own dataset is or was called so, by which runs find
    it. The dataset to be `renamed` may take a former name of its own.
    """
    name = check_name(name)
    if _folder(name).is_dir():
        raise DatasetError(
            f"There is a dataset named {name} already: choose another name, or delete it first.",
            name=name,
        )
    present = find_own(name)
    if present not in (None, renamed):
        raise DatasetError(
            f"{name} is a former name of the dataset {present}, which runs still find by it: "
            "choose another name.",
            name=name,
        )
    return name


def is_own(name: str) -> bool:
    """Whether there is an own dataset of this name."""
    return bool(_NAME.fullmatch(name)) and (visitors.find(FOLDER, name) / FACTS).is_file()


def list_own() -> list[DatasetInfo]:
    """The catalog's entry of every own dataset that can be read, in alphabetical order."""
    infos = []
    for name in _list_names():
        try:
            infos.append(describe(name))
        except DatasetError:  # a damaged one, or one that was just removed
            continue
    return infos


def list_damaged() -> list[str]:
    """The names of own datasets whose facts or images cannot be read."""
    damaged = []
    for name in _list_names():
        try:
            describe(name)
        except DatasetDamagedError:
            damaged.append(name)
        except DatasetError:
            continue
    return damaged


def find_own(name: str) -> str | None:
    """The present name of the own dataset that is or was called `name`; None without one."""
    if not _NAME.fullmatch(name):
        return None
    if visitors.find(FOLDER, name).is_dir():
        return name
    for root in visitors.folders(FOLDER):
        with contextlib.suppress(FileNotFoundError):
            if present := _present_names(root, root.stat().st_mtime_ns).get(name):
                return present
    return None


@lru_cache(maxsize=8)
def _present_names(root: Path, mtime_ns: int) -> dict[str, str]:
    """The present names of datasets by their former ones; a new name changes the folder's time."""
    return {former: name for name in _names_in(root) for former in former_names(name)}


def former_names(name: str) -> tuple[str, ...]:
    """What an own dataset was called before; empty where it cannot be read or is none."""
    try:
        return read_facts(name).former_names
    except DatasetError:
        return ()


def describe(name: str) -> DatasetInfo:
    """The catalog's entry of an own dataset; raises as `read_facts` does."""
    facts = read_facts(name)
    if not (images := visitors.find(FOLDER, name) / IMAGES).is_file():
        raise _damaged(name, f"{images.name} is missing")
    source = f"read from {facts.file}" if facts.file else "added by hand"
    if facts.writers:
        source = f"drawn by {counted(len(set(facts.writers)), 'writer')}"
    if facts.parent:
        changes = counted(len(facts.changes), "change")
        source = f"a version of {facts.parent.name} with {changes}"
    whose = " of your own" if is_changeable(name) else ""
    return DatasetInfo(
        name=name,
        title=name,
        about=f"{counted(facts.train_size + facts.test_size, 'image')}{whose}, {source}. "
        f"{facts.split}".strip(),
        source="",
        train_size=facts.train_size,
        test_size=facts.test_size,
        classes=facts.classes,
        shape=facts.shape,
        files=(str(images.with_name(FACTS)), str(images)),
        by_hand="It was added on this machine",
        own=True,
    )


def read_facts(name: str) -> Facts:
    """What is remembered of an own dataset.

    Raises DatasetMissingError where there is none, DatasetDamagedError where it is damaged.
    """
    path = _folder(name) / FACTS
    try:
        state = path.stat()
        return _parse(path, state.st_mtime_ns, state.st_size)
    except FileNotFoundError:
        if path.parent.is_dir():
            raise _damaged(name, f"{FACTS} is missing") from None
        raise _missing(name) from None
    except (OSError, ValidationError, ValueError) as e:
        raise _damaged(name, str(e).splitlines()[0]) from e


@lru_cache(maxsize=256)
def _parse(path: Path, mtime_ns: int, length: int) -> Facts:
    """The facts, read again when the file's time or length changes."""
    return Facts.model_validate_json(path.read_bytes())


def read_own(name: str) -> tuple[Part, Part]:
    """The training and test parts: images uint8 [N, C, H, W] and labels int64 [N] each.

    Raises DatasetMissingError and DatasetDamagedError.
    """
    from safetensors import SafetensorError
    from safetensors.torch import load_file

    facts = read_facts(name)
    try:
        tensors = load_file(_folder(name) / IMAGES)
        parts = Parts(**tensors)
        _check_parts(parts, facts.classes, name)
        sizes = len(parts.train_labels), len(parts.test_labels)
        if sizes != (facts.train_size, facts.test_size):
            raise ValueError(f"it holds {sizes[0]:,} and {sizes[1]:,} images")
        if _fingerprint(parts, facts.classes) != facts.fingerprint:
            raise ValueError("its images are not those that were added")
    except (OSError, SafetensorError, ValueError, TypeError, DatasetError) as e:
        raise _damaged(name, str(e)) from e
    return (parts.train_images, parts.train_labels), (parts.test_images, parts.test_labels)


def add_images(
    name: str,
    images: LabelledImages,
    *,
    test_fraction: float = TEST_FRACTION,
    seed: int = 0,
    draw_test: bool = False,
) -> DatasetInfo:
    """Keep labelled images as the dataset `name`.

    Train and test are those of the file; where it has no test part, or with `draw_test`,
    `test_fraction` of each class is drawn with `seed`. Raises DatasetError for a name that is not
    allowed or taken, for fewer than two classes, an empty part, and what is too large; StoreError
    where the disk is full.
    """
    whole = replace(images, parts=()) if draw_test else images
    parts, split = _split(whole, test_fraction, seed)
    split += _tell_unseen(parts, images.classes)
    return _add(
        name,
        parts,
        images.classes,
        file=images.name,
        read=images.source,
        split=split,
        notes=images.notes,
    )


def add_written(
    name: str,
    images: np.ndarray,
    labels: np.ndarray,
    writers: np.ndarray,
    held_out: Collection[int],
) -> DatasetInfo:
    """Keep digits uint8 [N, 1, 28, 28] with labels and writers, int64 [N], as the dataset `name`.

    Those of the writers `held_out` are the test part: networks are tested on writers from whom they
    learnt nothing. Raises DatasetError where one of the parts would be empty, and as `add_images`.
    """
    import numpy as np
    import torch

    in_test = np.isin(writers, sorted(held_out))
    order = np.concatenate([np.flatnonzero(~in_test), np.flatnonzero(in_test)])
    pixels, numbers = torch.from_numpy(images[order]), torch.from_numpy(labels[order])
    train = int((~in_test).sum())
    writer_numbers = ", ".join(map(str, sorted({*writers[in_test].tolist()})))
    return _add(
        name,
        Parts(pixels[:train], numbers[:train], pixels[train:], numbers[train:]),
        DIGITS,
        split=f"The test part is of other writers than the training part: {writer_numbers}.",
        writers=tuple(writers[order].tolist()),
    )


def add_version(
    name: str, parent: Dataset, changes: Sequence[Change], *, notes: Sequence[str] = ()
) -> DatasetInfo:
    """Keep `parent`, any whole dataset, with some changes as the dataset `name`.

    The version is stored whole, so that it stays when its parent is removed, and remembers the
    parent's name and fingerprint and the changes. Raises DatasetError for a change of an image or
    to a label that is not there, and as `add_images` does.
    """
    if len(changes) > MAX_CHANGES:
        raise DatasetError(f"A version has at most {MAX_CHANGES:,} changes; not {len(changes):,}.")
    whole = official_parts(parent)
    train = _apply(changes, "train", whole.train_images, whole.train_labels, parent.classes)
    test = _apply(changes, "test", whole.test_images, whole.test_labels, parent.classes)
    unknown = next((change.split for change in changes if change.split not in _OFFICIAL), None)
    if unknown is not None:
        raise DatasetError(
            f"A change is in the official part 'train', of which validation is drawn, or 'test'; "
            f"not {unknown!r}."
        )
    return _add(
        name,
        Parts(*train, *test),
        parent.classes,
        file=read_facts(parent.name).file if is_own(parent.name) else "",
        split=f"Train and test are those of {parent.info.title}.",
        notes=tuple(notes),
        parent=Parent(name=parent.name, fingerprint=parent.fingerprint),
        changes=tuple(changes),
    )


_OFFICIAL = ("train", "test")


def official_parts(data: Dataset) -> Parts:
    """The official training part of a dataset, train and val in their order, and its test part."""
    whole = data.resplit(0.0).train
    return Parts(whole.images, whole.labels, data.test.images, data.test.labels)


def rename_dataset(name: str, new_name: str) -> DatasetInfo:
    """Give an own dataset another name; runs that used the former one still find it.

    Raises DatasetError for a name that is not allowed or taken, DatasetMissingError.
    """
    new_name, facts = check_free(new_name, check_name(name)), read_facts(name)
    former = tuple(n for n in dict.fromkeys((*facts.former_names, name)) if n != new_name)
    folder = _own_folder(name)
    _write_facts(folder, facts.model_copy(update={"former_names": former}))
    try:
        folder.rename(folder.with_name(new_name))
    except OSError as e:
        check_free(new_name, name)
        raise StoreError(f"{name} could not be renamed ({e.strerror or e}).") from e
    return describe(new_name)


def is_changeable(name: str) -> bool:
    """Whether whoever acts may rename or delete the own dataset: it is theirs, and no room's."""
    return _folder(name).parent == _root() or may_change(None)


def cache_folder(fingerprint: str) -> Path:
    """Where results are cached that were computed from the images of this fingerprint."""
    return read_settings().home / "beside" / f"data-{fingerprint[:32]}"


def delete_dataset(name: str) -> None:
    """Delete an own dataset, a damaged one too; DatasetMissingError where there is none."""
    folder = _own_folder(name)
    hidden = folder.with_name(f".{name}.{secrets.token_hex(4)}")
    try:
        with contextlib.suppress(DatasetError):
            shutil.rmtree(cache_folder(read_facts(name).fingerprint), ignore_errors=True)
        folder.rename(hidden)  # gone at once, also for those who read meanwhile
    except FileNotFoundError:
        raise _missing(name) from None
    except OSError as e:
        raise StoreError(f"{name} could not be deleted ({e.strerror or e}).") from e
    shutil.rmtree(hidden, ignore_errors=True)


# Writing


def _add(name: str, parts: Parts, classes: Sequence[str], **facts: object) -> DatasetInfo:
    name = check_free(name)
    _check_parts(parts, classes, name)
    _check_room(parts, name)
    known = Facts(
        classes=tuple(classes),
        shape=tuple(parts.train_images.shape[1:]),
        train_size=len(parts.train_labels),
        test_size=len(parts.test_labels),
        fingerprint=_fingerprint(parts, classes),
        created=time.time(),
        **facts,
    )
    temporary = _root() / f".{name}.{secrets.token_hex(4)}"
    try:
        write_tensors(temporary / IMAGES, vars(parts))
        _write_facts(temporary, known)
        with writing(_folder(name)):
            try:
                temporary.rename(_folder(name))
            except OSError:
                check_free(name)  # another process was first
                raise
    finally:
        shutil.rmtree(temporary, ignore_errors=True)
    _sweep()
    return describe(name)


def _write_facts(folder: Path, facts: Facts) -> None:
    write_atomically(folder / FACTS, facts.model_dump_json(indent=1) + "\n")


def _fingerprint(parts: Parts, classes: Sequence[str]) -> str:
    import torch

    from digitlab.data.dataset import Dataset, Split

    info = DatasetInfo("", "", "", "", 0, 0, classes=tuple(classes), own=True)
    train = Split("train", parts.train_images, parts.train_labels, _rows(parts.train_labels))
    none = torch.arange(0)
    val = Split("val", parts.train_images[:0], parts.train_labels[:0], none)
    test = Split("test", parts.test_images, parts.test_labels, _rows(parts.test_labels))
    return Dataset(info, train, val, test, 0.0, 0).fingerprint


def _rows(labels: torch.Tensor) -> torch.Tensor:
    import torch

    return torch.arange(len(labels))


def _split(images: LabelledImages, test_fraction: float, seed: int) -> tuple[Parts, str]:
    """The official parts of what was read, and a sentence on how they came about."""
    import torch

    from digitlab.data.dataset import choose

    pixels, labels = torch.from_numpy(images.images), torch.from_numpy(images.labels)
    sizes = dict(images.parts)
    if sizes.get("test") and sum(sizes.values()) > sizes["test"]:
        train = len(labels) - sizes["test"]  # parts lie in the order train, val, test
        sentence = "Train and test are those of the file."
        if sizes.get("val"):
            sentence += f" Its {sizes['val']:,} validation images are part of train."
        return Parts(pixels[:train], labels[:train], pixels[train:], labels[train:]), sentence
    if not 0 < test_fraction < 1:
        raise DatasetError(f"The test fraction lies between 0 and 1; not {test_fraction}.")
    share = max(test_fraction, 1 / max(1, len(labels)))
    in_test = torch.from_numpy(choose(images.labels, share, seed))
    sentence = f"{percent(share, 0)} of each class are the test part, drawn with seed {seed}."
    return Parts(pixels[~in_test], labels[~in_test], pixels[in_test], labels[in_test]), sentence


def _tell_unseen(parts: Parts, classes: Sequence[str]) -> str:
    """A sentence on the classes that a network is tested on and cannot learn; "" without any."""
    unseen = sorted({*parts.test_labels.tolist()} - {*parts.train_labels.tolist()})
    if not unseen:
        return ""
    names = ", ".join(classes[label] for label in unseen[:8])
    more = " …" if len(unseen) > 8 else ""
    return f" There are test images, but no training image, of {names}{more}."


def _apply(
    changes: Sequence[Change], split: str, images: torch.Tensor, labels: torch.Tensor, classes
) -> tuple[torch.Tensor, torch.Tensor]:
    """The images and labels of one official part after the changes."""
    import torch

    mask, labels = torch.ones(len(labels), dtype=torch.bool), labels.clone()
    for change in changes:
        if change.split != split:
            continue
        if not 0 <= change.index < len(labels):
            raise DatasetError(f"There is no image {change.index:,} in {split}: {len(labels):,}.")
        if change.label is None:
            mask[change.index] = False
        elif not 0 <= change.label < len(classes):
            raise DatasetError(f"There is no class {change.label}: there are {len(classes)}.")
        else:
            labels[change.index] = change.label
    return images[mask], labels[mask]


# Checking


def _check_parts(parts: Parts, classes: Sequence[str], name: str) -> None:
    """DatasetError unless the parts are a dataset that networks can learn from."""
    train, test = parts.train_images, parts.test_images
    if not len(train) or not len(test):
        raise DatasetError(
            f"{name} would have {len(train):,} training and {len(test):,} test images: both need "
            "at least one.",
            name=name,
        )
    if train.ndim != 4 or train.shape[1:] != test.shape[1:] or str(train.dtype) != "torch.uint8":
        raise DatasetError(f"Images are uint8 [N, C, H, W]; not {train.dtype} {list(train.shape)}.")
    channels, *sides = train.shape[1:]
    if channels not in (1, 3) or not all(1 <= side <= MAX_SIDE for side in sides):
        raise DatasetError(
            f"Images have 1 or 3 channels and at most {MAX_SIDE}×{MAX_SIDE} pixels; not "
            f"{list(train.shape[1:])}.",
            name=name,
        )
    if not 2 <= len(classes) <= MAX_CLASSES or len(set(classes)) != len(classes):
        raise DatasetError(
            f"A dataset has 2 to {MAX_CLASSES:,} different classes; not {len(classes)}.", name=name
        )
    for images, labels in ((train, parts.train_labels), (test, parts.test_labels)):
        if len(images) != len(labels) or labels.min() < 0 or labels.max() >= len(classes):
            raise DatasetError(f"The labels of {name} do not fit its images or classes.", name=name)


def _check_room(parts: Parts, name: str) -> None:
    names = _names_in(_root())
    if len(names) >= MAX_DATASETS:
        raise DatasetError(f"There are {MAX_DATASETS} own datasets already: delete one first.")
    files = [_root() / other / IMAGES for other in names]
    total = sum(path.stat().st_size for path in files if path.is_file())
    quotas.check_count(FOLDER, len(names), DatasetError)
    new = parts.train_images.nbytes + parts.test_images.nbytes
    quotas.check_disk(0, new, DatasetError)
    if total + new > MAX_BYTES:
        raise DatasetError(
            f"{name} has {size(new)} and the own datasets {size(total)}; together they may have "
            f"{size(MAX_BYTES, 0)}. Delete one first.",
            name=name,
        )


def _sweep() -> None:
    """Remove what was left by processes that were killed while they wrote or deleted."""
    for folder in _root().glob(".*"):
        try:
            if time.time() - folder.stat().st_mtime > _STALE_SECONDS:
                shutil.rmtree(folder, ignore_errors=True)
        except OSError:
            continue


def _root() -> Path:
    """Where new datasets are put."""
    return visitors.folders(FOLDER)[0]


def _folder(name: str) -> Path:
    return visitors.find(FOLDER, check_name(name))


def _own_folder(name: str) -> Path:
    """The folder of a dataset that is to be changed; DatasetError where it may not be."""
    return visitors.find_own(FOLDER, check_name(name), DatasetError, f"The dataset {name}")


def _list_names() -> list[str]:
    return sorted({name for root in visitors.folders(FOLDER) for name in _names_in(root)})


def _names_in(root: Path) -> list[str]:
    try:
        return sorted(entry.name for entry in os.scandir(root) if _NAME.fullmatch(entry.name))
    except OSError:
        return []


def _missing(name: str) -> DatasetMissingError:
    names = ", ".join(_list_names()) or "none yet"
    return DatasetMissingError(
        f"There is no dataset of your own named {name!r}; there are: {names}.", name=name
    )


def _damaged(name: str, reason: str) -> DatasetDamagedError:
    return DatasetDamagedError(
        f"The dataset {name} of your own is damaged ({reason[:160]}): delete it and add it again.",
        name=name,
    )
