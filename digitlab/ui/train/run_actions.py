"""What can be done with a run: stop, pause, go on, train longer, repeat, name, note, delete."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import streamlit as st

from digitlab.errors import DigitlabError
from digitlab.jobs import queue, resume
from digitlab.runs.checkpoints import has_state
from digitlab.runs.edit import NOTE, delete_run, label_run
from digitlab.runs.record import RunRecord
from digitlab.runs.run import open_run
from digitlab.runs.run_folder import pause_file, stop_file
from digitlab.ui import url
from digitlab.ui.model_picker import OWN, remember_own
from digitlab.ui.train.recipe import fill_recipe_form
from digitlab.ui.train.selected_run import unfollow

MORE_EPOCHS = 5


def active_buttons(record: RunRecord) -> None:
    """Pause and Stop, for a run that waits or trains."""
    ending = stop_file(record.id).exists() or pause_file(record.id).exists()
    with st.container(horizontal=True, horizontal_alignment="right"):
        # By callbacks: the next look, which comes within a second, shows what they did.
        st.button(
            "Pause",
            disabled=ending,
            key=f"pause:{record.id}",
            icon=":material/pause:",
            on_click=_try,
            args=(resume.pause, record.id),
            help="Saves everything and ends the process; it goes on from there, bit for bit.",
        )
        st.button(
            "Stopping …" if ending else "Stop",
            disabled=ending,
            key=f"stop:{record.id}",
            icon=":material/stop:",
            on_click=_try,
            args=(queue.stop, record.id),
            help="Stops within a second, keeps what was learnt and reads the test images.",
        )


def ended_buttons(record: RunRecord, follow: Callable[[str], None]) -> None:
    """Ways on for a run that has ended; `follow` shows another run instead.

    What they change is all over the page, so that all of it is drawn anew.
    """
    with st.container(horizontal=True):
        if record.status in resume.RESUMABLE:
            help_text = "Goes on where it was left." if has_state(record.id) else "Begins anew."
            if _pressed("Resume", "play_arrow", record, help_text, type="primary"):
                _do(resume.resume, record.id)
        elif record.status == "finished" and has_state(record.id):
            _train_longer(record)
        words = f"The same experiment with seed {record.seed + 1}, as a run of its own."
        if _pressed("Another seed", "casino", record, words):
            _do(lambda run_id: follow(resume.repeat(run_id, seed=record.seed + 1)), record.id)
        words = "Fills the form above with this run's data, network and recipe."
        if _pressed("Change and repeat", "edit", record, words):
            _do(_fill_form, record.id)
        with st.popover("Name and note", icon=":material/label:"):
            _label_form(record)
        with st.popover("Delete", icon=":material/delete:"):
            st.markdown(f"Delete run `{record.id}` with its weights and results?")
            if _pressed("Delete for good", "delete_forever", record):
                _do(_delete, record.id)


def _pressed(label: str, icon: str, record: RunRecord, words: str = "", **look: Any) -> bool:
    key = f"{label}:{record.id}"
    return st.button(label, key=key, icon=f":material/{icon}:", help=words or None, **look)


def _train_longer(record: RunRecord) -> None:
    with st.popover("Train longer", icon=":material/more_time:"):
        epochs = st.number_input(
            "More epochs", 1, 1000, MORE_EPOCHS, key=f"more:{record.id}", width=160
        )
        words = "From the last weights. A schedule that has run down begins anew."
        if _pressed("Go on", "play_arrow", record, words):
            _do(resume.train_longer, record.id, int(epochs))


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
            words = {"name": name, "note": note, "tags": tags.split(",")}
            _do(lambda run_id: label_run(run_id, **words), record.id)


def _delete(run_id: str) -> None:
    delete_run(run_id)
    unfollow()


def _do(action: Callable[..., Any], *arguments: Any) -> None:
    """Do something and draw the page anew; a refusal is a short message, and the page stays."""
    if _try(action, *arguments):
        st.rerun()


def _try(action: Callable[..., Any], *arguments: Any) -> bool:
    try:
        action(*arguments)
    except DigitlabError as e:
        st.toast(str(e), icon=":material/error:")
        return False
    return True
