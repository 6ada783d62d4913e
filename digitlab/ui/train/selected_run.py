"""The selected run, which the Train page watches: in the URL, and kept while on other pages."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import streamlit as st

_SELECTED = "selected-run"
_SWEEP = "selected-sweep"


def select_run(run_id: str) -> None:
    """Watch this run from now on, also after a visit to other pages."""
    deselect_sweep()
    st.session_state[_SELECTED] = run_id
    st.query_params["run"] = run_id


def deselect_run() -> None:
    """Watch no run."""
    st.session_state.pop(_SELECTED, None)
    st.query_params.pop("run", None)


def select_sweep(sweep_id: str) -> None:
    """Watch the runs of this sweep from now on."""
    deselect_run()
    st.session_state[_SWEEP] = sweep_id
    st.query_params["sweep"] = sweep_id


def deselect_sweep() -> None:
    """Watch no sweep."""
    st.session_state.pop(_SWEEP, None)
    st.query_params.pop("sweep", None)


def selected_sweep() -> str | None:
    """The sweep to watch, in the URL or selected before; None where a single run is."""
    if "run" in st.query_params:
        deselect_sweep()
        return None
    sweep_id = st.query_params.get("sweep") or st.session_state.get(_SWEEP)
    if sweep_id:
        select_sweep(sweep_id)
    return sweep_id


def selected_run() -> str | None:
    """The run in the URL or, without one, the run that was selected when the page was left."""
    run_id = st.query_params.get("run") or st.session_state.get(_SELECTED)
    if run_id:
        select_run(run_id)
    return run_id


def open_column(run_ids: Sequence[str], key: str) -> Any:
    """A table's column of buttons, one for each row's run, that select it to be watched.

    In a part of the page that refreshes itself, `show_opened` comes first.
    """

    def open_row() -> None:
        select_run(run_ids[st.session_state[key].row])

    return st.column_config.ButtonColumn(
        width=80, help="Watch this run alone.", on_click=open_row, key=key
    )


def show_opened() -> None:
    """Rerun the page where a button of `open_column` has selected a run, and only its part ran."""
    if "run" in st.query_params:
        st.rerun()
