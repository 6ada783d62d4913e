"""A training says in words when something is wrong, once, and not when all is well."""

from __future__ import annotations

import torch

import digitlab as dl
from digitlab.training.config import TrainConfig
from digitlab.training.diagnostics import Watcher
from digitlab.training.engine import train_events
from digitlab.training.events import EpochDone


def notices(data, spec, **recipe):
    model = dl.build(spec, seed=0)
    config = TrainConfig(**{"batch_size": 32, "device": "cpu", **recipe})
    watcher = Watcher(len(data.classes))
    return [said for event in train_events(model, data, config) for said in watcher.note(event)]


def dense(*activations):
    layers = ["Flatten"]
    for activation in activations:
        layers += [{"Linear": {"out_features": 32}}, activation]
    layers.append({"Linear": {"out_features": 10}})
    return dl.ModelSpec.from_dict({"name": "dense", "layers": layers})


def test_a_training_that_goes_well_says_nothing(optdigits):
    assert notices(optdigits, dense("ReLU"), epochs=10) == []


def test_accuracy_at_chance_is_said(optdigits):
    said = notices(optdigits, dense("ReLU"), epochs=12, learning_rate=1e-6, optimizer="sgd")
    assert len(said) == 1
    assert "as by guessing" in said[0]
    assert "learning rate" in said[0]


def test_silent_units_are_said_with_their_layer(optdigits):
    said = notices(optdigits, dense("ReLU"), epochs=12, learning_rate=3.0, optimizer="adam")
    silent = [sentence for sentence in said if "silent" in sentence]
    assert len(silent) == 1
    assert "ReLU in layer 3" in silent[0]


def test_a_validation_loss_that_keeps_rising_is_said_once():
    watcher = Watcher(10)
    said = []
    for epoch, loss in enumerate([1.0, 0.5, 0.6, 0.7, 0.8, 0.9, 0.4, 0.5], 1):
        said += watcher.note(EpochDone(epoch, epoch, 0.1, 0.9, loss, 0.9, 1e-3, 1.0, best=False))
    assert len(said) == 1
    assert "risen for 3 epochs, up to epoch 5" in said[0]


def test_memorising_is_seen_in_a_real_training(optdigits):
    few = optdigits.subset(60)
    labels = few.train.labels[torch.randperm(len(few.train.labels))]
    object.__setattr__(few.train, "labels", labels)  # nothing but the noise can be learnt
    said = notices(few, dense("ReLU"), epochs=40, learning_rate=0.01)
    assert any("by heart" in sentence for sentence in said)
