"""`StopSwitch`: whether a run should stop, by a file, a signal or a call."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
from collections.abc import Iterator

from digitlab.runs import artifacts

STOP_SECONDS = 0.1  # how often a wish to stop is looked for


class StopSwitch:
    """Answers whether a run should stop: on a stop file, a signal, or a call of `press`."""

    def __init__(self, run_id: str) -> None:
        self._file = artifacts.stop_file(run_id)
        self._pressed = False
        self.signalled = False  # so that a worker begins no other run
        self._next_look = 0.0

    def press(self, *_: object) -> None:
        self._pressed = True

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self._pressed and now >= self._next_look:
            self._next_look = now + STOP_SECONDS
            self._pressed = self._file.exists()
        return self._pressed

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """While this lasts, Ctrl-C and a termination request stop the run cleanly.

        A second Ctrl-C interrupts at once. Outside the main thread nothing changes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop_or_interrupt(*_: object) -> None:
            if self.signalled:
                raise KeyboardInterrupt
            self.signalled = True
            self.press()

        for number in before:
            signal.signal(number, stop_or_interrupt)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)
