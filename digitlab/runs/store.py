"""The run store: what happened in every run, in a database that several processes share."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Collection, Iterable, Sequence
from itertools import zip_longest
from typing import Any, NamedTuple

from sqlalchemy import Select, delete, exists, func, insert, or_, select, update
from sqlalchemy.orm import Session

from digitlab import owners
from digitlab.errors import RunError, RunNotFoundError
from digitlab.runs import lease
from digitlab.runs.record import RunRecord, Status, check_run_id
from digitlab.runs.schema import EpochRow, RunRow, StepRow, SweepRow
from digitlab.runs.transaction import repeatable, transact
from digitlab.training.events import EpochDone, StepsDone

_log = logging.getLogger(__name__)

_COLUMNS = tuple(column.name for column in RunRow.__table__.columns)


def add_run(*records: RunRecord) -> None:
    """Remember a new run, or several: all of them or none."""
    with transact(write=True) as session:
        session.add_all(map(_row, records))


def begin_run(record: RunRecord) -> None:
    """Remember a new run that this process carries out: see `lease.holding`."""
    with transact(write=True) as session:
        session.add(_row(record))
        session.flush()
        lease.claim(session, record.id, new=True)


@repeatable
def end_run(run_id: str, **values: Any) -> None:
    """Change some columns of a run that this process has carried out, and give its lease up."""
    with transact(write=True) as session:
        lease.give_up(session, run_id)
        if values:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))


def add_waiting(records: Sequence[RunRecord], most: int) -> bool:
    """Remember runs that wait, all of them, where at most `most` then wait; whether that was so.

    Counting and adding are one transaction, so that two processes never add more than may wait.
    """
    with transact(counts=True) as session:
        waiting = session.scalar(select(func.count()).where(RunRow.status == "queued"))
        if waiting + len(records) > most:
            return False
        session.add_all(map(_row, records))
        return True


def _row(record: RunRecord) -> RunRow:
    return RunRow(**record.model_dump(include=set(_COLUMNS)))


def withdraw(run_ids: Sequence[str]) -> bool:
    """Forget runs if all of them still wait; whether they did."""
    waiting = (RunRow.id.in_(run_ids), RunRow.status == "queued")
    with transact(counts=True) as session:
        if session.scalar(select(func.count()).where(*waiting)) < len(run_ids):
            return False
        session.execute(delete(RunRow).where(*waiting))
        return True


@repeatable
def get_record(run_id: str) -> RunRecord:
    """The run as it stands now; RunNotFoundError where the store has none of that id.

    RunError where it is another visitor's, and not shared.
    """
    with transact() as session:
        row = session.get(RunRow, check_run_id(run_id))
        if row is None:
            raise RunNotFoundError(
                f"There is no run {run_id!r}. `python -m digitlab runs` lists them.", run_id=run_id
            )
        if not owners.may_see(row.owner, row.share):
            raise RunError(owners.not_yours(f"Run {run_id}"), run_id=run_id)
        return _record(row)


def list_records(
    statuses: Sequence[Status] | None = None,
    limit: int | None = None,
    search: str = "",
    owner: str | None = None,
) -> list[RunRecord]:
    """Runs that may be looked at, newest first, of the given statuses or of all.

    `search` keeps those whose id, name, model or dataset holds every one of its words, `owner`
    those that are this owner's.
    """
    query = _listed(_matching(select(RunRow), statuses, search))
    if owner is not None:
        query = query.where(RunRow.owner == owner)
    query = query.order_by(RunRow.created.desc(), RunRow.id)
    with transact() as session:
        return _records(session, query.limit(limit))


def _listed(query: Select) -> Select:
    """Of the runs of a query those that are everybody's, or whose owner this process acts for."""
    if owners.may_change(None):
        return query
    return query.where(or_(RunRow.owner.is_(None), RunRow.owner == owners.new_owner()))


def _matching(query: Select, statuses: Sequence[Status] | None, search: str) -> Select:
    if statuses is not None:
        query = query.where(RunRow.status.in_(statuses))
    for word in search.split():
        texts = (RunRow.id, RunRow.name, RunRow.model, RunRow.dataset)
        query = query.where(or_(*(text.icontains(word, autoescape=True) for text in texts)))
    return query


class RunOf(NamedTuple):
    """The little of a run that a class is told of; see `list_runs_of`."""

    id: str
    owner: str
    status: Status
    dataset: str
    test_accuracy: float | None


