"""The seconds for which the runs of each owner trained within a day."""

from __future__ import annotations

import time

from sqlalchemy import delete, insert, select

from digitlab.runs.schema import TrainingRow
from digitlab.runs.transaction import transact
from digitlab.visitors import DAY


def note_training(owner: str, seconds: float) -> None:
    """Remember that runs of an owner trained for so many seconds until now."""
    now = time.time()
    with transact(write=True) as session:
        session.execute(delete(TrainingRow).where(TrainingRow.ended <= now - DAY))
        session.execute(insert(TrainingRow).values(owner=owner, ended=now, seconds=seconds))


def seconds_trained(owner: str) -> float:
    """Seconds that an owner's runs trained within a day, also those that are deleted since."""
    day_ago = time.time() - DAY
    mine = select(TrainingRow.seconds, TrainingRow.ended).where(
        TrainingRow.owner == owner, TrainingRow.ended > day_ago
    )
    with transact() as session:
        return sum(min(seconds, ended - day_ago) for seconds, ended in session.execute(mine))
