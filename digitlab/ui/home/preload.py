"""Warming up: torch is loaded behind a page's back, so that no first stroke waits for it."""

from __future__ import annotations

import importlib
import threading
import time

PAUSE_SECONDS = 0.5  # the page reaches the browser first

_begun = threading.Event()


def warm_up() -> None:
    """Load what reading a drawing needs, in a thread, once in the server's life."""
    if not _begun.is_set():
        _begun.set()
        threading.Thread(target=_load, daemon=True).start()


def _load() -> None:
    time.sleep(PAUSE_SECONDS)
    for module in ("digitlab.models.build", "digitlab.drawing.recognition", "scipy.ndimage"):
        importlib.import_module(module)
