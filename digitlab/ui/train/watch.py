"""Watching a run: progress, figures and charts that move while it trains."""

from __future__ import annotations

import re

import streamlit as st

from digitlab.errors import RunNotFoundError
from digitlab.jobs import queue
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run, open_run
from digitlab.runs.run_folder import is_alive
from digitlab.ui import page, shared_views
from digitlab.ui.labels import STATUS_ICONS, STATUS_WORDS
from digitlab.ui.learning_curves import UPDATE_SECONDS, watch_curves
from digitlab.ui.run_picker import show_result_link, show_result_links, show_training_link
from digitlab.ui.train.run_actions import active_buttons, ended_buttons
from digitlab.ui.train.selected_run import follow
from digitlab.ui.train.snapshot import show_look
from digitlab.words import duration, percent

# Most of what a look costs is Streamlit's, whatever is looked at.
LOOK_SECONDS = 1.0
LONG_SECONDS = 600.0  # a training that takes longer is looked at half as often
LISTS_SECONDS = 2.0
LISTS_ASIDE_SECONDS = 5.0  # below a run that is watched
LISTS = 250  # of the newest runs
# While a panel refreshes every second, Streamlit would flash a "Stop" of its own in the header and
# fade the charts whenever a refresh takes longer than usual.
_STEADY = (
    "<style>[data-testid='stStatusWidget'] {visibility: hidden}"
    "[data-stale='true'] {opacity: 1 !important; transition: none !important}</style>"
)


def watch(run_id: str, *, seen: bool) -> None:
    """A run's panel; it looks for news for as long as the run is active and the tab is `seen`.

    The head looks every second. The curves, which cost a browser more to draw, look less often.
    """
    queue.reconcile()
    run = open_run(run_id)
    active = _is_under_way(run.record)
    awake, long = active and seen, _is_long(run.record)
    if active:
        st.html(_STEADY)
    times = 2 if long else 1
    st.fragment(_head, run_every=times * LOOK_SECONDS if awake else None)(run, active, long)
    st.fragment(_curves, run_every=times * UPDATE_SECONDS if awake else None)(run)


def _is_long(record: RunRecord) -> bool:
    """Whether its training takes long, as far as is known by now."""
    images = record.total_steps * record.experiment.config.batch_size
    return images > LONG_SECONDS * (record.images_per_second or float("inf"))


def _is_under_way(record: RunRecord) -> bool:
    """Whether more is to come: a run that was stopped still has to read the test images."""
    return record.active or (
        record.status == "stopped" and record.test_accuracy is None and is_alive(record.id)
    )


@page.guard()
def _head(run: Run, was_active: bool, was_long: bool) -> None:
    if was_active:
        shared_views.reconcile()
    try:
        run = run.refresh()
    except RunNotFoundError:
        st.rerun()  # the whole page, which says so once
    if was_active and not _is_under_way(run.record):
        st.rerun()  # the whole page: lists and links change when a run ends
    if not was_long and _is_long(run.record):
        st.rerun()  # its speed is known now; it is looked at less often
    _show_head(run.record)
    if run.record.active or run.record.step:
        _show_figures(run.record)


@page.guard()
def _curves(run: Run) -> None:
    try:
        run = run.refresh()
    except RunNotFoundError:
        return  # the head says so
    if not run.record.active and not run.record.step:
        return  # it ended before its first step: there is nothing to show
    if run.record.epochs > 1 or not _is_fit(run.record):  # a fit at once makes no curve
        watch_curves(run)
    if not run.record.bundled:
        show_look(run)


def _is_fit(record: RunRecord) -> bool:
    """Whether its model is a classical one, which has no steps to count."""
    return classical_kind(record.experiment.spec) is not None


def _show_head(record: RunRecord) -> None:
    state = f"{STATUS_ICONS[record.status]} **{record.name}** on {record.dataset}"
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.markdown(f"{state}: {STATUS_WORDS[record.status]} · `{record.id}`")
    if record.active:
        with right:
            active_buttons(record)
    if record.status == "queued":
        st.progress(0.0, text=f"Waiting: {_place(record)}")
    elif record.status == "running":
        st.progress(_share(record), text=_progress_text(record))
    elif record.status in ("failed", "interrupted"):
        st.error(record.message, icon=STATUS_ICONS[record.status])
    elif record.status == "stopped" and _is_under_way(record):
        st.caption("Stopped; now it reads the test images.")
    elif record.message:
        st.info(record.message, icon=":material/info:")
    if not record.active and record.test_accuracy is not None:
        show_result_link(record, label="See its results: confusion matrix, mistakes, classes")
        st.page_link(
            page.DRAW,
            label="Draw at it",
            icon=":material/draw:",
            query_params={"run": record.id},
        )
    if not record.active and not record.bundled:
        ended_buttons(record, follow)
    _show_words(record)