def list_runs_of(owner_names: Collection[str], since: float) -> list[RunOf]:
    """The runs of these owners that were made since a moment, whoever asks; the newest first."""
    columns = [getattr(RunRow, name) for name in RunOf._fields]
    query = select(*columns).where(RunRow.owner.in_(owner_names), RunRow.created >= since)
    with transact() as session:
        return [RunOf(*row) for row in session.execute(query.order_by(RunRow.created.desc()))]


def list_sweep(sweep_id: str) -> list[RunRecord]:
    """The runs of a sweep that are left, in the order in which they were asked for."""
    query = _listed(select(RunRow).where(RunRow.data["sweep"]["id"].as_string() == sweep_id))
    with transact() as session:
        return _records(session, query.order_by(RunRow.created, RunRow.id))


def move_sweeps(owner: str, new_owner: str) -> None:
    """Give the sweeps of an owner to another; their runs are not moved by this."""
    with transact(write=True) as session:
        session.execute(update(SweepRow).where(SweepRow.owner == owner).values(owner=new_owner))


def remove_sweeps(owner: str) -> None:
    """Forget the sweeps of an owner, so that none goes on; their runs stay."""
    with transact(write=True) as session:
        session.execute(delete(SweepRow).where(SweepRow.owner == owner))


def find_ids(prefix: str) -> list[str]:
    """Ids that begin with `prefix`, newest first."""
    query = _listed(select(RunRow.id).where(RunRow.id.startswith(prefix, autoescape=True)))
    with transact() as session:
        return list(session.scalars(query.order_by(RunRow.created.desc()).limit(20)))


@repeatable
def update_run(run_id: str, **values: Any) -> None:
    """Change some columns of a run. LeaseLostError where another process carries it out by now."""
    with transact(write=True) as session:
        lease.guard(session, run_id)
        session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))


@repeatable
def change_status(run_id: str, expected: Status, status: Status, **values: Any) -> bool:
    """Change the status only where it still is `expected`; whether it was."""
    with transact(write=True) as session:
        changed = session.execute(
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.status == expected)
            .values(status=status, **values)
        )
        return changed.rowcount == 1


def claim_next(
    max_jobs: int,
    held: Collection[str] = (),
    can_take: Callable[[RunRecord], bool] | None = None,
) -> RunRecord | None:
    """Take the next waiting run for this process, where fewer than `max_jobs` are running.

    Owners take turns, see `in_turns`; those who are `held` have none. Counting and taking are one
    transaction, so two processes never take the same run and never run more than they may. Its
    lease is this process's, see `lease.holding`. Runs that it cannot take wait for another.
    """
    with transact(counts=True) as session:
        running = session.scalar(
            select(func.count()).where(RunRow.status == "running", RunRow.executor == "process")
        )
        if running >= max_jobs:
            return None
        for run_id in _turns(session, held):
            if can_take and not can_take(_record(session.get_one(RunRow, run_id))):
                continue
            claimed = session.execute(
                update(RunRow)
                .where(RunRow.id == run_id, RunRow.status == "queued")
                .values(status="running", started=time.time())
            )
            if claimed.rowcount:  # none where somebody stopped it just now
                lease.claim(session, run_id)
                return _record(session.get_one(RunRow, run_id, populate_existing=True))
    return None


def list_turns(held: Collection[str] = ()) -> list[str]:
    """The ids of all waiting runs, whoever they belong to, in the order in which they are taken.

    Without those of owners who are `held`.
    """
    with transact() as session:
        return _turns(session, held)


def others_wait(owner: str, held: Collection[str] = ()) -> bool:
    """Whether a run waits of somebody else, who is not `held`."""
    theirs = or_(RunRow.owner.is_(None), RunRow.owner.not_in({owner, *held}))
    with transact() as session:
        return bool(session.scalar(select(exists().where(RunRow.status == "queued", theirs))))


def _turns(session: Session, held: Collection[str]) -> list[str]:
    waits = (RunRow.status == "queued", or_(RunRow.owner.is_(None), RunRow.owner.not_in(held)))
    query = select(RunRow.id, RunRow.owner).where(*waits).order_by(RunRow.created, RunRow.id)
    waiting: dict[str | None, list[str]] = {}
    for run_id, owner in session.execute(query):
        waiting.setdefault(owner, []).append(run_id)
    if len(waiting) < 2:
        return [run_id for ids in waiting.values() for run_id in ids]
    started = select(RunRow.owner, func.max(RunRow.started)).where(RunRow.executor == "process")
    last = {owner: when or 0.0 for owner, when in session.execute(started.group_by(RunRow.owner))}
    return in_turns(waiting, last)


