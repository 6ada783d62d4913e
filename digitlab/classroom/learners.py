"""What a teacher sees of the learners of a room: where each is, and what they have made."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass

from digitlab import owners
from digitlab.classroom.room import Member, Room, list_rooms
from digitlab.classroom.teachers import check_teacher, is_teacher
from digitlab.errors import DigitlabError
from digitlab.lessons.catalog import list_lessons
from digitlab.lessons.lesson import Lesson
from digitlab.lessons.progress import Progress, read_all
from digitlab.runs import store
from digitlab.runs.record import RunRecord, Status

MOST_RUNS = 100  # of a learner, the newest, that a teacher sees in a list


@dataclass(frozen=True)
class Learner:
    """A learner as the teacher sees them now.

    `name` is the nickname, or "Learner 3" where names are not shown; `page` and `lesson` are where
    they were when they were `seen`, seconds since 1970. `reached` counts the goals that they have
    reached in each lesson that counts, by its id; of their runs, some are `training` or `waiting`.
    """

    number: int
    name: str
    page: str
    lesson: str
    seen: float
    reached: dict[str, int]
    runs: int
    training: int
    waiting: int


def lessons_of(room: Room) -> list[Lesson]:
    """The lessons that count in a room, in their order."""
    return [each for each in list_lessons() if not room.lessons or each.id in room.lessons]


def list_learners(code: str) -> list[Learner]:
    """Every learner of a room, by their numbers. RoomError unless a teacher asks."""
    room = check_teacher(code)
    runs = store.list_runs_of([member.owner for member in room.members], since=0.0)
    counts = Counter((run.owner, run.status) for run in runs)
    lessons = lessons_of(room)
    return [_learner(room, member, lessons, counts) for member in room.members]


def _learner(
    room: Room, member: Member, lessons: list[Lesson], counts: Counter[tuple[str, Status]]
) -> Learner:
    progress = _progress(member, lessons)
    reached = {
        lesson.id: sum(goal.says in progress[lesson.id].reached for goal in lesson.goals)
        for lesson in lessons
    }
    return Learner(
        member.number,
        room.name_of(member.number),
        member.page,
        member.lesson,
        member.seen,
        reached,
        sum(count for (owner, _), count in counts.items() if owner == member.owner),
        counts[member.owner, "running"],
        counts[member.owner, "queued"],
    )


@dataclass(frozen=True)
class LearnerWork:
    """What a learner has made: runs, the newest first, and how far they are by lessons' ids."""

    runs: list[RunRecord]
    progress: dict[str, Progress]


def look_at(code: str, number: int, most: int | None = MOST_RUNS) -> LearnerWork:
    """The work of a learner with `most` runs, to be looked at. RoomError unless a teacher asks."""
    room = check_teacher(code)
    member = room.find_number(number)
    with owners.acting_for(member.owner):
        runs = store.list_records(limit=most, owner=member.owner)
    return LearnerWork(runs, _progress(member, lessons_of(room)))


def find_learner(run_id: str) -> tuple[Room, Member] | None:
    """The learner who made a run, and the room in which whoever acts teaches them; None for a run
    of anybody else.
    """
    taught = [room for room in list_rooms() if is_teacher(room.code)]
    try:
        owner = store.get_record(run_id).owner if taught else None
    except DigitlabError:
        return None
    if owner in (None, owners.new_owner()):
        return None
    learners = ((room, room.find_member(owner)) for room in taught)
    return next(((room, member) for room, member in learners if member), None)


def _progress(member: Member, lessons: list[Lesson]) -> dict[str, Progress]:
    with owners.acting_for(member.owner):
        return read_all(lessons)
