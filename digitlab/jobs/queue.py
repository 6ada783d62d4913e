"""The queue: submitting runs, stopping them, updating their status; `launch` starts a worker."""

from __future__ import annotations

import contextlib
import time
from typing import TYPE_CHECKING

from digitlab import files
from digitlab.errors import RunError, StoreError
from digitlab.jobs.launch import launch_worker, relaunch_worker
from digitlab.runs import checkpoints, run_folder, store
from digitlab.runs.record import RunRecord
from digitlab.runs.run import open_run
from digitlab.settings import read_settings

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.training.config import TrainConfig

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
    from digitlab.execution.prepare import plan

    return enqueue(plan(model, dataset, config, start_from), name=name, parent=parent)


def enqueue(experiment: Experiment, *, name: str = "", parent: str | None = None) -> str:
    """Put a run of a planned experiment into the queue, as `submit` does; the run's id."""
    from digitlab.execution.prepare import new_record

    check_room()
    record = new_record(experiment, status="queued", executor="process", name=name, parent=parent)
    launch_worker()
    return record.id


def check_room() -> None:
    """Raise RunError if the maximum number of runs is waiting."""
    most = read_settings().max_queued
    if len(store.list_records(("queued",), limit=most)) >= most:
        raise RunError(
            f"{most} runs are waiting already, and no more are allowed (DIGITLAB_MAX_QUEUED). "
            "Wait until some have ended, or stop one."
        )


def stop(run_id: str) -> None:
    """Stop a waiting or running run; what it learnt is kept. Harmless where it has ended.

    A run whose process died is marked as interrupted.
    """
    mark_interrupted()
    record = open_run(run_id).record
    if record.bundled:
        raise RunError(f"Run {record.id} comes with digitlab and is not running.", run_id=run_id)
    waiting = record.status == "queued" and store.change_status(
        record.id, "queued", "stopped", ended=time.time(), message="Stopped before it began."
    )
    if not waiting and store.get_record(record.id).status == "running":
        run_folder.request_stop(record.id)


def active_runs() -> list[RunRecord]:
    """Running runs, then waiting ones in their order, after updating their status."""
    reconcile()
    return list_active()


def list_active() -> list[RunRecord]:
    """The same without updating their status first."""
    records = store.list_records(("running", "queued"))
    return sorted(records, key=lambda record: (record.status == "queued", record.created))


def reconcile() -> None:
    """Mark runs whose process died as interrupted, and start a worker where runs wait for none."""
    running = mark_interrupted()
    if running < read_settings().max_jobs and store.list_records(("queued",), limit=1):
        relaunch_worker()


def mark_interrupted() -> int:
    """Mark runs whose process died as interrupted; how many background runs do live."""
    alive = 0
    for record in store.list_records(("running",)):
        if _lives(record):
            alive += record.executor == "process"
        else:
            _interrupt(record)
    return alive


def _lives(record: RunRecord) -> bool:
    young = time.time() - (record.started or record.created) < STARTING_SECONDS
    return run_folder.is_alive(record.id) or young


def _interrupt(record: RunRecord) -> None:
    """Mark a run as interrupted, with the weights of its last checkpoint as its weights."""
    state = checkpoints.load_state(record.id)
    kept = "No checkpoint was saved yet: resuming starts from the beginning."
    columns: dict[str, object] = {}
    if state:
        with contextlib.suppress(StoreError):
            path = run_folder.run_folder(record.id) / run_folder.WEIGHTS
            files.write_tensors(path, state.weights)
            columns["kept_epoch"] = state.step * record.epochs / max(record.total_steps, 1)
        kept = (
            f"Its last checkpoint is at step {state.step:,}: resume the run to continue from there."
        )
    store.change_status(
        record.id,
        "running",
        "interrupted",
        ended=time.time(),
        message=f"Its process ended unexpectedly. {kept}",
        **columns,
    )
