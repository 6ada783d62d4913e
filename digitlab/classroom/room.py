"""A room: a class that shares a code of four letters, as it lies on the disk.

    home/rooms/CODE/room.json         title, settings, the digest of the key
    home/rooms/CODE/teachers/OWNER    who knows the key
    home/rooms/CODE/members/OWNER     a learner: number, nickname, when and how they joined
    home/rooms/CODE/former/OWNER      the number of a learner who left, and may come back
    home/rooms/CODE/places/NUMBER     where a learner is now, and when they were seen
    home/rooms/ended/CODE             a room that was here, so that its code says so
    home/rooms/guesses                the wrong codes of the last hour

A code can be guessed. So it shows nothing but the room's title and settings, lets only so many in,
and opens nothing for an hour after many wrong ones. The room's link has eight letters more, which
nobody guesses: whoever opens it, or types all twelve, is never kept out by what others try.
`teachers` opens, changes and ends rooms; `members` lets learners in.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import re
import secrets
import shutil
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from filelock import FileLock
from pydantic import BaseModel, ConfigDict, Field

from digitlab import files, owners
from digitlab.classroom.tries import list_tries, note_try
from digitlab.errors import DigitlabError
from digitlab.owners import MEMBERS, TEACHERS, rooms
from digitlab.settings import read_settings

FORMER, PLACES = "former", "places"  # beside MEMBERS and TEACHERS
MOST_ENDED = 1_000  # whose codes say so
GUESS_SECONDS = 3_600.0
GUESSES, MOST_GUESSES = 10, 100  # wrong codes within them, of one visitor and of all

_LETTERS = "BCDFGHJKLMNPRSTVWXZ"  # neither vowels, which make words, nor letters like digits
_CODE = re.compile(f"[{_LETTERS}]{{4}}")
_MORE = 8  # letters of a link after the code
_RECORD = "room.json"


class RoomError(DigitlabError):
    """A room is unknown or has ended, or whoever acts may not do this in it."""


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="ignore")


class Limits(_Part):
    """What a learner's run may take, beside the limits of the server; None where it is not bounded.

    `seconds` of training, `parameters` of the network, and how many runs of theirs may wait.
    """

    seconds: int | None = Field(default=None, ge=1, le=3_600)
    parameters: int | None = Field(default=None, ge=1)
    waiting: int | None = Field(default=None, ge=1, le=100)


class Member(_Part):
    """A learner. Only `number`, from 1, is kept with what they hand in.

    `page` and `lesson` are where they were when they were `seen`; times are seconds since 1970.
    `by_code`: they typed the room's four letters, and are told no more of its link.
    """

    number: int
    nickname: str
    owner: str
    joined: float
    by_code: bool = False
    seen: float
    page: str = ""
    lesson: str = ""


class Room(_Part):
    """A room as it was read. `lessons` are the ids of those that count, all of them where empty.

    Whoever is not in the room sees no `members`. `invitation` is what the room's link holds: the
    code, and eight letters more for its teachers and whoever came by the link.
    """

    code: str
    invitation: str
    title: str
    opened: float
    paused: bool = False
    anonymous: bool = False
    locked: bool = False
    lessons: tuple[str, ...] = ()
    limits: Limits = Limits()
    members: tuple[Member, ...] = ()

    def name_of(self, number: int) -> str:
        """What a learner is called where others see it: "Learner 3" if names are not shown."""
        names = (member.nickname for member in self.members if member.number == number)
        return (not self.anonymous and next(names, "")) or f"Learner {number}"

    def find_member(self, owner: str | None) -> Member | None:
        """The learner whose things are `owner`'s."""
        return next((member for member in self.members if member.owner == owner), None)

    def find_number(self, number: int) -> Member:
        """The learner of this number; RoomError where there is none."""
        for member in self.members:
            if member.number == number:
                return member
        raise RoomError(f"No learner of room {self.code} has the number {number}.")


