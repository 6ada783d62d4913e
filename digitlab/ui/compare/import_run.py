"""Importing a run from its ZIP."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.imports.archive import import_run
from digitlab.runs.run import Run
from digitlab.snippets import export
from digitlab.ui import page, url
from digitlab.ui.compute import compute
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_DONE = "imported-run"


def offer_import() -> None:
    """Show an uploader for a run's ZIP; the imported run joins those that are compared."""
    with st.popover("Import a run", icon=":material/upload_file:"):
        st.markdown(
            "The ZIP from *Download* on the Results page, or from `python -m digitlab export RUN "
            "--format zip`. The whole ZIP is checked before anything is stored. Nothing in it is "
            "executed. Its results are computed again from its weights where its dataset is here; "
            "else they are marked as claimed."
        )
        file = st.file_uploader("A run's ZIP", type="zip", key="import-file")
        if file and st.button("Import", icon=":material/check:", type="primary", key="import"):
            _import(file)
        page.code_fold(export.import_run())
    if message := st.session_state.pop(_DONE, None):
        st.success(message, icon=":material/check_circle:")


def _import(file: UploadedFile) -> None:
    try:
        run: Run = compute(import_run, file.getvalue())
    except DigitlabError as e:
        page.show_error(e)
        return
    run_ids = [part for part in (url.get("runs") or "").split(",") if part]
    url.put("runs", ",".join([*run_ids, run.id]))
    st.session_state[_DONE] = f"{plain(run_title(run.record))} was imported as run {run.id}."
    st.rerun()
