"""Computing for pages in processes of its own, so that the server that shows them stays light.

    call(function, *arguments)      what a compute process returns for an importable function
    requests.NAME                   a function of the module `requests`, which is not loaded here

Torch alone takes half a gigabyte, and what a visitor asks for may take any memory and time. So the
server keeps few processes, see `compute_process`, which load torch: started when
they are needed, bounded by the system (their data and processor seconds), ended where they take too
long, where the visitor has left or when nobody needed them for a while. Where
`DIGITLAB_COMPUTE_PROCESSES` is 0, and where the system has no fork, the caller's own process
computes.

Functions, arguments and results pass by pickle over a socket that only the two processes have.
Nothing from outside is unpickled: what a visitor sent is an argument, as text, bytes or array.
Results hold arrays, never tensors, which would make the server load torch.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection, Pipe
from pathlib import Path
from typing import TYPE_CHECKING, Any, BinaryIO

from digitlab.errors import ComputeError
from digitlab.jobs.compute_process import LONG, ON_PROGRESS
from digitlab.jobs.launch import worker_log
from digitlab.owners import acting, new_owner
from digitlab.settings import read_settings

STARTING_SECONDS = 60.0  # which it may take to import torch on a busy machine
WAITING_SECONDS = 60.0  # which a request may wait for a free process
LOOK_SECONDS = 0.25  # how often the server makes sure that somebody still waits
_TURNS = 100  # requests that are remembered, to tell whose turn it is


@dataclass(frozen=True)
class _Request:
    """A function of the module `requests`, by its name."""

    __name__: str

    def __call__(self, *arguments: Any, **settings: Any) -> Any:
        from digitlab.jobs import requests

        return getattr(requests, self.__name__)(*arguments, **settings)


class _Requests:
    def __getattr__(self, name: str) -> _Request:
        return _Request(name)


if TYPE_CHECKING:
    from digitlab.jobs import requests
else:
    requests = _Requests()


def has_processes() -> bool:
    """Whether `call` computes in another process than the caller's."""
    return os.name == "posix" and read_settings().compute_processes > 0


def _always() -> bool:
    return True


def call(
    function: Callable[..., Any],
    *arguments: Any,
    is_wanted: Callable[[], bool] = _always,
    **settings: Any,
) -> Any:
    """`function(*arguments, **settings)`, computed apart where the settings say so.

    The function is one at the top of a module. Its argument `on_progress`, if it is given, is
    called in this process. Raises what the function raises if that is a DigitlabError;
    ComputeError where it took too much, no process came free, or `is_wanted` became false.
    """
    if not has_processes():
        return function(*arguments, **settings)
    on_progress = settings.pop(ON_PROGRESS, None)
    request = (function, arguments, settings, on_progress is not None, acting())
    pool = _SHORT if on_progress is None else _LONG_WORK
    process = pool.take(is_wanted)
    try:
        return process.answer(request, is_wanted, on_progress)
    finally:
        pool.give_back(process)


def count_processes() -> int:
    """How many compute processes of this server are alive."""
    return _SHORT.count() + _LONG_WORK.count()


def end_all() -> None:
    """End the processes that compute nothing now."""
    _SHORT.end_idle()


class _Pool:
    """At most so many processes, which serve one request at a time; those that rest are kept.

    Visitors take turns, so that none who asks for much holds up the others.
    """

    def __init__(self, most: Callable[[], int], *, keeps: bool) -> None:
        self._most, self._keeps = most, keeps
        self._free = threading.Condition()
        self._idle: list[_Process] = []
        self._busy: dict[_Process, str | None] = {}  # and whose requests they serve
        self._waiting: dict[object, str | None] = {}  # requests, the longest waiting first
        self._served: deque[str | None] = deque(maxlen=_TURNS)

    def take(self, is_wanted: Callable[[], bool]) -> _Process:
        """A process for a request whose turn it is: the one used last, or a new one."""
        until, request, owner = time.monotonic() + WAITING_SECONDS, object(), new_owner()
        with self._free:
            self._waiting[request] = owner
            try:
                while len(self._busy) >= self._most() or self._next() is not request:
                    self._free.wait(LOOK_SECONDS)
                    if time.monotonic() > until or not is_wanted():
                        raise ComputeError(
                            "The server is computing for others: try again in a moment."
                        )
            finally:
                del self._waiting[request]
                self._free.notify_all()
            process = self._idle.pop() if self._idle else _Process()
            self._busy[process] = owner
            self._served.append(owner)
            return process

    def _next(self) -> object:
        """The request of the owner for whom the fewest run, of those the one served longest ago."""
        running, served = list(self._busy.values()), list(self._served)

        def turn(request: object) -> tuple[int, int]:
            owner = self._waiting[request]
            last = len(served) - served[::-1].index(owner) if owner in served else 0
            return running.count(owner), last

        return min(self._waiting, key=turn)

    def give_back(self, process: _Process) -> None:
        """Keep the process for the next request, or end it where none are kept."""
        if not self._keeps:
            process.end()
        with self._free:
            del self._busy[process]
            if process.is_alive:
                self._idle.append(process)
            self._free.notify_all()

    def count(self) -> int:
        with self._free:
            return len(self._busy) + sum(process.is_alive for process in self._idle)

    def end_idle(self) -> None:
        with self._free:
            while self._idle:
                self._idle.pop().end()