def find_room(code: str) -> Room:
    """The room of a code, or of all twelve letters of its link.

    RoomError where there is none, or no longer; and where four letters are not enough for somebody
    who is not in the room, as too many wrong ones were typed in the last hour.
    """
    code, more = split_letters(code)
    if _is_in(code):
        return _as_known(read_room(code))
    if not more:
        _check_guesses()
    try:
        room = read_room(code)
    except RoomError:
        if not more:
            _note_guess(code)
        raise
    typed = code + more
    if more and not hmac.compare_digest(room.invitation.encode(), typed.encode(errors="replace")):
        raise RoomError(_why_none(code))
    return room.model_copy(update={"members": (), "invitation": typed})


def split_letters(typed: str) -> tuple[str, str]:
    """A code as a person types it, and what follows of the link's letters."""
    letters = "".join(str(typed)[:40].upper().split())
    return letters[:4], letters[4:]


def _as_known(room: Room) -> Room:
    """The room without the letters that whoever acts, who is in it, did not come by."""
    member = room.find_member(owners.new_owner())
    if member and member.by_code and not is_teacher(room.code):
        return room.model_copy(update={"invitation": room.code})
    return room


def read_room(code: str) -> Room:
    """`find_room` with all learners, for code that shows none of them to whoever acts."""
    folder = room_folder(code)
    try:
        values = json.loads((folder / _RECORD).read_text(encoding="utf-8"))
        values |= {"code": folder.name, "invitation": _invitation(folder.name, values)}
        members = sorted(_members(folder), key=lambda member: member.number)
        return Room(**{**values, "members": tuple(members)})
    except (OSError, ValueError, TypeError) as e:
        raise RoomError(_why_none(folder.name)) from e


def _invitation(code: str, record: dict[str, Any]) -> str:
    """What the room's link holds; another one with another key."""
    digest = hashlib.sha256(f"invitation {code} {record.get('key')}".encode()).digest()
    return code + "".join(_LETTERS[byte % len(_LETTERS)] for byte in digest[:_MORE])


def _check_guesses() -> None:
    """RoomError where too many wrong codes were typed to tell whether one of four letters is."""
    guesses = list_tries(_guesses(), GUESS_SECONDS)
    mine = guesses.count(str(owners.new_owner()))
    if mine >= GUESSES or len(guesses) >= MOST_GUESSES:
        raise RoomError(
            "Too many wrong codes were typed here within an hour: four letters are not enough now. "
            "Open the room's link, or type all twelve letters from the teacher's screen."
        )


def _note_guess(code: str) -> None:
    if not (_ended() / code).is_file():  # which a class may well come back to
        with changing():
            note_try(_guesses())


def read_if_there(code: str) -> Room | None:
    """The room, unless it has just ended or is damaged."""
    with suppress(RoomError):
        return read_room(code)
    return None


def _members(folder: Path) -> Iterator[Member]:
    for path in (folder / MEMBERS).glob("*"):
        with suppress(OSError, ValueError, TypeError, KeyError):  # one that is being replaced
            values = json.loads(path.read_text(encoding="utf-8"))
            place = folder / PLACES / str(int(values["number"]))
            where = {"seen": values["joined"]}
            with suppress(OSError):
                where = {**json.loads(place.read_text(encoding="utf-8"))}
                where["seen"] = place.stat().st_mtime
            yield Member(**{**values, **where, "owner": path.name})


def list_rooms() -> list[Room]:
    """The rooms of whoever acts, as a teacher or as a learner; the newest first."""
    owner = owners.new_owner()
    sees_all = owners.may_change(None)
    codes = [folder.name for folder in rooms().glob("*/") if _CODE.fullmatch(folder.name)]
    read = [read_if_there(code) for code in codes if sees_all or _knows(rooms() / code, owner)]
    return sorted(map(_as_known, filter(None, read)), key=lambda room: -room.opened)


def _knows(folder: Path, owner: str | None) -> bool:
    return any((folder / part / str(owner)).is_file() for part in (TEACHERS, MEMBERS))


def check_inside(code: str) -> None:
    """RoomError unless whoever acts teaches the room, or is a learner of it."""
    read_record(code)  # which says where there is no such room
    if not _is_in(code):
        raise RoomError(f"Only who is in room {code} sees this: join it first.")


def is_teacher(code: str) -> bool:
    """Whether whoever acts teaches the room."""
    visitor = owners.acting()
    is_all = visitor is None or visitor.admin
    return is_all or (room_folder(code) / TEACHERS / visitor.owner).is_file()


