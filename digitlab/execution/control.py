"""`Control`: requests to stop, pause or save a run, by a file, a signal, a call or the clock."""

from __future__ import annotations

import contextlib
import math
import signal
import threading
import time
from collections.abc import Callable, Iterator

from filelock import FileLock, Timeout

from digitlab.files import PROBE_SECONDS
from digitlab.runs import lease, run_folder, store
from digitlab.training.events import Request

LOOK_SECONDS = 0.1  # how often the files that request a stop or pause are looked for
SAVE_SECONDS = 30.0  # after which a state is saved in the middle of an epoch
SAVING_SHARE = 0.01  # of the time at most, however slow the disk
TURN_LOOK_SECONDS = 1.0  # how often it is asked whether the run gives way to others
_held: dict[str, FileLock] = {}


def _never(_seconds: float) -> bool:
    return False


class Control:
    """What a run should do next: stop, pause, save its state, or (None) continue."""

    def __init__(
        self,
        run_id: str,
        seconds: float = math.inf,
        note: str = "",
        gives_way: Callable[[float], bool] = _never,
        *,
        gives_back: bool = False,
    ) -> None:
        """Of a run that is stopped after so many seconds of training, which the `note` explains.

        `gives_way` says of a run that has trained for so many seconds since it began, or went on,
        whether it is to save its state and wait for its next turn. A signal stops the run, or with
        `gives_back` lets it wait for another process.
        """
        self._gives_back = gives_back
        self._files: dict[Request, object] = {
            "stop": run_folder.stop_file(run_id),
            "pause": run_folder.pause_file(run_id),
        }
        self._run_id = run_id
        self._pressed: Request | None = None
        self.note = ""  # why it is stopped, where nobody asked for it
        self.signalled = False  # so that a worker starts no other run
        self.gave_way = False  # it is paused until its next turn
        self._gives_way, self._limit_note = gives_way, note
        self._next_look = self._began = 0.0
        self._next_turn_look = math.inf
        self._next_save = time.monotonic() + SAVE_SECONDS
        self._seconds, self._ends = seconds, math.inf
        self._affordable = 0.0  # when the last saving will have been a small share of the time

    def press(self, request: Request = "stop") -> None:
        """Request something from within this process."""
        self._pressed = request

    def begin(self) -> None:
        """Training begins: its seconds count from now on."""
        self._began = time.monotonic()
        self._ends = self._began + self._seconds
        self._next_turn_look = self._began + TURN_LOOK_SECONDS

    def __call__(self) -> Request | None:
        """The request; LeaseLostError where another process carries out the run by now."""
        now = time.monotonic()
        if not self._pressed and now >= self._next_look:
            self._next_look = now + LOOK_SECONDS
            self._pressed = next((w for w, file in self._files.items() if file.exists()), None)
            self._pressed = self._pressed or lease.read_request(self._run_id)
        if not self._pressed and now >= self._ends:
            self._pressed, self.note = "stop", self._limit_note
        if not self._pressed and now >= self._next_turn_look:
            self._next_turn_look = now + TURN_LOOK_SECONDS
            if self._gives_way(now - self._began):
                self._pressed, self.gave_way = "pause", True
        if self._pressed:
            return self._pressed
        return "save" if now >= self._next_save else None

    def ends(self) -> bool:
        """Whether the run is to stop or pause now."""
        return self() in ("stop", "pause")

    def may_save(self) -> bool:
        """Whether saving a state now costs only a small share of the time."""
        return time.monotonic() >= self._affordable

    def saved(self, seconds: float) -> None:
        """Record that a state was saved, or could not be, and how long it took."""
        now = time.monotonic()
        self._affordable = now + seconds / SAVING_SHARE
        self._next_save = max(now + SAVE_SECONDS, self._affordable)

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """While this lasts, Ctrl-C and a termination request stop the run, or give it back.

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
            self.gave_way = self._gives_back
            self.press("pause" if self._gives_back else "stop")

        for number in before:
            signal.signal(number, stop_or_interrupt)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def hold_lock(run_id: str) -> None:
    """Take the lock again if the run's folder, and with it the lock, was deleted.

    Other processes may have marked the run as interrupted: it is marked as running again. Called
    by the process that carries out the run. Raises StoreError where the folder cannot be made.
    """
    if run_folder.lock_file(run_id).exists():
        return
    lock = run_folder.run_lock(run_id)
    try:
        lock.acquire(timeout=PROBE_SECONDS)
    except Timeout:
        return
    _held[run_id] = lock  # until this process ends
    store.change_status(run_id, "interrupted", "running", ended=None, message="")
