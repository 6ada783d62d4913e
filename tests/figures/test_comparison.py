"""Figures of several runs: each run is found again, and what is better looks better."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.evaluation.comparison import ClassDifference
from digitlab.figures import comparison, differences, palette

NAMES = ["small", "large"]
FAST = [
    {"epoch": 1, "step": 10, "elapsed": 2.0, "train_accuracy": 0.8, "val_accuracy": 0.9,
     "val_loss": 0.5, "train_loss": 0.7},
    {"epoch": 2, "step": 20, "elapsed": 4.0, "train_accuracy": 0.9, "val_accuracy": 0.95,
     "val_loss": 0.2, "train_loss": 0.3},
]  # fmt: skip
SLOW = [{**row, "step": 5 * row["step"], "elapsed": 9 * row["elapsed"]} for row in FAST]
ROWS = [
    ClassDifference(name="0", recall=0.01, f1=-0.02, support=10),
    ClassDifference(name="1", recall=None, f1=0.0, support=0),
]
COST = {"costs": [10, 100], "accuracies": [0.9, 0.95], "frontier": [0, 1], "cost": "parameters"}
FIGURES = {
    "learning_curves": lambda: comparison.learning_curves([FAST, SLOW], NAMES),
    "loss": lambda: comparison.learning_curves([FAST, SLOW], NAMES, value="val_loss"),
    "train_and_validation": lambda: comparison.train_and_validation([FAST, SLOW], NAMES),
    "trade_off": lambda: comparison.trade_off(NAMES, **COST),
    "class_differences": lambda: differences.class_differences([ROWS], ["large"], [1], "small"),
    "confusion_difference": lambda: differences.confusion_difference(
        np.eye(2, dtype=int), np.ones((2, 2), int), "ab"
    ),
    "nothing": lambda: comparison.learning_curves([[], []], NAMES),
}


def lines(figure) -> dict:
    return {trace.name: trace for trace in figure.data}


@pytest.mark.parametrize("name", FIGURES)
def test_it_reads_on_light_and_dark_and_on_a_phone(name):
    layout = FIGURES[name]().layout
    assert layout.title.text
    assert layout.xaxis.title.text
    assert layout.yaxis.title.text
    assert layout.paper_bgcolor == layout.plot_bgcolor == "rgba(0, 0, 0, 0)"
    assert layout.font.color is None
    assert layout.uirevision
    assert layout.margin.l + layout.margin.r <= 70
    assert layout.legend.orientation == "h"
    assert layout.height <= 520


@pytest.mark.parametrize(
    ("over", "x"), [("epoch", (1, 2)), ("step", (50, 100)), ("elapsed", (18, 36))]
)
def test_a_run_is_drawn_over_what_was_asked_for(over, x):
    figure = comparison.learning_curves([FAST, SLOW], NAMES, over=over)
    assert lines(figure)["large"].x == x
    assert lines(figure)["large"].y == (90, 95)
    assert figure.layout.xaxis.title.text == comparison.OVER[over]


def test_quick_runs_are_not_squeezed_by_slow_ones():
    crawl = [{**row, "elapsed": 100 * row["elapsed"]} for row in FAST]
    axis = comparison.learning_curves([FAST, crawl], NAMES, over="elapsed").layout.xaxis
    assert axis.type == "log"
    assert "log" in axis.title.text


def test_a_loss_is_in_nats_on_a_logarithmic_axis():
    figure = comparison.learning_curves([FAST], ["one"], value="val_loss")
    assert figure.data[0].y == (0.5, 0.2)
    assert figure.layout.yaxis.type == "log"


def test_values_that_were_not_measured_leave_a_gap():
    broken = [FAST[0], {**FAST[1], "val_accuracy": float("nan")}, {**FAST[1], "val_accuracy": None}]
    assert comparison.learning_curves([broken], ["one"]).data[0].x == (1,)
    empty = comparison.learning_curves([[{"epoch": 1}]], ["one"])
    assert not empty.data
    assert "none of these runs has this curve" in empty.layout.annotations[0].text


def test_twenty_runs_can_be_told_apart():
    figure = comparison.learning_curves([FAST] * 20, [f"run {i}" for i in range(20)])
    looks = {(line.line.color, line.line.dash, line.marker.symbol) for line in figure.data}
    assert len(looks) == 20


def test_a_run_keeps_its_colour_on_the_whole_page():
    curve = lines(comparison.learning_curves([FAST, SLOW], NAMES))["large"].line.color
    point = lines(comparison.trade_off(NAMES, **COST))["large"].marker.color
    classes = lines(differences.class_differences([ROWS], ["large"], [1], "small"))["large"]
    assert curve == point == classes.marker.color == palette.digit_color(1)


def test_all_in_one_figure_names_each_run_once():
    figure = comparison.train_and_validation([FAST, SLOW], NAMES, [(2, 0.93), None])
    assert [line.name for line in figure.data if line.showlegend] == NAMES
    by_kind = {(line.name, line.line.dash) for line in figure.data if line.mode != "markers"}
    assert by_kind == {(name, dash) for name in NAMES for dash in ("solid", "dot")}
    star = [line for line in figure.data if line.marker.symbol == "star"]
    assert [(line.name, line.x, line.y) for line in star] == [("small", (2,), (93.0,))]


def test_a_run_without_validation_is_named_all_the_same():
    blind = [{key: value for key, value in row.items() if "val" not in key} for row in FAST]
    figure = comparison.train_and_validation([blind], ["blind"])
    assert [line.name for line in figure.data if line.showlegend] == ["blind"]


def test_the_frontier_joins_the_points_it_is_given():
    figure = comparison.trade_off(
        ["a", "b", "c"], [5, None, 50], [0.9, 0.99, 0.95], [0, 2], cost="parameters",
        intervals=[(0.88, 0.92), None, None],
    )  # fmt: skip
    frontier = figure.data[0]
    assert frontier.x == (5, 50)
    assert frontier.y == (90, 95)
    assert set(lines(figure)) == {frontier.name, "a", "c"}  # b's cost is not known
    assert figure.layout.xaxis.type == "log"
    assert lines(figure)["a"].error_y.array == pytest.approx((2,))


def test_costs_that_nobody_knows_say_so():
    figure = comparison.trade_off(["a"], [None], [0.9], [], cost="seconds")
    assert figure.layout.annotations
