"""A training warns once of each problem, and of nothing when all is well."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.training.config import TrainConfig
from digitlab.training.diagnostics import Diagnostics, blind_score
from digitlab.training.engine import train_events
from digitlab.training.events import EpochDone, Finished, Snapshot
from digitlab.training.loss import scoring_spec


def warnings(data, spec, **recipe):
    model = dl.build(spec, seed=0)
    config = TrainConfig(**{"batch_size": 32, "device": "cpu", **recipe})
    diagnostics = Diagnostics(config, blind_score(data, config))
    return [w for event in train_events(model, data, config) for w in diagnostics.check(event)]


def dense(*activations):
    layers = ["Flatten"]
    for activation in activations:
        layers += [{"Linear": {"out_features": 32}}, activation]
    layers.append({"Linear": {"out_features": 10}})
    return dl.ModelSpec.from_dict({"name": "dense", "layers": layers})


def test_a_training_that_goes_well_has_no_warnings(optdigits):
    assert warnings(optdigits, dense("ReLU"), epochs=10) == []


@pytest.mark.parametrize(
    ("recipe", "cause"),
    [
        ({"optimizer": "sgd", "learning_rate": 50}, "50 is too high: divide it by 1,000"),
        ({"optimizer": "adam", "learning_rate": 20}, "20 is too high: divide it by 20,000"),
        ({"optimizer": "sgd", "learning_rate": 1e-6}, "1e-06 is too low: try 0.05"),
        ({"optimizer": "sgd", "learning_rate": 1e-6, "epochs": 12}, "too low"),  # while it trains
        ({"optimizer": "adam", "learning_rate": 1e-4, "batch_size": 512}, "only 3 steps"),
    ],
)
def test_a_training_that_taught_nothing_says_so_with_the_cause(optdigits, recipe, cause):
    reported = warnings(optdigits, dense("ReLU", "ReLU"), **{"epochs": 1, **recipe})
    (warning,) = [warning for warning in reported if warning.startswith("It learnt")]
    assert "next to nothing" in warning
    assert cause in warning


def test_a_slow_start_is_forgotten_at_the_end(optdigits):
    config = TrainConfig(learning_rate=0.1)
    diagnostics = Diagnostics(config, blind=0.1)
    confusion = torch.zeros(10, 10, dtype=torch.int64)
    confusion[:, 0] = 50
    early = Snapshot(400, 2.0, "val", confusion, (), torch.zeros(0, 10), None, {})
    (warning,) = diagnostics.check(early)
    diagnostics.check(EpochDone(9, 900, 0.1, 0.9, 0.2, 0.9, 1e-3, 1.0, best=True))
    assert not diagnostics.check(Finished("completed", 9, 900, 9, 9.0, 1.0))
    assert diagnostics.withdrawn == {warning}


def test_answers_that_are_never_given_are_counted(optdigits):
    recipe = {"epochs": 3, "learning_rate": 1e-5, "optimizer": "adam"}
    (warning,) = warnings(optdigits, dense("ReLU"), **recipe)
    assert "too low" in warning


def test_a_loss_above_that_of_equal_probabilities_is_reported(optdigits):
    spec = dl.load_model("logistic-regression")
    (warning,) = warnings(optdigits, spec, epochs=2, learning_rate=50, optimizer="sgd")
    assert "above the 2.3 of equal probabilities" in warning
    assert "divide it by 1,000" in warning


@pytest.mark.parametrize(("rate", "learns"), [(5e-3, True), (20.0, False)])
def test_an_autoencoder_is_measured_by_the_mean_image(optdigits, rate, learns):
    preset = dl.load_preset("autoencoder")
    recipe = {**preset.recipe, "learning_rate": rate, "epochs": 3}
    spec = scoring_spec(preset.spec, TrainConfig(**recipe))
    reported = warnings(optdigits, spec, **recipe)
    assert any("no more than the mean" in warning for warning in reported) is not learns


def test_silent_channels_are_reported_with_their_layer(optdigits):
    reported = warnings(optdigits, dense("ReLU"), epochs=12, learning_rate=3.0, optimizer="adam")
    silent = [warning for warning in reported if "silent:" in warning]
    assert len(silent) == 1
    assert "ReLU in layer 3" in silent[0]


def test_a_validation_loss_that_keeps_rising_is_reported_once():
    diagnostics = Diagnostics(TrainConfig(), blind=0.1)
    reported = []
    for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.5], 1):
        event = EpochDone(epoch, epoch, 0.1, 0.9, loss, 0.9, 1e-3, 1.0, best=False)
        reported += diagnostics.check(event)
    assert len(reported) == 1
    assert "risen for 3 epochs, up to epoch 5" in reported[0]


@pytest.mark.parametrize(("last", "overfits"), [(1.5, True), (0.52, False)])
def test_a_rise_is_summed_up_at_the_end(last, overfits):
    diagnostics = Diagnostics(TrainConfig(), blind=0.1)
    for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.7, 0.8, last], 1):
        diagnostics.check(EpochDone(epoch, epoch, 0.1, 0.9, loss, 0.9, 1e-3, 1.0, best=False))
    summed_up = diagnostics.check(Finished("completed", 6, 6, 6, 6.0, 1.0))
    assert any("risen for 3 epochs" in text for text in diagnostics.withdrawn)
    assert any("lowest after epoch 2 (0.5)" in text for text in summed_up) is overfits
    assert len(summed_up) == overfits


def test_overfitting_is_reported_in_a_real_training(optdigits):
    few = optdigits.subset(60)
    labels = few.train.labels[torch.randperm(len(few.train.labels))]
    object.__setattr__(few.train, "labels", labels)  # nothing but the noise can be learnt
    reported = warnings(few, dense("ReLU"), epochs=40, learning_rate=0.01)
    assert any("overfit" in warning for warning in reported)
