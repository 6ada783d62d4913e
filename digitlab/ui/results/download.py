"""Take it along: the network, the tables, a figure, and the whole run as files."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.snippets import basics, export
from digitlab.ui import exports, page, url
from digitlab.ui.results.view import View
from digitlab.ui.results.view import title_of as title_of_data

if TYPE_CHECKING:
    import plotly.graph_objects as go

TABLES = ("csv", "kaggle", "classes", "confusion")  # of what is measured now
ACCOUNTS = ("report", "card", "notebook", "tensorboard", "zip")
FIGURES = {
    "confusion": "Confusion matrix",
    "classes": "Precision, recall and F1",
    "calibration": "Reliability",
    "roc": "ROC",
    "loss": "Loss while it learnt",
    "accuracy": "Accuracy while it learnt",
}
PICTURES = {"svg": "SVG", "png": "PNG"}


def show(view: View) -> None:
    """Everything that can be downloaded; a file is made when its button is clicked."""
    from digitlab.exports.export import formats_of

    offered = formats_of(view.run)
    page.cell(
        "The whole run",
        "A report with figures that work offline, a model card, this page as a notebook that runs "
        "without the app, the curves for TensorBoard, and a ZIP that another digitlab imports on "
        "its Compare page. The report and the card speak of the test split.",
    )
    accounts = [name for name in ACCOUNTS if name in offered]
    _account_buttons(view, accounts)
    page.code_fold(basics.export_of_run(view.run.id, accounts))

    page.cell(
        "The numbers",
        f"CSV tables of {view.words}. Kaggle's form counts the images of the split from 1; labels "
        "are class numbers.",
    )
    _table_buttons(view, "epochs" in offered)
    page.code_fold(export.tables(*view.named))

    _show_figure(view)
    exports.offer_run(view.run)


def _account_buttons(view: View, names: list[str]) -> None:
    from digitlab.exports.export import FORMATS, exported, file_name

    run = view.run
    with st.container(horizontal=True):
        for name in names:
            make: Callable[[], Any] = partial(exported, run, name)
            if name == "notebook" and view.upload is None:
                make = partial(_notebook, view)
            _download(
                FORMATS[name].title,
                make,
                file_name(run, name),
                FORMATS[name].mime,
                FORMATS[name].about,
                f"take-{name}-{run.id}",
            )


def _notebook(view: View) -> str:
    from digitlab.exports.notebook import write_notebook

    return write_notebook(view.run, view.split, view.dataset)


def _table_buttons(view: View, epochs: bool) -> None:
    from digitlab.evaluation import tables
    from digitlab.exports.export import FORMATS, exported, file_name

    writers = {name: getattr(tables, _WRITERS[name]) for name in TABLES}
    with st.container(horizontal=True):
        for name, write in writers.items():
            _download(
                FORMATS[name].title,
                lambda write=write: write(view.result),
                f"{view.run.id}-{_short(view)}{FORMATS[name].ending}",
                FORMATS[name].mime,
                FORMATS[name].about,
                f"take-{name}-{view.run.id}",
            )
        if epochs:
            _download(
                FORMATS["epochs"].title,
                partial(exported, view.run, "epochs"),
                file_name(view.run, "epochs"),
                FORMATS["epochs"].mime,
                FORMATS["epochs"].about,
                f"take-epochs-{view.run.id}",
            )


_WRITERS = {
    "csv": "predictions_csv",
    "kaggle": "kaggle_csv",
    "classes": "classes_csv",
    "confusion": "confusion_csv",
}


def _short(view: View) -> str:
    """What was measured, in a word for a file's name."""
    return "upload" if view.upload else f"{view.dataset or view.run.record.dataset}-{view.split}"


def _show_figure(view: View) -> None:
    page.cell(
        "A figure",
        "The camera above the figure saves it as a picture of the kind that is chosen; as HTML it "
        "keeps its hovers and its zoom and works offline.",
    )
    options = dict(FIGURES)
    if not view.run.record.epochs_done:
        options = {name: title for name, title in FIGURES.items() if name not in _CURVES}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        chosen = url.choose("Figure", options, param="figure", default="confusion")
    with right:
        kind = url.choose(
            "Picture", PICTURES, param="picture", default="svg", widget=st.segmented_control
        )
    figure = _figure(view, chosen)
    name = f"{view.run.id}-{_short(view)}-{chosen}"
    picture = {"format": kind, "filename": name, "scale": 1 if kind == "svg" else 3}
    st.plotly_chart(
        figure,
        key=f"take-figure:{chosen}:{kind}",
        config={"displayModeBar": True, "displaylogo": False, "toImageButtonOptions": picture},
        alt=f"{options[chosen]} of {view.words}.",
    )
    _download(
        "HTML",
        partial(_figure_html, figure),
        f"{name}.html",
        "text/html",
        "The figure as a page of its own, about 5 MB: plotly.js is in it.",
        f"take-html-{chosen}",
    )


_CURVES = ("loss", "accuracy")


def _figure(view: View, chosen: str) -> go.Figure:
    from digitlab.figures import evaluation as figures
    from digitlab.figures import training

    result, run = view.result, view.run
    if chosen == "confusion":
        figure = figures.confusion_matrix(result.confusion, result.classes)
    elif chosen == "classes":
        figure = figures.per_class_metrics(result.per_class)
    elif chosen == "calibration":
        figure = _reliability(result)
    elif chosen == "roc":
        figure = _roc(result)
    elif chosen == "loss":
        figure = training.loss_curve(run.history.steps, run.history.epochs)
    else:
        figure = training.accuracy_curve(run.history.epochs, best_epoch=run.record.best_epoch)
    where = title_of_data(view.dataset or run.record.dataset) if not view.upload else "own images"
    title = f"{figure.layout.title.text}<br><sub>{_escaped(run.record.name)} · {_escaped(where)}"
    return figure.update_layout(title_text=f"{title}</sub>", margin_t=(figure.layout.margin.t + 18))


def _reliability(result: Any) -> go.Figure:
    from digitlab.evaluation import calibrate
    from digitlab.figures.calibration import reliability_diagram

    return reliability_diagram(calibrate(result).bins)


def _roc(result: Any) -> go.Figure:
    from digitlab.evaluation import one_vs_rest
    from digitlab.figures.curves import roc_figure

    curves = [curve for curve in one_vs_rest(result) if curve.roc]
    return roc_figure([(curve.label, curve.name, curve.roc) for curve in curves])


def _escaped(text: str) -> str:
    """Plotly reads a few tags in titles: a name is none."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _figure_html(figure: go.Figure) -> str:
    from digitlab.exports.report import figure_html

    return figure_html(figure, whole=True)


def _download(
    label: str, make: Callable[[], Any], name: str, mime: str, about: str, key: str
) -> None:
    """A button whose file is made when it is clicked; the page stays as it is."""
    st.download_button(
        label,
        make,
        file_name=name,
        mime=mime,
        key=key,
        help=about,
        icon=":material/download:",
        on_click="ignore",
    )
