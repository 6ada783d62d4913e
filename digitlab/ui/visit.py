"""What a visitor did in this visit: pages and runs that were opened, and drawings."""

from __future__ import annotations

import streamlit as st

from digitlab.ui import url

_OPENED = "visit:opened"
_DREW = "visit:drew"


def note_page(path: str) -> None:
    """Remember that the page was opened, with the run that it shows."""
    st.session_state.setdefault(_OPENED, set()).add((path, url.get("run")))


def opened(path: str) -> bool:
    """Whether the page was opened in this visit."""
    return any(page == path for page, _ in st.session_state.get(_OPENED, ()))


def opened_runs(path: str | None = None) -> set[str]:
    """Ids of the runs that were opened on that page, or on any."""
    pairs = st.session_state.get(_OPENED, ())
    return {run for page, run in pairs if run and path in (None, page)}


def note_drawing() -> None:
    """Remember that a network read a drawing."""
    st.session_state[_DREW] = True


def drew() -> bool:
    """Whether a network read a drawing in this visit."""
    return _DREW in st.session_state
