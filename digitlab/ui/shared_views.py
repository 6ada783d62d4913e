"""What all visitors who watch a training share: each view is made once for all of their tabs."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import streamlit as st

from digitlab import owners
from digitlab.errors import RunError
from digitlab.jobs import queue
from digitlab.runs import store
from digitlab.settings import read_settings


def draw_once(run_id: str, version: object, draw: Callable[[str], Any]) -> Any:
    """What `draw` returns for a run, called once for each version and shared by all visitors."""
    kind = f"{draw.__module__}.{draw.__qualname__}"
    return _draw_once(str(read_settings().home), kind, run_id, version, draw)


@st.cache_resource(max_entries=16, show_spinner=False)
def _draw_once(
    home: str, kind: str, run_id: str, version: object, _draw: Callable[[str], Any]
) -> Any:
    return _draw(run_id)


def read_progress(run_id: str) -> object:
    """How far a run is, read at most every 1.5 seconds for all visitors."""
    return _read_progress(str(read_settings().home), run_id)


@st.cache_resource(ttl=1.5, max_entries=64, show_spinner=False)
def _read_progress(home: str, run_id: str) -> object:
    record = store.get_record(run_id)
    return record.status, record.step, record.epochs_done, record.best_epoch


class States(NamedTuple):
    """Which runs wait or train, and the status of one that does not."""

    active: frozenset[str]
    ended: str | None


def read_states(run_id: str | None) -> States:
    """The states of a visitor's runs and of this one, read at most once a second for all tabs."""
    return _read_states(str(read_settings().home), owners.new_owner(), run_id)


@st.cache_resource(ttl=1.0, max_entries=64, show_spinner=False)
def _read_states(home: str, owner: str | None, run_id: str | None) -> States:
    active = frozenset(record.id for record in queue.list_active())
    if run_id is None or run_id in active:
        return States(active, None)
    try:
        return States(active, store.get_record(run_id).status)
    except RunError:
        return States(active, None)


def reconcile() -> None:
    """Call `queue.reconcile`, at most once a second for all visitors."""
    _reconcile(str(read_settings().home))


@st.cache_resource(ttl=1.0, max_entries=1, show_spinner=False)
def _reconcile(home: str) -> None:
    queue.reconcile()
