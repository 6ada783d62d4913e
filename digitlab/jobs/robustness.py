"""Measuring a run's robustness in a process of its own: start it, watch it, stop it.

python -m digitlab.jobs.robustness RUN IMAGES

Files while the card is measured:

    robustness.progress.json    steps done, and in total
    robustness.stop             the request to stop
    robustness.lock             held by the process while it is alive
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from filelock import FileLock, Timeout

from digitlab import files, owners
from digitlab.analysis.cache import cache_folder, require_weights
from digitlab.analysis.robustness import measure_robustness
from digitlab.errors import DigitlabError, RunError, StoreError
from digitlab.jobs.launch import launch
from digitlab.jobs.measurement import Progress, read_progress_in
from digitlab.jobs.queue import check_room
from digitlab.runs.run import open_run
from digitlab.runs.transaction import adding
from digitlab.settings import read_settings

if TYPE_CHECKING:
    from digitlab.runs.run import Run

ALL = "all"
_REPORT_SECONDS = 0.2  # seconds


class _Stopped(Exception):
    """The measurement was asked to stop."""


def start_robustness(run: Run, images: int | None) -> None:
    """Measure so many test images, None for all, in the background; harmless if it is running.

    Raises RunError where the run has no weights, is another's, or so many may not wait, and
    StoreError where no process can be started.
    """
    _check_changeable(run)
    require_weights(run)
    if read_progress(run) and not read_progress(run).failed:
        return
    with adding():
        check_room()
        stop_robustness(run, request=False)
        _report(run, Progress(0, 1, "Starting"))
    try:
        launch("digitlab.jobs.robustness", run.id, ALL if images is None else str(images))
    except OSError as e:
        _file(run, "progress.json").unlink(missing_ok=True)
        raise StoreError(f"No process could be started to measure ({e.strerror or e}).") from e


def stop_robustness(run: Run, *, request: bool = True) -> None:
    """Ask the measurement to stop, which then stores nothing; `request=False` takes that back."""
    _check_changeable(run)
    if request:
        files.write_atomically(_file(run, "stop"), "")
    else:
        _file(run, "stop").unlink(missing_ok=True)


def read_progress(run: Run) -> Progress | None:
    """The progress of a run's measurement; None if none is running and none failed."""
    return read_progress_in(cache_folder(run))


def _check_changeable(run: Run) -> None:
    """RunError where the card is not theirs to measure for whom this process acts."""
    if not owners.may_change(run.record.owner):
        raise RunError(owners.not_yours(f"Run {run.id}"), run_id=run.id)


def forget_failure(run: Run) -> None:
    """Forget a measurement that failed."""
    _check_changeable(run)
    _file(run, "progress.json").unlink(missing_ok=True)


def work(run_id: str, images: int | None) -> None:
    """Measure, one run of this home at a time, and write the card; progress goes to its file."""
    run = open_run(run_id)
    with owners.acting_in(run.record.owner):
        _work(run, images)


def _work(run: Run, images: int | None) -> None:
    cache_folder(run).mkdir(parents=True, exist_ok=True)
    last = 0.0

    def report(done: int, total: int, what: str) -> None:
        nonlocal last
        if _file(run, "stop").exists():
            raise _Stopped
        if time.monotonic() - last > _REPORT_SECONDS:
            last = time.monotonic()
            _report(run, Progress(done, total, what))

    try:
        with (
            FileLock(_file(run, "lock"), timeout=files.PROBE_SECONDS),
            _turn(lambda: report(0, 1, "Waiting")),
        ):
            report(0, 1, "Loading")
            measure_robustness(run, images, on_progress=report)
            _file(run, "progress.json").unlink(missing_ok=True)
    except Timeout:  # another process measures this run already
        return
    except _Stopped:
        _file(run, "progress.json").unlink(missing_ok=True)
    except DigitlabError as e:
        _report(run, Progress(0, 1, "", failed=str(e)))
    except Exception:
        _report(run, Progress(0, 1, "", failed="Something went wrong. See the workers' log."))
        raise
    finally:
        _file(run, "stop").unlink(missing_ok=True)


@contextmanager
def _turn(report: Callable[[], None]) -> Iterator[None]:
    """Wait until no other measurement of this home is running; `report` is called meanwhile."""
    folder = read_settings().home / "beside"
    folder.mkdir(parents=True, exist_ok=True)
    lock = FileLock(folder / "robustness.lock")
    while not lock.is_locked:
        try:
            lock.acquire(timeout=0.5)
        except Timeout:
            report()
    try:
        yield
    finally:
        lock.release()


def _file(run: Run, ending: str) -> Path:
    return cache_folder(run) / f"robustness.{ending}"


def _report(run: Run, progress: Progress) -> None:
    content = json.dumps(progress._asdict()).encode()
    files.write_atomically(_file(run, "progress.json"), content, durable=False)


if __name__ == "__main__":
    work(sys.argv[1], None if sys.argv[2] == ALL else int(sys.argv[2]))
