"""Starting a worker: a detached process that outlives the app, or one that waits already."""

from __future__ import annotations

import contextlib
import importlib.util
import math
import os
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import BinaryIO

from digitlab import files, owners
from digitlab.errors import StoreError
from digitlab.jobs import pool
from digitlab.runs import store
from digitlab.settings import read_settings

RAY = "ray>=2.50,<3"  # which is optional
MOST_LOG_BYTES = 1_000_000
PAUSE_SECONDS = 5.0  # until another worker is started for runs that still wait
WARM_SECONDS = 5.0  # how often a process makes sure that a worker waits

_last_launch = -math.inf
_clusters: dict[Path, float] = {}  # lock of a home → when its process was started
_looks: dict[object, float] = {}  # dataset and home → when somebody last looked there
_lock = threading.Lock()


def launch_worker() -> None:
    """Engage a worker that waits or start `python -m digitlab worker`, with this process's
    environment.

    It is detached. Its output goes to a log in the home's `logs` folder. Where `DIGITLAB_EXECUTOR`
    is "work" none is started: who keeps working takes the run; where it is "ray", what asks a Ray
    cluster for workers. Raises StoreError where that folder cannot be written, the system starts no
    further process, or Ray is not installed.
    """
    global _last_launch
    _last_launch = time.monotonic()
    executor = read_settings().executor
    try:
        if executor == "ray":
            _launch_cluster()
        elif executor == "here" and not pool.engage():
            launch("digitlab", "worker")
    except OSError as e:
        raise StoreError(
            f"No worker could be started ({e.strerror or e}). Check that {read_settings().logs} "
            "can be written, then try again."
        ) from e


def _launch_cluster() -> None:
    """Start what asks a Ray cluster for workers, unless this home has one, or soon will."""
    check_ray()
    lock = cluster_lock()
    is_starting = time.monotonic() - _clusters.get(lock, -math.inf) < PAUSE_SECONDS
    if not is_starting and not files.is_locked(lock):
        _clusters[lock] = time.monotonic()
        launch("digitlab", "worker", "--cluster")


def cluster_lock() -> Path:
    """What is locked by the process of this home that asks a Ray cluster for workers."""
    return read_settings().home / "cluster.lock"


def check_ray() -> None:
    """StoreError where Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise StoreError(
            f"DIGITLAB_EXECUTOR is ray, but Ray is not installed. Install it: pip install '{RAY}', "
            "the same version on all machines of the cluster. Or let DIGITLAB_EXECUTOR be here."
        )


def launch(module: str, *arguments: str) -> None:
    """Start `python -m module arguments…`, detached, its output in the workers' log; or OSError."""
    package_parent = str(Path(__file__).parents[2])
    paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
    detached = (
        {"creationflags": subprocess.CREATE_NEW_PROCESS_GROUP | subprocess.DETACHED_PROCESS}
        if os.name == "nt"
        else {"start_new_session": True}
    )
    with worker_log() as log:
        subprocess.Popen(
            [sys.executable, "-m", module, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(paths)},
            **detached,
        )


def worker_log() -> BinaryIO:
    """The workers' log, to append to; a long one is moved to `workers.log.1`, replacing the last.

    OSError where it cannot be written.
    """
    folder = read_settings().logs
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "workers.log"
    with contextlib.suppress(OSError):  # none yet, or another process is just doing the same
        if log.stat().st_size > MOST_LOG_BYTES:
            log.replace(folder / "workers.log.1")
    return log.open("ab")


def relaunch_worker() -> None:
    """`launch_worker`, at most once every few seconds: pages call this often."""
    global _last_launch
    with _lock:
        if time.monotonic() - _last_launch < PAUSE_SECONDS:
            return
        _last_launch = time.monotonic()
    launch_worker()


def keep_warm(dataset: str) -> None:
    """Let workers wait for a run on this dataset, as many as may start beside those that train.

    Pages on which runs are started call this often: workers leave when nobody does any more. None
    is started where memory is short or `DIGITLAB_WARM_WORKERS` is 0, and it is no error if it
    cannot be: runs then start workers of their own.
    """
    settings = read_settings()
    look, now = (dataset, settings.home), time.monotonic()
    with _lock, contextlib.suppress(OSError, StoreError):
        starts_none = not settings.warm_workers or settings.executor != "here"
        if starts_none or now - _looks.get(look, -math.inf) < WARM_SECONDS:
            return
        _looks[look] = now
        place = pool.folder()
        pool.announce(place, dataset)
        with owners.acting_for(None):
            training = len(store.list_records(("running",)))
        target = min(settings.warm_workers, settings.max_jobs - training)
        if pool.count_waiting(place) < target and pool.is_wanted(place, pool.FREE_BYTES):
            pool.clear()
            launch("digitlab", "worker", "--wait", str(place))
