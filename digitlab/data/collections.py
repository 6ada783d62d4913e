"""Collections: labelled drawings that a person saved; each collection is a dataset.

    $DIGITLAB_HOME/collections/NAME/
        000001_7_1f0c33ab.json    the first drawing, labelled 7: its 28×28 image and its strokes
        collection.json           its title; its time tells when anything changed

What a visitor keeps lies in that visitor's folder (see `owners`). A file is there whole or not at
all and a label is part of its name, so any number of visitors may keep drawings at the same time.
In the catalog a collection is called `collection:NAME`. Every third drawing of each digit, from the
second on, is held out as the test part, so that what was learnt is measured on drawings that were
not learnt from.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
import secrets
import shutil
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from digitlab import quotas, visitors
from digitlab.data.info import DIGITS
from digitlab.drawing.strokes import check_strokes
from digitlab.errors import DatasetDamagedError, DatasetError, DatasetMissingError
from digitlab.files import write_atomically, writing

KIND = "collection"
FOLDER = "collections"
SIDE = 28
MAX_COLLECTIONS = 100
MAX_DRAWINGS = 5_000  # in one collection …
MAX_BYTES = 20_000_000  # … and bytes of all its files together
MAX_FILE_BYTES = 64_000
_USUAL_BYTES = 3_000  # of a drawing's file
MAX_POINTS = 2_000  # of all strokes of one drawing; longer ones are thinned
HELD_OUT = 3  # every third drawing of a digit is held out
ALLOWED = "1 to 40 small letters, digits and hyphens, beginning with a letter or digit"

_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_FILE = re.compile(r"(\d{6})_(\d)_([0-9a-f]{8})\.json")
META = "collection.json"


class Entry(NamedTuple):
    """A drawing's file: its number, its label, and its id, which stays when the label changes."""

    number: int
    label: int
    id: str
    path: Path


@dataclass(frozen=True, eq=False)
class KeptDrawing:
    """A kept drawing: `image` uint8 [28, 28] as networks read it, 0 paper; `strokes` float32
    [n, 2] in the pixels of the canvas, where they were known; `read` what a network had read.
    """

    id: str
    label: int
    image: np.ndarray
    strokes: tuple[np.ndarray, ...]
    read: int | None
    created: float


def check_name(name: str) -> str:
    """The name; DatasetError unless it is a valid one, so that no path leaves the folder."""
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise DatasetError(
            f"A collection cannot be named {str(name)[:60]!r}: a name has {ALLOWED}.",
            name=str(name)[:60],
        )
    return name


def list_collections() -> tuple[str, ...]:
    """The names of all collections that hold a drawing, in alphabetical order."""
    paths = (path for folder in visitors.folders(FOLDER) for path in folder.glob("*"))
    names = sorted({path.name for path in paths if _NAME.fullmatch(path.name)})
    return tuple(name for name in names if list_entries(name))


def list_entries(name: str) -> list[Entry]:
    """A collection's drawings in the order in which they were saved; empty without any."""
    return _entries_in(collection_folder(name))


def _entries_in(folder: Path) -> list[Entry]:
    try:
        files = [path.name for path in folder.iterdir()]
    except OSError:
        return []
    matches = [(match, folder / file) for file in files if (match := _FILE.fullmatch(file))]
    entries = [Entry(int(m[1]), int(m[2]), f"{m[1]}-{m[3]}", path) for m, path in matches]
    return sorted(entries, key=lambda entry: entry.id)


class NewDrawing(NamedTuple):
    """A drawing to save: `image` uint8 [28, 28], its label, and what else is known of it."""

    image: np.ndarray
    label: int
    strokes: Sequence[Any] = ()
    read: int | None = None


def keep_drawing(name: str, drawing: NewDrawing) -> str:
    """Save a drawing in the collection `name`, which is created if needed; the drawing's id.

    A visitor's goes into one of their own, also where everybody's has that name, which it hides.

    Raises DatasetError for a bad name, label or image and where the collection is full, and
    StoreError where the disk is.
    """
    return keep_drawings(name, [drawing])[0]


def keep_drawings(name: str, drawings: Sequence[NewDrawing]) -> list[str]:
    """`keep_drawing` for several; all are checked before the first is written."""
    folder = visitors.find_new(FOLDER, check_name(name))
    for drawing in drawings:
        _check(drawing)
    entries = _entries_in(folder)
    _check_room(name, entries, len(drawings))
    first = (entries[-1].number if entries else 0) + 1
    ids = []
    for number, drawing in enumerate(drawings, start=first):
        unique = secrets.token_hex(4)
        content = {
            "image": base64.b64encode(np.ascontiguousarray(drawing.image).tobytes()).decode(),
            "strokes": [np.round(stroke, 1).tolist() for stroke in _thin(drawing.strokes)],
            "read": drawing.read,
            "created": time.time(),
        }
        write_atomically(
            folder / f"{number:06d}_{int(drawing.label)}_{unique}.json", json.dumps(content)
        )
        ids.append(f"{number:06d}-{unique}")
    _touch(name)
    return ids


def read_drawings(name: str) -> list[KeptDrawing]:
    """All drawings of a collection, in the order in which they were saved.

    Raises DatasetMissingError where there is none, DatasetDamagedError where a file is damaged.
    """
    return [read_entry(name, entry) for entry in require_entries(name)]


