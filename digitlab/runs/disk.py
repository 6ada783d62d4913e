"""The room that a visitor's runs take on the disk, together with what else they keep."""

from __future__ import annotations

import time

from digitlab import owners, quotas, visitors
from digitlab.errors import RunError
from digitlab.runs import checkpoints, run_folder, store
from digitlab.runs.record import RunRecord


def check_disk(new: int = 0) -> None:
    """RunError where a run of `new` bytes is over the share of the visitor who asks, or of all."""
    if owners.is_bounded():
        runs = [record.id for record in store.list_records() if record.changeable]
        used = sum(visitors.bytes_in(run_folder.run_folder(run_id)) for run_id in runs)
        quotas.check_disk(used, new, RunError)
        quotas.check_newcomers(_count_newcomers, new, RunError)


def training_bytes(record: RunRecord) -> int:
    """About how many bytes a run's training writes: its weights, and them and two moments of each
    in every checkpoint that is kept.
    """
    return 4 * record.parameters * (1 + 3 * checkpoints.KEPT)


def _count_newcomers() -> int:
    """The bytes of the runs of all who first came within a day."""
    runs = store.list_runs_of(visitors.newcomers(), time.time() - visitors.DAY)
    return sum(visitors.bytes_in(run_folder.run_folder(run.id)) for run in runs)
