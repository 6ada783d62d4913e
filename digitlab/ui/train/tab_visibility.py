"""Whether the visitor can see this tab now: a page in the background does not refresh itself."""

from __future__ import annotations

from functools import cache
from typing import Any

import streamlit as st

_SCRIPT = """
export default function ({ setStateValue }) {
  const report = () => setStateValue("hidden", document.hidden);
  document.addEventListener("visibilitychange", report);
  if (document.hidden) report(); // opened in the background
  return () => document.removeEventListener("visibilitychange", report);
}
"""


@cache
def _component() -> Any:
    return st.components.v2.component("digitlab-visibility", js=_SCRIPT)


def is_visible() -> bool:
    """True unless the tab is in the background; the page reruns when that changes."""
    state = _component()(key="visibility", height=1, on_hidden_change=lambda: None)
    return not getattr(state, "hidden", False)
