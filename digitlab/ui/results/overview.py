"""Overview: the metrics of the run with their intervals, for all images and for each class."""

from __future__ import annotations

from typing import TYPE_CHECKING

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.snippets import evaluation as snippets
from digitlab.ui import page
from digitlab.ui.labels import model_title
from digitlab.ui.markdown import plain
from digitlab.ui.results.view import View
from digitlab.words import duration, hundred, interval, percent

if TYPE_CHECKING:
    from digitlab.evaluation.intervals import Interval
    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.run import Run


def show(view: View) -> None:
    """Show the metrics over all images, then those of each class."""
    run, result = view.run, view.result
    page.cell(
        run.record.name,
        f"{model_title(run.record.model)}, {_describe_origin(run)} and evaluated on "
        f"{view.description}. The intervals show how much "
        "a metric varies with the choice of images: Wilson intervals for accuracy, 1,000 bootstrap "
        "resamples for the others. They do not include the variation between training seeds.",
    )
    if _source(run):
        st.info(
            "It was trained elsewhere: these images may be among those that its author trained "
            "it on, so that its accuracy may be flattering.",
            icon=":material/download:",
        )
    _show_summary(run, result)
    _show_agreement(result)
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


def _source(run: Run) -> str:
    """The name of the file that a network trained elsewhere came in; empty for a run's own."""
    return (run.record.data.imported or {}).get("file", "")


def _describe_origin(run: Run) -> str:
    record = run.record
    if source := _source(run):
        return f"imported from {plain(source)}"
    return f"trained on {dataset_title(record.dataset)} with seed {record.seed}"


def _show_summary(run: Run, result: Evaluation) -> None:
    first, second, third, fourth = st.columns(4)
    _metric(first, "Accuracy", percent(result.accuracy), _within(result.accuracy_interval))
    _metric(second, "Loss", f"{result.loss:.4f}", "cross-entropy, nats")
    _metric(third, "Mistakes", f"{len(result.errors):,}", f"of {result.n:,} images")
    seconds = run.record.train_seconds
    trained = "trained elsewhere" if _source(run) else f"trained in {duration(seconds)}"
    _metric(fourth, "Parameters", f"{run.record.parameters:,}", trained)


def _show_agreement(result: Evaluation) -> None:
    """Show metrics that allow for unbalanced classes, near misses and chance."""
    first, second, third, fourth = st.columns(4)
    within = result.intervals
    _metric(
        first,
        "Balanced accuracy",
        percent(result.balanced_accuracy),
        _within(within.get("balanced_accuracy")),
        help="The mean recall of the classes: rare classes count as much as frequent ones.",
    )
    _metric(
        second,
        "Top-2 accuracy",
        percent(result.top_k(2)),
        "true class among the first two",
        help="How often the true class is the most likely or the second most likely.",
    )
    kappa = result.cohen_kappa
    _metric(
        third,
        "Cohen's kappa",
        "–" if kappa is None else f"{kappa:.4f}",
        _within(within.get("cohen_kappa"), shares=False) if kappa is not None else "only one class",
        help="Agreement with the labels, corrected for chance: 0 is chance, 1 is perfect.",
    )
    _metric(
        fourth,
        "Matthews correlation",
        f"{result.matthews:.4f}",
        _within(within.get("matthews"), shares=False),
        help="Correlation of the true and the read classes: 0 is chance, 1 is perfect.",
    )


def _metric(column: object, label: str, value: str, note: str, **arguments: str) -> None:
    column.metric(label, value, note, delta_arrow="off", delta_color="off", **arguments)


def _within(bounds: Interval | None, *, shares: bool = True) -> str:
    if bounds is None:
        return "not defined"
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
