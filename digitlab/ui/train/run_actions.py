"""Actions on a run: stop, pause, resume, train longer, rerun, name, note, delete."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import streamlit as st

from digitlab import owners
from digitlab.errors import DigitlabError
from digitlab.jobs import queue, resume
from digitlab.runs.checkpoints import has_state
from digitlab.runs.edit import NOTE, delete_run, label_run, publish_run
from digitlab.runs.record import RunRecord
from digitlab.runs.run import open_run
from digitlab.runs.run_folder import pause_file, stop_file
from digitlab.ui import page, url
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.ui.model_picker import OWN, remember_own
from digitlab.ui.train.recipe import fill_recipe_form
from digitlab.ui.train.selected_run import deselect_run, select_run

MORE_EPOCHS = 5


def show_active_buttons(record: RunRecord) -> None:
    """Pause and Stop, for a run that is waiting or training and may be changed."""
    if not record.changeable:
        return
    ending = stop_file(record.id).exists() or pause_file(record.id).exists()
    with st.container(horizontal=True, width="content"):
        # As callbacks: the panel refreshes within a second and shows their effect.
        st.button(
            "Pause",
            disabled=ending,
            key=f"pause:{record.id}",
            icon=":material/pause:",
            on_click=_try,
            args=(resume.pause, record.id),
            help="Saves the training state and ends the process. Resume continues bit for bit.",
        )
        st.button(
            "Stopping …" if ending else "Stop",
            disabled=ending,
            key=f"stop:{record.id}",
            icon=":material/stop:",
            on_click=_try,
            args=(queue.stop, record.id),
            help="Stops within a second, keeps the weights and evaluates the test images.",
        )


def show_resume_button(record: RunRecord) -> None:
    """Resume, for a run that ended before its training was complete."""
    if record.status not in resume.RESUMABLE or not record.changeable:
        return
    # With results, these come first; a run that diverged would diverge again.
    kind = "secondary" if record.measured or has_diverged(record) else "primary"
    text = "Continues where it ended." if has_state(record.id) else "Starts from scratch."
    if _button("Resume", "play_arrow", record, text, type=kind):
        act(resume.resume, record.id)


def has_diverged(record: RunRecord) -> bool:
    """Whether training was stopped because the loss was no longer a number."""
    loss = math.nan if record.train_loss is None else record.train_loss
    return record.status == "failed" and record.step > 0 and not math.isfinite(loss)


def show_ended_buttons(record: RunRecord) -> None:
    """The actions on a run that has ended. The whole page reruns after each of them."""
    with st.container(horizontal=True):
        if record.changeable and record.status == "finished" and has_state(record.id):
            _train_longer(record)
        text = f"Trains the same experiment with seed {record.seed + 1} as a new run."
        if _button("Rerun with another seed", "casino", record, text):
            act(lambda run_id: select_run(resume.repeat(run_id, seed=record.seed + 1)), record.id)
        text = "Fills the form below with this run's dataset, model and recipe."
        if _button("Change and rerun", "edit", record, text):
            act(_fill_form, record.id)
        if not record.changeable:
            return
        text = "Everybody may look at it then, and only an admin can change it."
        if _is_published_by_admins(record) and _button("Publish", "public", record, text):
            act(publish_run, record.id)
        with st.popover("Name and note", icon=":material/label:"):
            _label_form(record)
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"Delete **{plain(run_title(record))}** with its weights and results?")
            if _button("Delete for good", "delete_forever", record):
                act(_delete, record.id)


def _is_published_by_admins(record: RunRecord) -> bool:
    """Whether it is a visitor's, and an admin looks at it."""
    visitor = owners.acting()
    return visitor is not None and visitor.admin and record.owner is not None


def _button(label: str, icon: str, record: RunRecord, text: str = "", **arguments: Any) -> bool:
    key = f"{label}:{record.id}"
    return st.button(label, key=key, icon=f":material/{icon}:", help=text or None, **arguments)


def _train_longer(record: RunRecord) -> None:
    with st.popover("Train longer", icon=":material/more_time:"):
        epochs = st.number_input(
            "More epochs", 1, 1000, MORE_EPOCHS, key=f"more:{record.id}", width=160
        )
        text = "Continues from the last weights. A learning-rate schedule that ended starts again."
        if _button("Continue", "play_arrow", record, text):
            act(resume.train_longer, record.id, int(epochs))


def _fill_form(run_id: str) -> None:
    run = open_run(run_id)
    remember_own(run.spec)
    fill_recipe_form(run.config)
    url.put("model", OWN)
    url.put("dataset", run.record.dataset)


def _label_form(record: RunRecord) -> None:
    with st.form(f"label:{record.id}", border=False):
        name = st.text_input("Name", record.name, max_chars=120)
        tags = st.text_input("Tags, separated by commas", ", ".join(record.tags))
        note = st.text_area("Note", record.note, max_chars=NOTE)
        if st.form_submit_button("Save", icon=":material/save:"):
            label = {"name": name, "note": note, "tags": tags.split(",")}
            act(lambda run_id: label_run(run_id, **label), record.id)


def _delete(run_id: str) -> None:
    delete_run(run_id)
    deselect_run()


def act(action: Callable[..., Any], *arguments: Any) -> None:
    """Call `action` and rerun the page; an error is shown as a toast, and the page stays."""
    if _try(action, *arguments):
        st.rerun()


def _try(action: Callable[..., Any], *arguments: Any) -> bool:
    try:
        action(*arguments)
    except DigitlabError as e:
        page.show_error(e, st.toast)
        return False
    return True
