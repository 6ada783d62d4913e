"""A worker in a process that can be killed at any moment, also one that kills itself or waits."""

from __future__ import annotations

import multiprocessing
import os
import signal
import time
from collections.abc import Callable
from multiprocessing.process import BaseProcess
from pathlib import Path

_context = multiprocessing.get_context("forkserver")
# What a training imports at its first step costs seconds: once for all of these processes.
_context.set_forkserver_preload(
    [
        "digitlab.execution.execute",
        "alembic",
    ]
)


def gate() -> Path:
    """The file of this home until whose end a worker waits that was to wait."""
    return Path(os.environ["DIGITLAB_HOME"]) / "gate"


def start_worker(*, dies_at: str = "", count: int = 0, keeps: str = "") -> BaseProcess:
    """A worker of this home; one with `dies_at` kills itself at the `count`th such point:
    `checkpoint` (its bytes are half written), `saved` (one is whole) or `commit` (of the store).
    One with a `count` alone waits at its `gate` when it has saved so many checkpoints. One that
    `keeps` working, as `python -m digitlab work` does, has a home of that path."""
    places = {name: value for name, value in os.environ.items() if name.startswith("DIGITLAB_")}
    if keeps:
        places["DIGITLAB_HOME"] = keeps
    process = _context.Process(
        target=_work, args=(places, dies_at, count, bool(keeps)), daemon=True
    )
    process.start()
    return process


def _work(places: dict[str, str], dies_at: str, count: int, keeps: bool) -> None:
    os.environ.update(places)
    from digitlab.execution import control
    from digitlab.jobs import worker
    from digitlab.runs import lease

    control.SAVE_SECONDS = 0.05  # far more often than anybody needs, so that kills meet them
    control.SAVING_SHARE = 0.3
    if count:
        _arrange(dies_at, count, _die if dies_at else _wait)
    if keeps:
        lease.SECONDS, lease.BEAT_SECONDS = 3.0, 0.2  # so that a lost machine is seen soon
        worker.keep_working()
    else:
        worker.work()


def _die() -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _wait() -> None:
    gate().touch()
    while gate().exists():
        time.sleep(0.01)


def _arrange(place: str, count: int, act: Callable[[], None]) -> None:
    left = count

    def one_more() -> bool:
        nonlocal left
        left -= 1
        return left == 0

    if place == "commit":
        from sqlalchemy import event

        from digitlab.runs.database import connect

        @event.listens_for(connect(), "commit")
        def commit(_connection: object) -> None:
            if one_more():
                act()

        return
    from digitlab import files

    write = files.write_atomically

    def half_write(path, content, **settings):
        if "checkpoints" in str(path) and one_more():
            path.parent.mkdir(parents=True, exist_ok=True)
            # The worst that a machine without fsync could leave behind: the name, half the bytes.
            path.write_bytes(content[: len(content) // 2])
            act()
        write(path, content, **settings)

    def write_whole(path, content, **settings):
        write(path, content, **settings)
        if "checkpoints" in str(path) and one_more():
            act()

    files.write_atomically = half_write if place == "checkpoint" else write_whole