def _is_in(code: str) -> bool:
    return is_teacher(code) or member_file(code, owners.new_owner()).is_file()


def settings_of(code: str) -> dict[str, Any]:
    """What is set in a room; nothing where it has just ended, or is damaged."""
    with suppress(RoomError):
        return read_record(code)
    return {}


def read_record(code: str) -> dict[str, Any]:
    """What is set in a room, as it is written; RoomError where there is none, or no longer."""
    try:
        return json.loads((room_folder(code) / _RECORD).read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise RoomError(_why_none(code)) from e


def write_record(code: str, values: dict[str, Any]) -> None:
    """Write what is set in a room, its key's digest and how many learners it had."""
    files.write_json(room_folder(code) / _RECORD, values)


def list_codes() -> list[str]:
    """The codes of all rooms."""
    return [path.parent.name for path in rooms().glob(f"*/{_RECORD}")]


def check_line(text: str, what: str, most: int) -> str:
    """A line of visible characters, from one to `most`; RoomError of anything else."""
    line = unicodedata.normalize("NFC", str(text)[: 10 * most])
    line = " ".join("".join(c if c.isprintable() else " " for c in line).split())
    if not line or len(line) > most:
        raise RoomError(f"{what} has 1 to {most} characters; this one has {len(line)}.")
    return line


# Folders


def room_folder(code: str) -> Path:
    """Where everything of a room lies; RoomError for what is no code."""
    letters = str(code).strip().upper()
    if not _CODE.fullmatch(letters):
        raise RoomError(
            f"{str(code)[:20]!r} is no code of a room: it has four letters, or twelve with the "
            "link's, and neither vowels nor Q or Y. Look at the teacher's screen again."
        )
    return rooms() / letters


def member_file(code: str, owner: str) -> Path:
    """The file that makes an owner a learner of the room."""
    return room_folder(code) / MEMBERS / owners.Visitor(owner).owner


def new_code() -> str:
    """A code that no room has, or had."""
    while True:
        code = "".join(secrets.choice(_LETTERS) for _ in range(4))
        if not room_folder(code).exists() and not (_ended() / code).exists():
            return code


def _ended() -> Path:
    return rooms() / "ended"


def _guesses() -> Path:
    return rooms() / "guesses"


def _why_none(code: str) -> str:
    if (_ended() / code).is_file():
        return (
            f"Room {code} has ended. What you made stays yours; ask your teacher for the code of "
            "the next room."
        )
    return f"There is no room {code}. Look at the code on the teacher's screen again."


@contextmanager
def changing() -> Iterator[None]:
    """While this lasts, nobody else changes a room."""
    with files.writing(rooms()):
        rooms().mkdir(parents=True, exist_ok=True)
        lock = FileLock(read_settings().home / "rooms.lock")
    with lock:
        yield


@contextmanager
def filling(code: str) -> Iterator[None]:
    """While this lasts, nobody else changes what a class keeps in its room, which does not end.

    RoomError where it has: what is written then would make its folder anew.
    """
    read_record(code)
    with FileLock(_lock_file(code)):
        read_record(code)
        yield


def _lock_file(code: str) -> Path:
    return room_folder(code).with_suffix(".lock")


def remove_room(code: str) -> None:
    """Delete a room's folder, whoever asks; the code says from then on that it has ended."""
    with FileLock(_lock_file(code)):
        shutil.rmtree(room_folder(code), ignore_errors=True)
        files.write_atomically(_ended() / code, "", durable=False)
    with suppress(OSError):  # who waits for the lock finds that the room has ended
        _lock_file(code).unlink()
    marks = sorted(_ended().glob("*"), key=lambda path: path.stat().st_mtime_ns)
    for path in marks[:-MOST_ENDED]:  # so that codes never run out
        path.unlink(missing_ok=True)


def remove_leftovers() -> None:
    """Delete what lies in folders whose room has ended, and could not be deleted then."""
    if not rooms().is_dir():
        return
    with changing():
        for folder in rooms().glob("*/"):
            if _CODE.fullmatch(folder.name) and not (folder / _RECORD).is_file():
                remove_room(folder.name)
