"""Submissions: the runs that learners hand in to the challenge, and how they rank.

    home/rooms/CODE/challenges/001/member-3.json    what learner 3 handed in

A run counts that was trained on the room's dataset. Its answers for the hidden images are computed
here, and only whether each is right is kept.
"""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Sequence
from functools import lru_cache
from math import ceil
from pathlib import Path
from typing import NamedTuple

import numpy as np
from pydantic import BaseModel, ConfigDict

from digitlab import files, owners
from digitlab.classroom.challenge import (
    Challenge,
    current_folder,
    find_challenge,
    read_hidden,
    require_challenge,
    rows_of,
)
from digitlab.classroom.room import RoomError, check_inside, filling, read_room
from digitlab.evaluation.comparison import mcnemar
from digitlab.evaluation.intervals import Interval, share_places, wilson_interval
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, open_run
from digitlab.words import counted

PAUSE_SECONDS = 60.0  # between two submissions of one learner
MOST_SUBMISSIONS = 200  # of one learner


class Submission(BaseModel):
    """A run that was handed in: its name, its size, and when."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    run: str
    name: str
    parameters: int
    when: float


class _Answered(Submission):
    """A submission with what it read rightly of the hidden images: packed bits in base64."""

    right: str


class Rank(NamedTuple):
    """A learner's place by their best submission: `right` of `count` images of a half.

    Those whose intervals (Wilson, 95 %) overlap that of the best of a place share it. `p_value` is
    McNemar's for the learner and the first: paired, and so sharper than intervals are.
    """

    place: int
    member: int
    submission: Submission
    submissions: int
    right: int
    count: int
    interval: Interval
    p_value: float


def seconds_to_wait(code: str, member: int) -> int:
    """Seconds until the learner may hand in another run; 0 where they may now."""
    require_challenge(code)
    return max(0, ceil(_read(code, member)[0] + PAUSE_SECONDS - time.time()))


def hand_in(code: str, member: int, run: Run | str) -> Submission:
    """Hand in a run of the learner who acts; its answers are computed now.

    Raises RoomError where no challenge runs, where the learner's last submission was less than a
    minute ago, and for a run that is not theirs, that has not finished, that was handed in already
    or that learnt from other images than those of the challenge.
    """
    challenge = require_challenge(code)
    run = run if isinstance(run, Run) else open_run(run)
    _check_member(code, member)
    if challenge.ended:
        raise RoomError("The challenge has ended: nothing more is counted.")
    _check_run(run, challenge)
    _note_try(code, member, run.id)
    images, labels, _ = read_hidden(code)
    answers = run.predict_logits(images).numpy().argmax(axis=1)
    submission = _Answered(
        run=run.id,
        name=run.record.name or run.record.model,
        parameters=run.record.parameters,
        when=time.time(),
        right=base64.b64encode(np.packbits(answers == labels).tobytes()).decode(),
    )
    with filling(code):
        if find_challenge(code) != challenge:
            raise RoomError("The challenge ended while your run was answering: it does not count.")
        when, before = _read(code, member)
        _write(code, member, when, [*before, submission])
    return _without_answers(submission)


def is_done(record: RunRecord) -> bool:
    """Whether a run may be handed in: it has finished, or was stopped, as after a room's limit."""
    return record.status in ("finished", "stopped") and record.measured


def list_submissions(code: str, member: int) -> list[tuple[Submission, int, int]]:
    """A learner's submissions, the newest first: each with how many of how many images of the
    half that ranks it read rightly.
    """
    require_challenge(code)
    rows = rows_of(code, final=False)
    submissions = _read(code, member)[1][::-1]
    return [(_without_answers(s), int(_unpack(s)[rows].sum()), len(rows)) for s in submissions]


