"""Sending an architecture to the Train page."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.ui import page, url
from digitlab.ui.architecture import state
from digitlab.ui.model_picker import OWN, fits_link

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec


def send_to_train(
    spec: ModelSpec, start: str, *, can_train: bool, needed: str = "Fix the architecture first."
) -> None:
    """A button that opens the Train page with this architecture; `needed` says what to do first."""
    if not st.button(
        "Send to Train",
        type="primary",
        icon=":material/play_arrow:",
        disabled=not can_train,
        help="Opens Train with this architecture." if can_train else needed,
    ):
        return
    own = state.is_changed()
    url.put("model", OWN if own else start)
    names = ("model", "preset", "spec", "dataset") if own else ("model", "dataset")
    params = {name: url.get(name) for name in names if url.get(name)}
    if not fits_link(spec):
        params.pop("spec", None)  # too long for a URL; it is kept for this visit
    st.switch_page(page.TRAIN, query_params=params)
