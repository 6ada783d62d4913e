"""Downloads: buttons whose file is made when they are clicked."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.exports.export import exported, file_name, formats_of, subject_of
from digitlab.exports.formats import FORMATS
from digitlab.jobs.compute import call
from digitlab.models.classical.catalog import classical_kind
from digitlab.snippets import basics
from digitlab.ui import page
from digitlab.ui.visitor import for_visitor

if TYPE_CHECKING:
    from digitlab.exports.formats import Subject
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.run import Run


def offer_run(run: Run) -> None:
    """Show a cell with the run's model as files."""
    subject = subject_of(run)
    formats = formats_of(subject, "model")
    page.cell(
        "The model" if classical_kind(run.spec) else "The network",
        f"Files that work without digitlab: {titles(formats)}.",
    )
    format_buttons(subject, formats, f"run-{run.id}")
    if run.record.members:
        st.caption("An ensemble has no weights of its own: download those of its members.")
    page.code_fold(basics.export_of_run(run.id, formats))


def offer_spec(spec: ModelSpec, recipe: Mapping[str, Any]) -> None:
    """Show a cell with an architecture, and its initial weights, as files."""
    subject = subject_of(spec, recipe)
    formats = formats_of(subject, "model")
    weights = "" if classical_kind(spec) else " The weights are the initial ones."
    page.cell("Download", f"Files that work without digitlab: {titles(formats)}.{weights}")
    format_buttons(subject, formats, "spec")
    page.code_fold(basics.export_of_spec(spec.to_yaml(), formats))


def titles(formats: Sequence[str]) -> str:
    """The names of formats, as a sentence lists them."""
    return " and ".join(", ".join(FORMATS[name].title for name in formats).rsplit(", ", 1))


def format_buttons(
    subject: Subject, formats: Sequence[str], key: str, names: Mapping[str, str] | None = None
) -> None:
    """Show a button for each format; `names` overrides file names.

    What holds a network is written by a compute process: that needs torch.
    """
    with st.container(horizontal=True):
        for name in formats:
            form = FORMATS[name]
            make = partial(exported, subject, name)
            button(
                form.title,
                make if form.part == "results" else partial(call, make),
                (names or {}).get(name) or file_name(subject, name),
                form.mime,
                form.description,
                f"{key}-{name}",
            )


def button(
    label: str, make: Callable[[], Any], name: str, mime: str, description: str, key: str
) -> None:
    """Show a button that makes its file when it is clicked, without a rerun of the page."""
    st.download_button(
        label,
        for_visitor(make),
        file_name=name,
        mime=mime,
        key=f"download-{key}",
        help=description,
        icon=":material/download:",
        on_click="ignore",
    )
