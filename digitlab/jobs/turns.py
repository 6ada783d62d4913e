"""Turns: no visitor's run trains for long while others wait, and none while its room is paused.

A run whose turn is over saves its state and waits again, behind the others; it goes on bit for bit
as if nothing had happened. So thirty learners who press Train at once all see their networks learn
within the seconds of fifteen turns on two processes, however long each wants to train.
"""

from __future__ import annotations

import math
from collections.abc import Callable

from digitlab.classroom.members import held_owners, limits_of
from digitlab.errors import RunError
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.settings import read_settings
from digitlab.words import counted, duration

TURN_SECONDS = 5.0  # of training; resuming costs some tenths of a second


def is_held(record: RunRecord) -> bool:
    """Whether a run waits because a room of its learner is paused."""
    return record.owner is not None and record.owner in held_owners()


def turn_of(record: RunRecord) -> Callable[[float], bool]:
    """Whether the run, which has trained for so many seconds in this turn, gives way to others."""
    owner = record.owner
    if owner is None or classical_kind(record.experiment.spec):  # has no state to go on from
        return lambda _seconds: False

    def gives_way(seconds: float) -> bool:
        is_over = seconds >= TURN_SECONDS and store.others_wait(owner, held_owners())
        return is_over or is_held(record)

    return gives_way


def wait_for_next(record: RunRecord) -> None:
    """Let a run that gave way wait for its next turn."""
    store.change_status(
        record.id, "running", "queued", ended=None, message="Waits for its next turn."
    )


def when_waiting(record: RunRecord) -> str:
    """When a run that waits was stopped or paused: before it began, or before it went on."""
    return f"at step {record.step:,}, as it waited to go on" if record.step else "before it began"


def check_seconds(record: RunRecord, epochs: int) -> None:
    """RunError where so many more epochs likely take longer than the run may still train.

    It would be stopped, and a finished run become one that is not.
    """
    seconds = epochs * (record.train_seconds or 0.0) / max(1, record.epochs_done)
    left, note = bound(record)
    if seconds > left:
        raise RunError(
            f"{counted(epochs, 'more epoch')} would take about {duration(seconds)}, and this run "
            f"may train for {duration(left)} more: it would be stopped "
            f"{note.removeprefix('Stopped ')} Ask for fewer epochs.",
            run_id=record.id,
        )


def bound(record: RunRecord) -> tuple[float, str]:
    """The seconds that a run may still train, and why it is stopped after them."""
    bounds = {
        "a run of a visitor may train here (DIGITLAB_MAX_SECONDS)": read_settings().max_seconds,
        "a run may train in your room": limits_of(record.owner).seconds,
    }
    known = [(float(each), why) for why, each in bounds.items() if each]
    if not known or record.owner is None:
        return math.inf, ""
    seconds, reason = min(known)
    note = f"Stopped after {duration(seconds)}, the most that {reason}."
    return max(0.0, seconds - (record.train_seconds or 0.0)), note
