"""The worker that carries out waiting runs and lets sweeps go on.

python -m digitlab worker [--wait FOLDER | --cluster]

With --wait it first loads what runs need, and waits until one is there; see `jobs.pool`. With
--cluster it has a Ray cluster carry them out; see `jobs.cluster`.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path

from digitlab.jobs import cluster, worker
from digitlab.sweeps.sweep import advance_all, watch_trial

SWEEPS = worker.Callbacks(watch_trial, advance_all)
work = partial(worker.work, SWEEPS)
keep_working = partial(worker.keep_working, SWEEPS)
keep_placing = partial(cluster.keep_placing, SWEEPS)


def main(arguments: Sequence[str]) -> None:
    """Carry out runs as the command's arguments say."""
    if arguments[:1] == ["--wait"]:
        worker.wait(Path(arguments[1]), SWEEPS)
    elif arguments[:1] == ["--cluster"]:
        keep_placing()
    else:
        work()
