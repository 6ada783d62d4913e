"""Pictures of words: what is drawn of a run to show what a word means.

The run is the learner's own newest that shows it, or else one that comes with digitlab.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, NamedTuple

from digitlab.data.catalog import EMBEDDED
from digitlab.errors import DigitlabError
from digitlab.evaluation import calibrate, coverage_curve
from digitlab.jobs.compute import requests
from digitlab.lessons.work import Work
from digitlab.runs.run import Run, open_run
from digitlab.training.config import Augmentation
from digitlab.ui import cached
from digitlab.ui.compute import compute

if TYPE_CHECKING:
    import plotly.graph_objects as go

    from digitlab.evaluation.metrics import Evaluation

BUNDLED = ("mlp", "logistic", "lenet")
_CLEAREST = {"weights": "logistic", "kernels": "lenet"}  # of the bundled runs, else the first
_OWN = 5  # runs of one's own that are tried
_WEIGHTS = 16  # images of weights, and of activations
_IMAGES = 12
_DIGIT = 3  # whose activations are shown


class Picture(NamedTuple):
    """A figure of a run, and a sentence that says what is to be seen."""

    figure: go.Figure
    alt: str
    run: Run


def find_picture(name: str) -> Picture | None:
    """The picture `name` of the first run that has it; None where none has."""
    for run in _candidates(_CLEAREST.get(name)):
        try:
            drawn = PICTURES[name](run)
        except DigitlabError:  # its dataset is not on this machine
            continue
        if drawn is not None:
            return Picture(*drawn, run)
    return None


def _candidates(clearest: str | None) -> Iterator[Run]:
    own = (run for run in Work().runs if run.task == "classify")
    yield from (run for run, _ in zip(own, range(_OWN), strict=False))
    yield from map(open_run, sorted(BUNDLED, key=lambda run_id: run_id != clearest))


_Drawn = tuple["go.Figure", str] | None


def _result(run: Run) -> Evaluation:
    return cached.evaluation(run, "test")


def _losses(run: Run) -> _Drawn:
    from digitlab.figures.training import loss_curve

    history = run.history
    if len(history.epochs) < 2:
        return None
    figure = loss_curve(history.steps, history.epochs, title=run.config.loss_title)
    return figure, "The loss at each step, and on the validation images after each epoch."


def _accuracies(run: Run) -> _Drawn:
    from digitlab.figures.training import accuracy_curve

    if len(run.history.epochs) < 2:
        return None
    figure = accuracy_curve(run.history.epochs, best_epoch=run.record.best_epoch)
    return figure, "The accuracy on training and validation images after each epoch."


def _confusion(run: Run) -> _Drawn:
    from digitlab.figures.evaluation import confusion_matrix

    result = _result(run)
    figure = confusion_matrix(result.confusion, result.classes)
    return figure, "Rows are the true classes, columns what was read."


def _classes(run: Run) -> _Drawn:
    from digitlab.figures.evaluation import per_class_metrics

    return per_class_metrics(_result(run).per_class), "Precision and recall of each class."


def _reliability(run: Run) -> _Drawn:
    from digitlab.figures.calibration import reliability_diagram

    bins = calibrate(_result(run)).bins
    return reliability_diagram(bins), "The accuracy of answers of each confidence."


def _confidence(run: Run) -> _Drawn:
    from digitlab.figures.calibration import confidence_histogram

    bins = calibrate(_result(run)).bins
    return confidence_histogram(bins), "How many test images were read with each confidence."


def _coverage(run: Run) -> _Drawn:
    from digitlab.figures.calibration import coverage_figure

    curve = coverage_curve(_result(run))
    figure = coverage_figure(curve.coverage, curve.accuracy, curve.threshold, None)
    return figure, "The accuracy of the answers that are left when the least sure are declined."


def _probabilities(run: Run) -> _Drawn:
    """Of the mistake that was least sure: several classes have a share."""
    from digitlab.figures.drawing import probability_bars

    result = _result(run)
    if not len(result.errors):
        return None
    position = int(result.errors.position[-1])
    figure = probability_bars(result.probabilities[position], result.classes)
    true = result.classes[int(result.labels[position])]
    return figure, f"The probability of each class for a test image that is a {true}."


def _weights(run: Run) -> _Drawn:
    return _first_weights(run, "pixels")


def _kernels(run: Run) -> _Drawn:
    return _first_weights(run, "kernels")


def _first_weights(run: Run, kind: str) -> _Drawn:
    from digitlab.figures.inspection import picture_grid

    weights = cached.of_run(requests.first_weights, run)
    if weights is None or weights.kind != kind:
        return None
    names = run.classes if weights.per_class and len(weights.values) == len(run.classes) else ()
    figure = picture_grid(
        weights.values[:_WEIGHTS],
        names[:_WEIGHTS],
        title="Weights of the first layer",
        unit="weight",
        columns=5 if names else 8,
    )
    return figure, "Blue weights speak for the neuron, orange ones against it."


def _activations(run: Run) -> _Drawn:
    """Of the first layer, for a digit that every digitlab has."""
    from digitlab.figures.inspection import picture_grid

    test = cached.dataset(EMBEDDED).test
    image = test.images[int((test.labels == _DIGIT).argmax())]
    outputs = cached.of_run(requests.list_outputs, run)
    if not outputs or tuple(run.spec.input) != image.shape:
        return None
    maps = cached.of_run(requests.layer_maps, run, image, outputs[0].name, key=outputs[0].name)
    title = f"What {outputs[0].kind} makes of a {_DIGIT}"
    figure = picture_grid(maps[:_WEIGHTS], title=title, unit="activation")
    return figure, "The output of the first layer for one image."


def _augmentation(run: Run) -> _Drawn:
    from digitlab.figures.images import before_and_after

    recipe = run.config.augmentation
    recipe = recipe if recipe.active else Augmentation(shift=0.1, rotation=15)
    data = cached.dataset(run.record.dataset)
    before, after, labels = compute(requests.preview, cached.data_key(data), recipe, 0, 8)
    names = [data.classes[label] for label in labels]
    figure = before_and_after(before, after, names)
    return figure, "Top: training images. Bottom: the same images after augmentation."


def _distribution(run: Run) -> _Drawn:
    from digitlab.figures.data import class_distribution

    data = cached.dataset(run.record.dataset)
    figure = class_distribution(cached.class_counts(data), data.classes)
    return figure, "How many images of each class are for training, validation and testing."


def _pixels(run: Run) -> _Drawn:
    from digitlab.figures.data import intensity_histogram

    pixels = cached.pixel_statistics(cached.dataset(run.record.dataset), "train")
    figure = intensity_histogram(pixels.histogram, pixels.mean, pixels.std)
    return figure, "How many pixels of the training images have each value."


def _labels(run: Run) -> _Drawn:
    from digitlab.figures.images import image_grid

    data = cached.dataset(run.record.dataset)
    names = [data.classes[label] for label in data.test.labels[:_IMAGES]]
    figure = image_grid(data.test.images[:_IMAGES], names, title="Test images", columns=6)
    return figure, "Test images with their labels below them."


PICTURES: dict[str, Callable[[Run], _Drawn]] = {
    "accuracies": _accuracies,
    "activations": _activations,
    "augmentation": _augmentation,
    "classes": _classes,
    "confidence": _confidence,
    "confusion": _confusion,
    "coverage": _coverage,
    "distribution": _distribution,
    "kernels": _kernels,
    "labels": _labels,
    "losses": _losses,
    "pixels": _pixels,
    "probabilities": _probabilities,
    "reliability": _reliability,
    "weights": _weights,
}
