"""A code of four letters leads to its room, and says what became of it."""

from __future__ import annotations

import pytest

from digitlab import owners
from digitlab.classroom import members, teachers
from digitlab.classroom import room as rooms
from digitlab.classroom.room import RoomError
from tests.classroom.conftest import ANN, BOB, EVE, TEACHER


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


def test_who_guesses_codes_finds_no_room_and_keeps_no_class_out(opened, monkeypatch):
    code, key = opened
    invitation = rooms.read_room(code).invitation
    with owners.acting_for(BOB):
        members.leave_room(code)
    wrong = [a + b + "BB" for a in "BCDFGHJKLM" for b in "BCDFGHJKLM" if a + b + "BB" != code]
    monkeypatch.setattr(rooms, "MOST_GUESSES", len(wrong))
    with owners.acting_for(EVE):
        for guess in wrong[: rooms.GUESSES]:
            with pytest.raises(RoomError, match=f"no room {guess}"):
                rooms.find_room(guess)
        for guess in (code, "ZZZZ"):
            with pytest.raises(RoomError, match="all twelve letters"):
                rooms.find_room(guess)  # which tells neither from the other
    with owners.acting_for(BOB):
        assert rooms.find_room(code).title == "Class 5b"
    for number, guess in enumerate(wrong[rooms.GUESSES :]):
        with owners.acting_for(owners.owner_of(f"cookie {number}")), pytest.raises(RoomError):
            rooms.find_room(guess)
    with owners.acting_for(BOB):
        for act in (rooms.find_room, lambda code: members.join_room(code, "Bob")):
            with pytest.raises(RoomError, match="all twelve letters"):
                act(code)
        for last in ("B" if invitation[-1] != "B" else "C", "é", "\ud800"):
            with pytest.raises(RoomError, match=f"no room {code}"):
                rooms.find_room(invitation[:-1] + last)
        spelt = f" {invitation[:4].lower()} {invitation[4:8]} {invitation[8:]}"
        assert members.join_room(spelt, "Bob").number == 2
        assert rooms.find_room(code).members, "who is in the room comes back by its code"
    with owners.acting_for(owners.owner_of("the teacher's phone")):
        for guess in (code, "ZZZZ"):
            with pytest.raises(RoomError, match="all twelve letters"):
                teachers.teach(guess, "A" * 26)  # which tells neither from the other
        assert teachers.teach(code, key).find_member(ANN)
    monkeypatch.setattr(rooms, "GUESS_SECONDS", 0.0)
    with owners.acting_for(EVE):
        assert rooms.find_room(code).title == "Class 5b"
