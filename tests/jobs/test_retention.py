"""What visitors left behind goes: in time, and the oldest first where the disk fills up."""

from __future__ import annotations

import os
import time
from functools import partial

import numpy as np
import pytest

from digitlab import owners, quotas, visitors
from digitlab.classroom.room import list_rooms, room_folder
from digitlab.classroom.teachers import open_room
from digitlab.data import collections
from digitlab.errors import DatasetError, RunError
from digitlab.jobs import retention, training_time
from digitlab.models import library
from digitlab.models.load import load_model
from digitlab.runs import run_folder, store
from digitlab.runs.disk import check_disk

ANN, BOB = owners.owner_of("ann"), owners.owner_of("bob")


@pytest.fixture
def leave(add_record):
    """Let an owner keep a drawing, an architecture and a run of 100 kB, so many days ago."""

    def leave(owner, days):
        with owners.acting_for(owner):
            drawing = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
            collections.keep_drawing("mine", drawing)
            library.save_model(load_model("logistic-regression"), "Mine")
            record = add_record(owner=owner, status="finished")
            weights = run_folder.run_folder(record.id) / run_folder.WEIGHTS
            weights.parent.mkdir(parents=True)
            weights.write_bytes(bytes(100_000))
        came(owner, days, days)
        return record.id

    return leave


def came(owner, first, last):
    """Let an owner have come first and last so many days ago."""
    for name, days in (("first", first), ("seen", last)):
        then = time.time() - days * 86_400
        os.utime(visitors.root() / owner / name, (then, then))


def kept(owner):
    """How many collections, architectures and runs an owner has."""
    with owners.acting_for(owner):
        return (
            len(collections.list_collections()),
            len(library.list_saved()),
            len(store.list_records()),
        )


def test_what_nobody_touched_for_long_goes_and_a_visit_keeps_it(leave, add_record, monkeypatch):
    add_record(status="finished", created=1.0)  # everybody's stays, however old
    run_id = leave(ANN, 20)
    leave(BOB, 20)
    assert retention.clear() == []  # nothing is bounded
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    visitors.note_visit(BOB)
    assert retention.clear() == [ANN]
    assert kept(ANN) == (0, 0, 1)
    assert kept(BOB) == (1, 1, 2)
    assert not run_folder.run_folder(run_id).exists()


def test_before_the_disk_is_full_the_oldest_go_first_and_runs_last(leave, monkeypatch):
    leave(ANN, 9)
    leave(BOB, 3)
    total = visitors.count_bytes()
    for most, ann, bob in (
        (2 * total, (1, 1, 1), (1, 1, 1)),
        (total / retention.FULL - 1, (0, 0, 1), (1, 1, 1)),
        (total * 0.9, (0, 0, 0), (0, 0, 1)),
    ):
        monkeypatch.setenv("DIGITLAB_MAX_DISK", str(int(most)))
        assert retention.clear() == []
        assert (kept(ANN), kept(BOB)) == (ann, bob)


def test_who_was_here_today_keeps_everything(leave, monkeypatch):
    leave(ANN, 0.5)
    monkeypatch.setenv("DIGITLAB_MAX_DISK", "10")
    retention.clear()
    assert kept(ANN) == (1, 1, 1)


def test_who_came_back_loses_nothing_to_later_cookies_however_often_they_come(leave, monkeypatch):
    regular, *cookies = ANN, *(owners.owner_of(f"cookie {number}") for number in range(3))
    leave(regular, 9)
    came(regular, 9, 4)
    for number, cookie in enumerate(cookies):
        leave(cookie, 3)
        came(cookie, 3, number)  # one of them comes back each day
    monkeypatch.setenv("DIGITLAB_MAX_DISK", str(int(0.4 * visitors.count_bytes())))
    retention.clear()
    assert kept(regular) == (1, 1, 1)
    assert [kept(cookie) for cookie in cookies] == 3 * [(0, 0, 0)]
    leave(BOB, 0)  # who keeps everything on the first day
    monkeypatch.setenv("DIGITLAB_MAX_DISK", "1")
    retention.clear()
    assert (kept(regular), kept(BOB)) == ((0, 0, 0), (1, 1, 1))


