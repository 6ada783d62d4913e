"""Deleting runs."""

from __future__ import annotations

from digitlab.errors import RunError
from digitlab.runs import run_folder, store
from digitlab.runs.run import open_run


def delete_run(run_id: str) -> None:
    """Delete a run with its files; RunError for one that is active or bundled."""
    record = open_run(run_id).record
    if record.bundled:
        raise RunError(f"Run {record.id} came with digitlab and stays.", run_id=record.id)
    if record.active:
        raise RunError(f"Run {record.id} is {record.status}: stop it first.", run_id=record.id)
    store.remove_run(record.id)
    run_folder.remove_folder(record.id)
