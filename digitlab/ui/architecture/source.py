"""The architecture as text: its YAML."""

from __future__ import annotations

import contextlib
import re

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.spec import ModelSpec
from digitlab.ui.architecture import state
from digitlab.ui.architecture.check import show_error_at_line
from digitlab.ui.architecture.text import MONOSPACE

_TEXT = "architecture-text"
_TEXT_SPEC = "architecture:text-spec"  # of the text, or of the last text that was valid


def edit_yaml(spec: ModelSpec) -> None:
    """An editor for the YAML of the architecture; a change there changes all other views."""
    if st.session_state.get(_TEXT_SPEC) != spec or _TEXT not in st.session_state:
        st.session_state[_TEXT] = _written(spec)
        st.session_state[_TEXT_SPEC] = spec
    st.html(MONOSPACE.format(key=_TEXT))
    st.text_area(
        "Architecture in YAML",
        key=_TEXT,
        height=420,
        on_change=_apply_text,
        persist_state="session",
        help="A layer is a torch.nn class with its arguments; input sizes are inferred.",
    )
    st.caption("Press Ctrl+Enter (⌘+Enter) to apply your changes.")
    error = _text_error()
    if error:
        show_error_at_line(error, st.session_state[_TEXT])
        st.caption("The rest of the page shows the last valid text.")


def _written(spec: ModelSpec) -> str:
    """The YAML of `spec`: the visitor's own text, if only the name in it has to change."""
    before = st.session_state.get(_TEXT_SPEC)
    text = st.session_state.get(_TEXT) or ""
    if before is not None and before.renamed(spec.name) == spec:
        name = spec.to_yaml().partition("\n")[0]
        text = re.sub(r"^name:.*$", lambda _: name, text, count=1, flags=re.MULTILINE)
        with contextlib.suppress(SpecError):
            if ModelSpec.from_yaml(text) == spec:
                return text
    return spec.to_yaml()


def warn_of_draft(spec: ModelSpec) -> None:
    """Show a warning, in another view, that the YAML has an error."""
    if st.session_state.get(_TEXT_SPEC) == spec and _text_error():
        st.warning(
            "The YAML has an error. This view shows the last valid text; a change here replaces "
            "the YAML.",
            icon=":material/edit_note:",
        )


def _text_error() -> SpecError | None:
    try:
        ModelSpec.from_yaml(st.session_state.get(_TEXT) or "")
    except SpecError as e:
        return e if _TEXT in st.session_state else None
    return None


def _apply_text() -> None:
    try:
        spec = ModelSpec.from_yaml(st.session_state[_TEXT])
    except SpecError:
        return  # edit_yaml shows the error at its line
    st.session_state[_TEXT_SPEC] = spec
    state.commit(spec)
