"""Pausing and resuming runs, training them for longer, and rerunning them with a change."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from digitlab.errors import RunError, StoreError
from digitlab.jobs.compute import call, requests
from digitlab.jobs.launch import launch_worker
from digitlab.jobs.queue import check_parameters, check_room, enqueue, mark_interrupted
from digitlab.jobs.turns import check_seconds, when_waiting
from digitlab.runs import checkpoints, lease, run_folder, store
from digitlab.runs.find import find_changeable
from digitlab.runs.record import RunRecord, Status
from digitlab.runs.run import open_run
from digitlab.runs.transaction import adding

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec

RESUMABLE: tuple[Status, ...] = ("paused", "interrupted", "stopped", "failed")
_CYCLES = ("cosine", "one-cycle")  # schedules that end with nothing left of the learning rate


def pause(run_id: str) -> None:
    """Pause a running or waiting run: it saves its state and ends. Harmless if it has ended."""
    mark_interrupted()
    record = find_changeable(run_id)
    waiting = record.status == "queued" and store.change_status(
        record.id, "queued", "paused", message=f"Paused {when_waiting(record)}."
    )
    if not waiting and store.get_record(record.id).status == "running":
        lease.ask(record.id, "pause")


def resume(run_id: str) -> None:
    """Put a paused, interrupted, stopped or failed run back into the queue.

    It continues from its last checkpoint, bit for bit as if it had never stopped, or from the
    beginning if there is none. Harmless if it waits or trains already. Raises RunError for
    a finished or bundled run and if the maximum number of runs is waiting, and SpecError where
    its training would be over a limit.
    """
    mark_interrupted()
    record = find_changeable(run_id)
    if record.active:
        return
    if record.status not in RESUMABLE:
        raise RunError(
            f"Run {record.id} is finished. Train it for more epochs, or rerun it.",
            run_id=record.id,
        )
    _requeue(record)


def train_longer(run_id: str, epochs: int) -> None:
    """Train a finished run for so many more epochs, from where it ended, in the background.

    With a constant or a step schedule the weights become exactly those of a run that was asked
    for all the epochs at once. A schedule that has decayed to zero restarts for the added epochs,
    which is recorded in the recipe's `restarts`; a recipe with the same `restarts` from the
    beginning gives the same weights. Early stopping no longer applies. Raises RunError for a run
    that is not finished or whose checkpoints were deleted, and where the added epochs would likely
    take more seconds than a run may train, ConfigError for too many epochs, and
    SpecError where its training would be over a limit.
    """
    record = find_changeable(run_id)
    if record.status != "finished":
        raise RunError(
            f"Run {record.id} is {record.status}, not finished: resume it instead.",
            run_id=record.id,
        )
    if not checkpoints.has_state(record.id):
        raise RunError(
            f"Run {record.id} has no checkpoint to continue from. Rerun it with more epochs.",
            run_id=record.id,
        )
    check_seconds(record, epochs)
    config = open_run(record.id).config
    done = record.epochs_done
    restarts = (*config.restarts, done) if config.schedule in _CYCLES else config.restarts
    longer = config.changed(epochs=done + epochs, restarts=restarts, early_stopping=None)
    _requeue(record, config=longer.model_dump(), epochs=longer.epochs)


def repeat(
    run_id: str,
    *,
    spec: ModelSpec | None = None,
    dataset: str | None = None,
    name: str = "",
    **changes: Any,
) -> str:
    """A new run in the queue like this one but for the `changes` of its recipe; its id.

    Raises SpecError, ConfigError or DatasetError where the change does not fit.
    """
    run = open_run(run_id)
    if run.record.members:
        raise RunError(
            f"{run.record.name} is an ensemble and is not trained: rerun its members, then "
            "combine them.",
            run_id=run.id,
        )
    before = run.record.experiment
    experiment = call(
        requests.plan,
        spec or before.spec,
        dataset or before.dataset,
        before.config.changed(**changes),
        None if spec else before.start_from,
    )
    return enqueue(experiment, name=name or run.record.name, parent=run.id)


def _check_limits(record: RunRecord) -> None:
    """SpecError where the run is over a limit: its ZIP was made elsewhere, or they were lowered."""
    spec, config = record.experiment.spec, record.experiment.config
    classes = len(record.data.classes) if config.task == "classify" else None
    error = call(requests.find_misfit, spec, spec.input, classes, config.batch_size)
    if error:
        raise error


def _requeue(record: RunRecord, **values: Any) -> None:
    _check_limits(record)
    check_parameters(record)
    values |= {"ended": None, "message": "", "executor": "process"}
    with adding():
        check_room()
        run_folder.clear_requests(record.id)
        store.change_status(record.id, record.status, "queued", **values)
    try:
        launch_worker()
    except StoreError:
        former = {name: getattr(record, name) for name in values}
        store.change_status(record.id, "queued", record.status, **former)
        raise
