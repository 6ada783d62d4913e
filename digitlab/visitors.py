"""What visitors keep in folders of their own, and when they were here.

$DIGITLAB_HOME/visitors/OWNER/
    first           touched when they first kept something
    seen            touched by each visit
    KIND/NAME       architectures, collections, datasets, lessons
"""

from __future__ import annotations

import contextlib
import os
import shutil
import time
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path

from digitlab.errors import DigitlabError
from digitlab.files import writing
from digitlab.owners import (
    MEMBERS,
    OWNER_NAME,
    TEACHERS,
    Visitor,
    may_change,
    new_owner,
    not_yours,
    rooms,
)
from digitlab.settings import read_settings

DAY = 86_400.0
_FIRST, _SEEN = "first", "seen"
_SHARED = ("datasets",)  # what those who are in a room see of what lies in its folder
_place: ContextVar[Path | None] = ContextVar("place", default=None)


def folders(kind: str) -> list[Path]:
    """Where things of this kind lie that may be looked at now, and first where new ones are put."""
    if (place := _place.get()) is not None:
        return [place / kind]
    owner, everybody = new_owner(), read_settings().home / kind
    if owner is None:
        return [everybody]
    shared = _room_folders(owner, MEMBERS, TEACHERS) if kind in _SHARED else []
    return [root() / owner / kind, *(folder / kind for folder in shared), everybody]


@contextlib.contextmanager
def keeping_in(folder: Path) -> Iterator[None]:
    """While this lasts, this thread finds what lies in a room's folder, and keeps things there."""
    token = _place.set(folder)
    try:
        yield
    finally:
        _place.reset(token)


def _room_folders(owner: str, *parts: str) -> list[Path]:
    """The folders of the rooms that have the owner in one of these parts."""
    marks = [mark for part in parts for mark in rooms().glob(f"*/{part}/{owner}")]
    return sorted({mark.parents[1] for mark in marks})


def find(kind: str, name: str) -> Path:
    """Where the thing of this kind and name lies, or is to lie where there is none."""
    places = [folder / name for folder in folders(kind)]
    return next((place for place in places if place.exists()), places[0])


def find_own(kind: str, name: str, error: type[DigitlabError], what: str) -> Path:
    """`find` for what is to be changed; `error` where it is everybody's and may not be."""
    place = find(kind, name)
    if place.parent == folders(kind)[0] or may_change(None):
        return place
    raise error(not_yours(what))


def find_new(kind: str, name: str) -> Path:
    """Where what is made now goes: among a visitor's own things, whatever everybody has."""
    return find(kind, name) if may_change(None) else folders(kind)[0] / name


def root() -> Path:
    """The folder of what visitors keep, a folder each."""
    return read_settings().home / "visitors"


def count_bytes() -> int:
    """Bytes of all runs, of all visitors' things and of rooms."""
    return sum(map(bytes_in, (read_settings().runs, root(), rooms())))


def bytes_of(owner: str) -> int:
    """Bytes of a visitor's things, and of the rooms that they teach."""
    return sum(map(bytes_in, (root() / owner, *_room_folders(owner, TEACHERS))))


def bytes_in(folder: Path) -> int:
    """Bytes of all files in a folder."""
    total = 0
    for path in folder.rglob("*"):
        with contextlib.suppress(OSError):  # removed meanwhile
            total += path.lstat().st_size * path.is_file()
    return total


def note_visit(owner: str) -> None:
    """Remember that somebody who keeps something was here just now; see `last_visits`."""
    with contextlib.suppress(OSError):  # who keeps nothing has no folder
        os.utime(root() / owner / _SEEN)


def note_things(owner: str) -> None:
    """Remember that somebody keeps something from now on."""
    seen = root() / owner / _SEEN
    with writing(seen):
        seen.parent.mkdir(parents=True, exist_ok=True)
        if not seen.exists():
            seen.with_name(_FIRST).touch()
        seen.touch()


def last_visits() -> dict[str, float]:
    """When each owner who has a folder was here last, seconds since 1970; the oldest first."""
    times = {}
    for seen in root().glob(f"*/{_SEEN}"):
        if OWNER_NAME.fullmatch(seen.parent.name):
            times[seen.parent.name] = seen.stat().st_mtime
    return dict(sorted(times.items(), key=lambda item: item[1]))


def first_visit(owner: str) -> float:
    """When somebody first kept something, seconds since 1970; 0 where that was not noted."""
    return _time_of(root() / owner / _FIRST)


def last_visit(owner: str) -> float:
    """When somebody who keeps something was here last, seconds since 1970; 0 for anybody else."""
    return _time_of(root() / owner / _SEEN)


def _time_of(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def newcomers() -> list[str]:
    """The owners who first kept something within a day."""
    day_ago = time.time() - DAY
    return [owner for owner in last_visits() if first_visit(owner) > day_ago]


def has_things(owner: str) -> bool:
    """Whether somebody keeps, or kept, anything here."""
    return last_visit(owner) > 0


def move_things(owner: str, new_owner: str) -> None:
    """Move what a visitor saved to another; what has a name that is taken there stays."""
    note_things(new_owner)
    for path in (root() / Visitor(owner).owner).glob("*/*"):
        target = root() / Visitor(new_owner).owner / path.parent.name / path.name
        if not target.exists():
            with writing(target):
                target.parent.mkdir(exist_ok=True)
                path.rename(target)
    if not any((root() / owner).glob("*/*")):
        remove_folder(owner)


def remove_folder(owner: str) -> None:
    """Delete all that lies in a visitor's folder."""
    shutil.rmtree(root() / Visitor(owner).owner, ignore_errors=True)


def remove_things(owner: str) -> None:
    """Delete what a visitor saved, but not when they were here."""
    for path in (root() / Visitor(owner).owner).glob("*/"):
        shutil.rmtree(path, ignore_errors=True)
