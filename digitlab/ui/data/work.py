"""Long work on a dataset in a thread of its own: shown with its progress, found again after a
reload, and stopped at the visitor's wish.
"""

from __future__ import annotations

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.jobs.compute import call, requests
from digitlab.owners import acting, acting_for
from digitlab.settings import read_settings
from digitlab.ui import page
from digitlab.ui.cached import data_key

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

POLL_SECONDS = 0.5
PATIENCE = 0.4  # seconds: what is cached on disk comes without a progress bar
MOST = 6  # results that are held in memory, for all visitors

WATCHED = 10.0  # seconds since a page last looked, in which it is still open
_STOPPED = "works:stopped"  # in the session: what this visitor stopped
_VISITOR = "works:visitor"  # in the session: an object of its own

_WORKS: OrderedDict[tuple[object, ...], Work] = OrderedDict()
_LOCK = threading.Lock()
_TURN = threading.Semaphore(1)  # one computes at a time: each takes all cores


class _Stopped(Exception):
    """The work was asked to stop."""


class Work:
    """A computation in a thread: `step`, `done` of `total`; then its `result` or its `error`."""

    def __init__(self, compute: Callable[[Work], Any]) -> None:
        self.step, self.done, self.total = "Preparing", 0, 1
        self.result: Any = None
        self.error: Exception | None = None
        self.finished = threading.Event()
        self.stopped = False
        self.watchers: dict[object, float] = {}  # visitors, and when their pages last looked
        threading.Thread(target=self._carry_out, args=(compute,), daemon=True).start()

    def report(self, step: str, done: int, total: int) -> None:
        """Take note of the progress; raises where the work is to stop."""
        if self.stopped:
            raise _Stopped
        self.step, self.done, self.total = step, done, max(total, 1)

    def watch(self) -> None:
        """Take note that this visitor waits for the result."""
        self.watchers[st.session_state.setdefault(_VISITOR, object())] = time.monotonic()

    def leave(self) -> None:
        """Take note that this visitor waits no more; without another one the work is to stop."""
        self.watchers.pop(st.session_state.get(_VISITOR), None)
        oldest = time.monotonic() - WATCHED
        self.stopped = all(looked < oldest for looked in self.watchers.values())

    def is_wanted(self) -> bool:
        """Whether nobody stopped it; looked at also while a step tells no progress."""
        return not self.stopped

    def _carry_out(self, compute: Callable[[Work], Any]) -> None:
        try:
            with _TURN:
                self.report("Preparing", 0, 1)
                self.result = compute(self)
        except _Stopped:
            pass
        except Exception as e:  # it is raised again where the result is asked for
            self.error = None if self.stopped else e
        finally:
            self.finished.set()


def result_of(compute: Callable[..., Any], data: Dataset, *arguments: Any) -> Any:
    """What `compute(data, *arguments, on_progress=…)` gives; None while it is computed or was
    stopped.

    Meanwhile the page shows its progress and a button that stops it. The `arguments` are hashable.
    Raises what `compute` raises.
    """
    images = (data.fingerprint, data.val_fraction, data.split_seed)
    name = (compute.__name__, images, arguments, read_settings().home)
    stopped = st.session_state.setdefault(_STOPPED, set())
    if name in stopped:
        if st.button("Compute it", icon=":material/play_arrow:", key=f"work:{compute.__name__}"):
            stopped.discard(name)
            st.rerun()
        return None
    visitor = acting()

    def carry_out(work: Work) -> Any:
        callbacks = {"is_wanted": work.is_wanted, "on_progress": work.report}
        with acting_for(visitor):  # a thread of its own belongs to no session
            return call(requests.of_dataset, compute, data_key(data), *arguments, **callbacks)

    work = _start(name, carry_out)
    if not work.finished.wait(PATIENCE):
        st.fragment(_watch, run_every=POLL_SECONDS)(name)
        return None
    if work.error:
        _forget(name)
        raise work.error
    return work.result


def _start(name: tuple[object, ...], compute: Callable[[Work], Any]) -> Work:
    with _LOCK:
        work = _WORKS.get(name)
        if work is None or work.stopped:
            work = _WORKS[name] = Work(compute)
        work.watch()
        _WORKS.move_to_end(name)
        ended = [other for other, known in _WORKS.items() if known.finished.is_set()]
        for other in ended[: max(0, len(ended) - MOST)]:
            del _WORKS[other]
        return work


def _forget(name: tuple[object, ...]) -> None:
    with _LOCK:
        _WORKS.pop(name, None)


@page.guard()
def _watch(name: tuple[object, ...]) -> None:
    work = _WORKS.get(name)
    if work is None or work.finished.is_set() or work.stopped:
        st.rerun()
    work.watch()
    left, right = st.columns([5, 1], vertical_alignment="center")
    text = f"{work.step}: {work.done:,} of {work.total:,}" if work.total > 1 else f"{work.step} …"
    left.progress(min(work.done / work.total, 1.0), text=text)
    if right.button("Stop", icon=":material/stop_circle:", width="stretch", key="stop-work"):
        st.session_state[_STOPPED].add(name)
        with _LOCK:
            work.leave()
        st.rerun()
