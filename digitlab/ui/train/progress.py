"""The head of a run that is watched: its name, its status, and how far its training is."""

from __future__ import annotations

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.jobs.queue import find_place
from digitlab.jobs.turns import is_held
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs.record import RunRecord
from digitlab.ui import page
from digitlab.ui.labels import STATUS_ICONS, STATUS_WORDS, run_title
from digitlab.ui.markdown import plain
from digitlab.ui.train.run_actions import show_active_buttons, show_resume_button
from digitlab.words import counted, duration, percent


def show_head(record: RunRecord, *, under_way: bool, nothing: bool) -> None:
    """Name, status, the button that matters now, and what went wrong.

    `under_way` while the run changes; `nothing` where it learnt nothing.
    """
    icon = ":material/warning:" if nothing else STATUS_ICONS[record.status]
    st.header(f"{icon} {plain(run_title(record))}", anchor=False)
    with st.container(
        horizontal=True, horizontal_alignment="distribute", vertical_alignment="center"
    ):
        st.caption(_describe(record, nothing), width="content")
        if record.active:
            show_active_buttons(record)
        elif not under_way:
            show_resume_button(record)
    if record.status in ("failed", "interrupted"):
        st.error(page.message(record.message), icon=STATUS_ICONS[record.status])
    elif record.status == "stopped" and under_way:
        st.caption("Evaluating the test images …")
    elif record.message and not record.active:
        st.info(page.message(record.message), icon=":material/info:")


def show_notices(record: RunRecord) -> None:
    """What the diagnostics found."""
    for notice in record.notices:
        st.warning(plain(notice), icon=":material/stethoscope:")


def _describe(record: RunRecord, nothing: bool) -> str:
    """Status, dataset and, once it has ended, how long it trained."""
    status = STATUS_WORDS[record.status].capitalize()
    parts = [f"{status}, learnt next to nothing" if nothing else status]
    parts.append(plain(dataset_title(record.dataset)))
    if not record.active and record.epochs_done and record.train_seconds is not None:
        epochs = "" if is_classical(record) else f"{counted(record.epochs_done, 'epoch')} in "
        parts.append(f"{epochs}{duration(record.train_seconds)}")
    return " · ".join(parts)


def is_classical(record: RunRecord) -> bool:
    """Whether its model is classical, and has no steps to count."""
    return classical_kind(record.experiment.spec) is not None


def show_progress(record: RunRecord) -> None:
    """The progress bar with the time left, and the figures so far."""
    if record.status == "queued":
        st.progress(share(record), text=_queue_text(record))
    elif record.status == "running":
        st.progress(share(record), text=_progress_text(record))
    if record.active or record.epochs_done:
        _show_metrics(record)


def _queue_text(record: RunRecord) -> str:
    if is_held(record):
        return "Your teacher has paused training: it goes on when the teacher says so"
    ahead, seconds = find_place(record.id)
    if not ahead:
        return page.message(record.message or "Starting a process …")
    wait = "" if seconds is None else f" about {duration(seconds)}"
    runs = f"{ahead} {'runs are' if ahead > 1 else 'run is'} ahead"
    if record.step:
        return f"{percent(share(record), 0)} done. Waiting{wait} for its next turn: {runs}"
    return f"Waiting{wait} to begin: {runs}"


def share(record: RunRecord) -> float:
    """The share of its steps that a run has taken, from 0 to 1."""
    return min(record.step / record.total_steps, 1.0) if record.total_steps else 0.0


def _progress_text(record: RunRecord) -> str:
    if record.message or not record.step:  # its process says what it does
        return page.message(record.message or "Taking the first steps …")
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
    with st.container(horizontal=True, gap="large"):
        if record.task == "reconstruct":
            _metric("Validation loss", loss_text(record.val_loss))
        else:
            _metric("Validation accuracy", percent(record.val_accuracy))
        _metric("Training loss", loss_text(record.train_loss))
        if record.active and is_classical(record):
            _metric("Stages", f"{record.epochs_done} of {record.epochs}")


def _metric(label: str, value: str) -> None:
    st.metric(label, value, width="content")


def loss_text(loss: float | None) -> str:
    """A loss with the digits that tell it from others; a dash where it is not known."""
    if loss is None:
        return "–"
    return f"{loss:.1e}" if 0 < loss < 0.0005 else f"{loss:.4f}"
