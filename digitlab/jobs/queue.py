"""The queue: submitting runs, stopping them, updating their status; `launch` starts a worker."""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, NamedTuple

from digitlab import files, owners
from digitlab.classroom.members import held_owners, limits_of
from digitlab.errors import RunError, StorageError, StoreError
from digitlab.jobs import training_time
from digitlab.jobs.compute import call, requests
from digitlab.jobs.launch import launch_worker, relaunch_worker
from digitlab.jobs.measurement import list_measured
from digitlab.jobs.turns import TURN_SECONDS, when_waiting
from digitlab.runs import checkpoints, lease, run_folder, storage, store
from digitlab.runs.disk import check_disk, training_bytes
from digitlab.runs.find import find_changeable
from digitlab.runs.record import RunRecord
from digitlab.runs.transaction import adding
from digitlab.settings import read_settings
from digitlab.words import duration

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.training.config import TrainConfig

_RECENT = 20  # runs that tell how long one takes
LOST = "Its process was lost on"  # how a notice of that begins
MOST_LOST = 3  # machines that a run may lose before somebody has to resume it
STARTING_SECONDS = 2.0  # a process that has just claimed a run may not hold its lock yet


def submit(
    model: str | ModelSpec,
    dataset: str,
    config: TrainConfig,
    *,
    name: str = "",
    parent: str | None = None,
    start_from: str | None = None,
) -> str:
    """Put a run into the queue and start a worker; the run's id.

    `parent` is the run of which this one is a rerun with a change, `start_from` one of the same
    architecture whose weights it starts from. Raises SpecError, ConfigError or DatasetError before
    anything is stored, and RunError if the maximum number of runs is waiting. A worker is started
    each time: it exits at once if enough runs are training; a worker takes the next waiting run
    when its run ends.
    """
    planned = call(requests.plan, model, dataset, config, start_from)
    return enqueue(planned, name=name, parent=parent)


def enqueue(experiment: Experiment, *, name: str = "", parent: str | None = None) -> str:
    """Put a run of a planned experiment into the queue, as `submit` does; the run's id."""
    record = call(requests.make_record, experiment, name=name, parent=parent)
    add_waiting(record)
    return record.id


def add_waiting(*records: RunRecord) -> None:
    """Put runs into the queue, all or none, and start workers for as many as may train at once.

    Raises RunError where so many may not wait, and StoreError where no worker can be started.
    """
    settings = read_settings()
    check_parameters(*records)
    with adding():
        check_share(len(records), sum(map(training_bytes, records)))
        while not store.add_waiting(records, settings.max_queued - len(list_measured())):
            check_room(len(records))  # which says why, unless there is room by now
    started = 0
    try:
        while started < min(len(records), settings.max_jobs):
            launch_worker()
            started += 1
    except StoreError:
        # One that was started, or that has taken one of them already, will take the others, too.
        if not started and store.withdraw([record.id for record in records]):
            raise


def check_room(count: int = 1) -> None:
    """Raise RunError unless so many more runs may wait, also of the visitor who asks."""
    check_share(count)
    most = read_settings().max_queued
    with owners.acting_for(None):
        waiting = len(store.list_records(("queued",), limit=most)) + len(list_measured())
    room = max(0, most - waiting)
    if not room:
        raise RunError(
            f"{most} runs are waiting already, and no more are allowed (DIGITLAB_MAX_QUEUED). "
            "Wait until some have ended, or stop one."
        )
    if count > room:
        raise RunError(
            f"{count} more runs would have to wait, but only {room} may (DIGITLAB_MAX_QUEUED). "
            "Ask for fewer, or wait until some have ended."
        )


def check_parameters(*records: RunRecord) -> None:
    """Raise RunError where a network has more parameters than the rooms of its learner allow."""
    most = limits_of(owners.new_owner()).parameters if owners.is_bounded() else None
    for record in records if most else ():
        if record.parameters > most:
            raise RunError(
                f"This network has {record.parameters:,} parameters; your room allows {most:,}. "
                "Make its layers smaller.",
                run_id=record.id,
            )


def check_share(count: int = 1, new: int = 0) -> None:
    """Raise RunError where `count` more runs, of `new` bytes, are over the share of a visitor."""
    if not owners.is_bounded():
        return
    settings = read_settings()
    mine = [record for record in store.list_records() if record.changeable]
    measured = set(list_measured())
    waiting = sum(record.status == "queued" or record.id in measured for record in mine)
    in_room = limits_of(owners.new_owner()).waiting
    bounds = ((settings.visitor_queued, "(DIGITLAB_VISITOR_QUEUED)"), (in_room, "in your room"))
    for most, where in bounds:
        if most is not None and waiting + count > most:
            raise RunError(
                f"{waiting} runs of yours are waiting, and {count} more are over the {most} that "
                f"may {where}. Wait until some have begun, or stop one."
            )
    trained = training_time.seconds_trained(owners.acting().owner) + sum(map(_seconds_so_far, mine))
    if settings.visitor_seconds is not None and trained >= settings.visitor_seconds:
        raise RunError(
            f"Your runs trained for {duration(trained)} within a day, of the "
            f"{duration(settings.visitor_seconds)} that they may (DIGITLAB_VISITOR_SECONDS). Train "
            "the next one tomorrow, or on your own computer."
        )
    check_disk(new + sum(training_bytes(r) for r in mine if r.status == "queued"))


