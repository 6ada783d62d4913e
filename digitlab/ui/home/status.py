"""What is on this machine: its datasets and its runs, as links."""

from __future__ import annotations

import streamlit as st

from digitlab.data.registry import is_available, list_datasets
from digitlab.jobs.queue import active_runs
from digitlab.runs.run import list_runs
from digitlab.ui import page
from digitlab.ui.run_picker import OFFERED, show_result_links, show_training_links

LAST_RUNS = 3


def show_status() -> None:
    """Runs and datasets in two columns."""
    left, right = st.columns(2, gap="large")
    with left:
        page.cell("Runs")
        _show_runs()
    with right:
        page.cell("Data")
        _show_data()


def _show_runs() -> None:
    active = active_runs()
    show_training_links(active)
    ended = [run.record for run in list_runs(limit=OFFERED) if not run.record.active]
    # the newest of one's own, then the best of those that come with digitlab
    ended.sort(key=lambda record: (record.bundled, record.bundled and -record.test_accuracy))
    if all(record.bundled for record in ended) and not active:
        st.caption("These come with digitlab; runs of your own will stand above them.")
    show_result_links(ended, limit=LAST_RUNS)


def _show_data() -> None:
    available = [info for info in list_datasets() if is_available(info.name)]
    for info in available:
        st.page_link(
            page.DATA,
            label=f"{info.title}: {info.train_size + info.test_size:,} images",
            icon=page.ICONS[page.DATA],
            query_params={"dataset": info.name},
        )
    others = [info for info in list_datasets() if info not in available and not info.by_hand]
    if others:
        st.page_link(
            page.DATA,
            label=f"To download: {', '.join(info.title for info in others)}",
            icon=":material/download:",
            query_params={"dataset": others[0].name},
        )
