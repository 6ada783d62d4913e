"""The wall: what a class is doing now, for a projector."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

from digitlab import owners
from digitlab.classroom.challenge import Challenge, DamagedError, find_challenge
from digitlab.classroom.class_set import ClassDrawing, hidden_writers, list_drawings
from digitlab.classroom.room import Room, check_inside, read_room
from digitlab.classroom.submissions import Rank, rank_members
from digitlab.data.registry import dataset_title
from digitlab.evaluation.intervals import Interval, wilson_interval
from digitlab.runs import store

HERE_SECONDS = 300.0  # after which somebody who opened no page is not counted as here
NEWEST = 48  # drawings
_TRIED = 20  # of the best runs, until one is found that was measured here


class Best(NamedTuple):
    """The best test accuracy, 0…1, on the dataset on which the class trained most runs.

    Of `count` runs the best was also lucky; `interval` is Wilson's, where it is known.
    """

    member: int
    dataset: str
    accuracy: float
    interval: Interval | None
    count: int


class Wall(NamedTuple):
    """What is to be shown: learners who are `here` of those who joined, their runs since the room
    was opened, the best of them, how many drawings there are, the newest, and the challenge.

    Drawings that a running challenge hides are counted, but not among the newest.
    """

    room: Room
    here: int
    runs: int
    training: int
    waiting: int
    best: Best | None
    drawings: int
    newest: list[ClassDrawing]
    challenge: Challenge | None
    ranks: list[Rank]

    @property
    def is_busy(self) -> bool:
        """Whether something may change within seconds."""
        return bool(self.here or self.training or self.waiting)


def look_at_class(code: str) -> Wall:
    """What a class is doing now; RoomError unless whoever asks is in the room."""
    check_inside(code)
    room = read_room(code)
    runs = store.list_runs_of([member.owner for member in room.members], room.opened)
    states = Counter(run.status for run in runs)
    drawings, hidden = list_drawings(code), hidden_writers(code)
    challenge, ranks = _look_at_challenge(code)
    return Wall(
        room=room,
        here=sum(time.time() - member.seen < HERE_SECONDS for member in room.members),
        runs=len(runs),
        training=states["running"],
        waiting=states["queued"],
        best=_find_best(room, runs),
        drawings=len(drawings),
        newest=[drawing for drawing in drawings if drawing.writer not in hidden][:NEWEST],
        challenge=challenge,
        ranks=ranks,
    )


def _look_at_challenge(code: str) -> tuple[Challenge | None, list[Rank]]:
    """The challenge and its places; none of a damaged one, as its own page says."""
    with suppress(DamagedError):
        if challenge := find_challenge(code):
            return challenge, rank_members(code, final=challenge.ended is not None)
    return None, []


def _find_best(room: Room, runs: Sequence[store.RunOf]) -> Best | None:
    done = ("finished", "stopped")  # such as after the seconds that the room allows
    measured = [run for run in runs if run.status in done and run.test_accuracy is not None]
    if not measured:
        return None
    dataset, count = Counter(run.dataset for run in measured).most_common(1)[0]
    of_it = [run for run in measured if run.dataset == dataset]
    for run in sorted(of_it, key=lambda run: -run.test_accuracy)[:_TRIED]:
        with owners.acting_for(owners.Visitor(run.owner)):
            record, title = store.get_record(run.id), dataset_title(dataset)
        if not (record.claimed or record.data.imported):
            images = record.data.test_images
            hits = round(run.test_accuracy * images) if images else 0
            member = room.find_member(run.owner).number
            return Best(member, title, run.test_accuracy, wilson_interval(hits, images or 0), count)
    return None