_SHORT = _Pool(lambda: read_settings().compute_processes, keeps=True)
_LONG_WORK = _Pool(lambda: 1, keeps=False)  # so that what takes minutes holds up nothing else


class _Process:
    """One compute process, started by its first request; used by one thread at a time."""

    def __init__(self) -> None:
        self._child: subprocess.Popen[bytes] | None = None
        self._connection: Connection | None = None

    @property
    def is_alive(self) -> bool:
        return self._child is not None and self._child.poll() is None

    def answer(
        self,
        request: tuple[Any, ...],
        is_wanted: Callable[[], bool],
        on_progress: Callable[..., None] | None,
    ) -> Any:
        """What the process answers to the request; it is started where it is not alive."""
        kind, value = "none", None
        try:
            try:
                kind, value = self._ask(request, is_wanted, on_progress)
            except _EndedIdleError:  # in the moment in which it was asked
                self.end()
                kind, value = self._ask(request, is_wanted, on_progress)
        finally:
            # An answer that is still to come would be taken for that to the next request.
            if kind not in ("value", "error"):
                self.end()
        if kind == "value":
            return value
        raise _too_much() if kind == "memory" else value

    def _ask(self, request: Any, is_wanted: Any, on_progress: Any) -> tuple[str, Any]:
        starting = not self.is_alive
        if starting:
            self._start()
        with contextlib.suppress(BrokenPipeError, ConnectionResetError):
            self._connection.send(request)
        # The processor's seconds are bounded by the system; the time they take depends on others.
        seconds = read_settings().compute_seconds * (LONG if on_progress else 1)
        until = time.monotonic() + 2 * seconds + STARTING_SECONDS * starting
        while True:
            kind, value = self._receive(until, is_wanted)
            if kind != "progress":
                return kind, value
            on_progress(*value)  # which raises where the visitor stops the work

    def _receive(self, until: float, is_wanted: Callable[[], bool]) -> tuple[str, Any]:
        try:
            while not self._connection.poll(LOOK_SECONDS):
                if time.monotonic() > until or not is_wanted():
                    raise _too_much()
            return self._connection.recv()
        except (EOFError, ConnectionResetError) as e:
            if self._child.wait() == 0:
                raise _EndedIdleError from e
            raise _too_much() from e

    def _start(self) -> None:
        self._connection, theirs = Pipe()
        package_parent = str(Path(__file__).parents[2])
        paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
        environment = {**os.environ, "PYTHONPATH": os.pathsep.join(paths)}
        environment["OMP_NUM_THREADS"] = str(read_settings().threads)
        with _open_log() as log, theirs:
            self._child = subprocess.Popen(
                [sys.executable, "-m", "digitlab.jobs.compute_process", str(theirs.fileno())],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                pass_fds=[theirs.fileno()],
                env=environment,
            )

    def end(self) -> None:
        """Kill the process, if it is alive, and forget it."""
        if self._child is not None:
            self._connection.close()
            self._child.kill()
            self._child.wait()
        self._child = None


def _open_log() -> BinaryIO:
    """The workers' log; what is computed needs none where the home cannot be written."""
    try:
        return worker_log()
    except OSError:
        return Path(os.devnull).open("ab")


class _EndedIdleError(Exception):
    """The process had ended because nobody needed it."""


def _too_much() -> ComputeError:
    seconds = read_settings().compute_seconds
    return ComputeError(
        f"That was too much to compute here: a request may take {seconds} seconds and limited "
        "memory. Make it smaller."
    )