def test_all_newcomers_together_take_a_part_of_the_disk(leave, monkeypatch):
    monkeypatch.setattr(quotas, "COUNTED_SECONDS", 1e-9)  # counted anew each time
    drawing = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
    regular = owners.owner_of("regular")
    leave(regular, 9)
    for number in range(3):
        leave(owners.owner_of(f"cookie {number}"), 0)
    for more, message in ((50_000, "came first today"), (500_000, None)):
        monkeypatch.setenv("DIGITLAB_MAX_DISK", str(8 * (300_000 + more)))
        with owners.acting_for(regular):
            check_disk(100_000)
        with owners.acting_for(BOB):
            if message:
                with pytest.raises(RunError, match=message):
                    check_disk(100_000)
            else:
                check_disk(100_000)
    things = sum(visitors.bytes_in(visitors.root() / o) for o in visitors.newcomers())
    monkeypatch.setenv("DIGITLAB_MAX_DISK", str(8 * things))
    monkeypatch.setattr(quotas, "count_bytes", lambda: 0)
    with owners.acting_for(regular):
        collections.keep_drawing("more", drawing)
    with owners.acting_for(BOB), pytest.raises(DatasetError, match="came first today"):
        collections.keep_drawing("more", drawing)


def test_who_is_gone_does_not_stop_the_others_from_going_where_the_disk_is_full(leave, monkeypatch):
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    leave(ANN, 20)
    leave(BOB, 2)
    monkeypatch.setenv("DIGITLAB_MAX_DISK", "1")
    assert retention.clear() == [ANN]
    assert kept(BOB) == (0, 0, 0)


def test_what_a_deleted_run_took_still_counts(monkeypatch):
    now = time.time()
    monkeypatch.setattr(time, "time", lambda: now)
    training_time.note_training(ANN, 30)
    monkeypatch.setattr(time, "time", lambda: now + 86_390)
    training_time.note_training(ANN, 5)
    assert training_time.seconds_trained(ANN) == pytest.approx(10 + 5)
    assert training_time.seconds_trained(BOB) == 0
    training_time.note_training(ANN, 1)
    assert training_time.seconds_trained(ANN) == pytest.approx(10 + 6)


def test_a_room_in_which_nobody_was_for_long_ends(monkeypatch):
    code = open_room("Class 5b")[0].code
    retention.clear()
    monkeypatch.setenv("DIGITLAB_HOSTED", "class")
    retention.clear()
    assert [room.code for room in list_rooms()] == [code]
    monkeypatch.setattr(retention, "DAY", 0.0)
    retention.clear()
    assert list_rooms() == []


def test_what_is_left_of_a_room_that_has_ended_goes():
    code = open_room("Stays")[0].code
    drawing = room_folder("BCDF") / "collections" / "writer-1" / "000001_4_a.json"
    drawing.parent.mkdir(parents=True)
    drawing.touch()
    retention.clear_rooms()
    assert not room_folder("BCDF").exists()
    assert [room.code for room in list_rooms()] == [code]


def test_a_room_stays_as_long_as_its_teacher_comes(monkeypatch):
    with owners.acting_for(ANN):
        code = open_room("Class 5b")[0].code
    later = time.time() + 400 * 86_400
    monkeypatch.setattr(time, "time", lambda: later)
    monkeypatch.setenv("DIGITLAB_HOSTED", "class")
    os.utime(visitors.root() / ANN / "seen", (later, later))
    retention.clear()
    assert [room.code for room in list_rooms()] == [code]
    came(ANN, 399, 399)
    retention.clear()
    assert list_rooms() == []


def test_rooms_that_nobody_uses_go_before_what_belongs_to_who_came_back(leave, monkeypatch):
    leave(ANN, 9)
    came(ANN, 9, 4)
    for days in (3, 2, 0):
        then = time.time() - days * 86_400
        with monkeypatch.context() as patch:
            patch.setattr(time, "time", partial(float, then))
            code = open_room(f"Class {days}")[0].code
        (room_folder(code) / "drawings").write_bytes(bytes(100_000))
    monkeypatch.setenv("DIGITLAB_MAX_DISK", str(int(0.9 * visitors.count_bytes())))
    retention.clear()
    assert [room.title for room in list_rooms()] == ["Class 0", "Class 2"]
    monkeypatch.setenv("DIGITLAB_MAX_DISK", "1")
    retention.clear()
    assert [room.title for room in list_rooms()] == ["Class 0"]
    assert kept(ANN) == (0, 0, 0)
