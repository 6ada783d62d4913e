"""Rebuilding a lost run store from the runs' folders."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Connection, insert, select
from sqlalchemy.exc import SQLAlchemyError

from digitlab.runs import run_folder
from digitlab.runs.record import RunRecord
from digitlab.runs.schema import EpochRow, RunRow, StepRow
from digitlab.settings import read_settings

_COLUMNS = {column.name for column in RunRow.__table__.columns}
_log = logging.getLogger(__name__)
MOST_BYTES = 20_000_000  # of a record or a history that is read


def restore_runs(connection: Connection) -> dict[str, str]:
    """Put the runs whose folders hold their records into the store, unless they are there.

    Each is put there whole or not at all; the ids of those that could not be, with the reason. A
    run that was going on when the store was lost is `interrupted`, so that it can be resumed.
    Folders that hold something else are left alone. The caller commits.
    """
    folders = sorted(read_settings().runs.glob("*")) if read_settings().runs.is_dir() else []
    present = set(connection.scalars(select(RunRow.id)))
    unread = {}
    for folder in folders:
        values = _read(folder / run_folder.RECORD)
        if folder.name in present or not values or values.get("id") != folder.name:
            continue
        try:
            with connection.begin_nested():
                _restore(connection, folder, values)
        except ValidationError as e:
            unread[folder.name] = "; ".join(
                f"{'.'.join(map(str, error['loc']))}: {error['msg']}" for error in e.errors()[:3]
            )
        except (TypeError, ValueError, OverflowError, RecursionError, SQLAlchemyError) as e:
            unread[folder.name] = str(getattr(e, "orig", None) or e)[:200]
    for run_id, reason in unread.items():
        _log.warning("Run %s could not be restored from its folder: %s", run_id, reason)
    return unread


def _restore(connection: Connection, folder: Path, values: dict[str, Any]) -> None:
    record = RunRecord(**values)
    if record.active:
        message = "The run store was lost during training. Resume the run to continue."
        record = record.changed(status="interrupted", message=message)
    history = _read(folder / run_folder.HISTORY) or {}
    connection.execute(insert(RunRow), [record.model_dump(include=_COLUMNS)])
    for table, name in ((StepRow, "steps"), (EpochRow, "epochs")):
        if rows := _rows(table, record.id, history.get(name)):
            connection.execute(insert(table), rows)


def _rows(table: type, run_id: str, entries: Any) -> list[dict[str, Any]]:
    """The entries of a history as rows; those that lack what every row has are left out."""
    columns = [column for column in table.__table__.columns if column.name != "run_id"]
    entries = entries if isinstance(entries, list) else []
    return [
        {"run_id": run_id, **{column.name: entry.get(column.name) for column in columns}}
        for entry in entries
        if isinstance(entry, dict)
        and all(column.nullable or entry.get(column.name) is not None for column in columns)
    ]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
