"""The runs, as links: those that train or wait, one's own past ones, the bundled ones."""

from __future__ import annotations

import streamlit as st

from digitlab.jobs import queue
from digitlab.runs import store
from digitlab.runs.run import list_bundled
from digitlab.ui import page, shared_views
from digitlab.ui.run_picker import show_result_links, show_training_links
from digitlab.ui.train.polling import rerun
from digitlab.words import counted

LISTS_SECONDS = 2.0
LISTS_BELOW_RUN_SECONDS = 5.0  # below a run that is watched
LISTED = 250  # of the newest runs
SHOWN = 5  # of one's own, without opening a fold


def show_runs(*, below_run: bool, visible: bool) -> None:
    """Links to training and waiting runs, then to past ones; refreshed while any is active.

    `below_run` where the page watches a run above them, `visible` unless the tab is in the
    background.
    """
    page.cell(
        "Runs", "Training continues when you leave this page, reload it or close the browser."
    )
    active = {record.id for record in queue.active_runs()}
    seconds = LISTS_BELOW_RUN_SECONDS if below_run else LISTS_SECONDS
    st.fragment(_show_active, run_every=seconds if active and visible else None)(active)
    _show_past()


@page.guard()
def _show_active(were_active: set[str]) -> None:
    shared_views.reconcile()
    active = queue.list_active()
    if {record.id for record in active} != were_active:
        rerun()  # the whole page: other lists change, too, when a run starts or ends
    if active:
        st.markdown("**Training and waiting**")
        show_training_links(active)


def _show_past() -> None:
    past = [record for record in store.list_records(limit=LISTED) if not record.active]
    for title, changeable in (("Your runs", True), ("Runs that an admin published", False)):
        if records := [record for record in past if record.changeable is changeable]:
            st.markdown(f"**{title}**")
            show_result_links(records, limit=SHOWN if changeable else len(records))
    bundled = [run.record for run in list_bundled()]
    title = f"{counted(len(bundled), 'trained network')} that came with digitlab"
    with st.expander(title, icon=":material/inventory_2:"):
        show_result_links(bundled, limit=len(bundled))
