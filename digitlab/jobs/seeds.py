"""Running a configuration with more seeds, to see how much of a difference is due to the seed."""

from __future__ import annotations

from digitlab.errors import RunError
from digitlab.jobs.queue import active_runs, check_room
from digitlab.jobs.resume import repeat
from digitlab.runs import store
from digitlab.runs.configuration import one_per_seed, same_configuration
from digitlab.runs.record import RunRecord
from digitlab.runs.run import open_run

MOST = 20
_RECENT_RUNS = 1_000  # newest own runs


def run_seeds(run_id: str, k: int = 5) -> list[str]:
    """Queue runs like this one until its configuration has `k` seeds, 2 to 20; the new ids.

    The seeds are the smallest that neither this run nor any finished, waiting or running run of the
    configuration has; these count towards `k`, so that asking twice queues nothing twice.
    Raises RunError where so many may not wait, and for an ensemble.
    """
    if not 2 <= k <= MOST:
        raise RunError(f"A configuration can be run with 2 to {MOST} seeds; not {k}.")
    record = open_run(run_id).record
    if record.members:
        raise RunError(
            f"{record.name} is an ensemble and has no seed: run its members with more seeds."
        )
    have = {record.seed, *(other.seed for other in runs_of_configuration(record))}
    new_seeds = [seed for seed in range(k + len(have)) if seed not in have][: max(0, k - len(have))]
    if new_seeds:
        check_room(len(new_seeds))
    return [repeat(record.id, seed=seed) for seed in new_seeds]


def runs_of_configuration(record: RunRecord) -> list[RunRecord]:
    """Finished runs of its configuration, one for each seed, and those that wait or run."""
    candidates = [*store.list_records(limit=_RECENT_RUNS), record]
    finished = one_per_seed([other for other in candidates if same_configuration(other, record)])
    seeds = {other.seed for other in finished}
    waiting = [other for other in active_runs() if same_configuration(other, record)]
    return [*finished, *(other for other in waiting if other.seed not in seeds)]
