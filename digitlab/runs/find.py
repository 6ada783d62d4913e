"""Finding a run's record, own or bundled, by its id."""

from __future__ import annotations

import json
from functools import lru_cache
from pathlib import Path
from typing import Any

from digitlab import owners
from digitlab.errors import RunError, RunNotFoundError
from digitlab.runs import run_folder, store
from digitlab.runs.record import RunRecord, check_run_id

LATEST = "latest"


def find_record(run_id: str) -> RunRecord:
    """The record of the run of that id, of an id that begins so, or of `latest`.

    Raises RunNotFoundError where there is none, and where the beginning fits several.
    """
    if run_id == LATEST:
        newest = store.list_records(limit=1)
        if not newest:
            raise RunNotFoundError(
                "There is no run of your own yet. Train one, or name a bundled one.", run_id=run_id
            )
        return newest[0]
    bundled = [f for f in bundled_folders() if f.name.startswith(check_run_id(run_id))]
    if bundled and bundled[0].name == run_id:  # needs no store
        return read_bundled(bundled[0])
    ids = store.find_ids(run_id) + [folder.name for folder in bundled]
    if run_id not in ids and len(ids) > 1:
        raise RunNotFoundError(
            f"{run_id!r} could be {', '.join(ids[:3])} …: type more of the id.", run_id=run_id
        )
    if bundled and len(ids) == 1:
        return read_bundled(bundled[0])
    return store.get_record(run_id if run_id in ids or not ids else ids[0])


def find_changeable(run_id: str, not_bundled: str = "cannot be changed") -> RunRecord:
    """`find_record` for a run that is to be changed.

    RunError where it came with digitlab, or is not theirs for whom this process acts.
    """
    record = find_record(run_id)
    if record.bundled:
        raise RunError(f"Run {record.id} comes with digitlab and {not_bundled}.", run_id=record.id)
    if not record.changeable:
        raise RunError(owners.not_yours(f"Run {record.id}"), run_id=record.id)
    return record


def bundled_folders() -> list[Path]:
    """The folders of the runs that come with digitlab, in alphabetical order."""
    return sorted(path.parent for path in run_folder.ASSETS.glob(f"*/{run_folder.RECORD}"))


def read_bundled(folder: Path) -> RunRecord:
    """The record of a bundled run; pages ask for it several times after each stroke."""
    path = folder / run_folder.RECORD
    return _read_bundled(folder, path.stat().st_mtime_ns if path.is_file() else 0)


@lru_cache(maxsize=32)
def _read_bundled(folder: Path, changed: int) -> RunRecord:
    record = read_json(folder / run_folder.RECORD)
    return RunRecord(**{**record, "id": folder.name, "executor": "bundled"})


def read_json(path: Path) -> dict[str, Any]:
    """A JSON file of a run's folder. Raises RunError where it is missing or damaged."""
    try:
        return json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as e:
        raise RunError(f"{path} cannot be read ({e}).") from e
