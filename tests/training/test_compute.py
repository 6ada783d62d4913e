"""Precision, layout and threads are chosen by what pays, and can be overridden."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.training import compute
from digitlab.training.compute import choose_compute
from digitlab.training.config import TrainConfig
from digitlab.training.engine import Training
from digitlab.training.events import EpochDone, Started

SHAPE = (1, 28, 28)


def plan(model, **recipe):
    config = TrainConfig(device="cpu", **recipe)
    return choose_compute(dl.build(dl.load_model(model), seed=0), SHAPE, config)


@pytest.fixture
def fast_bfloat16(monkeypatch):
    monkeypatch.setattr(compute, "_is_fast_in_bfloat16", lambda device: True)


def test_convolutions_that_are_work_enough_are_computed_in_bfloat16(fast_bfloat16):
    assert plan("cnn-small").precision == "bfloat16"
    assert plan("cnn-small").channels_last


@pytest.mark.parametrize("model", ["two-hidden-256", "logistic-regression", "lenet-5"])
def test_small_networks_stay_in_float32_where_casts_cost_more_than_they_save(fast_bfloat16, model):
    assert plan(model).precision == "float32"


def test_a_machine_that_only_imitates_bfloat16_computes_in_float32(monkeypatch):
    monkeypatch.setattr(compute, "_is_fast_in_bfloat16", lambda device: False)
    assert plan("cnn-small").precision == "float32"


def test_small_networks_run_on_one_thread(monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: 8)
    assert plan("two-hidden-64-relu").threads == 1
    assert plan("cnn-small").threads == 8
    assert plan("two-hidden-64-relu", batch_size=8192).threads == 8


def test_the_recipe_wins(fast_bfloat16):
    chosen = plan("cnn-small", precision="float32", channels_last=False, threads=3)
    assert (chosen.precision, chosen.channels_last, chosen.threads) == ("float32", False, 3)
    assert plan("two-hidden-64-relu", precision="bfloat16").precision == "bfloat16"


def test_threads_and_denormals_are_put_back_after_training(optdigits):
    before = torch.get_num_threads()
    tiny = torch.tensor([1e-40])
    config = TrainConfig(epochs=1, threads=2, device="cpu")
    for event in Training(dl.build(dl.load_model("lenet-5")), optdigits, config).events():
        if isinstance(event, Started):
            assert torch.get_num_threads() == 2
            assert event.compute["threads"] == 2
            assert float(tiny * 0.5) == 0.0
    assert torch.get_num_threads() == before
    assert float(tiny * 0.5) > 0.0


def test_counting_the_work_changes_nothing(optdigits):
    model = dl.build(dl.load_model("cnn-small"), seed=0)
    state = {name: value.clone() for name, value in model.state_dict().items()}
    torch.manual_seed(3)
    choose_compute(model, SHAPE, TrainConfig(device="cpu"))
    drawn = torch.rand(1)
    torch.manual_seed(3)
    assert torch.equal(torch.rand(1), drawn)
    assert model.training
    assert all(torch.equal(value, state[name]) for name, value in model.state_dict().items())


@pytest.mark.slow
def test_bfloat16_learns_as_well_as_float32_within_noise(mnist):
    accuracies = {}
    for precision in ("float32", "bfloat16"):
        reached = []
        for seed in (0, 1):
            config = TrainConfig(
                epochs=2, batch_size=64, learning_rate=3e-3, schedule="one-cycle", seed=seed
            ).changed(precision=precision, device="cpu")
            model = dl.build(dl.load_model("fast"), seed=seed)
            data = mnist.subset(4_000)
            events = Training(model, data, config).events()
            reached.append([e.val_accuracy for e in events if isinstance(e, EpochDone)][-1])
        accuracies[precision] = sum(reached) / len(reached)
    # 800 answers: a standard error of about 0.6 points each at 97 %.
    assert accuracies["bfloat16"] == pytest.approx(accuracies["float32"], abs=0.02)
    assert min(accuracies.values()) > 0.94


@pytest.mark.slow
def test_a_compiled_network_learns_the_same(optdigits):
    config = TrainConfig(epochs=2, batch_size=64, device="cpu", threads=1)
    curves = []
    for compiled in (False, True):
        model = dl.build(dl.load_model("lenet-5"), seed=0)
        events = list(Training(model, optdigits, config.changed(compile=compiled)).events())
        curves.append([e.val_loss for e in events if isinstance(e, EpochDone)])
        assert events[0].compute["compiled"] == compiled
    assert curves[0] == pytest.approx(curves[1], rel=1e-3)