def _seconds_so_far(record: RunRecord) -> float:
    """Seconds for which a run has been training; 0 for one that ended or waits."""
    return time.time() - record.started if record.status == "running" and record.started else 0.0


def stop(run_id: str) -> None:
    """Stop a waiting or running run; what it learnt is kept. Harmless where it has ended.

    A run whose process died is marked as interrupted.
    """
    mark_interrupted()
    record = find_changeable(run_id, "is not running")
    waiting = record.status == "queued" and store.change_status(
        record.id,
        "queued",
        "stopped",
        ended=time.time(),
        message=f"Stopped {when_waiting(record)}.",
    )
    if not waiting and store.get_record(record.id).status == "running":
        lease.ask(record.id, "stop")


def active_runs() -> list[RunRecord]:
    """Running runs, then waiting ones in their order, after updating their status."""
    reconcile()
    return list_active()


def list_active() -> list[RunRecord]:
    """The same without updating their status first."""
    records = store.list_records(("running", "queued"))
    return sorted(records, key=lambda record: (record.status == "queued", record.created))


class Place(NamedTuple):
    """The place of a waiting run: how many runs train or wait before it, and about how long it
    waits, in seconds; None where nothing is known of that.
    """

    ahead: int
    seconds: float | None


@owners.acting_for(None)
def find_place(run_id: str) -> Place:
    """The place of a run in the queue, where owners take turns; see `turns.is_held`, too."""
    waiting = store.list_turns(held_owners())
    before = waiting.index(run_id) if run_id in waiting else 0
    running = [r for r in store.list_records(("running",)) if r.executor == "process"]
    ended = store.list_records(("finished", "stopped"), limit=_RECENT)
    seconds = [record.train_seconds for record in ended if record.train_seconds is not None]
    turn = TURN_SECONDS if read_settings().hosted else math.inf
    usual = min(sum(seconds) / len(seconds) if seconds else math.inf, turn)
    if math.isinf(usual):
        return Place(before + len(running), None)
    left = sum(min(turn, usual if r.step == 0 else _seconds_left(r)) for r in running)
    return Place(before + len(running), (left + usual * before) / read_settings().max_jobs)


def _seconds_left(record: RunRecord) -> float:
    """About how long a run goes on that has taken steps."""
    trained = time.time() - (record.started or record.created)
    return trained * max(0.0, record.total_steps / record.step - 1)


@owners.acting_for(None)
def reconcile() -> None:
    """Mark runs whose process died as interrupted, and start a worker where runs wait for none.

    At once in the place of one that died; otherwise one may have been started a moment ago.
    """
    running, died = mark_interrupted()
    if running < read_settings().max_jobs and store.list_turns(held_owners()):
        launch_worker() if died else relaunch_worker()


@owners.acting_for(None)
def mark_interrupted() -> tuple[int, int]:
    """Mark runs whose process died as interrupted; how many background runs live, and died.

    A process of these runs' folder on this machine died if it holds the run's lock no more, another
    one if it has not renewed its lease in time.
    """
    alive = died = 0
    running = store.list_records(("running",))
    held = lease.list_held() if running else {}
    for record in running:
        if _lives(record, held.get(record.id)):
            alive += record.executor == "process"
        else:
            died += _interrupt(record, held.get(record.id))
    return alive, died


def _lives(record: RunRecord, held: lease.Held | None) -> bool:
    if held and not held.here:
        return held.good
    began = record.created if record.started is None else record.started
    young = abs(time.time() - began) < STARTING_SECONDS  # in the future: the clock was set back
    return run_folder.is_alive(record.id) or young


def _interrupt(record: RunRecord, held: lease.Held | None) -> bool:
    """Mark a run as interrupted, with the weights of its last checkpoint as its weights.

    Whether it was; not where its process turned out to live. One whose machine was lost waits for
    another, a few times.
    """
    if held and not held.here and record.executor == "process":
        lost = [notice for notice in record.notices if notice.startswith(LOST)]
        if len(lost) < MOST_LOST:
            notice = f"{LOST} {held.host} at step {record.step:,}; it went on from its checkpoint."
            again = {"status": "queued", "message": "Waits to go on on another machine."}
            return lease.end(record.id, held, **again, notices=[*record.notices, notice])
    try:
        state = checkpoints.load_state(record.id)
    except StorageError:  # it is judged when its checkpoints can be read
        return False
    advice = "No checkpoint was saved yet: resuming starts from the beginning."
    columns: dict[str, object] = {}
    if state:
        with contextlib.suppress(StoreError):
            path = run_folder.run_folder(record.id) / run_folder.WEIGHTS
            files.write_tensors(path, state.weights)
            storage.send(record.id, path.parent)
            columns["kept_epoch"] = state.step * record.epochs / max(record.total_steps, 1)
        advice = (
            f"Its last checkpoint is at step {state.step:,}: resume the run to continue from there."
        )
    where = f" on {held.host}" if held and not held.here else ""
    message = f"Its process{where} ended unexpectedly. {advice}"
    return lease.end(record.id, held, ended=time.time(), message=message, **columns)
