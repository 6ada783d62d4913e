"""The selected run, which the Train page watches: in the URL, and kept while on other pages."""

from __future__ import annotations

import streamlit as st

_SELECTED = "selected-run"


def select_run(run_id: str) -> None:
    """Watch this run from now on, also after a visit to other pages."""
    st.session_state[_SELECTED] = run_id
    st.query_params["run"] = run_id


def deselect_run() -> None:
    """Watch no run."""
    st.session_state.pop(_SELECTED, None)
    st.query_params.pop("run", None)


def selected_run() -> str | None:
    """The run in the URL or, without one, the run that was selected when the page was left."""
    run_id = st.query_params.get("run") or st.session_state.get(_SELECTED)
    if run_id:
        select_run(run_id)
    return run_id
