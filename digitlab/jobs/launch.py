"""Starting a worker: a detached process that outlives the app."""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

from digitlab.errors import StoreError
from digitlab.settings import read_settings

MOST_LOG_BYTES = 1_000_000
PAUSE_SECONDS = 3.0  # between two workers started from this process for runs that still wait

_last_launch = 0.0
_lock = threading.Lock()


def launch_worker() -> None:
    """Start `python -m digitlab.jobs.worker`, detached, with this process's environment.

    Its output goes to a log in the home's `logs` folder. Raises StoreError where that folder
    cannot be written or the system starts no further process.
    """
    try:
        launch("digitlab.jobs.worker")
    except OSError as e:
        raise StoreError(
            f"No worker could be started ({e.strerror or e}); the run is still queued. Check that "
            f"{read_settings().logs} can be written, then start any run again."
        ) from e


def launch(module: str, *arguments: str) -> None:
    """Start `python -m module arguments…`, detached, its output in the workers' log; or OSError."""
    settings = read_settings()
    settings.logs.mkdir(parents=True, exist_ok=True)
    package_parent = str(Path(__file__).parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    detached = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
        if os.name == "nt"
        else {"start_new_session": True}
    )
    with _log(settings.logs).open("ab") as log:
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            **detached,
        )


def _log(folder: Path) -> Path:
    """The workers' log; a long one is moved to `workers.log.1`, replacing the last."""
    log = folder / "workers.log"
    with contextlib.suppress(OSError):  # none yet, or another process is just doing the same
        if log.stat().st_size > MOST_LOG_BYTES:
            log.replace(folder / "workers.log.1")
    return log


def relaunch_worker() -> None:
    """`launch_worker`, at most once every few seconds: pages call this often."""
    global _last_launch
    with _lock:
        if time.monotonic() - _last_launch < PAUSE_SECONDS:
            return
        _last_launch = time.monotonic()
    launch_worker()
