"""What is done on CUDA alone is executed, on tensors that only say that they are there.

That nothing was ever measured on a GPU is said in the README.
"""

from __future__ import annotations

import itertools

import pytest
import torch

import digitlab as dl
from digitlab.bench import networks
from digitlab.errors import ConfigError
from digitlab.exports.pytorch import standalone
from digitlab.runs.experiment import Experiment, divide
from digitlab.training import window
from digitlab.training.config import TrainConfig
from digitlab.training.devices import check_devices, pick_device
from digitlab.training.engine import Training
from digitlab.training.events import EpochDone, Saveable
from digitlab.training.probe import probe_speed
from tests.training.fake_gpu import gpu  # noqa: F401 - a fixture

AUGMENTATION = {"rotation": 10, "shift": 0.1, "elastic": 1, "thickness": 0.3}
AUGMENTATION |= {"noise": 0.1, "erasing": 0.3}
RECIPES = {
    "a classifier": (
        "cnn-small",
        {"optimizer": "sgd", "momentum": 0.9, "learning_rate": 0.01, "gradient_clip": 1.0}
        | {"augmentation": AUGMENTATION, "average": 0.9, "keep": "best"},
    ),
    "an autoencoder": ("autoencoder", {"loss": "reconstruction", "optimizer": "adamw"}),
    "bfloat16": ("lenet-5", {"precision": "bfloat16", "channels_last": True, "optimizer": "sgd"}),
    "Muon": ("two-hidden-16-relu", {"optimizer": "muon", "loss": "focal", "test_curve": True}),
}


def begin(data, name, device, state=None, **changes):
    model, recipe = RECIPES[name]
    config = TrainConfig(
        **{"epochs": 2, "batch_size": 32, "precision": "float32", "threads": 1, **recipe}
    ).changed(device=device, **changes)
    return Training(dl.build(dl.load_model(model), seed=0), data, config, state)


def weights(training):
    return {name: value.cpu() for name, value in training.model.state_dict().items()}


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


@pytest.fixture
def few(optdigits):
    return optdigits.subset(100)


@pytest.mark.parametrize("name", RECIPES)
def test_a_gpu_takes_the_steps_of_a_cpu_and_is_resumed_in_the_middle_of_one(few, gpu, name):  # noqa: F811
    here = begin(few, name, "cpu")
    losses = [event.val_loss for event in here.events() if isinstance(event, EpochDone)]
    there = begin(few, name, "cuda")
    curve = [event.val_loss for event in there.events() if isinstance(event, EpochDone)]
    assert curve == pytest.approx(losses, rel=1e-3)
    assert {value.device.type for value in there.model.state_dict().values()} == {"cuda"}
    assert {value.device.type for value in there.state().tensors.values()} == {"cpu"}
    for key, value in weights(here).items():
        torch.testing.assert_close(weights(there)[key], value, rtol=1e-2, atol=5e-3)

    first, asked = begin(few, name, "cuda"), itertools.count(1)
    for event in first.events(lambda: "save" if next(asked) == 5 else None):
        if isinstance(event, Saveable):
            break
    state = first.state()
    resumed = begin(few, name, "cuda", state)
    list(resumed.events())
    assert equal(weights(resumed), weights(there))
    with pytest.raises(ConfigError, match="another kind of device"):
        begin(few, name, "cpu", state)


def test_a_run_is_trained_saved_and_opened(few, gpu):  # noqa: F811
    config = TrainConfig(epochs=1, device="cuda", compile=False)
    run = dl.train("cnn-8-16", few, config, progress=False)
    assert run.record.status == "finished"
    assert run.record.environment["gpu"] == "no GPU at all"
    assert run.record.environment["device"] == "cuda"
    assert run.record.environment["threads"] >= 1
    assert run.evaluate("test").accuracy == run.record.test_accuracy


def test_outputs_of_a_compiled_network_are_kept_where_the_next_step_would_overwrite_them(
    few,
    gpu,  # noqa: F811
    monkeypatch,
):
    modes = []

    def replay(model, mode):
        modes.append(mode)
        buffers = {}

        def forward(inputs):
            outputs = model(inputs)  # into the same memory at every step, as CUDA graphs do
            buffer = buffers.setdefault(outputs.shape, outputs.values_.clone())
            outputs.values_ = buffer.copy_(outputs.values_)
            return outputs

        return forward

    monkeypatch.setattr(torch, "compile", replay)
    monkeypatch.setattr(window, "FEWEST", 1)
    losses = {}
    for compiled in (False, True):
        training = begin(few, "Muon", "cuda", compile=compiled, loss="cross-entropy")
        events = list(training.events())
        losses[compiled] = [e.train_accuracy for e in events if isinstance(e, EpochDone)]
    assert modes == ["reduce-overhead"]
    assert losses[True] == losses[False]


def test_an_exported_script_trains_there(few, gpu):  # noqa: F811
    config = TrainConfig.from_dict(RECIPES["a classifier"][1]).changed(epochs=1, batch_size=32)
    spec = dl.load_model("cnn-8-16")
    space = {"__name__": "net"}
    exec(standalone(Experiment(spec, divide("optdigits", config), config)), space)
    assert space["DEVICE"] == torch.device("cuda")
    splits = (few.train.images, few.train.labels, few.test.images, few.test.labels)
    space["load"] = lambda folder: splits
    network = space["train"]("")
    assert next(network.parameters()).device.type == "cuda"


def test_robustness_and_speed_are_measured_there(tiny, gpu, monkeypatch):  # noqa: F811
    card = dl.measure_robustness(tiny, 20, device="cuda", keep=False)
    assert card.device == "cuda"
    same = dl.measure_robustness(tiny, 20, device="cpu", keep=False)
    assert (same.correct, same.curves, same.attacks) == (card.correct, card.curves, card.attacks)
    config = TrainConfig(device="cuda", batch_size=8)
    assert probe_speed(dl.load_model("logistic-regression"), config, seconds=0.01).steps > 0
    monkeypatch.setattr(networks, "IMAGES", 128)
    assert networks.fixed_batch_epoch(networks.MLP, config)() > 0


def test_gpus_of_one_run_are_those_from_the_first_on(gpu, monkeypatch):  # noqa: F811
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 4)
    assert pick_device("auto") == torch.device("cuda")
    assert [pick_device("auto", rank, 2) for rank in (0, 1)] == [
        torch.device("cuda:0"),
        torch.device("cuda:1"),
    ]
    assert pick_device("cuda:2", 1, 2) == torch.device("cuda:3")
    check_devices(TrainConfig(device="cuda:2", devices=2))
    with pytest.raises(ConfigError, match=r"5 were asked for, but this machine has 4"):
        check_devices(TrainConfig(devices=5))
    with pytest.raises(ConfigError, match=r"2 were asked for, but this machine has 1"):
        check_devices(TrainConfig(device="cuda:3", devices=2))
