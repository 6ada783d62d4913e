"""Everything of a room as one ZIP, for its teacher.

room.json       title, settings, lessons and limits
learners.csv    number, nickname, when they joined and were seen
progress.csv    the goals that each reached, and what they answered
runs.csv        their runs since they joined
runs/*.zip      these runs, as `dl.import_run` reads them
…               what else lies in the room's folder: drawings, challenges, datasets
left-out.csv    what of that was too large

What a challenge hides is left out while it runs.
Nothing in it tells who a learner is but the nickname, which a teacher may clear before. No name in
it is a learner's text.
"""

from __future__ import annotations

import io
import time
import zipfile
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from digitlab import owners
from digitlab.classroom.challenge import hidden_file
from digitlab.classroom.learners import lessons_of, look_at
from digitlab.classroom.room import Room, room_folder
from digitlab.classroom.teachers import check_teacher
from digitlab.errors import DigitlabError
from digitlab.evaluation.tables import written
from digitlab.exports.archive import pack_run
from digitlab.files import writing
from digitlab.runs.record import RunRecord
from digitlab.runs.run import open_run
from digitlab.words import size

MOST_BYTES = 200_000_000  # of files and runs in a ZIP that is made in memory
_OWN = ("room.json", "tries", "teachers", "members", "former", "places")  # keys and owners
_LEARNERS = ("number", "nickname", "joined", "seen", "page", "lesson")
_PROGRESS = ("number", "lesson", "goal or question", "reached or answered", "when")
_RUNS = ("number", "run", "name", "model", "dataset", "status", "test_accuracy", "created", "file")


def pack_room(code: str, most: int = MOST_BYTES) -> bytes:
    """The bytes of the ZIP; files and runs after the first `most` bytes are only in its tables.

    RoomError unless a teacher asks.
    """
    buffer = io.BytesIO()
    _write(check_teacher(code), buffer, most)
    return buffer.getvalue()


def write_room(code: str, path: str | Path) -> None:
    """Write the ZIP with all runs, however large. RoomError unless a teacher asks."""
    room, path = check_teacher(code), Path(path).expanduser()
    with writing(path), path.open("wb") as file:
        _write(room, file, None)


def _write(room: Room, file: BinaryIO, most: int | None) -> None:
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        secret = {"members", "invitation"}
        archive.writestr("room.json", room.model_dump_json(indent=1, exclude=secret))
        archive.writestr("learners.csv", written(_LEARNERS, _learners(room)))
        archive.writestr("progress.csv", written(_PROGRESS, _progress(room)))
        used = _add_files(room, archive, most)
        archive.writestr("runs.csv", written(_RUNS, _runs(room, archive, used, most)))


def _add_files(room: Room, archive: zipfile.ZipFile, most: int | None) -> int:
    """Add what lies in the room's folder; bytes of what was added."""
    used, left_out = 0, []
    folder, hidden = room_folder(room.code), hidden_file(room.code)
    for path in sorted(folder.rglob("*")):
        name = path.relative_to(folder)
        if path == hidden or name.parts[0] in _OWN or not path.is_file():
            continue
        with suppress(FileNotFoundError):  # a drawing that is taken back just now
            count = path.stat().st_size
            if most is not None and used + count > most:
                left_out.append((name.as_posix(), count))
            else:
                archive.write(path, name.as_posix())
                used += count
    if left_out:
        archive.writestr("left-out.csv", written(("file", "bytes"), left_out))
    return used


def _learners(room: Room) -> Iterator[tuple[object, ...]]:
    for each in room.members:
        times = (_time(each.joined), _time(each.seen))
        yield each.number, each.nickname, *times, each.page, each.lesson


def _progress(room: Room) -> Iterator[tuple[object, ...]]:
    for member in room.members:
        progress = look_at(room.code, member.number).progress
        for lesson in lessons_of(room):
            for goal, (sentence, when) in progress[lesson.id].reached.items():
                yield member.number, lesson.id, goal, sentence, _time(when)
            for question, choice in progress[lesson.id].answers.items():
                yield member.number, lesson.id, question, choice, ""


def _runs(
    room: Room, archive: zipfile.ZipFile, used: int, most: int | None
) -> Iterator[tuple[object, ...]]:
    for member in room.members:
        for record in look_at(room.code, member.number, most=None).runs:
            if record.created < member.joined:
                continue
            if most is not None and used >= most:
                file, content = f"left out: over {size(most)}", b""
            else:
                file, content = _pack(record, member.owner)
            if content:
                archive.writestr(file, content, zipfile.ZIP_STORED)  # its files are packed already
                used += len(content)
            facts = (getattr(record, name) for name in _RUNS[2:7])
            yield member.number, record.id, *facts, _time(record.created), file


def _pack(record: RunRecord, owner: str) -> tuple[str, bytes]:
    """A run's file and its content, which is empty where it has none, and why."""
    if record.active or record.members:
        return "left out: it waits, trains or is an ensemble", b""
    try:
        with owners.acting_for(owner):
            return f"runs/{record.id}.zip", pack_run(open_run(record.id))
    except DigitlabError as e:
        return f"left out: {e}", b""


def _time(moment: float) -> str:
    return time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime(moment)) + " UTC"
