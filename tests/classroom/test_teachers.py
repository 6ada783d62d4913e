"""Whoever has a room's key changes it, sees what its learners do, and changes none of that."""

from __future__ import annotations

import os

import pytest

import digitlab as dl
from digitlab import owners, visitors
from digitlab.classroom import members, teachers
from digitlab.classroom import room as rooms
from digitlab.classroom.room import RoomError
from tests.classroom.conftest import ANN, BOB, EVE, TEACHER


def names(code):
    return [member.nickname for member in rooms.read_room(code).members]


def test_only_who_knows_the_key_teaches(opened):
    code, key = opened
    acts = {
        "change": lambda: teachers.change_room(code, paused=True),
        "clear": lambda: members.clear_names(code),
        "remove": lambda: members.remove_members(code, 1),
        "end": lambda: teachers.end_room(code),
    }
    with owners.acting_for(EVE):
        for act in acts.values():
            with pytest.raises(RoomError, match="Only a teacher"):
                act()
        teachers.teach(code, key)
        teachers.change_room(code, anonymous=True, lessons=["first-loss"])
        assert rooms.find_room(code).name_of(1) == "Learner 1"
        with pytest.raises(RoomError, match="limits seconds"):
            teachers.change_room(code, limits={"seconds": 0})
        with pytest.raises(RoomError, match="'colour'"):
            teachers.change_room(code, colour="red")
        teachers.change_room(code, anonymous=False, locked=True)
        another = teachers.new_key(code)
    with owners.acting_for(TEACHER):
        assert not teachers.is_teacher(code)
        with pytest.raises(RoomError, match="not the key"):
            teachers.teach(code, key)
        teachers.teach(code, another)
    with owners.acting_for(EVE):
        members.remove_members(code, 2)
        members.clear_names(code, 1)
        assert names(code) == [""]
    with owners.acting_for(BOB), pytest.raises(RoomError, match="closed to newcomers"):
        members.join_room(code, "Bob")


def test_a_teacher_looks_at_what_learners_made_and_changes_nothing(opened, train_tiny):
    code, _key = opened
    with owners.acting_for(ANN):
        run = train_tiny()
    with owners.acting_for(BOB), pytest.raises(dl.DigitlabError, match="not yours"):
        dl.open_run(run.id)
    with owners.acting_for(TEACHER):
        assert dl.open_run(run.id).evaluate("test").accuracy > 0
        with pytest.raises(dl.DigitlabError, match="not yours"):
            dl.delete_run(run.id)
        assert not dl.list_runs(bundled=False), "the teacher's own runs are not mixed with them"
    with owners.acting_for(ANN):
        members.leave_room(code)
    with owners.acting_for(TEACHER), pytest.raises(dl.DigitlabError, match="not yours"):
        dl.open_run(run.id)


def test_strangers_who_come_today_leave_rooms_for_others(monkeypatch):
    monkeypatch.setattr(teachers, "MOST_ROOMS", 16)
    with owners.acting_for(TEACHER):
        visitors.note_things(TEACHER)
        first = visitors.root() / TEACHER / "first"
        os.utime(first, (0, 0))
        mine = teachers.open_room("Mine")[0].code
    strangers = [owners.owner_of(f"stranger {number}") for number in range(3)]
    for stranger in strangers[:2]:
        with owners.acting_for(stranger):
            code = teachers.open_room("Not mine")[0].code
    with owners.acting_for(strangers[2]), pytest.raises(RoomError, match="came first today"):
        teachers.open_room("Neither")
    with owners.acting_for(ANN):
        members.join_room(mine, "Ann")
    monkeypatch.setattr(teachers, "MOST_ROOMS", 3)
    with owners.acting_for(TEACHER):
        with pytest.raises(RoomError, match="There are 3 rooms"):
            teachers.open_room("Another")
        monkeypatch.setattr(visitors, "DAY", -1.0)
        teachers.open_room("Another")
        assert rooms.read_room(mine).members
        with pytest.raises(RoomError, match="has ended"):
            rooms.read_room(code)
