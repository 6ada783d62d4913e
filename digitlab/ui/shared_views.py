"""What all who watch a training share: each look is taken once for all tabs of all visitors."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from digitlab.jobs import queue
from digitlab.runs import store
from digitlab.settings import read_settings


def drawn(run_id: str, moment: object, draw: Callable[[str], Any]) -> Any:
    """A run's charts as `draw` makes them, once for all who watch it at that moment."""
    what = f"{draw.__module__}.{draw.__qualname__}"
    return _drawn(str(read_settings().home), what, run_id, moment, draw)


@st.cache_resource(max_entries=16, show_spinner=False)
def _drawn(home: str, what: str, run_id: str, moment: object, _draw: Callable[[str], Any]) -> Any:
    return _draw(run_id)


def moment(run_id: str) -> object:
    """How far a run is, looked up once in some seconds for all who watch it."""
    return _moment(str(read_settings().home), run_id)


@st.cache_resource(ttl=1.5, max_entries=64, show_spinner=False)
def _moment(home: str, run_id: str) -> object:
    record = store.get_record(run_id)
    return record.status, record.step, record.epochs_done, record.best_epoch


def reconcile() -> None:
    """`queue.reconcile`, once a second for all who watch."""
    _reconcile(str(read_settings().home))


@st.cache_resource(ttl=1.0, max_entries=1, show_spinner=False)
def _reconcile(home: str) -> None:
    queue.reconcile()
