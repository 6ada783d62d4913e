"""Sweeps that choose their trials as they go: started, stopped, resumed; their next run queued.

No process drives a sweep. Each worker that has ended a run asks here for what comes next; so does
whoever watches, where no worker is left. What is next follows from the runs alone, see `study`.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from typing import TYPE_CHECKING

from digitlab import owners
from digitlab.errors import ConfigError, DatasetError, DigitlabError, RunError, reason
from digitlab.jobs import queue
from digitlab.jobs.launch import launch_worker, relaunch_worker
from digitlab.jobs.measurement import list_measured
from digitlab.jobs.resume import resume
from digitlab.runs import store
from digitlab.runs.record import RunRecord, Sweep, check_run_id
from digitlab.runs.transaction import alone
from digitlab.settings import read_settings
from digitlab.sweeps.grid import APART, new_sweep
from digitlab.sweeps.pruning import reason_to_prune
from digitlab.sweeps.search import Search
from digitlab.sweeps.state import (
    SweepState,
    add_state,
    change_state,
    find_state,
    get_state,
    list_open,
)
from digitlab.sweeps.study import next_number, plan_next
from digitlab.sweeps.trials import RESUMED, best_trial, read_trials
from digitlab.training.events import EpochDone, Event

if TYPE_CHECKING:
    from digitlab.execution.control import Control
    from digitlab.runs.experiment import Experiment

STOPPED = "Stopped."
_UNBOUNDED = 10**6
_log = logging.getLogger(__name__)


def start_sweep(search: Search) -> str:
    """Begin a sweep in the background; its id.

    Raises RunError where no run may wait now.
    """
    queue.check_room()
    _check_going()
    sweep_id = new_sweep("").id
    add_state(sweep_id, search)
    launch_worker()
    return sweep_id


def _check_going() -> None:
    """Raise RunError where a visitor has as many sweeps that go on as runs that may wait."""
    most = read_settings().visitor_queued if owners.is_bounded() else None
    going = sum(owner == owners.new_owner() for owner, _ in list_open()) if most else 0
    if most and going >= most:
        raise RunError(
            f"{going} searches of yours go on, and {most} may (DIGITLAB_VISITOR_QUEUED). Wait "
            "until one has ended, or stop one."
        )


def stop_sweep(sweep_id: str) -> None:
    """Stop the waiting runs of a sweep, then those that are training; what they learnt is kept.

    No further trial begins until it is resumed.
    """
    if find_state(sweep_id) is not None:
        with _changing(sweep_id):
            if get_state(sweep_id).is_open:
                change_state(sweep_id, stopped=STOPPED)
    records = [record for record in store.list_sweep(sweep_id) if record.active]
    for record in sorted(records, key=lambda record: record.status != "queued"):
        queue.stop(record.id)


def resume_sweep(sweep_id: str) -> None:
    """Let a sweep that was stopped go on: its unfinished runs from their checkpoints, then others.

    Harmless where it goes on or has ended. Raises RunNotFoundError for one that is unknown, and
    RunError where so many runs may not wait.
    """
    with _changing(sweep_id):
        if not get_state(sweep_id).ended:
            change_state(sweep_id, stopped="")
            queue.mark_interrupted()
            for record in store.list_sweep(sweep_id):
                if record.status in ("stopped", "paused") and not record.data.sweep.pruned:
                    resume(record.id)
    launch_worker()


def keep_going(sweep_id: str) -> None:
    """Start a worker where a sweep is to go on and none of its runs is active; call it often."""
    state = find_state(sweep_id)
    going = state is not None and state.is_open
    if going and not any(record.active for record in store.list_sweep(sweep_id)):
        relaunch_worker()


# ---- what workers do ----------------------------------------------------------------------------


def advance_all() -> int:
    """Queue what is next of every sweep, whoever it belongs to; how many runs were queued."""
    queued = 0
    for owner, sweep_id in list_open():
        try:
            with owners.acting_for(owner):
                queued += advance(sweep_id)
        except DigitlabError as e:  # whatever is wrong with one, the others go on
            _log.warning("Sweep %s cannot go on now: %s", sweep_id, e)
    return queued


def advance(sweep_id: str) -> int:
    """Queue the next runs of a sweep, for as many as may train at once; how many.

    Its trials first; then the best configuration with other seeds. A trial whose process died is
    resumed. A sweep that cannot go on is stopped with its reason.
    """
    with _changing(sweep_id):
        try:
            state = find_state(sweep_id)
        except ConfigError as e:
            change_state(sweep_id, stopped=str(e))
            return 0
        if state is None or not state.is_open:
            return 0
        records = store.list_sweep(sweep_id)
        before = sum(record.active for record in records)
        try:
            active = _fill(state, records)
        except DigitlabError as e:
            active = sum(record.active for record in store.list_sweep(sweep_id))
            if not active and not _can_elsewhere(e):
                change_state(sweep_id, stopped=str(e))
        except Exception as e:
            why = f"Something went wrong: {reason(e)}. See the workers' log."
            change_state(sweep_id, stopped=why)
            raise
        else:
            if not active:
                change_state(sweep_id, ended=True)
        return max(0, active - before)


def _can_elsewhere(error: DigitlabError) -> bool:
    """Whether another machine may go on: one that shares the runs and has the dataset."""
    return isinstance(error, DatasetError) and bool(read_settings().storage)


@contextmanager
def _changing(sweep_id: str) -> Iterator[None]:
    """While this lasts, no other process changes the sweep, or adds a trial to it."""
    with alone(check_run_id(sweep_id)):
        yield


def _fill(state: SweepState, records: list[RunRecord]) -> int:
    """Queue runs of a sweep until as many are active as may train at once; how many are."""
    if _resume_interrupted(records):
        records = store.list_sweep(state.id)
    while sum(record.active for record in records) < read_settings().max_jobs:
        record = _next_record(state.id, state.search, records)
        if record is None:
            break
        _add(record)
        records.append(record)
    return sum(record.active for record in records)


def _resume_interrupted(records: Sequence[RunRecord]) -> int:
    """Resume runs whose process died, each a few times; how many."""
    resumed = 0
    for record in records:
        label = record.data.sweep
        if record.status == "interrupted" and label.resumed < RESUMED and not label.pruned:
            _relabel(record, label.model_copy(update={"resumed": label.resumed + 1}))
            resume(record.id)
            resumed += 1
    return resumed


def _relabel(record: RunRecord, label: Sweep) -> None:
    data = store.get_record(record.id).data.changed(sweep=label.model_dump())
    store.update_run(record.id, data=data.model_dump())


def _next_record(sweep_id: str, search: Search, records: Sequence[RunRecord]) -> RunRecord | None:
    """The next run of a sweep; None where it waits for others, or is done."""
    from digitlab.execution.prepare import make_record

    trials = read_trials(search, records)
    label, experiment = Sweep(id=sweep_id, name=search.name), None
    if len(trials) < search.trials and not _is_over(search, trials):
        experiment = plan_next(search, trials)
        label = label.model_copy(update={"trial": next_number(search, trials)})
    if experiment is None:
        if any(trial.state in ("waiting", "running") for trial in trials):
            return None
        experiment = _plan_final(search, records)
        label = label.model_copy(update={"trial": None, "final": True})
    if experiment is None:
        return None
    record = make_record(experiment, status="queued", executor="process", sweep=label)
    latest = max((each.created for each in records), default=0.0)
    return record.changed(created=max(record.created, latest + APART))


def _is_over(search: Search, trials: Sequence) -> bool:
    """Whether the trials have trained for as long as they may, all together."""
    if search.minutes is None:
        return False
    seconds = sum(seconds_of(trial.record) for trial in trials)
    return seconds >= 60 * search.minutes


def seconds_of(record: RunRecord) -> float:
    """Seconds for which a run has trained, also while it trains."""
    if record.status == "running" and record.started is not None:
        return time.time() - record.started
    return record.train_seconds or 0.0


def _plan_final(search: Search, records: Sequence[RunRecord]) -> Experiment | None:
    """The best trial's experiment with the next seed; None where there are enough."""
    from digitlab.execution.prepare import plan

    best = best_trial(read_trials(search, records))
    taken = {record.seed for record in records if record.data.sweep.final}
    if best is None or len(taken) >= search.seeds:
        return None
    # Not the seed that the best was chosen with: that one may have been lucky.
    seed = next(n for n in range(len(taken) + 2) if n not in taken | {best.record.seed})
    experiment = best.record.experiment
    return plan(experiment.spec, experiment.dataset, experiment.config.changed(seed=seed))


