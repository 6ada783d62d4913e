"""Exporting a collection as a file, and importing one."""

from __future__ import annotations

from functools import partial

import streamlit as st

from digitlab.analysis.read_images import look
from digitlab.data.collection_files import export_collection, import_collection
from digitlab.errors import DigitlabError
from digitlab.settings import read_settings
from digitlab.ui import page
from digitlab.ui.compute import compute
from digitlab.ui.markdown import plain
from digitlab.ui.visitor import for_visitor

KINDS = {"npz": "application/octet-stream", "zip": "application/zip"}
CONSENT = "I may share these images, and I agree that they are stored on this server."


def show_files(name: str, *, has_drawings: bool) -> None:
    """Two downloads, and an upload that adds images to the collection."""
    with st.expander("Export and import", icon=":material/swap_vert:"):
        if has_drawings:
            _offer_downloads(name)
        file = st.file_uploader(
            f"Add labelled images to {name}: a ZIP with a folder for each digit, an NPZ, a CSV "
            "or another form that Results reads, too",
            key="collect:import",
        )
        agreed = agrees_to_storing("collect:import:consent")
        if file is None or not agreed:
            return
        if st.button(f"Add {plain(file.name)} to {name}", icon=":material/upload:"):
            try:
                drawings = compute(import_collection, name, file.getvalue(), file.name, look)
            except DigitlabError as e:
                page.show_error(e, icon=":material/folder_off:")
                return
            st.session_state["collect:imported"] = f"Added {len(drawings):,} drawings to {name}."
            st.rerun()
    if message := st.session_state.pop("collect:imported", None):
        st.success(message, icon=":material/check_circle:")


def agrees_to_storing(key: str, sentence: str = CONSENT) -> bool:
    """Whether images may be stored: where the app is public, the visitor is asked."""
    return not read_settings().hosted or st.checkbox(sentence, key=key)


def _offer_downloads(name: str) -> None:
    with st.container(horizontal=True):
        for kind, mime in KINDS.items():
            st.download_button(
                f"{name}.{kind}",
                data=for_visitor(partial(export_collection, name, kind)),
                file_name=f"{name}.{kind}",
                mime=mime,
                icon=":material/download:",
                on_click="ignore",
            )