def _show_words(record: RunRecord) -> None:
    """What the run says of itself, and what a person wrote beside it."""
    for notice in record.notices:
        st.warning(notice, icon=":material/stethoscope:")
    if record.tags:
        st.markdown(" ".join(f":gray-badge[{_plain(tag)}]" for tag in record.tags))
    if record.note:
        st.caption(_plain(record.note))
    computed = record.environment
    if "precision" in computed:
        threads = computed["threads"]
        words = f"{computed['device']}, {computed['precision']}"
        words += ", channels last" if computed.get("channels_last") else ""
        words += ", compiled" if computed.get("compiled") else ""
        st.caption(f"Computed on {words}, {threads} thread{'s' if threads != 1 else ''}.")


def _plain(text: str) -> str:
    """Text that a person wrote, in which nothing is markup."""
    return re.sub(r"([\\`*_{}\[\]()#+\-.!|~<>:$])", r"\\\1", text)


def _place(record: RunRecord) -> str:
    ahead = [
        other
        for other in store.list_records(("running", "queued"))
        if other.status == "running" or other.created < record.created
    ]
    return f"{len(ahead)} run{'s' if len(ahead) != 1 else ''} before this one"


def _share(record: RunRecord) -> float:
    return min(record.step / record.total_steps, 1.0) if record.total_steps else 0.0


def _progress_text(record: RunRecord) -> str:
    if _is_fit(record) and record.message and record.step < record.total_steps:
        return record.message
    if not record.step:
        return "Starting: reading the data and building the network …"
    if record.step >= record.total_steps:
        return "Trained; reading the test images …"
    epoch = min(record.epochs_done + 1, record.epochs)
    left = ""
    if record.images_per_second:
        images = (record.total_steps - record.step) * record.experiment.config.batch_size
        left = f" · about {duration(images / record.images_per_second)} left"
    return f"Epoch {epoch} of {record.epochs}, step {record.step:,} of {record.total_steps:,}{left}"


def _show_figures(record: RunRecord) -> None:
    columns = st.columns(4)
    columns[0].metric("Training loss", _figure(record.train_loss))
    columns[1].metric("Validation accuracy", percent(record.val_accuracy))
    if record.active and _is_fit(record):
        columns[2].metric("Stages", f"{record.epochs_done} of {record.epochs}")
    elif record.active:
        speed = record.images_per_second
        columns[2].metric("Images per second", "–" if speed is None else f"{speed:,.0f}")
        columns[3].metric("Epochs", f"{record.epochs_done} of {record.epochs}")
    else:
        columns[2].metric("Test accuracy", percent(record.test_accuracy))
        columns[3].metric("Training time", duration(record.train_seconds))


def _figure(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:.1e}" if 0 < value < 0.0005 else f"{value:.4f}"


def show_lists(*, aside: bool, seen: bool) -> None:
    """Running and waiting runs, then past ones, each a link; up to date while any is active.

    `aside` where the page shows a run above them; `seen` unless the tab is in the background.
    """
    page.cell("Runs", "Training goes on when you leave this page, reload it or close the browser.")
    active = {record.id for record in queue.active_runs()}
    awake = bool(active) and seen
    seconds = LISTS_ASIDE_SECONDS if aside else LISTS_SECONDS
    st.fragment(_active, run_every=seconds if awake else None)(active)
    _past(bool(active))


@page.guard()
def _active(were_active: set[str]) -> None:
    shared_views.reconcile()
    active = queue.list_active()
    if {record.id for record in active} != were_active:
        st.rerun()  # the whole page: other lists change, too, when a run begins or ends
    if active:
        st.markdown("**Training and waiting**")
        for record in active:
            show_training_link(record)


def _past(active: bool) -> None:
    past = [record for record in store.list_records(limit=LISTS) if not record.active]
    if past:
        st.markdown("**Past runs**")
        show_result_links(past)
    elif not active:
        st.caption("No run yet. Start the first one above.")
