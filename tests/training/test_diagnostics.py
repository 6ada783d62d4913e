"""A training warns once of each problem, and of nothing when all is well."""

from __future__ import annotations

import torch

import digitlab as dl
from digitlab.training.config import TrainConfig
from digitlab.training.diagnostics import Diagnostics
from digitlab.training.engine import train_events
from digitlab.training.events import EpochDone


def warnings(data, spec, **recipe):
    model = dl.build(spec, seed=0)
    config = TrainConfig(**{"batch_size": 32, "device": "cpu", **recipe})
    diagnostics = Diagnostics()
    return [w for event in train_events(model, data, config) for w in diagnostics.check(event)]


def dense(*activations):
    layers = ["Flatten"]
    for activation in activations:
        layers += [{"Linear": {"out_features": 32}}, activation]
    layers.append({"Linear": {"out_features": 10}})
    return dl.ModelSpec.from_dict({"name": "dense", "layers": layers})


def test_a_training_that_goes_well_has_no_warnings(optdigits):
    assert warnings(optdigits, dense("ReLU"), epochs=10) == []


def test_an_accuracy_as_of_guessing_is_reported(optdigits):
    (warning,) = warnings(optdigits, dense("ReLU"), epochs=12, learning_rate=1e-6, optimizer="sgd")
    assert "about as good as guessing" in warning
    assert "learning rate" in warning


def test_silent_channels_are_reported_with_their_layer(optdigits):
    reported = warnings(optdigits, dense("ReLU"), epochs=12, learning_rate=3.0, optimizer="adam")
    silent = [warning for warning in reported if "silent:" in warning]
    assert len(silent) == 1
    assert "ReLU in layer 3" in silent[0]


def test_a_validation_loss_that_keeps_rising_is_reported_once():
    diagnostics = Diagnostics()
    reported = []
    for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.5], 1):
        event = EpochDone(epoch, epoch, 0.1, 0.9, loss, 0.9, 1e-3, 1.0, best=False)
        reported += diagnostics.check(event)
    assert len(reported) == 1
    assert "risen for 3 epochs, up to epoch 5" in reported[0]


def test_overfitting_is_reported_in_a_real_training(optdigits):
    few = optdigits.subset(60)
    labels = few.train.labels[torch.randperm(len(few.train.labels))]
    object.__setattr__(few.train, "labels", labels)  # nothing but the noise can be learnt
    reported = warnings(few, dense("ReLU"), epochs=40, learning_rate=0.01)
    assert any("overfit" in warning for warning in reported)
