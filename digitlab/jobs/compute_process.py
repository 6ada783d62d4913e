"""A compute process: answers the requests of one server, within bounds; see `compute`.

python -m digitlab.jobs.compute_process SOCKET
"""

from __future__ import annotations

import contextlib
import sys
import time
import traceback
from multiprocessing.connection import Connection
from typing import Any

from digitlab.errors import DigitlabError
from digitlab.owners import acting_for
from digitlab.settings import read_settings

IDLE_SECONDS = 120.0  # after which a process that nobody needs ends
LONG = 10  # times the seconds of another may a request take that reports its progress
ON_PROGRESS = "on_progress"  # the argument of functions that report how far they are


def serve(connection: Connection) -> None:
    """Answer requests until the server has gone or nobody asked for IDLE_SECONDS."""
    settings = read_settings()
    _bound_memory(settings.compute_memory)
    while connection.poll(IDLE_SECONDS):
        try:
            function, arguments, keywords, reports, visitor = connection.recv()
            if reports:
                keywords[ON_PROGRESS] = lambda *done: connection.send(("progress", done))
            _bound_seconds(settings.compute_seconds * (LONG if reports else 1))
            with acting_for(visitor):
                answer = _compute(function, arguments, keywords)
            _send(connection, answer)
        except (EOFError, ConnectionResetError, BrokenPipeError):  # the server has gone
            return


def _send(connection: Connection, answer: tuple[str, Any]) -> None:
    try:
        connection.send(answer)
    except (TypeError, AttributeError):  # of pickle: a mistake of ours, and of no visitor
        traceback.print_exc()
        connection.send(("error", RuntimeError("the result cannot pass to another process")))


def _compute(function: Any, arguments: Any, keywords: Any) -> tuple[str, Any]:
    """The kind of answer, and the answer: a value, an error, or that memory was too short."""
    try:
        return "value", function(*arguments, **keywords)
    except DigitlabError as e:
        return "error", e
    except MemoryError:
        return "memory", None
    except Exception as e:
        if "can't allocate memory" in str(e):  # of torch, a RuntimeError
            return "memory", None
        traceback.print_exc()  # into the log
        return "error", RuntimeError(f"{type(e).__name__}: {e}")


def _bound_memory(most: int) -> None:
    """Let this process hold so many bytes of data.

    Its addresses are not bounded, of which a build of torch for GPUs maps many.
    """
    import resource

    with contextlib.suppress(ValueError, OSError):  # less is allowed already
        resource.setrlimit(resource.RLIMIT_DATA, (most, most))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _bound_seconds(seconds: int) -> None:
    """Let this process take so many seconds of the processor from now on, before it is killed."""
    import resource

    _, hard = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (int(time.process_time()) + seconds + 1, hard))


if __name__ == "__main__":
    serve(Connection(int(sys.argv[1])))
