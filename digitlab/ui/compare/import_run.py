"""Importing a run from its ZIP."""

from __future__ import annotations

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.exports.archive import import_run
from digitlab.runs.run import Run
from digitlab.snippets import export
from digitlab.ui import page, url

_DONE = "imported-run"


def offer_import() -> None:
    """Show an uploader for a run's ZIP; the imported run joins those that are compared."""
    with st.popover("Import a run", icon=":material/upload_file:"):
        st.markdown(
            "The ZIP from *Download* on the Results page, or from `python -m digitlab export RUN "
            "--format zip`. The whole ZIP is checked before anything is stored. Nothing in it is "
            "executed, and the results are computed again from its predictions."
        )
        file = st.file_uploader("A run's ZIP", type="zip", key="import-file")
        if file and st.button("Import", icon=":material/check:", type="primary", key="import"):
            _import(file)
        page.code_fold(export.import_run())
    if message := st.session_state.pop(_DONE, None):
        st.success(message, icon=":material/check_circle:")


def _import(file: object) -> None:
    try:
        run: Run = import_run(file)
    except DigitlabError as e:
        st.error(str(e), icon=":material/error:")
        return
    run_ids = [part for part in (url.get("runs") or "").split(",") if part]
    url.put("runs", ",".join([*run_ids, run.id]))
    st.session_state[_DONE] = f"{run.record.name} was imported as run {run.id}."
    st.rerun()
