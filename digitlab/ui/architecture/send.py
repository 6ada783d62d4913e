"""Sending an architecture to the Train page, and how its weights are initialised."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import page, url
from digitlab.ui.architecture import state
from digitlab.ui.model_picker import OWN, fits_link

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec


def send_to_train(spec: ModelSpec, start: str, *, fits: bool) -> None:
    """A button that opens the Train page with this architecture."""
    if not st.button(
        "Send to Train",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not fits,
        help="Opens Train with this architecture." if fits else "Fix the architecture first.",
    ):
        return
    own = state.is_changed()
    url.put("model", OWN if own else start)
    names = ("model", "preset", "spec", "dataset") if own else ("model", "dataset")
    params = {name: url.get(name) for name in names if url.get(name)}
    if not fits_link(spec):
        params.pop("spec", None)  # too long for a URL; it is kept for this visit
    st.switch_page(page.TRAIN, query_params=params)


def pick_init(spec: ModelSpec) -> None:
    """A choice of how the weights are initialised."""
    key = "architecture-init"
    st.session_state[key] = spec.init
    st.selectbox(
        "Initial weights",
        list(_INITS),
        key=key,
        format_func=lambda init: _INITS.get(init, init),
        on_change=lambda: state.commit(state.current().with_init(st.session_state[key])),
        help="How the weights of convolutions and linear layers are initialised.",
    )


_INITS = {
    "default": "PyTorch's default: uniform, by the number of inputs",
    "kaiming": "Kaiming: normal, for ReLU",
    "xavier": "Xavier: uniform, for sigmoid and tanh",
    "orthogonal": "Orthogonal: random rotations",
    "normal": "Normal: σ = 1/√inputs, linear layers only",
}
