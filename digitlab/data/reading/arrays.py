"""Named arrays → a `Part` for each part of the data; those of NPZ and NPY are read here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import BinaryIO

import numpy as np

from digitlab.data.reading import exported, limits
from digitlab.data.reading.files import BROKEN, File
from digitlab.data.reading.part import (
    IMAGE_NAMES,
    LABEL_NAMES,
    Part,
    find_column,
    find_split,
    strip_split,
    words_of,
)
from digitlab.data.reading.pixels import compact
from digitlab.data.reading.tables import find_layout
from digitlab.errors import UnclearFileError, UploadError, reason
from digitlab.words import size

_AT_ONCE = 8_000_000  # bytes
_PREFERRED = ("images", "image", "x", "data")
PICKLED = (
    "It holds Python objects, which only pickle opens, and opening a pickle runs whatever code is "
    "in it: it is not read. If you trust the file, convert it yourself: "
)


@dataclass(frozen=True)
class NamedArray:
    """An array by name, shape and type; `read` gives its values, first axis first, in chunks."""

    name: str
    shape: tuple[int, ...]
    dtype: np.dtype
    read: Callable[[], Iterator[np.ndarray]]

    @property
    def role(self) -> str:
        """images, labels or "", by its name."""
        words = [word for word in words_of(self.name) if word != "names"]
        if len(words) < len(words_of(self.name)):
            return ""
        if any(word in LABEL_NAMES for word in words):
            return "labels"
        joined = strip_split(self.name)
        known = joined in IMAGE_NAMES or any(word in IMAGE_NAMES for word in words)
        return "images" if known else ""

    def check(self, where: str) -> None:
        """UploadError for objects, for what is no number, and for more than is read."""
        if self.dtype.hasobject:
            raise UploadError(
                f"{self.name!r} of {where} is of the type {self.dtype}. {PICKLED}"
                "np.savez('digits.npz', images=np.stack(list(images)), labels=labels)."
            )
        count = self.dtype.itemsize
        for length in self.shape:  # plain numbers, which do not overflow
            count *= int(length)
        if count > limits.MAX_UNPACKED or not 1 <= len(self.shape) <= 4:
            raise UploadError(
                f"{self.name!r} of {where} has the shape {list(self.shape)}; at most "
                f"{limits.MAX_IMAGES:,} images and {size(limits.MAX_UNPACKED, 0)} are read."
            )


def find_parts(
    arrays: Sequence[NamedArray], where: str, label_column: str | int | None
) -> list[Part]:
    """The parts that arrays make up, by their names; by their shapes where no name says it."""
    labels = {find_split(a.name): a for a in arrays if a.role == "labels" and len(a.shape) < 3}
    if label_column is not None:
        chosen = arrays[find_column([a.name for a in arrays], label_column, where)]
        labels = {**labels, find_split(chosen.name): chosen}
    rest = [a for a in arrays if a not in labels.values()]
    images: dict[str, NamedArray] = {}
    notes = []
    for array in sorted((a for a in rest if a.role == "images"), key=_preference):
        first = images.setdefault(find_split(array.name), array)
        if first is not array:
            notes.append(f"{array.name} of {where} was left out beside {first.name}.")
    if not images or not labels:
        images, labels, more = _by_shape(arrays, images, labels, where)
        notes += more
    parts = []
    for split in sorted(images, key=["train", "val", "test", ""].index):
        array, label = images[split], labels.get(split)
        if label is None:
            notes.append(f"{array.name} of {where} has no labels: it was left out.")
            continue
        parts.append(_join(array, label, split if len(images) > 1 else "", where))
    parts[0].notes = notes + parts[0].notes
    return parts


def _preference(array: NamedArray) -> int:
    name = strip_split(array.name)
    return _PREFERRED.index(name) if name in _PREFERRED else len(_PREFERRED)


def _by_shape(arrays, images, labels, where: str):
    """The one pair of arrays that fit each other, where names say too little."""
    usable = [a for a in arrays if a.shape and not a.dtype.hasobject]
    if any(a.dtype.hasobject for a in arrays) and len(usable) < 2:
        next(a for a in arrays if a.dtype.hasobject).check(where)
    flat = [a for a in usable if len(a.shape) == 1 or sorted(a.shape)[:-1] == [1]]
    if labels:
        flat = [a for a in arrays if a in labels.values()]
    tall = [a for a in images.values() if len(a.shape) > 1]
    tall = tall or [a for a in usable if a not in flat and len(a.shape) > 1]
    pairs = [(t, f) for t in tall for f in flat if max(f.shape) in (t.shape[0], t.shape[-1])]
    if len(pairs) == 1:
        ((image, label),) = pairs
        note = f"{where}: {image.name} was read as images and {label.name} as labels, by shape."
        return {"": image}, {"": label}, [note]
    if len(pairs) > 1:
        names = tuple(dict.fromkeys(label.name for _, label in pairs))
        raise UnclearFileError(
            f"Which array of {where} holds the labels: {', '.join(names[:5])}? "
            f"label_column={names[0]!r} answers it.",
            argument="label_column",
            choices=names,
        )
    absent = "images" if not tall else "labels"
    have = ", ".join(f"{a.name}" for a in arrays[:8]) or "none"
    raise UploadError(f"{where} has no array named {absent!r}; it has {have}.")


def _join(array: NamedArray, label: NamedArray, split: str, where: str) -> Part:
    array.check(where)
    label.check(where)
    if array.dtype.kind not in "biuf":
        raise UploadError(
            f"{array.name!r} of {where} must hold numbers (images uint8 of 0…255); not "
            f"{array.dtype}."
        )
    labels, notes = _flat_labels(np.concatenate(list(label.read()) or [[]]), label.name)
    if len(labels) > limits.MAX_IMAGES:
        raise UploadError(
            f"{where} has {len(labels):,} images; at most {limits.MAX_IMAGES:,} are read."
        )
    last = len(labels) not in array.shape[:1] and array.shape[-1] == len(labels)
    if last:
        images = np.moveaxis(np.concatenate(list(array.read())), -1, 0)
        images = compact([images])
    else:
        images = compact(array.read())
    if len(images) != len(labels):
        raise UploadError(
            f"There are {len(images):,} images and {len(labels):,} labels: they must match."
        )
    return Part(array.name, images, labels, split, notes=notes)


def _flat_labels(values: np.ndarray, name: str) -> tuple[np.ndarray, list[str]]:
    """Labels [N] of [N, 1], [1, N], one-hot [N, K], or QMNIST's fields [N, 8]."""
    if values.ndim == 2 and 1 in values.shape:
        values = values.ravel()
    notes = []
    if values.ndim == 2:
        if np.isin(values, (0, 1)).all() and (values.sum(axis=1) == 1).all():
            values = values.argmax(axis=1)
            notes.append(f"{name} is one-hot: the position of its 1 was read as the label.")
        elif values.dtype.kind in "iu" and values.shape[1] == 8:
            values = values[:, 0]
            notes.append(f"{name} has 8 fields, as QMNIST's: the first was read as the label.")
    if values.ndim != 1:
        raise UploadError(f"{name!r} has the shape {list(values.shape)}; labels are [N].")
    if values.dtype.kind in "SU":
        values = values.astype(str)
    elif values.dtype.kind == "f" and (values == np.rint(values)).all():
        values = values.astype(np.int64)
    elif values.dtype.kind == "f":
        raise UploadError(f"{name!r} holds {values.dtype} that are no whole numbers: no labels.")
    return values if values.dtype.kind in "U" else values.astype(np.int64), notes


