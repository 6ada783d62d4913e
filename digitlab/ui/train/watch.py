"""Watching a run: its panel, which refreshes while it trains."""

from __future__ import annotations

import time

import streamlit as st

from digitlab.errors import RunError, RunNotFoundError
from digitlab.jobs import queue
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs.lease import is_held
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, open_run
from digitlab.snippets import basics
from digitlab.ui import page, shared_views
from digitlab.ui.display import STEADY
from digitlab.ui.learning_curves import UPDATE_SECONDS, watch_curves, watch_other_curves
from digitlab.ui.train.next_step import show_next_step
from digitlab.ui.train.polling import rerun
from digitlab.ui.train.progress import (
    share,
    show_head,
    show_notices,
    show_progress,
)
from digitlab.ui.train.run_actions import has_diverged, show_ended_buttons
from digitlab.ui.train.run_facts import show_facts
from digitlab.ui.train.selected_run import deselect_run
from digitlab.ui.train.snapshot import show_snapshot
from digitlab.ui.train.summary import has_learnt_nothing, show_summary

# Most of the cost of a refresh is Streamlit's, whatever is refreshed.
REFRESH_SECONDS = 1.0
LONG_SECONDS = 600.0  # a training that takes longer is refreshed half as often
SHORT_SECONDS = 4.0  # at its beginning, and as long before its end, one is refreshed more often


def open_watched(run_id: str | None) -> Run | None:
    """The run to watch; None without one, and where it cannot be opened, which is said."""
    if not run_id:
        return None
    queue.reconcile()
    try:
        return open_run(run_id)
    except RunError as e:
        page.show_error(e)
        deselect_run()
        return None


def watch_run(run: Run, *, visible: bool) -> None:
    """A run's panel, which refreshes while the run is active and the tab is `visible`.

    How far it is refreshes every second, charts less often: they cost the browser more. Once the
    run has ended, a summary stands in the place of its progress.
    """
    active = _is_under_way(run.record)
    pace = _pace(run.record)
    factor = pace if active and visible else 0
    st.fragment(_show_run, run_every=factor * REFRESH_SECONDS or None)(run, active, pace)
    st.fragment(_show_charts, run_every=factor * UPDATE_SECONDS or None)(run)
    if active:
        st.html(STEADY)
    elif not run.record.bundled:
        show_ended_buttons(run.record)
    show_facts(run.record)
    page.code_fold(basics.curves(run.id))


def _pace(record: RunRecord) -> float:
    """How much time passes between two looks: little where much changes, by its speed so far.

    A run that begins or is about to end shows its first and its last figures soon.
    """
    if record.status == "queued":
        return 1 if queue.find_place(record.id).ahead else 0.3
    if record.status != "running" or record.step >= record.total_steps > 0:
        return 0.3
    images = record.total_steps * record.experiment.config.batch_size
    speed = record.images_per_second
    if not speed or not images:
        begins = time.time() - (record.started or record.created) < SHORT_SECONDS
        return 0.3 if begins else 1
    if images * (1 - share(record)) < SHORT_SECONDS * speed:
        return 0.3
    return 2 if images > LONG_SECONDS * speed else 1


def _is_under_way(record: RunRecord) -> bool:
    """Whether the run still changes: a stopped one still has to evaluate the test images."""
    return record.active or (
        record.status == "stopped" and not record.measured and is_held(record.id)
    )


@page.guard()
def _show_run(run: Run, was_active: bool, pace: float) -> None:
    if was_active:
        shared_views.reconcile()
    try:
        run = run.refresh()
    except RunNotFoundError:
        rerun()  # the whole page, which reports it once
    under_way = _is_under_way(run.record)
    if was_active and not under_way:
        rerun()  # the whole page: lists and links change when a run ends
    if under_way and _pace(run.record) != pace:
        rerun()  # refresh more or less often
    nothing = has_learnt_nothing(run)
    show_head(run.record, under_way=under_way, nothing=nothing)
    summarized = run.record.measured and not run.record.active
    if nothing or not summarized:
        show_notices(run.record)
    if summarized:
        show_summary(run, nothing=nothing)
        if not nothing:
            show_notices(run.record)
    else:
        show_progress(run.record)
        if has_diverged(run.record):
            show_next_step(run, nothing=True)


@page.guard()
def _show_charts(run: Run) -> None:
    try:
        run = run.refresh()
    except RunNotFoundError:
        return  # _show_run reports it
    if not run.record.active and not run.record.step:
        return  # it ended before its first step
    has_curves = run.record.epochs > 1 or not classical_kind(run.spec)  # one epoch makes no curve
    if has_curves:
        watch_curves(run)
    if not run.record.bundled:
        show_snapshot(run)
    if has_curves:
        watch_other_curves(run)
