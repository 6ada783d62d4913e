"""A room leaves as one ZIP, whose runs can be opened again; nothing in it is a secret."""

from __future__ import annotations

import csv
import io
import zipfile

import pytest

import digitlab as dl
from digitlab import owners
from digitlab.classroom import archive, learners, room
from digitlab.lessons import progress

ANN, EVE = owners.owner_of("ann"), owners.owner_of("eve")


def rows(content, name):
    return list(csv.DictReader(io.StringIO(content.read(name).decode())))


def test_everything_of_a_room_leaves_as_one_zip(train_tiny, tmp_path):
    code = dl.open_room("Class 5b")[0].code
    with owners.acting_for(ANN):
        train_tiny(name="before the room")
    lesson = dl.find_lesson("first-loss")
    with owners.acting_for(ANN):
        dl.join_room(code, "=1+1")
        run = train_tiny(name="@in the room")
        progress.answer(lesson, lesson.questions[0].ask, "26")
    (room.room_folder(code) / "drawings").mkdir()
    (room.room_folder(code) / "drawings" / "1.json").write_text("[]")
    with owners.acting_for(EVE), pytest.raises(room.RoomError, match="Only a teacher"):
        dl.write_room(code, tmp_path / "eves.zip")
    assert not (tmp_path / "eves.zip").exists()

    dl.write_room(code, tmp_path / "room.zip")
    with zipfile.ZipFile(tmp_path / "room.zip") as content:
        assert rows(content, "learners.csv")[0]["nickname"] == "'=1+1"
        assert rows(content, "progress.csv")[0]["reached or answered"] == "26"
        assert [row["name"] for row in rows(content, "runs.csv")] == ["'@in the room"]
        assert content.read("drawings/1.json") == b"[]"
        kept = content.read(f"runs/{run.id}.zip")
        everything = b"".join(map(content.read, content.namelist()))
    for secret in (ANN, '"key"', "teachers", "tries"):
        assert secret.encode() not in everything
    assert dl.import_run(kept).record.name == "@in the room"

    few = zipfile.ZipFile(io.BytesIO(archive.pack_room(code, most=0)))
    assert "left out: over" in rows(few, "runs.csv")[0]["file"]
    assert not [name for name in few.namelist() if name.startswith("runs/")]


def test_a_learners_runs_are_seen_and_leave_whatever_others_made_since(add_record, tmp_path):
    code = dl.open_room("Class 5b")[0].code
    with owners.acting_for(ANN):
        dl.join_room(code, "Ann")
    for _ in range(2):
        add_record(owner=ANN, status="finished")
    for _ in range(learners.MOST_RUNS):
        add_record(status="finished")
    assert len(learners.look_at(code, 1).runs) == 2
    assert len(learners.look_at(code, 1, most=1).runs) == 1
    for _ in range(learners.MOST_RUNS):
        add_record(owner=ANN, status="finished")
    dl.write_room(code, tmp_path / "room.zip")
    with zipfile.ZipFile(tmp_path / "room.zip") as content:
        assert len(rows(content, "runs.csv")) == learners.MOST_RUNS + 2
