"""Overview: how good the run is, how sure that is, and how each class fares."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.snippets import evaluation as snippets
from digitlab.ui import page
from digitlab.ui.results.view import View
from digitlab.words import duration, hundred, interval, percent

if TYPE_CHECKING:
    from digitlab.evaluation.intervals import Interval
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.run import Run


def show(view: View) -> None:
    """The figures of the whole, then those of the classes."""
    run, result = view.run, view.result
    page.cell(
        run.record.name,
        f"{run.record.model} trained on {run.record.dataset}, seed {run.record.seed}, measured on "
        f"{view.words}. Intervals say how far chance in the choice of images may move a figure: "
        "Wilson's for accuracy, a bootstrap of 1,000 resamples for the others. They do not speak "
        "of the luck of the training seed.",
    )
    _show_summary(run, result)
    _show_agreement(result)
    page.code_fold(snippets.evaluation(*view.named))

    page.cell(
        "Class by class",
        "Precision: of the images read as this class, how many were. Recall: of the images of "
        "this class, how many were found. F1 is their harmonic mean; support is how many there "
        "are. Intervals are Wilson's, 95 %; that of F1 follows from his for hits among all images "
        "that are or were read as the class.",
    )
    _show_classes(result)
    page.code_fold(snippets.per_class(*view.named))


def _show_summary(run: Run, result: Evaluation) -> None:
    first, second, third, fourth = st.columns(4)
    _metric(first, "Accuracy", percent(result.accuracy), _within(result.accuracy_interval))
    _metric(second, "Loss", f"{result.loss:.4f}", "cross-entropy, nats")
    _metric(third, "Mistakes", f"{len(result.errors):,}", f"of {result.n:,} images")
    trained = f"trained in {duration(run.record.train_seconds)}"
    _metric(fourth, "Parameters", f"{run.record.parameters:,}", trained)


def _show_agreement(result: Evaluation) -> None:
    """Figures that allow for classes of unequal size, for near misses and for chance."""
    first, second, third, fourth = st.columns(4)
    within = result.intervals
    _metric(
        first,
        "Balanced accuracy",
        percent(result.balanced_accuracy),
        _within(within.get("balanced_accuracy")),
        help="The mean recall of the classes: rare ones count as much as frequent ones.",
    )
    _metric(
        second,
        "Top-2 accuracy",
        percent(result.top_k(2)),
        "true class among its first two",
        help="How often the true class is the answer or the runner-up.",
    )
    kappa = result.cohen_kappa
    _metric(
        third,
        "Cohen's kappa",
        "–" if kappa is None else f"{kappa:.4f}",
        _within(within.get("cohen_kappa"), shares=False) if kappa is not None else "one class only",
        help="Agreement with the labels beyond what chance would give: 0 is chance, 1 is perfect.",
    )
    _metric(
        fourth,
        "Matthews correlation",
        f"{result.matthews:.4f}",
        _within(within.get("matthews"), shares=False),
        help="Correlation of true and read classes: 0 is chance, 1 is perfect.",
    )


def _metric(place: object, label: str, value: str, below: str, **arguments: str) -> None:
    place.metric(label, value, below, delta_arrow="off", delta_color="off", **arguments)


def _within(bounds: Interval | None, *, shares: bool = True) -> str:
    if bounds is None:
        return "undefined here"
    return f"95 %: {interval(bounds)}" if shares else "95 %: {:.4f} to {:.4f}".format(*bounds)


def _show_classes(result: Evaluation) -> None:
    import pandas as pd

    from digitlab.figures.evaluation import per_class_metrics

    st.plotly_chart(
        per_class_metrics(result.per_class),
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
        "**Averages over the classes.** Macro counts all classes alike, weighted counts them by "
        "support."
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
