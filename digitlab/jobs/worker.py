"""A worker: carries out the waiting runs one after the other, and exits.

As a process it is `python -m digitlab worker`, which `digitlab.sweeps.worker` gives its callbacks.
"""

from __future__ import annotations

import contextlib
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from digitlab import owners
from digitlab.classroom.members import held_owners
from digitlab.data.registry import is_available
from digitlab.errors import DatasetError, DigitlabError, StorageError, StoreError
from digitlab.execution.control import Control
from digitlab.jobs import pool, training_time, turns
from digitlab.jobs.launch import launch_worker
from digitlab.jobs.queue import mark_interrupted
from digitlab.runs import lease, storage, store
from digitlab.runs.transaction import patient
from digitlab.settings import read_settings

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.jobs.preload import DatasetCache
    from digitlab.runs.record import RunRecord
    from digitlab.training.events import Event

POLL_SECONDS = 0.02  # how soon a waiting worker notices that it was engaged
LOOK_SECONDS = 1.0  # how often one that keeps working looks for runs
CHECK_SECONDS = 2.0  # how often it makes sure that it is still wanted
DATA_BYTES = 300_000_000  # for a dataset and what libraries take beside a step
DELAY_SECONDS = 1.0  # before it loads anything: the page that wants it is shown first


class Callbacks(NamedTuple):
    """What a room above has workers do beside their runs.

    `watch` may give a function that looks at a training's events, and at whose wish its control
    ends it. `advance` is called before the first run and after each: it queues those that follow
    from what has ended, and says how many.
    """

    watch: Callable[[RunRecord, Control], Callable[[Event], None] | None] = lambda _run, _by: None
    advance: Callable[[], int] = lambda: 0


ALONE = Callbacks()  # runs, and nothing beside them


def _nothing(_name: str) -> Dataset | None:
    return None


def work(
    callbacks: Callbacks = ALONE,
    at_hand: Callable[[str], Dataset | None] = _nothing,
    *,
    gives_back: bool = False,
    fits: Callable[[RunRecord], bool] | None = None,
) -> int:
    """Carry out waiting runs until none waits or enough are training; how many were carried out.

    `at_hand` gives a dataset that is loaded already. A termination signal stops the present run
    cleanly, leaves the others waiting and ends the process. With `gives_back` it lets the run wait
    for another process, which goes on from its last step, and those whose data is not here, or that
    do not fit, wait.
    """
    done = 0
    _tidy()
    advance(callbacks)
    while record := _claim(gives_back, fits):
        log(f"{record.id} starts")
        begun = time.time()
        try:
            with lease.holding(record.id), owners.acting_in(record.owner):
                if "torch" not in sys.modules:
                    with contextlib.suppress(StoreError):
                        store.update_run(record.id, message="Loading PyTorch …")
                # Imported late: most workers find that enough runs are training, and exit at once.
                from digitlab.execution.execute import execute

                bounds = turns.bound(record)
                control = Control(record.id, *bounds, turns.turn_of(record), gives_back=gives_back)
                look = callbacks.watch(record, control)
                with _bounded_memory(record):
                    run = execute(record, at_hand(record.dataset), look, control)
                if control.gave_way:  # while it is this process's: nobody takes it for dead
                    turns.wait_for_next(run.record)
            log(f"{record.id} {'gave way' if control.gave_way else run.record.status}")
            if control.signalled:
                sys.exit(0)
        except StorageError as e:  # it waits until its checkpoints can be read
            store.change_status(record.id, "running", "queued", message=str(e))
            log(f"{record.id} waits: {e}")
            break
        except DigitlabError as e:
            log(f"{record.id} failed: {e}")
        except Exception:
            log(f"{record.id} failed:\n{traceback.format_exc()}")
        except KeyboardInterrupt:
            if gives_back:  # it had not begun
                turns.wait_for_next(record)
            log(f"{record.id} interrupted")
            sys.exit(0)
        finally:
            _note_training(record, time.time() - begun)
        done += 1
        advance(callbacks)
    return done


@patient()
def _tidy() -> None:
    storage.send_unsent()
    mark_interrupted()  # a run whose process died must not occupy a slot


def advance(callbacks: Callbacks) -> None:
    """Queue what follows; this worker takes one of these runs, others are started for the rest."""
    try:
        for _ in range(callbacks.advance() - 1):
            launch_worker()
    except Exception:  # of one sweep, say: the other runs are carried out
        log(f"What follows could not be queued:\n{traceback.format_exc()}")


