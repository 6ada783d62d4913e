"""A room lets learners in by its code, by a nickname and a number that is theirs."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from digitlab import owners
from digitlab.classroom import members, teachers
from digitlab.classroom import room as rooms
from digitlab.classroom.room import RoomError
from tests.classroom.conftest import ANN, BOB, EVE, TEACHER


def test_learners_get_numbers_and_stay_who_they_are(opened):
    code, _key = opened
    with owners.acting_for(BOB):
        again = members.join_room(code, "Bobby")
        assert (again.number, again.nickname) == (2, "Bob")
        assert [room.code for room in rooms.list_rooms()] == [code]
        members.leave_room(code)
        assert members.join_room(code, "Bobby").number == 2, "who comes back is no other writer"
        members.leave_room(code)
    with owners.acting_for(owners.owner_of("carl")):
        assert members.join_room(code, "Bobby").number == 3, "a number is nobody else's"
    with owners.acting_for(EVE):
        for name in ("ann", "", "x" * 25, "\u202e\n"):
            with pytest.raises(RoomError):
                members.join_room(code, name)
        assert not rooms.find_room(code).members, "a code that was guessed shows nobody"
        assert not rooms.list_rooms()
    with pytest.raises(RoomError, match="DIGITLAB_HOSTED=class"):
        members.join_room(code, "Nobody")


def test_strangers_who_know_the_code_leave_places_to_who_has_the_link(opened, monkeypatch):
    code, _key = opened
    monkeypatch.setattr(members, "MOST_BY_CODE", 4)
    strangers = [owners.owner_of(f"stranger {number}") for number in range(3)]
    for number, stranger in enumerate(strangers):
        with owners.acting_for(stranger):
            if number == 2:
                with pytest.raises(RoomError, match="4 learners came by the four letters"):
                    members.join_room(code, "One more")
                assert rooms.find_room(code).invitation == code, "which tells no more letters"
                break
            members.join_room(code, f"Rude {number}")
            assert [room.invitation for room in rooms.list_rooms()] == [code]
            assert rooms.find_room(code).invitation == code
    with owners.acting_for(TEACHER):
        members.remove_members(code, 3, 4)
        members.clear_names(code)
        assert len(rooms.find_room(code).members) == 2
        invitation = rooms.find_room(code).invitation
    with owners.acting_for(strangers[2]), pytest.raises(RoomError, match="4 learners came"):
        members.join_room(code, "One more")  # or they would come and go without end
    with owners.acting_for(owners.owner_of("carl")):
        assert members.join_room(invitation, "Carl").number == 5
        assert rooms.find_room(code).invitation == invitation
    with owners.acting_for(ANN):
        assert rooms.find_room(invitation).invitation == code
    with owners.acting_for(BOB):
        members.leave_room(code)
        assert members.join_room(code, "Bob").number == 2
    with owners.acting_for(TEACHER):
        teachers.new_key(code)
        assert rooms.find_room(code).invitation != invitation
    with owners.acting_for(strangers[2]):
        members.join_room(code, "Dora")


def test_thirty_learners_who_join_at_once_are_told_apart():
    code = teachers.open_room("All at once")[0].code

    def join(number):
        with owners.acting_for(owners.owner_of(str(number))):
            return members.join_room(code, f"Learner of {number}").number

    with ThreadPoolExecutor(8) as pool:
        assert sorted(pool.map(join, range(30))) == list(range(1, 31))


def test_where_learners_are_is_told_until_the_room_ends(opened, home):
    code, _key = opened
    with owners.acting_for(ANN):
        members.note_place("Train", "first-loss")
    with owners.acting_for(BOB):
        members.note_place("Train", "a rude word of a link")
    assert rooms.read_room(code).members[1].lesson == ""
    member = rooms.read_room(code).members[0]
    assert (member.page, member.lesson) == ("Train", "first-loss")
    assert member.seen > member.joined
    with owners.acting_for(TEACHER):
        teachers.end_room(code)
    with owners.acting_for(ANN):
        members.note_place("Train", "first-loss")
        assert members.rooms_of(ANN) == []
    assert not (home / "rooms" / code).exists()


def test_who_signs_in_stays_in_their_rooms(opened):
    code, account = opened[0], owners.owner_of("an account")
    for owner in (TEACHER, EVE):
        with owners.acting_for(owner):
            if owner == EVE:
                number = members.join_room(code, "Eve").number
        members.move_rooms(owner, account)
    with owners.acting_for(account):
        assert teachers.check_teacher(code).find_member(account).number == number
    with owners.acting_for(EVE):
        assert not teachers.is_teacher(code)
        assert rooms.list_rooms() == []