def _add(record: RunRecord) -> None:
    """Let a run wait: of a visitor within their share; a person's own sweep always has room."""
    queue.check_parameters(record)
    bounded = owners.is_bounded()
    most = read_settings().max_queued - len(list_measured()) if bounded else _UNBOUNDED
    with queue.adding():
        queue.check_share(1)
        if not store.add_waiting([record], most):
            queue.check_room()


def watch_trial(record: RunRecord, control: Control) -> Callable[[Event], None] | None:
    """What looks at a training's events to prune it; None for a run that is not to be pruned."""
    label = record.data.sweep
    state = find_state(label.id) if label and label.trial and not label.pruned else None
    if state is None or state.search.pruning == "none":
        return None
    search = state.search

    def look(event: Event) -> None:
        if not isinstance(event, EpochDone) or event.epoch >= record.epochs:
            return
        score = search.score(event.val_accuracy, event.val_loss)
        if score is None or score != score:  # no number: the training ends by itself
            return
        with suppress(DigitlabError):  # a store that is busy: after the next epoch
            trials = read_trials(search, store.list_sweep(label.id))
            why = reason_to_prune(search, trials, label.trial, event.epoch, score)
            if why:
                _relabel(record, label.model_copy(update={"pruned": why}))
                control.note = why
                control.press("stop")

    return look
