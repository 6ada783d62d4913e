"""The runs of a room's learners: they wait while it is paused, and go on when it lets them go."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from digitlab import owners
from digitlab.classroom import members, teachers
from digitlab.classroom.members import held_owners
from digitlab.classroom.room import Room
from digitlab.classroom.teachers import change_room
from digitlab.jobs.launch import launch_worker
from digitlab.runs import store
from digitlab.settings import read_settings


def pause_room(code: str) -> Room:
    """Let the runs of a room's learners save their state and wait; the room as it is then.

    RoomError unless a teacher asks.
    """
    return change_room(code, paused=True)


def resume_room(code: str) -> Room:
    """Let a room's runs go on where they were; raises as `pause_room` does."""
    with _letting_go():
        return change_room(code, paused=False)


def end_room(code: str) -> None:
    """Delete the room with all that lies in it; the learners keep what they made.

    Runs that waited while it was paused go on. RoomError unless a teacher asks.
    """
    with _letting_go():
        teachers.end_room(code)


def leave_room(code: str) -> None:
    """Let whoever acts out of a room, whose runs go on; their number goes to nobody else."""
    with _letting_go():
        members.leave_room(code)


def remove_members(code: str, *numbers: int) -> None:
    """Send learners out of the room, whose runs go on; RoomError unless a teacher asks."""
    with _letting_go():
        members.remove_members(code, *numbers)


@contextmanager
def _letting_go() -> Iterator[None]:
    """Start workers for the runs that may train after this, and were held before."""
    with owners.acting_for(None):
        before = held_owners()
    yield
    with owners.acting_for(None):
        held = held_owners()
        waiting = [] if before <= held else store.list_turns(held)
    for _ in waiting[: read_settings().max_jobs]:
        launch_worker()
