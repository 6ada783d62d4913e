"""The pool of warm workers: processes that have loaded torch and data, and wait for a run.

They wait in a folder of the home, one for each state of the code and the environment, because a
worker must compute as one would that is started now. In it, `looked` says when somebody last looked
at where runs are started, and at which datasets. A waiting worker holds the lock of a place for as
long as it lives, and keeps a file beside it while it is free: who removes that file has engaged it.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import shutil
import sys
import time
from pathlib import Path

from filelock import FileLock, Timeout

from digitlab import files
from digitlab.errors import StoreError
from digitlab.settings import read_settings

LOOK_SECONDS = 45.0  # after the last look, workers leave
FREE_BYTES = (
    2_000_000_000  # of memory before a worker is warmed: it takes 0.3 to 0.7 GB, then trains
)
LEAST_FREE_BYTES = 500_000_000  # with less, those that wait leave
_DATASETS = 2  # that are kept at hand
_PACKAGE = Path(__file__).parents[1]
# Environment variables that change what a worker computes, or how. (Importing torch sets others.)
_VARIABLES = "DIGITLAB_ OMP_ MKL_ OPENBLAS_ CUDA_VISIBLE TORCH_ PYTORCH_ PYTHON"


def folder() -> Path:
    """Where workers of this process's code and environment wait."""
    prefixes = tuple(_VARIABLES.split())
    variables = sorted(item for item in os.environ.items() if item[0].startswith(prefixes))
    code = max(path.stat().st_mtime_ns for path in _PACKAGE.rglob("*.py"))
    state = repr((sys.executable, str(_PACKAGE), code, variables))
    return read_settings().home / "warm" / hashlib.sha256(state.encode()).hexdigest()[:16]


def announce(place: Path, dataset: str) -> None:
    """Say in the folder `place` that somebody may soon start a run on this dataset."""
    names = datasets(place)
    if dataset not in names:
        names = [dataset, *names][:_DATASETS]
    files.write_atomically(_looked(place), json.dumps(names), durable=False)


def datasets(place: Path) -> list[str]:
    """Names of the datasets that were looked at lately, the newest first."""
    try:
        return list(json.loads(_looked(place).read_text(encoding="utf-8")))
    except (OSError, ValueError):
        return []


def is_wanted(place: Path, least: float = LEAST_FREE_BYTES) -> bool:
    """Whether somebody looked lately, and at least so many bytes of memory are free."""
    try:
        age = abs(time.time() - _looked(place).stat().st_mtime)  # the clock may be set back
    except OSError:
        return False
    return age < LOOK_SECONDS and free_memory() >= least


def count_waiting(place: Path) -> int:
    """How many workers wait here."""
    return sum(files.is_locked(path) for path in place.glob("*.lock"))


def engage() -> bool:
    """Engage a waiting worker of this code and environment; whether there was one."""
    place = folder()
    for free in sorted(place.glob("*.free")):
        alive = files.is_locked(free.with_suffix(".lock"))
        with contextlib.suppress(FileNotFoundError):  # another process was quicker
            free.unlink()
            if alive:
                return True
    return False


def clear() -> None:
    """Remove what workers of former code and environments left behind."""
    for place in (read_settings().home / "warm").glob("*"):
        with contextlib.suppress(OSError):
            old = time.time() - place.stat().st_mtime > 10 * LOOK_SECONDS
            if old and not is_wanted(place, 0) and not count_waiting(place):
                shutil.rmtree(place, ignore_errors=True)


class Slot:
    """The place of one waiting worker, held by its process until `leave` or its death."""

    def __init__(self, lock: FileLock) -> None:
        self._lock = lock
        self._free = Path(lock.lock_file).with_suffix(".free")
        files.write_atomically(self._free, "", durable=False)

    @property
    def engaged(self) -> bool:
        """Whether somebody engaged this worker."""
        return not self._free.exists()

    def leave(self) -> bool:
        """Give the slot up; False for a worker that was engaged before."""
        with contextlib.suppress(OSError):
            self._free.unlink()
            self._lock.release()
            return True
        self._lock.release()
        return False


def take_slot(place: Path) -> Slot | None:
    """A free slot, or None where as many workers wait as may."""
    for number in range(read_settings().warm_workers):
        lock = FileLock(place / f"{number}.lock")
        with contextlib.suppress(Timeout, OSError):
            place.mkdir(parents=True, exist_ok=True)
            lock.acquire(timeout=files.PROBE_SECONDS)
            with contextlib.suppress(StoreError):
                return Slot(lock)
            lock.release()
    return None


def free_memory() -> float:
    """Bytes of memory that may still be taken; infinite where the system does not tell."""
    return min(_free_in_machine(), _free_in_container())


def _free_in_machine() -> float:
    with contextlib.suppress(OSError, ValueError, StopIteration):
        lines = Path("/proc/meminfo").read_text(encoding="utf-8").splitlines()
        line = next(line for line in lines if line.startswith("MemAvailable"))
        return int(line.split()[1]) * 1024
    return math.inf


def _free_in_container() -> float:
    """What Linux's control group leaves; file pages that can be dropped count as free."""
    group = Path("/sys/fs/cgroup")
    with contextlib.suppress(OSError, ValueError):  # a limit of "max" is none
        limit = int((group / "memory.max").read_text(encoding="utf-8"))
        used = int((group / "memory.current").read_text(encoding="utf-8"))
        lines = (group / "memory.stat").read_text(encoding="utf-8").splitlines()
        values = dict(line.split() for line in lines)
        return limit - used + int(values.get("inactive_file", 0))
    return math.inf


def _looked(place: Path) -> Path:
    return place / "looked"
