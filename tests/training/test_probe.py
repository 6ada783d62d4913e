"""The probe's estimate is near what an epoch really takes, short, and refused for the too large."""

from __future__ import annotations

import time

import pytest
import torch

import digitlab as dl
from digitlab.errors import ConfigError, SpecError
from digitlab.models.load import load_model
from digitlab.models.spec import ModelSpec
from digitlab.training.config import TrainConfig
from digitlab.training.engine import train_events
from digitlab.training.events import EpochDone
from digitlab.training.probe import probe_speed
from digitlab.training.speed import Probe


def test_the_figures_follow_from_what_was_measured():
    probe = Probe(batch_size=50, steps=20, seconds=0.5)
    assert probe.images_per_second == 2000
    assert probe.epoch_seconds(54_000) == 27


@pytest.mark.parametrize("preset", ["two-hidden-64-relu", "cnn-small"])
def test_the_estimate_is_near_what_an_epoch_takes(preset, optdigits, monkeypatch):
    monkeypatch.setattr(time, "perf_counter", time.process_time)  # others use the machine, too
    spec, config = load_model(preset), TrainConfig(epochs=2, batch_size=64)
    network = dl.build(spec)
    events = train_events(network, optdigits, config)
    took = [event.seconds for event in events if isinstance(event, EpochDone)][-1]
    estimate = probe_speed(spec, config).epoch_seconds(len(optdigits.train))
    assert took / 10 < estimate < took * 10  # a wrong unit is far off


def test_it_ends_after_about_the_time_it_is_given():
    spec = load_model("lenet-5")
    probe_speed(spec, seconds=0.05)  # torch's own first steps
    start = time.process_time()
    probe = probe_speed(spec, seconds=0.3)
    assert time.process_time() - start < 5  # on a machine that may be busy
    assert probe.steps >= 1


def test_a_slow_network_is_probed_with_few_images_and_few_steps(monkeypatch):
    monkeypatch.setattr(time, "perf_counter", time.process_time)
    probe = probe_speed(load_model("torchvision/resnet18"), TrainConfig(batch_size=512))
    assert 2 <= probe.batch_size < 64
    assert probe.steps >= 1
    assert probe.seconds < 5


def test_the_random_state_is_left_as_it_was():
    torch.manual_seed(5)
    before = torch.get_rng_state()
    probe_speed(load_model("four-hidden-dropout"), seconds=0.05)
    assert torch.equal(torch.get_rng_state(), before)


@pytest.mark.parametrize(
    "recipe",
    [
        {"batch_size": 1},
        {"batch_size": 8192, "optimizer": "sgd", "momentum": 0.9, "schedule": "one-cycle"},
        {"augmentation": {"rotation": 10, "thickness": 0.5}, "early_stopping": 2, "keep": "best"},
        {"learning_rate": 100.0, "optimizer": "sgd", "gradient_clip": 1.0},
    ],
)
def test_any_recipe_is_probed(recipe):
    probe = probe_speed(load_model("logistic-regression"), TrainConfig(**recipe), seconds=0.05)
    assert probe.images_per_second > 0


def test_what_cannot_be_trained_is_refused_before_anything_is_made(monkeypatch):
    with pytest.raises(SpecError, match="has 7 classes"):
        probe_speed(load_model("lenet-5"), classes=7)
    with pytest.raises(SpecError, match="no weights to learn"):
        probe_speed(
            ModelSpec(name="x", layers=[{"AdaptiveAvgPool2d": {"output_size": [2, 5]}}, "Flatten"])
        )
    with pytest.raises(ConfigError, match="device"):
        probe_speed(load_model("lenet-5"), TrainConfig(device="cuda:77"))
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "1000")
    start = time.process_time()
    with pytest.raises(SpecError, match="DIGITLAB_MAX_PARAMETERS"):
        probe_speed(load_model("lenet-5"))
    assert time.process_time() - start < 2
