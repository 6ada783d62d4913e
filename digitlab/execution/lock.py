"""Keeping a run's lock while it trains, also where somebody deletes its folder meanwhile."""

from __future__ import annotations

from filelock import FileLock, Timeout

from digitlab.runs import run_folder, store

_held: dict[str, FileLock] = {}


def hold_lock(run_id: str) -> None:
    """Take the lock anew where the run's folder, and with it the lock, was deleted.

    Others may have taken the run for dead in between: it is marked as running again. To be called
    by the process that carries out the run. Raises StoreError where the folder cannot be made.
    """
    if run_folder.lock_file(run_id).exists():
        return
    lock = run_folder.run_lock(run_id)
    try:
        lock.acquire(timeout=0)
    except Timeout:
        return
    _held[run_id] = lock  # until this process ends
    store.change_status(run_id, "interrupted", "running", ended=None, message="")
