"""Importing a run from its ZIP."""

from __future__ import annotations

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.runs.run import Run
from digitlab.snippets import export
from digitlab.ui import page, url

_DONE = "imported-run"


def offer_import() -> None:
    """A place to drop a run's ZIP; the imported run joins those that are compared."""
    with st.popover("Import a run", icon=":material/upload_file:"):
        st.markdown(
            "The ZIP from *Download* on the Results page, or from `python -m digitlab export RUN "
            "--format zip`. All of it is checked before any of it is stored, nothing in it is "
            "executed, and its results are computed again from its predictions."
        )
        file = st.file_uploader("A run's ZIP", type="zip", key="import-file")
        if file and st.button("Import", icon=":material/check:", type="primary", key="import"):
            _import(file)
        page.code_fold(export.import_run())
    if message := st.session_state.pop(_DONE, None):
        st.success(message, icon=":material/check_circle:")


def _import(file: object) -> None:
    from digitlab.exports.archive import import_run

    try:
        run: Run = import_run(file)
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
        return
    chosen = [part for part in (url.get("runs") or "").split(",") if part]
    url.put("runs", ",".join([*chosen, run.id]))
    st.session_state[_DONE] = f"{run.record.name} is here now, as run {run.id}."
    st.rerun()
