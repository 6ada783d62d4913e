"""The run store: what happened in every run, in a database that several processes share."""

from __future__ import annotations

import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import asdict
from typing import Any

from sqlalchemy import Select, delete, func, insert, or_, select, update
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import Session

from digitlab.errors import RunNotFoundError, StoreError
from digitlab.runs.database import connect, reason_of
from digitlab.runs.record import RunRecord, Status, check_run_id
from digitlab.runs.schema import EpochRow, RunRow, StepRow
from digitlab.training.events import EpochDone, StepsDone

_COLUMNS = tuple(column.name for column in RunRow.__table__.columns)


@contextmanager
def _session(*, write: bool = False) -> Iterator[Session]:
    """A transaction; a writing one takes the lock at once, so that reads in it stay true."""
    try:
        with Session(connect()) as session:
            if write and session.get_bind().dialect.name == "sqlite":
                session.connection().exec_driver_sql("BEGIN IMMEDIATE")
            yield session
            session.commit()
    except SQLAlchemyError as e:
        raise StoreError(
            f"The run store did not answer ({reason_of(e)}). If it is locked, another program uses "
            "it; if it is damaged, move the file away: digitlab rebuilds it from the runs' folders."
        ) from e


def add_run(record: RunRecord) -> None:
    """Remember a new run."""
    with _session(write=True) as session:
        session.add(RunRow(**record.model_dump(include=set(_COLUMNS))))


def get_record(run_id: str) -> RunRecord:
    """The run as it stands now; RunNotFoundError where the store has none of that id."""
    with _session() as session:
        row = session.get(RunRow, check_run_id(run_id))
        if row is None:
            raise RunNotFoundError(
                f"There is no run {run_id!r}. `python -m digitlab runs` lists them.", run_id=run_id
            )
        return _record(row)


def list_records(
    statuses: Sequence[Status] | None = None, limit: int | None = None, search: str = ""
) -> list[RunRecord]:
    """Runs, newest first, of the given statuses or of all.

    `search` keeps those whose id, name, model or dataset holds every one of its words.
    """
    query = _matching(select(RunRow), statuses, search)
    query = query.order_by(RunRow.created.desc(), RunRow.id)
    with _session() as session:
        return [_record(row) for row in session.scalars(query.limit(limit))]


def _matching(query: Select, statuses: Sequence[Status] | None, search: str) -> Select:
    if statuses is not None:
        query = query.where(RunRow.status.in_(statuses))
    for word in search.split():
        texts = (RunRow.id, RunRow.name, RunRow.model, RunRow.dataset)
        query = query.where(or_(*(text.icontains(word, autoescape=True) for text in texts)))
    return query


def find_ids(prefix: str) -> list[str]:
    """Ids that begin with `prefix`, newest first."""
    query = select(RunRow.id).where(RunRow.id.startswith(prefix, autoescape=True))
    with _session() as session:
        return list(session.scalars(query.order_by(RunRow.created.desc()).limit(20)))


def update_run(run_id: str, **values: Any) -> None:
    """Change some columns of a run."""
    with _session(write=True) as session:
        session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))


def change_status(run_id: str, expected: Status, status: Status, **values: Any) -> bool:
    """Change the status only where it still is `expected`; whether it was."""
    with _session(write=True) as session:
        changed = session.execute(
            update(RunRow)
            .where(RunRow.id == run_id, RunRow.status == expected)
            .values(status=status, **values)
        )
        return changed.rowcount == 1


def claim_next(max_jobs: int) -> RunRecord | None:
    """Take the oldest waiting run for this process, where fewer than `max_jobs` are running.

    Counting and taking are one transaction, so two processes never take the same run and never
    run more than they may.
    """
    with _session(write=True) as session:
        running = session.scalar(
            select(func.count()).where(RunRow.status == "running", RunRow.executor == "process")
        )
        if running >= max_jobs:
            return None
        row = session.scalars(
            select(RunRow)
            .where(RunRow.status == "queued")
            .order_by(RunRow.created, RunRow.id)
            .limit(1)
        ).first()
        if row is None:
            return None
        claimed = session.execute(
            update(RunRow)
            .where(RunRow.id == row.id, RunRow.status == "queued")
            .values(status="running", started=time.time())
        )
        session.refresh(row)
        return _record(row) if claimed.rowcount == 1 else None


def append_history(
    run_id: str, steps: Iterable[StepsDone], epochs: Iterable[EpochDone], **values: Any
) -> None:
    """Write windows of steps, epochs and changed columns of a run in one transaction."""
    step_rows = [{"run_id": run_id, **asdict(step)} for step in steps]
    epoch_rows = [{"run_id": run_id, **asdict(epoch)} for epoch in epochs]
    with _session(write=True) as session:
        if step_rows:
            session.execute(insert(StepRow), step_rows)
        if epoch_rows:
            session.execute(insert(EpochRow), epoch_rows)
        if values:
            session.execute(update(RunRow).where(RunRow.id == run_id).values(**values))


def cut_history(run_id: str, step: int, epoch: int) -> None:
    """Delete the history after this step and this epoch, from which the run is resumed."""
    with _session(write=True) as session:
        session.execute(delete(StepRow).where(StepRow.run_id == run_id, StepRow.step > step))
        session.execute(delete(EpochRow).where(EpochRow.run_id == run_id, EpochRow.epoch > epoch))
        session.execute(
            update(RunRow).where(RunRow.id == run_id).values(step=step, epochs_done=epoch)
        )


def read_history(run_id: str) -> tuple[list[dict[str, Any]], list[dict[str, Any]]]:
    """All windows of steps and all epochs of a run, in order, as plain dicts."""
    with _session() as session:
        return (
            _rows(session, StepRow, run_id, StepRow.step),
            _rows(session, EpochRow, run_id, EpochRow.epoch),
        )


def _rows(session: Session, table: type, run_id: str, order: Any) -> list[dict[str, Any]]:
    columns = [column for column in table.__table__.columns if column.name != "run_id"]
    found = session.execute(select(*columns).where(table.run_id == run_id).order_by(order))
    return [dict(row) for row in found.mappings()]


def remove_run(run_id: str) -> None:
    """Forget a run and its history."""
    with _session(write=True) as session:
        session.execute(delete(RunRow).where(RunRow.id == run_id))


def _record(row: RunRow) -> RunRecord:
    return RunRecord(**{name: getattr(row, name) for name in _COLUMNS})
