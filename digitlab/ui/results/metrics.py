"""All metrics of the run with their intervals: over all images, and for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.snippets import evaluation as snippets
from digitlab.ui import page
from digitlab.ui.chart import show_chart
from digitlab.ui.results.view import View
from digitlab.words import hundred, interval, percent

if TYPE_CHECKING:
    from streamlit.delta_generator import DeltaGenerator

    from digitlab.evaluation.intervals import Interval
    from digitlab.evaluation.metrics import Evaluation


def show(view: View) -> None:
    """Show the metrics over all images, then those of each class."""
    result = view.result
    page.cell(
        "All metrics",
        "The intervals show how much a metric varies with the choice of images: Wilson intervals "
        "for accuracy, 1,000 bootstrap resamples for the others. They do not include the variation "
        "between training seeds.",
    )
    grid = st.grid(4, min_column_width=165)  # two beside each other on a phone
    _show_accuracy(grid, result)
    _show_agreement(grid, result)
    page.code_fold(snippets.evaluation(*view.snippet_args))

    page.cell(
        "Class by class",
        "Precision is the share of the images read as this class that belong to it. Recall is the "
        "share of the images of this class that are read as it. F1 is the harmonic mean of both, "
        "support the number of images. The intervals are 95 % Wilson intervals; for F1, of the "
        "hits among all images that belong to the class or are read as it.",
    )
    _show_classes(result)
    page.code_fold(snippets.per_class(*view.snippet_args))


def _show_accuracy(grid: DeltaGenerator, result: Evaluation) -> None:
    _metric(grid, "Accuracy", percent(result.accuracy), _within(result.accuracy_interval))
    _metric(grid, "Mistakes", f"{len(result.errors):,}", f"of {result.n:,} images")
    _metric(grid, "Loss", f"{result.loss:.4f}", "cross-entropy, nats")
    _metric(
        grid,
        "Top-2 accuracy",
        percent(result.top_k(2)),
        "among the first two",
        help="How often the true class is the most likely or the second most likely.",
    )


def _show_agreement(grid: DeltaGenerator, result: Evaluation) -> None:
    """Show metrics that allow for unbalanced classes and for chance."""
    within = result.intervals
    _metric(
        grid,
        "Balanced accuracy",
        percent(result.balanced_accuracy),
        _within(within.get("balanced_accuracy")),
        help="The mean recall of the classes: rare classes count as much as frequent ones.",
    )
    kappa = result.cohen_kappa
    _metric(
        grid,
        "Cohen's kappa",
        "–" if kappa is None else f"{kappa:.4f}",
        _within(within.get("cohen_kappa"), shares=False) if kappa is not None else "only one class",
        help="Agreement with the labels, corrected for chance: 0 is chance, 1 is perfect.",
    )
    _metric(
        grid,
        "Matthews correlation",
        f"{result.matthews:.4f}",
        _within(within.get("matthews"), shares=False),
        help="Correlation of the true and the read classes: 0 is chance, 1 is perfect.",
    )


def _metric(grid: DeltaGenerator, label: str, value: str, note: str, **arguments: str) -> None:
    grid.metric(label, value, note, delta_arrow="off", delta_color="off", **arguments)


def _within(bounds: Interval | None, *, shares: bool = True) -> str:
    if bounds is None:
        return "not defined"
    return f"95 %: {interval(bounds)}" if shares else "95 %: {:.4f} to {:.4f}".format(*bounds)


def _show_classes(result: Evaluation) -> None:
    import pandas as pd

    from digitlab.figures.evaluation import describe_classes

    show_chart(
        describe_classes(result.per_class),
        key="per-class",
        alt="Precision, recall and F1 of each class with their 95 % intervals.",
    )
    rows = [
        {
            "Class": row.name,
            "Precision": hundred(row.precision),
            "Precision, 95 %": interval(row.precision_interval),
            "Recall": hundred(row.recall),
            "Recall, 95 %": interval(row.recall_interval),
            "F1": hundred(row.f1),
            "F1, 95 %": interval(row.f1_interval),
            "Support": row.support,
        }
        for row in result.per_class
    ]
    number = st.column_config.NumberColumn(format="%.2f %%")
    config = {"Precision": number, "Recall": number, "F1": number}
    st.dataframe(pd.DataFrame(rows), hide_index=True, placeholder="–", column_config=config)
    st.markdown(
        "**Averages over the classes.** Macro gives all classes the same weight; weighted uses "
        "their support."
    )
    averages = [_average_row(result, kind) for kind in ("macro", "weighted")]
    st.dataframe(pd.DataFrame(averages), hide_index=True, placeholder="–", column_config=config)


def _average_row(result: Evaluation, kind: str) -> dict[str, object]:
    values = getattr(result, kind)._asdict()
    row: dict[str, object] = {"Average": kind.capitalize()}
    for name, title in (("precision", "Precision"), ("recall", "Recall"), ("f1", "F1")):
        row[title] = hundred(values[name])
        row[f"{title}, 95 %"] = interval(result.intervals.get(f"{kind}_{name}"))
    return row
