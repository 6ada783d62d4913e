"""A code of four letters leads to its room, and says what became of it."""

from __future__ import annotations

import pytest

from digitlab import owners
from digitlab.classroom import room as rooms
from digitlab.classroom import teachers
from digitlab.classroom.room import RoomError
from tests.classroom.conftest import TEACHER


def test_a_code_says_whether_its_room_has_ended_or_never_was(opened, monkeypatch):
    code, _key = opened
    with owners.acting_for(TEACHER):
        another = teachers.open_room("Before")[0].code
        monkeypatch.setattr(rooms, "MOST_ENDED", 1)
        teachers.end_room(another)
        teachers.end_room(code)
    with pytest.raises(RoomError, match=f"no room {another}"):
        rooms.find_room(another)
    with pytest.raises(RoomError, match=f"{code} has ended"):
        rooms.find_room(code)
    for wrong, says in (("ZZZZ", "no room ZZZZ"), ("../x", "four letters"), ("AEIO", "vowels")):
        with pytest.raises(RoomError, match=says):
            rooms.find_room(wrong)
