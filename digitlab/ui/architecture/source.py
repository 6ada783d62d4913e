"""The architecture as text: its YAML, and code of PyTorch or Keras that is turned into layers."""

from __future__ import annotations

import streamlit as st

from digitlab.errors import SpecError
from digitlab.models.spec import ModelSpec
from digitlab.ui.architecture import state
from digitlab.ui.architecture.check import show_error

_TEXT = "architecture-text"
_OF = "architecture:text-of"  # the spec that the text says, or said when it could last be read
_PASTED = "pasted-code"
_PROBLEM = "architecture:pasted-problem"
# Indentation carries meaning in YAML; Streamlit has no editor with a fixed pitch of its own.
_MONOSPACE = (
    "<style>.st-key-{key} textarea "
    "{{font-family: monospace; white-space: pre; overflow-x: auto}}</style>"
)


def edit_yaml(spec: ModelSpec) -> None:
    """The YAML of the architecture; what is written there changes all other views."""
    if st.session_state.get(_OF) != spec or _TEXT not in st.session_state:
        st.session_state[_TEXT] = spec.to_yaml()
        st.session_state[_OF] = spec
    st.html(_MONOSPACE.format(key=_TEXT))
    st.text_area(
        "Architecture in YAML",
        key=_TEXT,
        height=420,
        on_change=_take_text,
        persist_state="session",
        help="A layer is a torch.nn class with its arguments; input sizes are inferred.",
    )
    st.caption("Ctrl+Enter (⌘+Enter) applies what you wrote.")
    error = _text_error()
    if error:
        show_error(error, st.session_state[_TEXT])
        st.caption("Everything else on this page shows the last text that could be read.")


def warn_of_draft(spec: ModelSpec) -> None:
    """Say, in another view, that the YAML holds a text that could not be read."""
    if st.session_state.get(_OF) == spec and _text_error():
        st.warning(
            "The YAML holds a text that cannot be read yet. What is shown here is the last one "
            "that could; a change made here replaces the text.",
            icon=":material/edit_note:",
        )


def _text_error() -> SpecError | None:
    try:
        ModelSpec.from_yaml(st.session_state.get(_TEXT) or "")
    except SpecError as e:
        return e if _TEXT in st.session_state else None
    return None


def _take_text() -> None:
    try:
        spec = ModelSpec.from_yaml(st.session_state[_TEXT])
    except SpecError:
        return  # said beside its line when the page is drawn
    st.session_state[_OF] = spec
    state.commit(spec)


def paste() -> None:
    """Pasted PyTorch or Keras code becomes the layers; it is read, never run."""
    st.html(_MONOSPACE.format(key=_PASTED))
    st.text_area(
        "A Sequential of PyTorch or Keras, or what print(model) shows",
        key=_PASTED,
        height=320,
        placeholder="nn.Sequential(nn.Flatten(), nn.Linear(784, 10))",
        persist_state="session",
        help="The text is parsed and translated; nothing in it is executed.",
    )
    st.button("Turn into layers", on_click=_take_pasted, icon=":material/data_object:")
    problem = st.session_state.pop(_PROBLEM, None)
    if isinstance(problem, SpecError):
        show_error(problem, st.session_state.get(_PASTED) or "", language="python")
    elif problem:
        st.success(problem, icon=":material/check:")


def _take_pasted() -> None:
    from digitlab.models.paste import read_pasted

    try:
        spec = read_pasted(st.session_state.get(_PASTED) or "")
    except SpecError as e:
        st.session_state[_PROBLEM] = e
        return
    state.commit(spec, select=(0,))
    count = sum(layer.count for layer in spec.layers)
    st.session_state[_PROBLEM] = f"Read as {count} layers; the other views show them."
