"""A worker in a process that can be killed at any moment, also one that kills itself."""

from __future__ import annotations

import multiprocessing
import os
import signal
from multiprocessing.process import BaseProcess

_context = multiprocessing.get_context("forkserver")
# What a training imports at its first step costs seconds: once for all of these processes.
_context.set_forkserver_preload(
    [
        "digitlab.execution.execute",
        "torch._dynamo",
        "sklearn.metrics",
        "sklearn.datasets",
        "alembic",
    ]
)


def start_worker(*, dies_at: str = "", count: int = 0, keeps: str = "") -> BaseProcess:
    """A worker of this home; one with `dies_at` kills itself at the `count`th such point:
    `checkpoint` (its bytes are half written), `saved` (one is whole) or `commit` (of the store).
    One that `keeps` working, as `python -m digitlab work` does, has a home of that path."""
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
    if dies_at:
        _arrange_death(dies_at, count)
    if keeps:
        lease.SECONDS, lease.BEAT_SECONDS = 3.0, 0.2  # so that a lost machine is seen soon
        worker.keep_working()
    else:
        worker.work()


def _arrange_death(dies_at: str, count: int) -> None:
    left = count

    def one_more() -> bool:
        nonlocal left
        left -= 1
        return left <= 0

    if dies_at == "commit":
        from sqlalchemy import event

        from digitlab.runs.database import connect

        @event.listens_for(connect(), "commit")
        def die(_connection: object) -> None:
            if one_more():
                os.kill(os.getpid(), signal.SIGKILL)

        return
    from digitlab import files

    write = files.write_atomically

    def half_write(path, content, **settings):
        if "checkpoints" in str(path) and one_more():
            path.parent.mkdir(parents=True, exist_ok=True)
            # The worst that a machine without fsync could leave behind: the name, half the bytes.
            path.write_bytes(content[: len(content) // 2])
            os.kill(os.getpid(), signal.SIGKILL)
        write(path, content, **settings)

    def write_and_die(path, content, **settings):
        write(path, content, **settings)
        if "checkpoints" in str(path) and one_more():
            os.kill(os.getpid(), signal.SIGKILL)

    files.write_atomically = half_write if dies_at == "checkpoint" else write_and_die
