"""Download: the whole run, its results, a figure, and the network as files."""

from __future__ import annotations

from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Any

import streamlit as st

from digitlab.data.registry import dataset_title
from digitlab.evaluation import calibrate, one_vs_rest
from digitlab.exports.export import formats_of, lacks, subject_of
from digitlab.exports.formats import FORMATS, needs_results
from digitlab.exports.report import figure_html
from digitlab.snippets import basics, export
from digitlab.ui import exports, page, url
from digitlab.ui.chart import show_chart
from digitlab.ui.markdown import plain
from digitlab.ui.results.view import View
from digitlab.ui.share import public_link

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from digitlab.exports.formats import Subject

FIGURES = {
    "confusion": "Confusion matrix",
    "classes": "Precision, recall and F1",
    "calibration": "Reliability",
    "roc": "ROC",
    "loss": "Loss during training",
    "accuracy": "Accuracy during training",
}
PICTURES = {"svg": "SVG", "png": "PNG"}


def show(view: View) -> None:
    """Show all downloads; a file is made when its button is clicked."""
    subject = subject_of(
        view.run, split=view.split, dataset=view.dataset, link=public_link(view.run, "results")
    )
    formats = formats_of(subject, "run")
    page.cell(
        "The whole run",
        f"As files: {exports.titles(formats)}. The report and the model card show "
        "results on the test split. Another digitlab imports the ZIP on its Compare page.",
    )
    exports.format_buttons(subject, formats, view.run.id)
    if reason := lacks(subject, "page"):
        st.caption(f"There is no web page of it: {plain(reason)}.")
    page.code_fold(basics.export_of_run(view.run.id, formats))

    page.cell(
        "Results as tables",
        f"Results on {plain(view.description)}. Kaggle's format numbers the images of the "
        "split from 1; labels are class numbers.",
    )
    _show_results(view, replace(subject, measured=view.result))

    _show_figure(view)
    exports.offer_run(view.run)


def show_of_autoencoder(view: View) -> None:
    """Show the downloads of an autoencoder, which has no accuracies and no confusions."""
    subject = subject_of(view.run)
    formats = formats_of(subject, "run")
    page.cell(
        "The whole run",
        f"As files: {exports.titles(formats)}. Another digitlab imports the ZIP on its Compare "
        "page.",
    )
    exports.format_buttons(subject, formats, view.run.id)
    page.code_fold(basics.export_of_run(view.run.id, formats))
    formats = formats_of(subject, "results")
    if formats:
        page.cell("Results as tables", "Losses, learning rate and seconds of every epoch.")
        exports.format_buttons(subject, formats, view.run.id)
    exports.offer_run(view.run)


def _show_results(view: View, subject: Subject) -> None:
    """Show buttons for the results; file names say which images were evaluated."""
    formats = formats_of(subject, "results")
    names = {
        name: FORMATS[name].file_name.format(f"{view.run.id}-{_short(view)}")
        for name in formats
        if needs_results in FORMATS[name].needs
    }
    exports.format_buttons(subject, formats, view.run.id, names)
    page.code_fold(export.tables(*view.snippet_args, formats=formats))


def _short(view: View) -> str:
    """The evaluated images, in one word for a file's name."""
    return "upload" if view.upload else f"{view.dataset or view.run.record.dataset}-{view.split}"


def _show_figure(view: View) -> None:
    page.cell(
        "A figure",
        "The camera button above the figure saves it as an image of the chosen format. The HTML "
        "file keeps hover and zoom, and works offline.",
    )
    options = dict(FIGURES)
    if not view.run.record.epochs_done:
        options = {name: title for name, title in FIGURES.items() if name not in _CURVES}
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    with left:
        chosen = url.choose("Figure", options, param="figure", default="confusion")
    with right:
        kind = url.choose(
            "Image format", PICTURES, param="picture", default="svg", widget=st.segmented_control
        )
    figure = _figure(view, chosen)
    name = f"{view.run.id}-{_short(view)}-{chosen}"
    picture = {"format": kind, "filename": name, "scale": 1 if kind == "svg" else 3}
    show_chart(
        figure,
        key=f"download-figure:{chosen}:{kind}",
        config={"displayModeBar": True, "displaylogo": False, "toImageButtonOptions": picture},
        alt=f"{options[chosen]} of {view.description}.",
    )
    exports.button(
        "HTML",
        partial(_figure_html, figure),
        f"{name}.html",
        "text/html",
        "The figure as an HTML page of about 5 MB, which includes plotly.js.",
        f"html-{chosen}",
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
        figure = training.loss_curve(
            run.history.steps, run.history.epochs, title=run.config.loss_title
        )
    else:
        figure = training.accuracy_curve(run.history.epochs, best_epoch=run.record.best_epoch)
    data = "own images" if view.upload else dataset_title(view.dataset or run.record.dataset)
    title = f"{figure.layout.title.text}<br><sub>{_escaped(run.record.name)} · {_escaped(data)}"
    return figure.update_layout(title_text=f"{title}</sub>", margin_t=(figure.layout.margin.t + 18))


def _reliability(result: Any) -> go.Figure:
    from digitlab.figures.calibration import reliability_diagram

    return reliability_diagram(calibrate(result).bins)


def _roc(result: Any) -> go.Figure:
    from digitlab.figures.curves import roc_figure

    curves = [curve for curve in one_vs_rest(result) if curve.roc]
    return roc_figure([(curve.label, curve.name, curve.roc) for curve in curves])


def _escaped(text: str) -> str:
    """A name without HTML tags, which Plotly would interpret in a title."""
    return text.replace("&", "&amp;").replace("<", "&lt;")


def _figure_html(figure: go.Figure) -> str:
    return figure_html(figure, whole=True)
