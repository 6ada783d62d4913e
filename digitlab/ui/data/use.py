"""What can be done with a dataset: train on it, evaluate on it, export it; of one's own also how
it was read, renaming and deleting it.
"""

from __future__ import annotations

from datetime import datetime
from functools import partial
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data import own
from digitlab.data.own_files import KINDS, dataset_file, tell_too_large
from digitlab.errors import DigitlabError
from digitlab.jobs.compute import call
from digitlab.runs.run import list_runs, list_runs_on
from digitlab.snippets import own_data as snippets
from digitlab.ui import exports, page, url
from digitlab.ui.labels import run_title
from digitlab.ui.markdown import plain
from digitlab.words import counted, percent

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.runs.run import Run

_ABOUT = {
    "npz": "Arrays train_images, train_labels, test_images and test_labels, as scripts read them.",
    "zip": "PNG images in the folders train and test, with a labels.csv.",
}
_MIME = {"npz": "application/octet-stream", "zip": "application/zip"}
_SHOWN = 8  # runs or notes that are listed


def show(data: Dataset, split: str) -> None:
    """Show the links and files of a dataset, and what its owner can change."""
    page.cell(
        "Use this dataset",
        "Train a network on it, evaluate one that you have, or take the images elsewhere.",
    )
    _show_links(data)
    with st.container(horizontal=True):
        for kind in KINDS:
            if reason := tell_too_large(data, kind):
                st.caption(plain(reason))
                continue
            exports.button(
                f"Export as {kind.upper()}",
                partial(call, dataset_file, data.name, kind),
                f"{data.name.replace(':', '-').replace('+', '-')}.{kind}",
                _MIME[kind],
                f"{_ABOUT[kind]} It is read back the same.",
                f"dataset-{kind}",
            )
    page.code_fold(snippets.using(data.name))
    if data.info.own:
        _show_own(data.name)


def _show_links(data: Dataset) -> None:
    run = _find_reader(data)
    with st.container(horizontal=True):
        st.page_link(
            page.TRAIN,
            label=f"Train on {plain(data.info.title)}",
            icon=page.ICONS[page.TRAIN],
            query_params={"dataset": data.name},
        )
        if run:
            st.page_link(
                page.RESULTS,
                label="Evaluate a network on it",
                help=f"{plain(run_title(run.record))}, which reads "
                f"{percent(run.record.test_accuracy)} of its own test images.",
                icon=page.ICONS[page.RESULTS],
                query_params={"run": run.id, "data": data.name},
            )
    if not run:
        st.caption("No run here tells these classes apart yet: train one to evaluate it.")


def _find_reader(data: Dataset) -> Run | None:
    """The best run that can be evaluated on the dataset: of those that learnt from it, if any."""
    readers = [
        run
        for run in list_runs()
        if run.record.task == "classify"
        and run.record.status == "finished"
        and run.classes == data.classes
        and tuple(run.spec.input) == data.input_shape
    ]
    return max(
        readers,
        key=lambda run: (run.record.dataset == data.name, run.record.test_accuracy or 0.0),
        default=None,
    )


def _show_own(name: str) -> None:
    facts = own.read_facts(name)
    page.cell(
        "How it came about",
        "What was noticed and changed when the file was read is kept with the images.",
    )
    moment = datetime.fromtimestamp(facts.created).astimezone().strftime("%Y-%m-%d %H:%M")
    lines = [f"Added {moment}" + (f" from {facts.file}." if facts.file else ".")]
    if facts.parent:
        lines.append(
            f"A version of {facts.parent.name}: {counted(_relabelled(facts), 'label')} changed, "
            f"{counted(len(facts.changes) - _relabelled(facts), 'image')} dropped."
        )
    lines += [facts.split, *facts.notes, f"Fingerprint {facts.fingerprint[:12]}."]
    st.markdown("\n".join(f"- {plain(line)}" for line in lines if line))
    runs = list_runs_on(name)
    if own.is_changeable(name):
        with st.container(horizontal=True):
            _offer_renaming(name)
            _offer_deleting(name, runs)
    if runs:
        names = ", ".join(plain(run_title(run.record)) for run in runs[:_SHOWN])
        more = " …" if len(runs) > _SHOWN else ""
        st.caption(f"{counted(len(runs), 'run')} learnt from it: {names}{more}")


def _relabelled(facts: own.Facts) -> int:
    return sum(change.label is not None for change in facts.changes)


def _offer_renaming(name: str) -> None:
    with st.popover("Rename", icon=":material/edit:"):
        new_name = st.text_input("New name", name, max_chars=40, key=f"rename:{name}")
        st.caption(f"A name has {own.ALLOWED}. Runs that were made with it still find it.")
        if st.button("Save", icon=":material/save:", disabled=new_name == name):
            try:
                info = own.rename_dataset(name, new_name)
            except DigitlabError as e:
                page.show_error(e)
                return
            url.put("dataset", info.name)
            st.rerun()


def _offer_deleting(name: str, runs: list[Run]) -> None:
    with st.popover("Delete", icon=":material/delete:"):
        st.markdown(f"This deletes all images of **{plain(name)}**. To keep them, export it first.")
        if runs:
            st.markdown(
                f"{counted(len(runs), 'run')} learnt from it: their results stay, but they cannot "
                "be resumed, repeated or looked at image by image without it."
            )
        if st.button(f"Delete {plain(name)}", type="primary", icon=":material/delete_forever:"):
            try:
                own.delete_dataset(name)
            except DigitlabError as e:
                page.show_error(e)
                return
            url.drop("dataset")
            st.rerun()
