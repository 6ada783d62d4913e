"""Whether the visitor looks at this tab now: a page that nobody sees need not look for news."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

_SCRIPT = """
export default function ({ setStateValue }) {
  const tell = () => setStateValue("hidden", document.hidden);
  document.addEventListener("visibilitychange", tell);
  if (document.hidden) tell(); // opened in the background
  return () => document.removeEventListener("visibilitychange", tell);
}
"""


@cache
def _component() -> Any:
    return st.components.v2.component("digitlab-visibility", js=_SCRIPT)


def is_visible() -> bool:
    """True unless the tab is in the background; the page is drawn anew when that changes."""
    state = _component()(key="visibility", height=1, on_hidden_change=lambda: None)
    return not getattr(state, "hidden", False)
