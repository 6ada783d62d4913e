"""Warming up: torch is loaded in the background, so that the first stroke does not wait for it."""

from __future__ import annotations

import threading
import time

PAUSE_SECONDS = 0.5  # the page reaches the browser first

_started = threading.Event()


def warm_up() -> None:
    """Import what reading a drawing needs, in a thread, once for each server."""
    if not _started.is_set():
        _started.set()
        threading.Thread(target=_load, daemon=True).start()


def _load() -> None:
    time.sleep(PAUSE_SECONDS)
    import scipy.ndimage  # noqa: F401

    import digitlab.drawing.recognition
    import digitlab.models.build  # noqa: F401