def rank_members(code: str, *, final: bool = False) -> list[Rank]:
    """The leaderboard: learners by their best submission on the half that ranks, the best first.

    With `final` the same submissions on the half that nobody chose them by, which RoomError keeps
    from everybody while the challenge runs. Raises it also unless whoever asks is in the room.
    """
    check_inside(code)
    challenge = require_challenge(code)
    if final and not challenge.ended:
        raise RoomError("The final half is shown when the teacher ends the challenge.")
    chosen, rows = rows_of(code, final=False), rows_of(code, final=final)
    best = []
    for member in _members(code):
        submissions = _read(code, member)[1]
        if submissions:
            top = max(submissions, key=lambda each: (_unpack(each)[chosen].sum(), -each.when))
            best.append((member, top, len(submissions), _unpack(top)[rows]))
    best.sort(key=lambda entry: (-entry[3].sum(), entry[1].when))
    intervals = [wilson_interval(int(right.sum()), len(rows)) for *_, right in best]
    first = best[0][3] if best else np.zeros(0, bool)
    return [
        Rank(
            place,
            member,
            _without_answers(submission),
            count,
            int(right.sum()),
            len(rows),
            interval,
            mcnemar(int((first & ~right).sum()), int((right & ~first).sum())),
        )
        for (member, submission, count, right), interval, place in zip(
            best, intervals, share_places(intervals), strict=True
        )
    ]


# Checking


def _check_member(code: str, member: int) -> None:
    owner = owners.new_owner()
    if read_room(code).find_number(member).owner != owner:
        raise RoomError(f"Learner {member} is somebody else: hand in as yourself.")


def _check_run(run: Run, challenge: Challenge) -> None:
    """RoomError unless the run is the learner's, finished, and learnt from the dataset alone."""
    record = run.record
    if record.owner != owners.new_owner() or record.bundled:
        raise RoomError(f"Run {run.id} is not yours: hand in one that you trained.")
    if not is_done(record):
        raise RoomError(f"Run {run.id} has not finished: it is {record.status}.")
    run.check_task("classify")
    if record.data.imported or record.claimed:
        raise RoomError(f"Run {run.id} came from a file: only what was trained here counts.")
    if record.data.fingerprint != challenge.fingerprint:
        raise RoomError(
            f"Run {run.id} was trained on {record.dataset}: the challenge counts runs on "
            f"{challenge.dataset}, as the room has it, alone."
        )
    for other in {*record.members, record.data.start_from} - {None}:
        _check_run(open_run(other), challenge)


def _note_try(code: str, member: int, run_id: str) -> None:
    """Remember when a learner hands in; RoomError where it is too soon, or was handed in before."""
    with filling(code):
        if wait := seconds_to_wait(code, member):
            raise RoomError(
                f"One submission a minute: wait {counted(wait, 'second')}. Use the time to look at "
                "your validation figures, which cost nothing."
            )
        _, submissions = _read(code, member)
        if run_id in (each.run for each in submissions):
            raise RoomError(f"You handed in run {run_id} already.")
        if len(submissions) >= MOST_SUBMISSIONS:
            raise RoomError(f"You handed in {MOST_SUBMISSIONS} runs, and no more are allowed.")
        _write(code, member, time.time(), submissions)


# Files


def _member_file(code: str, member: int) -> Path:
    return current_folder(code) / f"member-{int(member)}.json"


def _members(code: str) -> list[int]:
    paths = current_folder(code).glob("member-*.json")
    return sorted(int(path.stem.removeprefix("member-")) for path in paths)


def _read(code: str, member: int) -> tuple[float, list[_Answered]]:
    """When a learner tried to hand in last, seconds since 1970, and their submissions in order."""
    path = _member_file(code, member)
    try:
        return _parse(path, path.stat().st_mtime_ns)
    except (FileNotFoundError, ValueError, KeyError, TypeError):  # damaged: the others still count
        return 0.0, []


@lru_cache(maxsize=256)
def _parse(path: Path, _changed: int) -> tuple[float, list[_Answered]]:
    values = json.loads(path.read_text(encoding="utf-8"))
    return values["tried"], [_Answered(**each) for each in values["submissions"]]


def _write(code: str, member: int, tried: float, submissions: Sequence[_Answered]) -> None:
    values = {"tried": tried, "submissions": [each.model_dump() for each in submissions]}
    files.write_json(_member_file(code, member), values)


def _unpack(submission: _Answered) -> np.ndarray:
    """Which hidden images were read rightly, bool [N] and maybe a few more at the end."""
    return np.unpackbits(np.frombuffer(base64.b64decode(submission.right), np.uint8)).astype(bool)


def _without_answers(submission: _Answered) -> Submission:
    return Submission(**submission.model_dump(exclude={"right"}))
