"""What a person wrote about a run, and what it was computed on."""

from __future__ import annotations

import streamlit as st

from digitlab.runs.record import RunRecord
from digitlab.ui.markdown import plain


def show_facts(record: RunRecord) -> None:
    """Tags and note, and the device, precision and threads."""
    if record.tags:
        st.markdown(" ".join(f":gray-badge[{plain(tag)}]" for tag in record.tags))
    if record.note:
        st.caption(plain(record.note))
    environment = record.environment
    if {"device", "precision", "threads"} <= environment.keys():
        threads = environment["threads"]
        parts = [environment["device"], environment["precision"]]
        devices = environment.get("devices", 1)
        parts[:0] = [f"{devices} devices"] if devices != 1 else []
        parts += ["channels last"] if environment.get("channels_last") else []
        parts += ["compiled"] if environment.get("compiled") else []
        parts += [f"{threads} thread{'s' if threads != 1 else ''}"]
        st.caption(
            f"Computed on {plain(', '.join(map(str, parts)))}.",
            help="The same seed gives the same weights where as many threads compute in the same "
            "precision and versions. On others they differ a little.",
        )
