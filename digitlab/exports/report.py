"""A run as one HTML file: its recipe and its results, with figures that work offline."""

from __future__ import annotations

import base64
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError
from digitlab.evaluation import calibrate, rescale
from digitlab.exports.run_facts import recipe_rows, run_facts
from digitlab.settings import VERSION
from digitlab.words import percent

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from digitlab.evaluation.metrics import Evaluation
    from digitlab.runs.run import Run

MISTAKES = 60  # images in the gallery
_CONFIG = {
    "displaylogo": False,
    "showSendToCloud": False,  # a report sends nothing anywhere
    "responsive": True,
    "toImageButtonOptions": {"format": "svg"},
}


@dataclass
class Section:
    """A part of the report: words, figures as HTML, a table, a text, images."""

    title: str
    words: str = ""
    plots: list[str] = field(default_factory=list)
    head: tuple[str, ...] = ()
    table: list[tuple[Any, ...]] = field(default_factory=list)
    text: str = ""
    images: list[dict[str, str]] = field(default_factory=list)


def write_report(run: Run) -> str:
    """The report on a run's test split; about 5 MB, nearly all of it plotly.js, once.

    Names and notes are escaped. Raises RunError where the run has no results.
    """
    from jinja2 import Environment, FileSystemLoader
    from markupsafe import Markup
    from plotly.offline import get_plotlyjs

    result = run.evaluate("test")
    facts = run_facts(run, result)
    sections = [
        *_curves(run),
        _confusion(result),
        _classes(result),
        _calibration(run, result),
        _mistakes(run, result),
        Section("Recipe", table=recipe_rows(run)),
        Section("Architecture", facts.architecture, text=run.spec.to_yaml()),
        Section("Data", table=facts.data),
        Section("Machine", facts.time, table=facts.machine),
    ]
    for section in sections:
        section.plots = [Markup(plot) for plot in section.plots]
    pages = Environment(loader=FileSystemLoader(Path(__file__).parent), autoescape=True)
    return pages.get_template("report.html.jinja").render(
        record=run.record,
        made=datetime.fromtimestamp(run.record.created, UTC).strftime("%d %B %Y"),
        imported=run.record.data.imported is not None,
        numbers=facts.numbers,
        measured=facts.measured,
        sections=sections,
        version=VERSION,
        plotly_js=Markup(f"<script>{get_plotlyjs()}</script>"),
    )


def figure_html(figure: go.Figure, *, whole: bool = False) -> str:
    """A figure as HTML on a white background: a whole page that works offline, or a part of one."""
    light = type(figure)(figure).update_layout(  # a copy
        template="plotly_white", paper_bgcolor="white", plot_bgcolor="white"
    )
    return light.to_html(include_plotlyjs=whole, full_html=whole, config=_CONFIG)


def _curves(run: Run) -> list[Section]:
    from digitlab.figures.training import accuracy_curve, loss_curve

    history = run.history
    if not history.steps and not history.epochs:
        return []
    figures = [
        loss_curve(history.steps, history.epochs, title=run.config.loss_title),
        accuracy_curve(history.epochs, best_epoch=run.record.best_epoch),
    ]
    return [Section("Learning curves", plots=[figure_html(figure) for figure in figures])]


def _confusion(result: Evaluation) -> Section:
    from digitlab.figures.evaluation import confusion_matrix

    pairs = ", ".join(
        f"{result.classes[pair.true]} read as {result.classes[pair.predicted]} ({pair.count:,})"
        for pair in result.most_confused(5)
    )
    words = f"Most often confused: {pairs}." if pairs else "No image was misclassified."
    return Section(
        "Confusion", words, [figure_html(confusion_matrix(result.confusion, result.classes))]
    )


def _classes(result: Evaluation) -> Section:
    from digitlab.figures.evaluation import per_class_metrics

    rows = [
        (row.name, percent(row.precision), percent(row.recall), percent(row.f1), f"{row.support:,}")
        for row in result.per_class
    ]
    return Section(
        "Per class",
        "Precision: the share of the predictions of this class that are right. Recall: the share "
        "of the images of this class that are predicted as it. F1 is their harmonic mean.",
        [figure_html(per_class_metrics(result.per_class))],
        ("Class", "Precision", "Recall", "F1", "Images"),
        rows,
    )


def _calibration(run: Run, result: Evaluation) -> Section:
    from digitlab.figures.calibration import reliability_diagram

    before = calibrate(result)
    words = f"Expected calibration error {percent(before.ece)}, Brier score {before.brier:.4f}."
    bins = None
    try:
        rescaled = rescale(run.evaluate("val"), result)
    except DigitlabError:
        pass  # no validation split, or too few images to fit a temperature on
    else:
        bins = rescaled.after.bins
        words += (
            f" With the temperature {rescaled.temperature:.3f}, fitted on the validation images: "
            f"{percent(rescaled.after.ece)} and {rescaled.after.brier:.4f}."
        )
    return Section("Calibration", words, [figure_html(reliability_diagram(before.bins, bins))])


def _mistakes(run: Run, result: Evaluation) -> Section:
    if not len(result.errors):
        return Section("Mistakes", "No image was misclassified.")
    mistakes = result.errors.ordered("confidence")[:MISTAKES]
    words = f"The {len(mistakes)} most confident of {len(result.errors):,}."
    try:
        images = run.load_data().split("test").images[mistakes.position].numpy()
    except DigitlabError as e:
        rows = [_mistake_words(result, mistake.position) for mistake in mistakes]
        return Section(
            "Mistakes", f"{words} Their images are not on this machine: {e}", text="\n".join(rows)
        )
    return Section("Mistakes", words, images=[
        {
            "source": _data_uri(image[0]),
            "alt": f"Image {mistake.position} of the test split",
            "words": _mistake_words(result, mistake.position),
        }
        for image, mistake in zip(images, mistakes, strict=True)
    ])  # fmt: skip


def _mistake_words(result: Evaluation, position: int) -> str:
    names = result.classes
    return (
        f"{names[result.labels[position]]} read as {names[result.predictions[position]]}, "
        f"{percent(float(result.confidence[position]), 1)} (number {position:,})"
    )


def _data_uri(image: Any) -> str:
    from PIL import Image

    from digitlab.figures.images import png_bytes

    return "data:image/png;base64," + base64.b64encode(png_bytes(Image.fromarray(image))).decode()
