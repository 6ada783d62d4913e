"""The wall counts what a class is doing, and takes nothing from a file for the best."""

from __future__ import annotations

import contextlib
import time

import pytest

from digitlab import owners
from digitlab.classroom import class_set, members, room, submissions
from digitlab.classroom.wall import look_at_class
from tests.classroom.conftest import TEACHER, learner


def test_the_wall_tells_of_the_class_alone(code, fill, add_record):
    assert look_at_class(code).best is None
    room_opened = room.read_room(code).opened
    from_a_file = {"imported": {"id": "a"}}
    for number, accuracy, more in ((1, 0.9, {}), (2, 0.95, {}), (3, 0.99, from_a_file)):
        status = "stopped" if number == 2 else "finished"
        data = {"classes": list("0123456789"), "test_images": 297, **more}
        add_record(owner=learner(number), status=status, test_accuracy=accuracy, data=data)
    add_record(owner=learner(1), status="running")
    add_record(owner=owners.owner_of("a stranger"), status="finished", test_accuracy=1.0)
    add_record(owner=learner(1), status="finished", test_accuracy=1.0, created=room_opened - 60)
    fill(2)
    with owners.acting_for(learner(1)):
        wall = look_at_class(code)
    assert (wall.here, wall.runs, wall.training, wall.waiting) == (3, 4, 1, 0)
    assert (wall.best.member, wall.best.accuracy, wall.best.count) == (2, 0.95, 3)
    assert wall.best.interval.low < 0.95 < wall.best.interval.high
    assert wall.drawings == len(wall.newest) == class_set.EACH
    assert wall.newest[0].when >= wall.newest[-1].when
    assert wall.newest[0].image.shape == (28, 28)
    assert wall.is_busy
    assert wall.ranks == []


def test_whoever_is_sent_out_sees_the_class_no_longer(code, fill):
    fill(1)
    looks = (look_at_class, class_set.list_drawings, submissions.rank_members)
    for owner in (learner(3), owners.owner_of("a stranger")):
        with owners.acting_for(TEACHER), contextlib.suppress(room.RoomError):
            members.remove_members(code, 3)
        with owners.acting_for(owner):
            for look in looks:
                with pytest.raises(room.RoomError, match="join it first"):
                    look(code)
    with owners.acting_for(learner(2)):
        assert look_at_class(code).drawings == len(class_set.list_drawings(code))


def test_a_class_that_has_left_is_not_busy(code, monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now + 3_600)
    assert not look_at_class(code).is_busy
