"""Members: learners join a room, are somewhere in it, and leave; what their rooms bind them to."""

from __future__ import annotations

import json
import time
from contextlib import suppress

from digitlab import files, owners, visitors
from digitlab.classroom.room import (
    FORMER,
    PLACES,
    Limits,
    Member,
    Room,
    RoomError,
    changing,
    check_line,
    find_room,
    list_codes,
    member_file,
    read_if_there,
    read_record,
    read_room,
    room_folder,
    settings_of,
    write_record,
)
from digitlab.classroom.teachers import check_teacher
from digitlab.lessons.catalog import list_lessons
from digitlab.owners import MEMBERS, TEACHERS, rooms

NICKNAME = 24  # characters at most
MOST_LEARNERS = 100  # of a room
MOST_BY_CODE = 50  # new learners that come by its four letters alone, which strangers may guess


def join_room(code: str, nickname: str) -> Member:
    """Let whoever acts into the room of a code, or of all twelve letters of its link.

    Who is a learner of it already stays the same. RoomError for a nickname that is taken or too
    long, and where nobody may join.
    """
    room, visitor = find_room(code), owners.acting()
    if visitor is None:
        raise RoomError(
            "Learners join a room in their browsers, on a server that tells visitors apart: start "
            "it with DIGITLAB_HOSTED=class."
        )
    nickname, by_code = check_line(nickname, "A nickname", NICKNAME), room.invitation == room.code
    with changing():
        room = read_room(room.code)
        member = room.find_member(visitor.owner)
        if member:
            return member
        _check_joins(room, nickname)
        number = _number_of(room.code, visitor.owner, by_code)
        values = {"number": number, "nickname": nickname, "joined": time.time()}
        files.write_json(member_file(room.code, visitor.owner), values | {"by_code": by_code})
        visitors.note_things(visitor.owner)
    return read_room(room.code).find_member(visitor.owner)


def _number_of(code: str, owner: str, by_code: bool) -> int:
    """The number that a newcomer had before, or the next one."""
    with suppress(OSError, ValueError):
        return int((room_folder(code) / FORMER / owner).read_text(encoding="ascii"))
    record = read_record(code)
    if by_code and record.get("by_code", 0) >= MOST_BY_CODE:
        raise RoomError(
            f"{MOST_BY_CODE} learners came by the four letters alone, and no more may. Open the "
            "room's link, or type all twelve letters from the teacher's screen."
        )
    number, count = int(record["learners"]) + 1, record.get("by_code", 0) + by_code
    write_record(code, {**record, "learners": number, "by_code": count})
    return number


def _check_joins(room: Room, nickname: str) -> None:
    if room.locked:
        raise RoomError(f"Room {room.code} is closed to newcomers: ask your teacher to open it.")
    if len(room.members) >= MOST_LEARNERS:
        raise RoomError(f"Room {room.code} is full: it has {MOST_LEARNERS} learners.")
    if nickname.casefold() in (member.nickname.casefold() for member in room.members):
        raise RoomError("Somebody in this room has that nickname already: choose another.")


def leave_room(code: str) -> None:
    """Let whoever acts out of a room; their number goes to nobody else."""
    with changing():
        room = read_room(code)
        if member := room.find_member(owners.new_owner()):
            _remove(room.code, member)


def remove_members(code: str, *numbers: int) -> None:
    """Send learners out, such as strangers, who may come back unless the room is `locked`.

    RoomError unless a teacher asks.
    """
    with changing():
        room = check_teacher(code)
        for member in [room.find_number(number) for number in numbers]:
            _remove(room.code, member)


def _remove(code: str, member: Member) -> None:
    former = room_folder(code) / FORMER / member.owner
    files.write_atomically(former, str(member.number), durable=False)
    member_file(code, member.owner).unlink(missing_ok=True)
    (room_folder(code) / PLACES / str(member.number)).unlink(missing_ok=True)


def clear_names(code: str, *numbers: int) -> None:
    """Forget the nicknames of these learners, or of all; RoomError unless a teacher asks."""
    with changing():
        room = check_teacher(code)
        for member in room.members:
            if not numbers or member.number in numbers:
                values = member.model_dump(include={"number", "joined", "by_code"})
                files.write_json(member_file(room.code, member.owner), values | {"nickname": ""})


def move_rooms(owner: str, new_owner: str) -> None:
    """Let an owner be another from now on in the rooms that they teach or learn in.

    Where that one is in the room already, both stay who they are.
    """
    old, new = owners.Visitor(owner).owner, owners.Visitor(new_owner).owner
    with changing():
        for part in (TEACHERS, MEMBERS, FORMER):
            for mark in rooms().glob(f"*/{part}/{old}"):
                if not mark.with_name(new).exists():
                    mark.rename(mark.with_name(new))


def note_place(page: str, lesson: str = "") -> None:
    """Remember for their teachers on which page, and in which lesson, whoever acts is now."""
    owner = owners.new_owner()
    lessons = {each.id for each in list_lessons()}  # what is in a link is a stranger's text
    lesson = lesson if lesson in lessons else ""
    for room in rooms_of(owner):
        place = json.dumps({"page": page[:40], "lesson": lesson})
        with changing():
            if member_file(room.code, owner).is_file():  # a room that has just ended stays so
                path = room_folder(room.code) / PLACES / str(room.find_member(owner).number)
                files.write_atomically(path, place, durable=False)


def rooms_of(owner: str | None) -> list[Room]:
    """The rooms that somebody is a learner of, that which they joined last first."""
    if owner is None:
        return []
    candidates = [
        read_if_there(path.parents[1].name) for path in rooms().glob(f"*/{MEMBERS}/{owner}")
    ]
    of_owner = [room for room in candidates if room and room.find_member(owner)]
    return sorted(of_owner, key=lambda room: -room.find_member(owner).joined)


def limits_of(owner: str | None) -> Limits:
    """The strictest limits of the rooms that somebody is a learner of."""
    codes = [path.parents[1].name for path in rooms().glob(f"*/{MEMBERS}/{owner}")]
    limits = [Limits.model_validate(settings_of(code).get("limits", {})) for code in codes]
    bounds = {
        name: min(filter(None, (getattr(each, name) for each in limits)), default=None)
        for name in Limits.model_fields
    }
    return Limits(**bounds)


def held_owners() -> frozenset[str]:
    """The learners whose training is paused, in any room."""
    paused = [room_folder(code) for code in list_codes() if settings_of(code).get("paused")]
    return frozenset(path.name for folder in paused for path in (folder / MEMBERS).glob("*"))
