"""Preloading: what the first interactions need is imported in the background, once a server.

Imports hold Python's interpreter for seconds. So they begin when the first page is on its way, and
what is needed first comes first: a first drawing is answered before torch is there.
"""

from __future__ import annotations

import atexit
import contextlib
import threading

from digitlab.analysis.recognize import default_reader, recognize
from digitlab.jobs.compute import has_processes
from digitlab.jobs.pool import free_memory
from digitlab.models.load import load_model
from digitlab.owners import acting_for

PAGE_SECONDS = 0.3  # in which the first page reaches the browser
DRAWING_SECONDS = 4.0  # in which a first drawing is drawn and answered
FILES = 10_000  # that a server may have open
_LEAST_MEMORY = 1_200_000_000  # bytes: torch and the rest take 0.65 GB

_started, _ended = threading.Lock(), threading.Event()  # the lock is taken once, for good


def preload() -> None:
    """Import what pages need, in a thread, once for each server."""
    if _started.acquire(blocking=False):
        allow_sessions()
        thread = threading.Thread(target=_load, daemon=True)
        thread.start()
        atexit.register(_end, thread)


def allow_sessions() -> None:
    """Let this process open enough files, where the system allows it.

    A session takes four of them in Streamlit 1.67, and shells and systemd allow 1,024 to who does
    not ask for more: somebody with 250 sessions would keep everybody else out.
    """
    try:
        import resource
    except ImportError:  # Windows, which bounds no such thing
        return
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    with contextlib.suppress(ValueError, OSError):  # macOS names a limit that it does not allow
        if soft < min(hard, FILES):
            resource.setrlimit(resource.RLIMIT_NOFILE, (min(hard, FILES), hard))


def _end(thread: threading.Thread) -> None:
    """Let Python end between two imports: in the middle of one, C++ aborts the process."""
    _ended.set()
    thread.join()


@acting_for(None)
def _load() -> None:
    steps = [(PAGE_SECONDS, _read_a_stroke)]
    if not has_processes():
        steps += [(DRAWING_SECONDS, _load_torch), (0, _load_tables)]
    for pause, step in steps:
        if _ended.wait(pause) or (step is not _read_a_stroke and free_memory() < _LEAST_MEMORY):
            return
        step()


def _read_a_stroke() -> None:
    """Read a drawing as the canvas does, and make the figure of its answer."""
    import numpy as np

    from digitlab.figures.drawing import describe_bars
    from digitlab.ui.board import as_json

    pixels = np.zeros((280, 280), dtype=np.uint8)
    pixels[60:220, 130:150] = 255
    reader = default_reader()
    (digit,) = recognize(pixels, reader).digits
    as_json(describe_bars(digit.probabilities, reader.classes))


def _load_torch() -> None:
    """Torch, and what finds the shapes of a network."""
    from digitlab.models.build import summarize

    summarize(load_model("two-hidden-64-relu"))


def _load_tables() -> None:
    import pandas  # noqa: F401
    import sklearn.metrics  # noqa: F401
