"""How pages are shown: at a presenter's size, and with the numbers of each chart as a table."""

from __future__ import annotations

import streamlit as st

from digitlab.ui import url

_PRESENT = "present"
_TABLES = "tables"
# While a panel refreshes every second, Streamlit would flash a "Stop" of its own in the header and
# fade the charts whenever a refresh takes longer than usual.
STEADY = (
    "<style>[data-testid='stStatusWidget'] {visibility: hidden}"
    "[data-stale='true'] {opacity: 1 !important; transition: none !important}</style>"
)


def show_display_menu() -> None:
    """Two switches in the sidebar, below the pages; the URL and the visit keep them.

    The key of their container tells style.css whether somebody presents.
    """
    with st.sidebar.container(key="presenting" if is_presenting() else "display", gap="small"):
        st.caption("Display")
        url.switch(
            "Presenter's size",
            param=_PRESENT,
            help="Larger text, canvas and charts, and fewer words: for a projector.",
        )
        url.switch(
            "Charts as tables",
            param=_TABLES,
            help="Each chart is followed by its numbers: for screen readers, and to copy.",
        )


def is_presenting() -> bool:
    """Whether text, canvas, charts and galleries are larger, and introductions shorter."""
    return url.get(_PRESENT) == "1"


def shows_tables() -> bool:
    """Whether each chart is followed by its numbers as a table."""
    return url.get(_TABLES) == "1"
