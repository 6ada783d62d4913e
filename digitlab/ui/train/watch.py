"""Watching a run: progress, metrics and charts that update while it trains."""

from __future__ import annotations

import streamlit as st

from digitlab.data.registry import dataset_title
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
from digitlab.ui.markdown import plain
from digitlab.ui.run_picker import show_result_link, show_result_links, show_training_link
from digitlab.ui.train.run_actions import show_active_buttons, show_ended_buttons
from digitlab.ui.train.snapshot import show_snapshot
from digitlab.words import duration, percent

# Most of the cost of a refresh is Streamlit's, whatever is refreshed.
REFRESH_SECONDS = 1.0
LONG_SECONDS = 600.0  # a training that takes longer is refreshed half as often
LISTS_SECONDS = 2.0
LISTS_BELOW_RUN_SECONDS = 5.0  # below a run that is watched
LISTED = 250  # of the newest runs
# While a panel refreshes every second, Streamlit would flash a "Stop" of its own in the header and
# fade the charts whenever a refresh takes longer than usual.
_STEADY = (
    "<style>[data-testid='stStatusWidget'] {visibility: hidden}"
    "[data-stale='true'] {opacity: 1 !important; transition: none !important}</style>"
)


def watch_run(run_id: str, *, visible: bool) -> None:
    """A run's panel, which refreshes while the run is active and the tab is `visible`.

    Progress and metrics refresh every second, charts less often: they cost the browser more.
    """
    queue.reconcile()
    run = open_run(run_id)
    active = _is_under_way(run.record)
    long = _is_long(run.record)
    if active:
        st.html(_STEADY)
    factor = (2 if long else 1) if active and visible else 0
    st.fragment(_show_run, run_every=factor * REFRESH_SECONDS or None)(run, active, long)
    st.fragment(_show_charts, run_every=factor * UPDATE_SECONDS or None)(run)


def _is_long(record: RunRecord) -> bool:
    """Whether its training takes long, by its speed so far."""
    images = record.total_steps * record.experiment.config.batch_size
    return images > LONG_SECONDS * (record.images_per_second or float("inf"))


def _is_under_way(record: RunRecord) -> bool:
    """Whether the run still changes: a stopped one still has to evaluate the test images."""
    return record.active or (
        record.status == "stopped" and not record.measured and is_alive(record.id)
    )


@page.guard()
def _show_run(run: Run, was_active: bool, was_long: bool) -> None:
    if was_active:
        shared_views.reconcile()
    try:
        run = run.refresh()
    except RunNotFoundError:
        st.rerun()  # the whole page, which reports it once
    if was_active and not _is_under_way(run.record):
        st.rerun()  # the whole page: lists and links change when a run ends
    if not was_long and _is_long(run.record):
        st.rerun()  # its speed is known now: refresh less often
    _show_head(run.record)
    if run.record.active or run.record.step:
        _show_metrics(run.record)


@page.guard()
def _show_charts(run: Run) -> None:
    try:
        run = run.refresh()
    except RunNotFoundError:
        return  # _show_run reports it
    if not run.record.active and not run.record.step:
        return  # it ended before its first step
    if run.record.epochs > 1 or not _is_classical(run.record):  # one epoch makes no curve
        watch_curves(run)
    if not run.record.bundled:
        show_snapshot(run)


def _is_classical(record: RunRecord) -> bool:
    """Whether its model is classical, and has no steps to count."""
    return classical_kind(record.experiment.spec) is not None


def _show_head(record: RunRecord) -> None:
    left, right = st.columns([3, 2], vertical_alignment="center")
    left.markdown(
        f"{STATUS_ICONS[record.status]} **{plain(record.name)}** on "
        f"{plain(dataset_title(record.dataset))}: {STATUS_WORDS[record.status]}"
    )
    if record.active:
        with right:
            show_active_buttons(record)
    if record.status == "queued":
        st.progress(0.0, text=_queue_text(record))
    elif record.status == "running":
        st.progress(_share(record), text=_progress_text(record))
    elif record.status in ("failed", "interrupted"):
        st.error(plain(record.message), icon=STATUS_ICONS[record.status])
    elif record.status == "stopped" and _is_under_way(record):
        st.caption("Stopped. Evaluating the test images …")
    elif record.message:
        st.info(plain(record.message), icon=":material/info:")
    if not record.active and record.task == "reconstruct" and record.measured:
        show_result_link(record, label="See the results: reconstructions, latent space")
    if not record.active and record.test_accuracy is not None:
        show_result_link(record, label="See the results: confusion matrix, mistakes, classes")
        st.page_link(
            page.DRAW,
            label="Try it on a drawing",
            icon=":material/draw:",
            query_params={"run": record.id},
        )
    if not record.active and not record.bundled:
        show_ended_buttons(record)
    _show_notes(record)


