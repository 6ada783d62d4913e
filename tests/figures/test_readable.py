"""Every figure is titled, see-through, free of fixed text colours, and keeps its place."""

from __future__ import annotations

import subprocess
import sys

import numpy as np
import pytest

from digitlab.evaluation.calibration import Bin
from digitlab.evaluation.curves import Curve
from digitlab.evaluation.reconstruction import ClassError, separate
from digitlab.figures import (
    calibration,
    curves,
    data,
    drawing,
    evaluation,
    reconstruction,
    training,
)

IMAGES = np.zeros((4, 28, 28), np.uint8)
EPOCHS = [{"epoch": 1, "step": 9, "train_accuracy": 0.9, "val_accuracy": 0.8, "val_loss": 0.3}]
STEPS = [{"step": 9, "loss": 0.5, "learning_rate": 0.1, "images_per_second": 1.0, "grad_norm": 1}]
BINS = [Bin(0.0, 0.5, 0, None, None, None), Bin(0.5, 1.0, 9, 0.9, 0.8, (0.7, 0.9))]
LINE = (np.array([0.5, 1.0]), np.array([1.0, 0.9]), np.array([0.9, 0.2]))
CURVE = Curve(np.array([0, 0.5, 1]), np.array([0, 1, 1]), np.array([np.inf, 0.5, 0.1]), 0.75)
FIGURES = {
    "class_distribution": lambda: data.class_distribution({"train": [1, 2]}, "ab"),
    "intensity_histogram": lambda: data.intensity_histogram([1] * 256, 0.5, 0.3),
    "pixel_values": lambda: data.pixel_values(IMAGES[0], "a 7"),
    "image_heatmap": lambda: data.image_heatmap(IMAGES[0], "Mean", "value"),
    "class_errors_figure": lambda: reconstruction.class_errors_figure(
        [ClassError("a", 0.1, 3), ClassError("b", None, 0)], 0.1, unit="error"
    ),
    "error_histogram": lambda: reconstruction.error_histogram(
        LINE[0], LINE[1], ("own", "strange"), 0.8, unit="error"
    ),
    "novelty_roc": lambda: reconstruction.novelty_roc({"noise": separate(LINE[0], LINE[1])}),
    "image_grid": lambda: data.image_grid(IMAGES, list("abcd"), title="Mistakes"),
    "per_class_images": lambda: data.per_class_images(IMAGES, list("abcd")),
    "loss_curve": lambda: training.loss_curve(STEPS, EPOCHS),
    "accuracy_curve": lambda: training.accuracy_curve(EPOCHS),
    "learning_rate_curve": lambda: training.learning_rate_curve(STEPS),
    "speed_curve": lambda: training.speed_curve(STEPS),
    "gradient_norm_curve": lambda: training.gradient_norm_curve(STEPS),
    "confusion_matrix": lambda: evaluation.confusion_matrix(np.eye(2, dtype=int), "ab"),
    "per_class_metrics": lambda: evaluation.per_class_metrics([]),
    "reliability_diagram": lambda: calibration.reliability_diagram(BINS, BINS),
    "confidence_histogram": lambda: calibration.confidence_histogram(BINS),
    "coverage_figure": lambda: calibration.coverage_figure(*LINE, chosen=(0.5, 0.9)),
    "roc_figure": lambda: curves.roc_figure([(0, "a", CURVE)]),
    "precision_recall_figure": lambda: curves.precision_recall_figure([(0, "a", CURVE)]),
    "probability_bars": lambda: drawing.probability_bars([0.9, 0.1], "ab"),
}
PICTURES = {"pixel_values", "image_heatmap", "image_grid", "per_class_images"}


@pytest.mark.parametrize("name", FIGURES)
def test_it_reads_on_light_and_dark(name):
    layout = FIGURES[name]().layout
    assert layout.title.text
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert layout.font.color is None  # the theme's own
    assert all(note.font.color is None for note in layout.annotations)
    assert layout.uirevision


@pytest.mark.parametrize("name", sorted(FIGURES.keys() - PICTURES))
def test_its_axes_are_named(name):
    layout = FIGURES[name]().layout
    assert layout.xaxis.title.text
    assert layout.yaxis.title.text


@pytest.mark.parametrize("name", FIGURES)
def test_it_leaves_a_phone_its_width(name):
    layout = FIGURES[name]().layout
    assert layout.margin.l + layout.margin.r <= 70
    assert layout.legend.orientation == "h"
    assert layout.height <= 520


def test_drawing_figures_needs_neither_streamlit_nor_torch_nor_scikit_learn():
    code = (
        "import sys; import digitlab.figures.data, digitlab.figures.training, "
        "digitlab.figures.evaluation, digitlab.figures.drawing, digitlab.evaluation; "
        "print([m for m in ('streamlit', 'torch', 'sklearn') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
