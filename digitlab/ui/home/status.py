"""The status of this machine: its datasets and its runs; and links to the pages."""

from __future__ import annotations

import streamlit as st

from digitlab.data.registry import default_dataset, find_dataset, is_available, list_datasets
from digitlab.jobs.queue import active_runs
from digitlab.runs.run import list_runs
from digitlab.settings import read_settings
from digitlab.ui import page
from digitlab.ui.run_picker import COMPARED, show_result_links, show_training_link

FIRST_MODEL = "two-hidden-64-relu"
LAST_RUNS = 5


def show_links() -> None:
    """A link to each page."""
    links = (
        (page.DATA, "Look at the digits", {}),
        (page.ARCHITECTURE, "Build a network", {}),
        (page.TRAIN, "Train a first network", {"model": FIRST_MODEL}),
        (page.RESULTS, "Analyse the results", {}),
        (page.COMPARE, "Compare runs", {}),
        (page.DRAW, "Draw digits", {}),
    )
    with st.container(horizontal=True):
        for target, label, params in links:
            st.page_link(target, label=label, icon=page.ICONS[target], query_params=params)


def show_status() -> None:
    """Datasets and runs in two columns."""
    left, right = st.columns(2, gap="large")
    with left:
        page.cell("Data on this machine")
        _show_data()
    with right:
        page.cell("Runs")
        _show_runs()


def _show_data() -> None:
    available = [info for info in list_datasets() if is_available(info.name)]
    for info in available:
        st.page_link(
            page.DATA,
            label=f"{info.title}: {info.train_size + info.test_size:,} images",
            icon=":material/check_circle:",
            query_params={"dataset": info.name},
        )
    missing = ", ".join(info.title for info in list_datasets() if info not in available)
    if missing:
        st.caption(f"The Data page can download: {missing}.")
    st.caption(
        f"The default dataset is {find_dataset(default_dataset()).title}; files are stored in "
        f"`{read_settings().data}`."
    )


def _show_runs() -> None:
    active = active_runs()
    for record in active:
        show_training_link(record)
    ended = [run.record for run in list_runs(limit=COMPARED) if not run.record.active]
    show_result_links(ended, limit=LAST_RUNS)
    if all(record.bundled for record in ended) and not active:
        st.caption("You have no run yet: train a first network, which takes seconds.")