def _show_notes(record: RunRecord) -> None:
    """The run's diagnostics, the tags and the note of a person, and what it was computed on."""
    for warning in record.notices:
        st.warning(plain(warning), icon=":material/stethoscope:")
    if record.tags:
        st.markdown(" ".join(f":gray-badge[{plain(tag)}]" for tag in record.tags))
    if record.note:
        st.caption(plain(record.note))
    environment = record.environment
    if "precision" in environment:
        threads = environment["threads"]
        parts = [environment["device"], environment["precision"]]
        parts += ["channels last"] if environment.get("channels_last") else []
        parts += ["compiled"] if environment.get("compiled") else []
        parts += [f"{threads} thread{'s' if threads != 1 else ''}"]
        st.caption(f"Computed on {', '.join(parts)}.")


def _queue_text(record: RunRecord) -> str:
    ahead = sum(
        active.status == "running" or active.created < record.created
        for active in store.list_records(("running", "queued"))
    )
    if not ahead:
        return "Next in the queue"
    return f"Waiting: {ahead} {'runs are' if ahead > 1 else 'run is'} ahead"


def _share(record: RunRecord) -> float:
    return min(record.step / record.total_steps, 1.0) if record.total_steps else 0.0


def _progress_text(record: RunRecord) -> str:
    if _is_classical(record) and record.message and record.step < record.total_steps:
        return plain(record.message)
    if not record.step:
        return "Starting: loading the data and building the network …"
    if record.step >= record.total_steps:
        return "Trained. Evaluating the test images …"
    epoch = min(record.epochs_done + 1, record.epochs)
    remaining = ""
    if record.images_per_second:
        images = (record.total_steps - record.step) * record.experiment.config.batch_size
        remaining = f" · about {duration(images / record.images_per_second)} left"
    step = f"step {record.step:,} of {record.total_steps:,}"
    return f"Epoch {epoch} of {record.epochs}, {step}{remaining}"


def _show_metrics(record: RunRecord) -> None:
    columns = st.columns(4)
    columns[0].metric("Training loss", _loss_text(record.train_loss))
    reconstructs = record.task == "reconstruct"
    if reconstructs:
        columns[1].metric("Validation loss", _loss_text(record.val_loss))
    else:
        columns[1].metric("Validation accuracy", percent(record.val_accuracy))
    if record.active and _is_classical(record):
        columns[2].metric("Stages", f"{record.epochs_done} of {record.epochs}")
    elif record.active:
        speed = record.images_per_second
        columns[2].metric("Images per second", "–" if speed is None else f"{speed:,.0f}")
        columns[3].metric("Epochs", f"{record.epochs_done} of {record.epochs}")
    else:
        if reconstructs:
            columns[2].metric("Test error", _loss_text(record.test_loss))
        else:
            columns[2].metric("Test accuracy", percent(record.test_accuracy))
        columns[3].metric("Training time", duration(record.train_seconds))


def _loss_text(loss: float | None) -> str:
    if loss is None:
        return "–"
    return f"{loss:.1e}" if 0 < loss < 0.0005 else f"{loss:.4f}"


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
    _show_past(bool(active))


@page.guard()
def _show_active(were_active: set[str]) -> None:
    shared_views.reconcile()
    active = queue.list_active()
    if {record.id for record in active} != were_active:
        st.rerun()  # the whole page: other lists change, too, when a run starts or ends
    if active:
        st.markdown("**Training and waiting**")
        for record in active:
            show_training_link(record)


def _show_past(active: bool) -> None:
    past = [record for record in store.list_records(limit=LISTED) if not record.active]
    if past:
        st.markdown("**Past runs**")
        show_result_links(past)
    elif not active:
        st.caption("No run yet. Start the first one above.")
