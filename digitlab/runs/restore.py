"""Rebuilding a lost run store from the runs' folders."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from sqlalchemy import Engine, insert

from digitlab.runs import run_folder
from digitlab.runs.record import RunRecord
from digitlab.runs.schema import EpochRow, RunRow, StepRow
from digitlab.settings import read_settings

_COLUMNS = {column.name for column in RunRow.__table__.columns}
MOST_BYTES = 20_000_000  # of a record or a history that is read


def restore_runs(engine: Engine) -> int:
    """Put every run whose folder holds its record into an empty store; how many there were.

    A run that was going on when the store was lost is `interrupted`, so that it can be resumed.
    Folders that hold something else are left alone.
    """
    folders = sorted(read_settings().runs.glob("*")) if read_settings().runs.is_dir() else []
    return sum(_restore(engine, folder) for folder in folders)


def _restore(engine: Engine, folder: Path) -> bool:
    values = _read(folder / run_folder.RECORD)
    history = _read(folder / run_folder.HISTORY) or {"steps": [], "epochs": []}
    try:
        record = RunRecord(**values or {})
    except (ValidationError, TypeError):
        return False
    if record.id != folder.name:
        return False
    if record.active:
        message = "The run store was lost during training. Resume the run to continue."
        record = record.changed(status="interrupted", message=message)
    with engine.begin() as connection:
        connection.execute(insert(RunRow), [record.model_dump(include=_COLUMNS)])
        for table, name in ((StepRow, "steps"), (EpochRow, "epochs")):
            if rows := _rows(table, record.id, history.get(name)):
                connection.execute(insert(table), rows)
    return True


def _rows(table: type, run_id: str, entries: Any) -> list[dict[str, Any]]:
    columns = [column.name for column in table.__table__.columns if column.name != "run_id"]
    entries = entries if isinstance(entries, list) else []
    return [
        {"run_id": run_id, **{name: entry.get(name) for name in columns}}
        for entry in entries
        if isinstance(entry, dict)
    ]


def _read(path: Path) -> dict[str, Any] | None:
    try:
        if path.stat().st_size > MOST_BYTES:
            return None
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return value if isinstance(value, dict) else None