@contextlib.contextmanager
def _bounded_memory(record: RunRecord) -> Iterator[None]:
    """Let a visitor's run take only so much memory beside what this process holds already.

    DIGITLAB_MAX_MEMORY bounds what a step takes by estimate; twice that and what data take is
    bounded by the system, which refuses more: the run then fails and says so.
    """
    if record.owner is None or not Path("/proc/self/status").is_file():  # Linux only
        yield
        return
    import resource

    before = resource.getrlimit(resource.RLIMIT_DATA)
    most = _data_bytes() + 2 * read_settings().max_memory + DATA_BYTES
    soft = most if before[0] == resource.RLIM_INFINITY else min(most, before[0])
    resource.setrlimit(resource.RLIMIT_DATA, (soft, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def _data_bytes() -> int:
    """Bytes of this process's own memory, which RLIMIT_DATA counts."""
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return 1024 * int(next(line for line in lines if line.startswith("VmData:")).split()[1])


def _note_training(record: RunRecord, seconds: float) -> None:
    if record.owner:
        try:
            training_time.note_training(record.owner, seconds)
        except DigitlabError as e:  # the disk is full: the next run may still be carried out
            log(f"{record.id}: its {seconds:.0f} seconds could not be noted: {e}")


def keep_working(callbacks: Callbacks = ALONE, *, once: bool = False) -> int:
    """Carry out runs as they come, until a signal; or `once`, until none waits or trains.

    How many were carried out to their end. Any number of machines may do so that share the store
    and the runs' files; each limit is one for all of them.
    """
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, signal.default_int_handler)
    log("Waits for runs")
    last_error, done = "", 0
    try:
        while True:
            try:
                done += work(callbacks, gives_back=True)
                last_error = ""
                if once and not store.list_records(("queued", "running"), limit=1):
                    return done
            except StoreError as e:
                if str(e) != last_error:
                    log(f"Waits: {e}")
                last_error = str(e)
            time.sleep(LOOK_SECONDS)
    except (KeyboardInterrupt, SystemExit):
        log("Ends")
        return done


def has_data(record: RunRecord) -> bool:
    """Whether the run's dataset is on this machine."""
    with owners.acting_in(record.owner), contextlib.suppress(DatasetError):
        return is_available(record.dataset)
    return False


@patient()
def _claim(needs_data: bool, fits: Callable[[RunRecord], bool] | None = None) -> RunRecord | None:
    """The next run that waits, now this process's; None where none does, or enough are training.

    With `needs_data` of those whose data is here, with `fits` of those that fit, too.
    """
    # Asked before: while a run is claimed, all others wait who take or add one.
    fitting = {run.id for run in store.list_records(("queued",)) if fits(run)} if fits else None

    def can_take(run: RunRecord) -> bool:
        return (fitting is None or run.id in fitting) and has_data(run)

    take = can_take if needs_data else None
    return store.claim_next(read_settings().max_jobs, held_owners(), take)


def wait(place: Path, callbacks: Callbacks = ALONE) -> None:
    """Wait in the folder `place` and carry out runs, as long as somebody may start one there."""
    slot, cache, warming = pool.take_slot(place), None, True
    checks = time.monotonic() + DELAY_SECONDS
    while slot:
        now = time.monotonic()
        if slot.engaged:
            slot.leave()  # another worker may be warmed, while this one trains
            work(callbacks, cache.get if cache else _nothing)
            slot = pool.take_slot(place) if pool.is_wanted(place) and not _holds_gpu() else None
        elif now >= checks:
            checks = now + CHECK_SECONDS
            if not pool.is_wanted(place) and slot.leave():
                return
            try:
                cache = _fill(cache, place) if warming else cache
            except Exception:
                log(f"Waits without what runs need:\n{traceback.format_exc()}")
                warming = False
        else:
            time.sleep(POLL_SECONDS)


def _fill(cache: DatasetCache | None, place: Path) -> DatasetCache:
    """The cache, a new one at first, with the datasets that are wanted in the folder `place`."""
    from digitlab.jobs.preload import DatasetCache, warm_up

    if not cache:
        warm_up()
    cache = cache or DatasetCache()
    cache.fill(pool.datasets(place))
    return cache


def _holds_gpu() -> bool:
    """Whether this process has taken memory of a GPU, which it gives back only when it ends."""
    torch = sys.modules.get("torch")
    return torch is not None and torch.cuda.is_initialized()


def log(text: str) -> None:
    """Write a line, with the time, to what is the log of a process in the background."""
    print(f"{time.strftime('%Y-%m-%d %H:%M:%S')} {text}", flush=True)