def in_turns(waiting: dict[Any, list[str]], last: dict[Any, float]) -> list[str]:
    """The ids of each owner's waiting runs, taken in turns, by an owner's `last` turn.

    Among equals the first in `waiting` comes first.
    """
    owners_in_turn = sorted(waiting, key=lambda owner: last.get(owner, 0.0))
    rounds = zip_longest(*(waiting[owner] for owner in owners_in_turn))
    return [run_id for each in rounds for run_id in each if run_id is not None]


def append_history(
    run_id: str, steps: Iterable[StepsDone], epochs: Iterable[EpochDone], **values: Any
) -> None:
    """Write windows of steps, epochs and changed columns of a run in one transaction.

    LeaseLostError where this process carried the run out, and another does by now.
    """
    step_rows = [{"run_id": run_id, **vars(step)} for step in steps]
    epoch_rows = [{"run_id": run_id, **vars(epoch)} for epoch in epochs]
    with transact(write=True) as session:
        lease.guard(session, run_id)
        if step_rows:
            session.execute(insert(StepRow.__table__), step_rows)
        if epoch_rows:
            session.execute(insert(EpochRow.__table__), epoch_rows)
        if values:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))


@repeatable
def last_written(run_id: str) -> tuple[int, int]:
    """The last step and the last epoch of a run's history; 0 where there is none."""
    with transact() as session:
        step = session.scalar(select(func.max(StepRow.step)).where(StepRow.run_id == run_id))
        epoch = session.scalar(select(func.max(EpochRow.epoch)).where(EpochRow.run_id == run_id))
    return step or 0, epoch or 0


@repeatable
def cut_history(run_id: str, step: int, epoch: int) -> None:
    """Delete the history after this step and this epoch, from which the run is resumed."""
    with transact(write=True) as session:
        lease.guard(session, run_id)
        session.execute(delete(StepRow).where(StepRow.run_id == run_id, StepRow.step > step))
        session.execute(delete(EpochRow).where(EpochRow.run_id == run_id, EpochRow.epoch > epoch))
        session.execute(
            update(RunRow).where(RunRow.id == run_id).values(step=step, epochs_done=epoch)
        )


@repeatable
def read_history(run_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All windows of steps and all epochs of a run, in order, as plain dicts."""
    with transact() as session:
        return (
            _rows(session, StepRow, run_id, StepRow.step),
            _rows(session, EpochRow, run_id, EpochRow.epoch),
        )


def read_validation(run_ids: Sequence[str]) -> dict[str, dict[int, tuple[Any, Any]]]:
    """Of each of these runs by epoch: validation accuracy and loss, None where there is none."""
    columns = (EpochRow.run_id, EpochRow.epoch, EpochRow.val_accuracy, EpochRow.val_loss)
    epochs: dict[str, dict[int, tuple[Any, Any]]] = {run_id: {} for run_id in run_ids}
    with transact() as session:
        for run_id, epoch, *values in session.execute(
            select(*columns).where(EpochRow.run_id.in_(run_ids)).order_by(EpochRow.epoch)
        ):
            epochs[run_id][epoch] = tuple(values)
    return epochs


def _rows(session: Session, table: type, run_id: str, order: Any) -> list[dict[str, Any]]:
    columns = [column for column in table.__table__.columns if column.name != "run_id"]
    rows = session.execute(select(*columns).where(table.run_id == run_id).order_by(order))
    return [dict(row) for row in rows.mappings()]


def remove_run(run_id: str) -> None:
    """Forget a run and its history."""
    with transact(write=True) as session:
        session.execute(delete(RunRow).where(RunRow.id == run_id))


def _records(session: Session, query: Select) -> list[RunRecord]:
    """The records of a query; a row that cannot be read is left out, and logged."""
    try:
        return [_record(row) for row in session.scalars(query)]
    except ValueError:  # JSON or a record that is none: in one of the rows, maybe
        records = []
    for run_id in session.scalars(query.with_only_columns(RunRow.id)):
        try:
            records.append(_record(session.get_one(RunRow, run_id)))
        except ValueError as e:
            _log.warning("Run %s cannot be read from the store: %s", run_id, e)
    return records


def _record(row: RunRow) -> RunRecord:
    return RunRecord(**{name: getattr(row, name) for name in _COLUMNS})
