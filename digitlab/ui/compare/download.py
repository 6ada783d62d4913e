"""Download: the comparison as a notebook, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from digitlab.evaluation.tables import answers_csv, written
from digitlab.exports.formats import FORMATS
from digitlab.exports.notebook import write_comparison
from digitlab.ui import exports, page
from digitlab.ui.compare.choose import ComparedRun
from digitlab.ui.markdown import plain


def show(runs: Sequence[ComparedRun]) -> None:
    """Show download buttons; the files of each run are on its Results page."""
    page.cell(
        "Download",
        "The whole comparison as a notebook, and the answers of the runs as tables. "
        "The files of a single run are on its Results page.",
    )
    one_dataset = len({run.record.dataset for run in runs}) == 1
    with st.container(horizontal=True):
        if one_dataset:
            description = "The cells of this page; the first two runs are A and B."
            form, make = FORMATS["notebook"], partial(_notebook, runs)
            name = "comparison.ipynb"
            exports.button(form.title, make, name, form.mime, description, "comparison")
            description = "CSV: every test image with its label and what each run read."
            make = partial(_answers, runs)
            exports.button("Answers", make, "answers.csv", "text/csv", description, "answers")
        description = "CSV: a row for each run with its metrics."
        exports.button("Runs", partial(_runs, runs), "runs.csv", "text/csv", description, "runs")
    if not one_dataset:
        st.caption("The notebook and the answers need runs of one dataset.")
    for run in runs:
        st.page_link(
            page.RESULTS,
            label=f"Download {plain(run.name)}",
            icon=page.ICONS[page.RESULTS],
            query_params={"run": run.id, "section": "download"},
        )


def _notebook(runs: Sequence[ComparedRun]) -> str:
    return write_comparison([run.run for run in runs])


def _answers(runs: Sequence[ComparedRun]) -> str:
    return answers_csv([run.id for run in runs], [run.result for run in runs])


def _runs(runs: Sequence[ComparedRun]) -> str:
    fields = (
        "id",
        "name",
        "model",
        "dataset",
        "status",
        "seed",
        "parameters",
        "epochs_done",
        "test_accuracy",
        "test_loss",
        "val_accuracy",
        "val_loss",
        "train_seconds",
    )
    return written(fields, ([getattr(run.record, name) for name in fields] for run in runs))
