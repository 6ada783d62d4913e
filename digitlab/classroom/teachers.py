"""Teachers: whoever opens a room, or has its key, changes it and ends it.

A teacher sees the learners and what they made (`owners.may_see`), and changes none of that. A
process that acts for no visitor may do everything.
"""

from __future__ import annotations

import time
from typing import Any

from pydantic import ValidationError

from digitlab import files, owners, visitors
from digitlab.classroom.keys import check_key, digest, make_key
from digitlab.classroom.room import (
    Room,
    RoomError,
    changing,
    check_line,
    find_room,
    is_teacher,
    list_codes,
    new_code,
    read_record,
    read_room,
    remove_room,
    room_folder,
    settings_of,
    split_letters,
    write_record,
)
from digitlab.lessons.catalog import find_lesson
from digitlab.owners import TEACHERS, rooms
from digitlab.words import counted

TITLE = 60  # characters at most
MOST_ROOMS = 200  # of a server
MOST_NEW = 1 / 8  # of them may be taught by those who came first today, see `quotas`
MOST_TAUGHT = 10  # of one teacher
_SETTINGS = {"title", "paused", "anonymous", "locked", "lessons", "limits"}


def open_room(title: str) -> tuple[Room, str]:
    """A new room, and its key, which is kept nowhere: whoever has it teaches the room.

    Whoever acts is its first teacher. RoomError where there are too many rooms.
    """
    title = check_line(title, "A room's title", TITLE)
    key, shown = make_key()
    values = {"title": title, "opened": time.time(), "key": digest(key)}
    with changing():
        _check_many()
        code = new_code()
        write_record(code, {**values, "learners": 0})
        _add_teacher(code)
    return find_room(code), shown


def _check_many() -> None:
    if len(list_codes()) >= MOST_ROOMS:
        _end_unused()
    if len(list_codes()) >= MOST_ROOMS:
        raise RoomError(f"There are {MOST_ROOMS} rooms here, and no more are allowed.")
    if not owners.is_bounded():
        return
    owner = owners.new_owner()
    visitors.note_things(owner)
    newcomers = set(visitors.newcomers())
    teachers = [(path.name, path.parents[1]) for path in rooms().glob(f"*/{TEACHERS}/*")]
    of_newcomers = {room for teacher, room in teachers if teacher in newcomers}
    if owner in newcomers and len(of_newcomers) >= MOST_NEW * MOST_ROOMS:
        raise RoomError(
            f"All who came first today have {counted(len(of_newcomers), 'room')} together, and no "
            "more are allowed. Try again tomorrow, or start a server of your own."
        )
    count = sum(teacher == owner for teacher, _ in teachers)
    if count >= MOST_TAUGHT:
        raise RoomError(
            f"You have {counted(count, 'room')}, and no more are allowed. End one first."
        )


def _end_unused() -> None:
    """End the rooms that nobody joined within a day, where others need the place."""
    for code in list_codes():
        record = settings_of(code)
        if record.get("learners") == 0 and time.time() - record["opened"] > visitors.DAY:
            remove_room(code)


def teach(code: str, key: str) -> Room:
    """Let whoever acts teach the room, such as on a second device; the room.

    RoomError where the key is not the room's, and where there were too many wrong ones just now.
    """
    letters, _more = split_letters(code)
    try:
        with changing():
            check_key(letters, key)
            _add_teacher(letters)
    except RoomError:
        find_room(code)  # so that wrong keys tell no more than wrong codes which rooms there are
        raise
    return find_room(letters)


def new_key(code: str) -> str:
    """Another key for a room, which has another link then; the former ones, and who taught the room
    by that key, no longer do.

    RoomError unless a teacher asks, who stays one.
    """
    room, (key, shown) = check_teacher(code), make_key()
    with changing():
        write_record(room.code, {**read_record(room.code), "key": digest(key), "by_code": 0})
        for path in (room_folder(room.code) / TEACHERS).glob("*"):
            if path.name != owners.new_owner():
                path.unlink(missing_ok=True)
    return shown


def _add_teacher(code: str) -> None:
    if visitor := owners.acting():
        visitors.note_things(visitor.owner)  # whose visits keep the room
        files.write_atomically(room_folder(code) / TEACHERS / visitor.owner, "")


def check_teacher(code: str) -> Room:
    """The room with all its learners; RoomError unless whoever acts teaches it."""
    room = read_room(code)
    if not is_teacher(room.code):
        raise RoomError(
            f"Only a teacher of room {room.code} may do this: type the key that was shown when it "
            "was opened."
        )
    return room


def teachers_of(code: str) -> list[str]:
    """The owners who teach a room."""
    return [path.name for path in (room_folder(code) / TEACHERS).glob("*")]


def change_room(code: str, **values: Any) -> Room:
    """Change `title`, `paused`, `anonymous`, `locked`, `lessons` or `limits`; the room afterwards.

    RoomError unless a teacher asks, and for a value that is not allowed; LessonError for a lesson
    that is not there.
    """
    room = check_teacher(code)
    if unknown := set(values) - _SETTINGS:
        raise RoomError(f"A room has {', '.join(sorted(_SETTINGS))}; not {min(unknown)!r}.")
    if "title" in values:
        values["title"] = check_line(values["title"], "A room's title", TITLE)
    for name in values.get("lessons", ()):
        find_lesson(name)  # which says where there is none
    try:
        changed = Room(**{**room.model_dump(), **values}).model_dump(include=set(values))
    except ValidationError as e:
        error = e.errors(include_url=False)[0]
        place = " ".join(map(str, error["loc"]))
        raise RoomError(f"This room's {place} cannot be set: {error['msg'].lower()}.") from e
    with changing():
        write_record(room.code, {**read_record(room.code), **changed})
    return find_room(room.code)


def end_room(code: str) -> None:
    """Delete the room with all that lies in it; the learners keep what they made.

    RoomError unless a teacher asks.
    """
    room = check_teacher(code)
    with changing():
        remove_room(room.code)
