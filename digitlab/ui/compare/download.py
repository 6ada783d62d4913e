"""Download: the comparison as a notebook, and its tables."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import streamlit as st

from digitlab.ui import exports, page
from digitlab.ui.compare.choose import Chosen


def show(chosen: Sequence[Chosen]) -> None:
    """Download buttons; each run's own files are in its Results."""
    page.cell(
        "Download",
        "This page as a notebook that runs top to bottom outside the app, and what the runs "
        "answered as tables. The report, the model card and the ZIP of a single run are on its "
        "Results page.",
    )
    one_dataset = len({one.record.dataset for one in chosen}) == 1
    with st.container(horizontal=True):
        if one_dataset:
            words = "The cells of this page; the first two runs are A and B."
            mime = "application/x-ipynb+json"
            make = partial(_notebook, chosen)
            exports.button("Notebook", make, "comparison.ipynb", mime, words, "comparison")
            words = "CSV: every test image with its label and what each run read."
            make = partial(_answers, chosen)
            exports.button("Answers", make, "answers.csv", "text/csv", words, "answers")
        words = "CSV: a line for each run with its figures."
        exports.button("Runs", partial(_runs, chosen), "runs.csv", "text/csv", words, "runs")
    if not one_dataset:
        st.caption("Notebook and answers need runs of one dataset.")
    for one in chosen:
        st.page_link(
            page.RESULTS,
            label=f"Download {one.name}",
            icon=page.ICONS[page.RESULTS],
            query_params={"run": one.run.id, "section": "download"},
        )


def _notebook(chosen: Sequence[Chosen]) -> str:
    from digitlab.exports.notebook import write_comparison

    return write_comparison([one.run for one in chosen])


def _answers(chosen: Sequence[Chosen]) -> str:
    from digitlab.evaluation.tables import answers_csv

    return answers_csv([one.run.id for one in chosen], [one.result for one in chosen])


def _runs(chosen: Sequence[Chosen]) -> str:
    from digitlab.evaluation.tables import written

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
    return written(fields, ([getattr(one.record, name) for name in fields] for one in chosen))
