"""The architecture as text: its YAML, and pasted PyTorch or Keras code turned into layers."""

from __future__ import annotations

import contextlib
import re

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.spec import ModelSpec
from digitlab.ui.architecture import state
from digitlab.ui.architecture.check import show_error_at_line

_TEXT = "architecture-text"
_TEXT_SPEC = "architecture:text-spec"  # of the text, or of the last text that was valid
_PASTED = "pasted-code"
_RESULT = "architecture:pasted-result"  # a SpecError, or a sentence
# Indentation has a meaning in YAML, and Streamlit has no editor with a monospaced font.
_MONOSPACE = (
    "<style>.st-key-{key} textarea "
    "{{font-family: monospace; white-space: pre; overflow-x: auto}}</style>"
)


def edit_yaml(spec: ModelSpec) -> None:
    """An editor for the YAML of the architecture; a change there changes all other views."""
    if st.session_state.get(_TEXT_SPEC) != spec or _TEXT not in st.session_state:
        st.session_state[_TEXT] = _written(spec)
        st.session_state[_TEXT_SPEC] = spec
    st.html(_MONOSPACE.format(key=_TEXT))
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


def paste() -> None:
    """A field for PyTorch or Keras code, which is parsed into layers and never executed."""
    st.html(_MONOSPACE.format(key=_PASTED))
    st.text_area(
        "A Sequential of PyTorch or Keras, or the output of print(model)",
        key=_PASTED,
        height=320,
        placeholder="nn.Sequential(nn.Flatten(), nn.Linear(784, 10))",
        persist_state="session",
        help="The text is parsed and translated; nothing in it is executed.",
    )
    st.button("Turn into layers", on_click=_apply_pasted, icon=":material/data_object:")
    result = st.session_state.pop(_RESULT, None)
    if isinstance(result, SpecError):
        show_error_at_line(result, st.session_state.get(_PASTED) or "", language="python")
    elif result:
        st.success(result, icon=":material/check:")


def _apply_pasted() -> None:
    from digitlab.models.paste import read_code

    try:
        spec = read_code(st.session_state.get(_PASTED) or "").spec
    except SpecError as e:
        st.session_state[_RESULT] = e
        return
    state.commit(spec, select=(0,))
    count = sum(layer.count for layer in spec.layers)
    st.session_state[_RESULT] = f"Read {count} layers. The other views show them."
