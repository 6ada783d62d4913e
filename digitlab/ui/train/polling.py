"""While a tab is visible: a worker waits for its next run, and what other tabs did is noticed."""

from __future__ import annotations

import time

import streamlit as st

from digitlab.jobs.launch import keep_warm
from digitlab.ui import page, shared_views

LOOK_SECONDS = 2.0
LOOK_BESIDE_RUN_SECONDS = 10.0  # where a run that trains is watched: that refreshes itself
IDLE_SECONDS = 900.0  # after which a page that nobody touched keeps no worker waiting
_TOUCHED = "polling:touched"  # when the page last reran because somebody did something
_BY_ITSELF = "polling:by-itself"  # whether the next rerun is the page's own doing


def keep_polling(dataset: str, run_id: str | None, *, visible: bool) -> None:
    """Rerun the page when the run `run_id` or the list of active runs changes, whoever did it."""
    if not st.session_state.pop(_BY_ITSELF, False):
        st.session_state[_TOUCHED] = time.monotonic()
    states = shared_views.read_states(run_id)
    seconds = LOOK_BESIDE_RUN_SECONDS if run_id in states.active else LOOK_SECONDS
    st.fragment(_look, run_every=seconds if visible else None)(dataset, run_id, states)


@page.guard()
def _look(dataset: str, run_id: str | None, before: object) -> None:
    if time.monotonic() - st.session_state.get(_TOUCHED, 0.0) < IDLE_SECONDS:
        keep_warm(dataset)
    if shared_views.read_states(run_id) != before:
        rerun()


def rerun() -> None:
    """Rerun the page, which nobody touched: that keeps no worker waiting for longer."""
    st.session_state[_BY_ITSELF] = True
    st.rerun()