def relabel(name: str, drawing: str, label: int) -> None:
    """Give a drawing another label; DatasetError where it is not there."""
    entry = _find_own(name, drawing)
    target = entry.path.with_name(f"{drawing[:6]}_{_check_label(label)}_{drawing[7:]}.json")
    with writing(target):
        entry.path.replace(target)
    _touch(name)


def remove_drawing(name: str, drawing: str) -> None:
    """Delete a drawing; DatasetError where it is not there."""
    with writing(entry := _find_own(name, drawing).path):
        entry.unlink(missing_ok=True)
    _touch(name)


def remove_collection(name: str) -> None:
    """Delete a collection with all its drawings; harmless where there is none."""
    shutil.rmtree(_own_folder(name), ignore_errors=True)


def is_held_out(entries: Sequence[Entry]) -> np.ndarray:
    """Which drawings are the test part, bool [N]: of each digit the second, the fifth, …"""
    counts = [0] * len(DIGITS)
    held = []
    for entry in entries:
        held.append(counts[entry.label] % HELD_OUT == 1)
        counts[entry.label] += 1
    return np.array(held, dtype=bool)


def collection_folder(name: str) -> Path:
    """Where a collection's files lie; the name is checked before it becomes a path."""
    return visitors.find(FOLDER, check_name(name))


def _own_folder(name: str) -> Path:
    """The folder of a collection that is to be changed; DatasetError where it may not be."""
    return visitors.find_own(FOLDER, check_name(name), DatasetError, f"Collection {name}")


def require_entries(name: str) -> list[Entry]:
    """`list_entries` where there are any; DatasetMissingError where there are none."""
    entries = list_entries(name)
    if not entries:
        names = ", ".join(list_collections()) or "none yet"
        raise DatasetMissingError(
            f"There is no collection {name!r}; there are: {names}. Draw and save a digit on the "
            "Draw page first.",
            name=f"{KIND}:{name}",
        )
    return entries


def _find_own(name: str, drawing: str) -> Entry:
    _own_folder(name)
    entries = [entry for entry in list_entries(name) if entry.id == drawing]
    if not entries:
        raise DatasetError(f"Collection {name} has no drawing {str(drawing)[:40]!r}.", name=name)
    return entries[0]


def _check_label(label: int) -> int:
    if not isinstance(label, int | np.integer) or not 0 <= label < len(DIGITS):
        raise DatasetError(f"A label is a digit from 0 to 9; not {label!r}.")
    return int(label)


def _check(drawing: NewDrawing) -> None:
    _check_label(drawing.label)
    image = drawing.image
    if image.shape != (SIDE, SIDE) or image.dtype != np.uint8:
        raise DatasetError(
            f"A saved drawing is an image uint8 [28, 28]; not {image.dtype} {list(image.shape)}."
        )


def _check_room(name: str, entries: Sequence[Entry], new: int) -> None:
    if not entries:
        own = visitors.folders(FOLDER)[0]
        quotas.check_count(FOLDER, sum(1 for _ in own.glob("*")), DatasetError)
    quotas.check_disk(0, new * _USUAL_BYTES, DatasetError)
    if not entries and len(list_collections()) >= MAX_COLLECTIONS:
        raise DatasetError(f"There are {MAX_COLLECTIONS} collections already: delete one first.")
    size = sum(entry.path.stat().st_size for entry in entries if entry.path.is_file())
    if len(entries) + new > MAX_DRAWINGS or size > MAX_BYTES:
        raise DatasetError(
            f"Collection {name} has no room for {new:,} more: it holds {len(entries):,} drawings "
            f"and {size:,} bytes, of at most {MAX_DRAWINGS:,} and {MAX_BYTES:,}. Start another "
            "collection.",
            name=name,
        )


def _thin(strokes: Sequence[Any]) -> list[np.ndarray]:
    """Strokes of at most MAX_POINTS points together: every other one is left out until it fits."""
    thinned = check_strokes(strokes)[:200]
    while sum(map(len, thinned)) > MAX_POINTS:
        thinned = [np.concatenate([s[:-1:2], s[-1:]]) if len(s) > 2 else s for s in thinned]
    return thinned


def read_entry(name: str, entry: Entry) -> KeptDrawing:
    """One drawing; DatasetDamagedError where its file is damaged."""
    try:
        if entry.path.stat().st_size > MAX_FILE_BYTES:
            raise ValueError("it is too large")
        content = json.loads(entry.path.read_text(encoding="utf-8"))
        pixels = np.frombuffer(base64.b64decode(content["image"], validate=True), np.uint8)
        strokes = tuple(
            np.array(points, np.float32).reshape(-1, 2) for points in content["strokes"]
        )
        image, created = pixels.reshape(SIDE, SIDE).copy(), float(content["created"])
        answer = content.get("read")
        return KeptDrawing(entry.id, entry.label, image, strokes, answer, created)
    except (OSError, ValueError, KeyError, TypeError, binascii.Error) as e:
        raise DatasetDamagedError(
            f"Collection {name} has a damaged file, {entry.path} ({e}): delete it.",
            name=f"{KIND}:{name}",
        ) from e


def _touch(name: str) -> None:
    """Mark a collection as changed: cached datasets are keyed by the times of their files."""
    if list_entries(name):
        write_atomically(
            collection_folder(name) / META, json.dumps({"title": f"Collection {name}"})
        )
    else:
        remove_collection(name)
