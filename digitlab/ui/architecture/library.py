"""Saving an architecture under a name, deleting a saved one, sharing one as a link."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.models.library import delete_saved, is_saved, save_model, suggest_name
from digitlab.ui import url
from digitlab.ui.architecture import state
from digitlab.ui.markdown import plain
from digitlab.ui.model_picker import LONGEST_LINK, fits_link
from digitlab.ui.share import link_to

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec

_NAME = "architecture-name"


def show_menus(spec: ModelSpec) -> None:
    """Menus to save the architecture, to delete a saved one, and to share it."""
    with st.popover("Save", icon=":material/save:"):
        _save_form(spec)
    start = url.get("preset") or ""
    if is_saved(start):
        with st.popover("Delete", icon=":material/delete:", key="architecture-delete-saved"):
            st.markdown(f"Delete **{plain(start)}** from the saved architectures? Its runs stay.")
            st.button(f"Delete {plain(start)}", on_click=_delete, args=(start,), type="primary")
    with st.popover("Share", icon=":material/share:"):
        _show_link(spec)


def _save_form(spec: ModelSpec) -> None:
    st.markdown("Saved architectures appear in all lists of models, here and on Train.")
    st.session_state.setdefault(_NAME, suggest_name(spec.name))
    name = st.text_input(
        "Name", key=_NAME, max_chars=60, help="Letters, digits, - and _; no spaces."
    )
    exists = is_saved(name)
    if exists:
        st.caption(f"An architecture {plain(name)} already exists.")
    st.button(
        f"Overwrite {plain(name)}" if exists else "Save it",
        key="architecture-save",
        on_click=_save,
        args=(spec, name, exists),
        type="primary",
    )


def _save(spec: ModelSpec, name: str, overwrite: bool) -> None:
    try:
        saved = save_model(spec, name, overwrite=overwrite)
    except DigitlabError as e:
        state.report(str(e))
        return
    state.commit(saved, start=name)
    st.toast(f"Saved as {plain(name)}.", icon=":material/check:")


def _delete(name: str) -> None:
    try:
        delete_saved(name)
    except DigitlabError as e:
        state.report(str(e))
        return
    state.forget_start(name)
    st.toast(f"{plain(name)} is deleted; its layers can be saved again.", icon=":material/delete:")


def _show_link(spec: ModelSpec) -> None:
    if state.is_changed() and not fits_link(spec):
        st.markdown(
            f"This architecture is too long for a link ({LONGEST_LINK:,} characters at most). Save "
            "it under a name, or send its YAML."
        )
        return
    st.markdown("This link opens the page with this architecture.")
    params = {name: url.get(name) for name in ("preset", "spec") if url.get(name)}
    st.code(link_to(**params), language=None, wrap_lines=True)
