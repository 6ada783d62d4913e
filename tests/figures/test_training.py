"""What someone watching a training sees: nothing extreme lost, nothing measured left out."""

from __future__ import annotations

import json

import pytest

from digitlab.figures.training import (
    accuracy_curve,
    gradient_norm_curve,
    learning_rate_curve,
    loss_curve,
    speed_curve,
)


def window(step: int, loss: float | None, low: float, high: float) -> dict:
    return {
        "step": step,
        "epoch": step / 100,
        "loss": loss,
        "loss_min": low,
        "loss_max": high,
        "learning_rate": 1e-3,
        "grad_norm": None,
        "images_per_second": 5000.0,
    }


def epoch(number: int, train: float, val: float | None, loss: float | None = 0.2) -> dict:
    return {
        "epoch": number,
        "step": number * 100,
        "train_loss": 0.1,
        "train_accuracy": train,
        "val_loss": loss,
        "val_accuracy": val,
        "learning_rate": 1e-3,
        "seconds": 1.0,
    }


STEPS = [window(10 * i, 2.0 / i, 1.0 / i, 3.0 / i) for i in range(1, 41)]
STEPS[20] = window(210, 0.1, 0.05, 57.0)  # one batch of this window went badly wrong
EPOCHS = [epoch(1, 0.90, 0.91), epoch(2, 0.95, 0.97), epoch(3, 0.99, 0.97), epoch(4, 1.0, 0.96)]


def named(figure, name: str):
    return next(trace for trace in figure.data if trace.name == name)


@pytest.mark.parametrize("log_scale", [False, True])
def test_the_worst_batch_stays_visible(log_scale):
    figure = loss_curve(STEPS, EPOCHS, log_scale=log_scale)
    assert max(named(figure, "Smallest to largest").y) == 57.0
    assert any(words[2] == 57.0 for words in named(figure, "Mean of a window").customdata)


def test_validation_loss_stands_at_the_step_where_it_was_measured():
    validation = named(loss_curve(STEPS, EPOCHS), "Validation")
    assert list(validation.x) == [100, 200, 300, 400]
    assert "after epoch" in validation.hovertemplate


def test_the_smoothed_line_follows_a_flat_loss_from_the_first_step():
    flat = [window(i, 0.7, 0.6, 0.8) for i in range(100)]
    assert named(loss_curve(flat), "Training, smoothed").y == pytest.approx([0.7] * 100)


def test_a_few_steps_are_drawn_as_they_are():
    assert [trace.name for trace in loss_curve(STEPS[:5]).data] == [
        "Smallest to largest",
        "Training",
    ]


def test_a_loss_of_exactly_zero_does_not_tear_the_logarithmic_band():
    figure = loss_curve([window(1, 0.5, 0.1, 0.9), window(2, 0.05, 0.0, 0.1)], log_scale=True)
    assert min(named(figure, "Smallest to largest").y) == 0.1


def test_a_diverged_training_is_drawn_up_to_its_end():
    steps = [*STEPS[:3], window(40, float("nan"), float("nan"), float("inf"))]
    figure = loss_curve(steps, [epoch(1, 0.1, 0.1, float("nan"))])
    assert list(named(figure, "Training").x) == [10, 20, 30]
    assert "NaN" not in figure.to_json()


@pytest.mark.parametrize(
    "draw", [loss_curve, accuracy_curve, learning_rate_curve, speed_curve, gradient_norm_curve]
)
def test_before_the_first_step_there_are_axes_and_a_kind_word(draw):
    figure = draw([])
    assert "waiting for the first" in figure.layout.annotations[0].text
    assert figure.layout.xaxis.title.text
    assert figure.layout.yaxis.title.text
    assert figure.layout.title.text


def test_accuracy_is_in_percent():
    figure = accuracy_curve(EPOCHS)
    assert list(named(figure, "Training").y) == [90, 95, 99, 100]
    assert figure.layout.yaxis.ticksuffix == " %"


def test_the_earliest_of_the_best_epochs_is_marked():
    best = named(accuracy_curve(EPOCHS), "Best, epoch 2")
    assert (list(best.x), list(best.y), list(best.text)) == ([2], [97.0], ["97.00 %"])


def test_a_run_that_kept_another_epoch_says_so():
    assert list(named(accuracy_curve(EPOCHS, best_epoch=3), "Best, epoch 3").x) == [3]


def test_without_a_validation_split_there_is_only_the_training_line():
    figure = accuracy_curve([epoch(1, 0.9, None, None), epoch(2, 0.95, None, None)])
    assert [trace.name for trace in figure.data] == ["Training"]


def test_gradients_that_were_not_measured_are_not_invented():
    assert not gradient_norm_curve(STEPS).data
    measured = [{**STEPS[0], "grad_norm": 1.5}]
    assert list(gradient_norm_curve(measured).data[0].y) == [1.5]


def test_learning_rate_and_speed_are_drawn_by_step():
    assert list(learning_rate_curve(STEPS).data[0].y) == [1e-3] * 40
    speed = speed_curve(STEPS)
    assert list(speed.data[0].x) == [row["step"] for row in STEPS]
    assert speed.layout.yaxis.title.text == "images per second"


def test_zoom_is_kept_while_new_steps_arrive():
    before, after = loss_curve(STEPS[:10], []), loss_curve(STEPS, EPOCHS)
    assert before.layout.uirevision == after.layout.uirevision
    assert before.layout.uirevision is not None


def test_a_long_history_stays_small_enough_to_be_sent_every_second():
    steps = [window(i, 1.23456789, 1.0, 1.5) for i in range(2_000)]
    assert len(json.dumps(loss_curve(steps).to_plotly_json(), default=str)) < 500_000


@pytest.mark.parametrize(("best", "place"), [(0.9, "top center"), (1.0, "bottom center")])
def test_the_best_epochs_figure_stays_below_the_end_of_the_axis(best, place):
    rows = [
        {"epoch": 1, "train_accuracy": 0.3, "val_accuracy": 0.4},
        {"epoch": 2, "train_accuracy": best, "val_accuracy": best},
    ]
    assert named(accuracy_curve(rows), "Best, epoch 2").textposition == place
