"""What a whole run can be taken along as: tables, report, card, archive, event file, notebook.

Those made of figures and words live in `digitlab.snippets`, which stands above the runs: they are
named here, as entry points are, and loaded when they are asked for.
"""

from __future__ import annotations

import importlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.run import Run

Write = Callable[["Run | ModelSpec", Mapping[str, Any]], "str | bytes"]


@dataclass(frozen=True)
class Format:
    """A kind of file: what people read, its MIME type, and what writes it.

    `ending` follows the name of the run or architecture, or is the file's whole name where it has
    a `{}` for it; `of_runs` says that only a run has such a form.
    """

    title: str
    about: str
    mime: str
    write: Write
    ending: str = ""
    of_runs: bool = False


def _later(module: str, function: str) -> Write:
    """A writer that is imported when it is first used: `function(run)` of `digitlab.{module}`."""

    def write(source: Any, recipe: Mapping[str, Any]) -> str | bytes:
        return getattr(importlib.import_module(f"digitlab.{module}"), function)(source)

    return write


def _table(function: str) -> Write:
    """A writer of a table of the run's results on its test split."""

    def write(source: Any, recipe: Mapping[str, Any]) -> str:
        from digitlab.evaluation import tables

        return getattr(tables, function)(source.evaluate("test"))

    return write


def _epochs(source: Any, recipe: Mapping[str, Any]) -> str:
    from digitlab.evaluation.tables import epochs_csv

    return epochs_csv(source.history.epochs)


_CSV = "text/csv"

TABLES = {
    "csv": Format(
        "Predictions",
        "CSV: every image of the split with its label, what was read, and all probabilities.",
        _CSV,
        _table("predictions_csv"),
        "-predictions.csv",
        True,
    ),
    "kaggle": Format(
        "Kaggle",
        "CSV in the form of Kaggle's digit contest: ImageId, from 1, and Label.",
        _CSV,
        _table("kaggle_csv"),
        "-kaggle.csv",
        True,
    ),
    "classes": Format(
        "Classes",
        "CSV: precision, recall, F1 with intervals, and support of each class.",
        _CSV,
        _table("classes_csv"),
        "-classes.csv",
        True,
    ),
    "confusion": Format(
        "Confusion",
        "CSV: the confusion matrix in images, rows true and columns read.",
        _CSV,
        _table("confusion_csv"),
        "-confusion.csv",
        True,
    ),
    "epochs": Format(
        "Epochs",
        "CSV: losses, accuracies, learning rate and seconds of every epoch.",
        _CSV,
        _epochs,
        "-epochs.csv",
        True,
    ),
}

ACCOUNTS = {
    "report": Format(
        "Report",
        "One HTML file with figures that work offline: how it was made and what came out.",
        "text/html",
        _later("exports.report", "write_report"),
        "-report.html",
        True,
    ),
    "card": Format(
        "Model card",
        "Markdown in the sections that Hugging Face uses, with measured numbers only.",
        "text/markdown",
        _later("exports.model_card", "write_card"),
        "-card.md",
        True,
    ),
    "notebook": Format(
        "Notebook",
        "A Jupyter notebook that gives the Results page again, top to bottom.",
        "application/x-ipynb+json",
        _later("exports.notebook", "write_notebook"),
        ".ipynb",
        True,
    ),
    "tensorboard": Format(
        "TensorBoard",
        "An event file with the scalars of all steps and epochs.",
        "application/octet-stream",
        _later("exports.tensorboard", "write_events"),
        "events.out.tfevents.0.{}",
        True,
    ),
    "zip": Format(
        "Run as ZIP",
        "Everything of the run, to be imported by another digitlab.",
        "application/zip",
        _later("exports.archive", "pack_run"),
        ".zip",
        True,
    ),
}

ENDINGS = {"html": "report", "md": "card", "ipynb": "notebook"}
"""The format that a file's ending stands for, where it is not the format's own name."""