# NPY and NPZ


def open_npy(file: File, name: str) -> NamedArray:
    """An array of a .npy; its head is read and checked before its content is."""
    try:
        with file.open() as stream:
            shape, fortran, dtype = _read_head(stream, name)
    except UploadError:
        raise
    except Exception as e:  # the head is parsed as a Python literal, which fails in many ways
        raise UploadError(f"{name!r} is damaged or no array ({reason(e)}).") from e
    if any(length < 0 for length in shape):
        raise UploadError(f"{name!r} is damaged: its shape is {list(shape)}.")

    def read() -> Iterator[np.ndarray]:
        try:
            with file.open() as stream:
                if fortran or not shape or dtype.hasobject:
                    yield np.lib.format.read_array(stream, allow_pickle=False)
                    return
                _read_head(stream, name)
                yield from _read_chunks(stream, shape, dtype)
        except BROKEN as e:
            raise UploadError(f"{name!r} is damaged or no array ({reason(e)}).") from e

    return NamedArray(name, shape, dtype, read)


def _read_head(stream: BinaryIO, name: str) -> tuple[tuple[int, ...], bool, np.dtype]:
    version = np.lib.format.read_magic(stream)
    reader = {
        (1, 0): np.lib.format.read_array_header_1_0,
        (2, 0): np.lib.format.read_array_header_2_0,
    }.get(version)
    if reader is None:
        raise UploadError(f"{name!r} is of .npy version {version}; 1.0 and 2.0 are read.")
    return reader(stream)


def _read_chunks(stream: BinaryIO, shape: tuple[int, ...], dtype: np.dtype):
    row = dtype.itemsize * int(np.prod(shape[1:], dtype=np.int64))
    rows = max(1, _AT_ONCE // max(1, row))
    for start in range(0, shape[0], rows):
        count = min(rows, shape[0] - start)
        content = stream.read(count * row)
        if len(content) != count * row:
            raise ValueError("it ends too early")
        yield np.frombuffer(content, dtype).reshape(count, *shape[1:])


def read_npy(file: File, where: str, label_column: str | int | None) -> list[Part]:
    """A lone .npy: rows of a label and pixels, or fields; UploadError where it has no labels."""
    array = open_npy(file, where)
    fields = array.dtype.names
    if fields:
        array.check(where)
        whole = np.concatenate(list(array.read()))
        named = [in_memory(name, whole[name]) for name in fields]
        return find_parts(named, where, label_column)
    array.check(where)
    if len(array.shape) != 2:
        raise UploadError(
            f"{where} holds one array, {list(array.shape)}, and no labels: save both, "
            "np.savez('digits.npz', images=images, labels=labels)."
        )
    values = compact(array.read())
    names = tuple(map(str, range(values.shape[1])))
    rows = [[f"{value:g}" for value in row] for row in values[:200]]
    layout, notes = find_layout(names, rows, where, label_column, False)
    labels = layout.find_labels(values, where)
    return [Part(where, values[:, layout.pixels], labels, notes=notes)]


def in_memory(name: str, values: np.ndarray) -> NamedArray:
    """An array that is already in memory."""
    return NamedArray(name, values.shape, values.dtype, lambda: iter([values]))


def read_npz(files: Sequence[File], where: str, label_column: str | int | None) -> list[Part]:
    """The arrays of an NPZ, or of .npy files beside each other."""
    named = [file for file in files if file.name.lower().endswith(".npy")]
    arrays = [open_npy(file, file.name[:-4][-80:]) for file in named]
    marks = [array for array in arrays if array.name == exported.ARRAY]
    arrays = [array for array in arrays if array not in marks]
    parts = find_parts(arrays, where, label_column)
    for mark in marks:
        if mark.dtype == np.uint8 and mark.shape and mark.shape[0] <= exported.MAX_BYTES:
            content = np.concatenate(list(mark.read())).tobytes()
            for part in parts:
                part.classes, part.exported = exported.read_mark(content, where), True
    return parts
