"""Which run a visitor watches: in the URL, and remembered while other pages are looked at."""

from __future__ import annotations

import streamlit as st

_FOLLOWED = "followed-run"


def follow(run_id: str) -> None:
    """Watch this run from now on, also after a look at other pages."""
    st.session_state[_FOLLOWED] = run_id
    st.query_params["run"] = run_id


def unfollow() -> None:
    """Watch no run."""
    st.session_state.pop(_FOLLOWED, None)
    st.query_params.pop("run", None)


def followed_run() -> str | None:
    """The run in the URL, or the one that was followed when this page was left."""
    run_id = st.query_params.get("run") or st.session_state.get(_FOLLOWED)
    if run_id:
        follow(run_id)
    return run_id
