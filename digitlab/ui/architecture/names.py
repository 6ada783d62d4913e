"""A field for a name that keeps what cannot be one, and says why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.spec import ModelSpec
from digitlab.ui import page
from digitlab.ui.architecture import state

_REFUSED = "architecture:refused-name"  # key and name of a field, the text in it, the problem


def edit_name(
    label: str, name: str, rename: Callable[[str], ModelSpec], *, key: str, **options: Any
) -> None:
    """A field that shows `name`; another one makes the architecture that `rename` returns.

    A text for which `rename` raises SpecError stays in the field, with the error below it.
    """
    *of_field, text, problem = st.session_state.get(_REFUSED) or (None,) * 4
    is_refused = of_field == [key, name]
    st.session_state[key] = text if is_refused else name
    st.text_input(label, key=key, on_change=_store, args=(key, name, rename), **options)
    if is_refused:
        page.show_error(problem)


def _store(key: str, name: str, rename: Callable[[str], ModelSpec]) -> None:
    text = st.session_state[key]
    st.session_state.pop(_REFUSED, None)
    try:
        state.commit(rename(text.strip()))
    except SpecError as e:
        st.session_state[_REFUSED] = (key, name, text, str(e))
