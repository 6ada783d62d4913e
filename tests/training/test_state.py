"""A training that is resumed in the middle ends with the very same weights."""

from __future__ import annotations

import itertools

import pytest
import torch

import digitlab as dl
from digitlab.errors import ConfigError
from digitlab.training.config import TrainConfig
from digitlab.training.engine import Training
from digitlab.training.events import EpochDone, Saveable, StepsDone
from digitlab.training.state import TrainState
from tests.models.small_graph import SMALL_GRAPH

RECIPES = {
    "dropout and all augmentation": (
        "cnn-8-16",
        {
            "augmentation": {"rotation": 10, "shift": 0.1, "elastic": 1, "thickness": 0.3}
            | {"noise": 0.1, "erasing": 0.2}
        },
    ),
    "momentum": ("two-hidden-64-relu", {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}),
    "mean of the weights, best kept": ("two-hidden-16-relu", {"average": 0.99, "keep": "best"}),
    "bfloat16, channels last": (
        "lenet-5",
        {"precision": "bfloat16", "channels_last": True, "optimizer": "adadelta"},
    ),
    "dropout, channels last": (
        "cnn-8-16",
        {"precision": "bfloat16", "channels_last": True},
    ),
    "a graph": (SMALL_GRAPH, {"average": 0.9, "channels_last": True}),
    "Muon, channels last": (
        "fast",
        {"optimizer": "muon", "learning_rate": 0.01, "channels_last": True},
    ),
    "recurrent": ("lstm-rows", {"optimizer": "rmsprop", "momentum": 0.5, "gradient_clip": 1.0}),
}


def begin(data, model, config, state=None, seed=0):
    spec = dl.load_model(model) if isinstance(model, str) else model
    return Training(dl.build(spec, seed=seed), data, config, state)


def curve(events):
    """The curves without times."""
    points = []
    for event in events:
        if isinstance(event, StepsDone):
            figures = (event.loss, event.loss_min, event.loss_max, event.grad_norm)
            points.append((event.step, event.learning_rate, *figures))
        elif isinstance(event, EpochDone):
            figures = (event.train_loss, event.val_loss, event.best)
            points.append((event.epoch, event.learning_rate, *figures))
    return points


@pytest.mark.parametrize("name", RECIPES)
def test_resuming_gives_the_same_weights_to_the_bit(optdigits, name):
    model, recipe = RECIPES[name]
    data = optdigits.subset(300)
    config = TrainConfig(epochs=2, batch_size=32, device="cpu", **recipe)
    whole = begin(data, model, config)
    expected = curve(whole.events())
    for leave_at in (1, 7, whole.steps_per_epoch, whole.total_steps - 1):
        first = begin(data, model, config)
        asked = itertools.count(1)
        before = []
        for event in first.events(lambda: "save" if next(asked) == leave_at else None):  # noqa: B023
            before.append(event)
            if isinstance(event, Saveable):
                state = first.state()
                break
        torch.manual_seed(999)  # another process would have drawn something else
        resumed = begin(data, model, config, state, seed=5)
        after = list(resumed.events())
        assert curve(before) + curve(after) == expected
        for key, value in whole.model.state_dict().items():
            assert torch.equal(value, resumed.model.state_dict()[key]), key


def test_the_state_of_an_ended_training_is_of_its_last_step_not_of_its_best(optdigits):
    config = TrainConfig(epochs=3, batch_size=64, keep="best", learning_rate=0.02, device="cpu")
    training = begin(optdigits, "two-hidden-16-relu", config)
    *_, finished = training.events()
    assert training.state().step == finished.step == training.total_steps
    assert training.state().epochs_done == 3


def test_a_state_of_another_kind_of_device_is_refused(optdigits):
    config = TrainConfig(epochs=1, device="cpu")
    state = begin(optdigits, "two-hidden-16-relu", config).state()
    foreign = TrainState({**state.tensors, "random.device": torch.zeros(16)}, state.values)
    with pytest.raises(ConfigError, match="another kind of device"):
        begin(optdigits, "two-hidden-16-relu", config, foreign)


def test_saving_does_not_change_what_is_learnt(optdigits):
    config = TrainConfig(epochs=1, batch_size=64, device="cpu")
    plain = begin(optdigits, "cnn-8-16-tuned", config)
    list(plain.events())
    watched = begin(optdigits, "cnn-8-16-tuned", config)
    for _ in watched.events(lambda: "save"):
        watched.state()
    for key, value in plain.model.state_dict().items():
        assert torch.equal(value, watched.model.state_dict()[key])


def test_a_mean_of_the_weights_is_what_the_run_keeps(optdigits):
    config = TrainConfig(epochs=4, batch_size=32, learning_rate=0.02, average=0.95, device="cpu")
    averaged = begin(optdigits, "two-hidden-16-relu", config)
    events = list(averaged.events())
    plain = begin(optdigits, "two-hidden-16-relu", config.changed(average=0))
    list(plain.events())
    kept, last = averaged.model.state_dict(), averaged.state().tensors
    name = "1.weight" if "1.weight" in kept else next(iter(kept))
    assert torch.equal(last[f"model.{name}"], plain.model.state_dict()[name])
    assert not torch.equal(kept[name], plain.model.state_dict()[name])
    assert torch.equal(kept[name], last[f"average.{name}"])
    assert events[-1].kept_epoch == 4


def test_test_figures_are_measured_only_when_asked_for(optdigits):
    config = TrainConfig(epochs=2, device="cpu", test_curve=True)
    with_test = list(begin(optdigits, "logistic-regression", config).events())
    without = list(
        begin(optdigits, "logistic-regression", config.changed(test_curve=False)).events()
    )
    curve = [event for event in with_test if isinstance(event, EpochDone)]
    assert all(0 < event.test_accuracy <= 1 for event in curve)
    assert [e.val_loss for e in curve] == [e.val_loss for e in without if isinstance(e, EpochDone)]
    assert all(e.test_loss is None for e in without if isinstance(e, EpochDone))
