"""`TrainState`: everything that a training needs to go on as if nothing had happened."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from digitlab.errors import ConfigError
from digitlab.training.tensors import Tensors, named, part
from digitlab.training.window import Window

if TYPE_CHECKING:
    from digitlab.training.engine import Training

_COUNTS = (
    "step",
    "epochs_done",
    "batch",
    "seen",
    "correct",
    "loss_sum",
    "seconds",
    "epoch_seconds",
)


@dataclass(frozen=True)
class TrainState:
    """A training between two steps: tensors by name (on the CPU) and plain JSON values.

    Holds weights, optimizer, averages, the best weights so far, every random state, the place in
    the epoch and what the present epoch and window have added up. Going on from it gives the same
    weights, bit for bit, on the same machine with the same versions.
    """

    tensors: Tensors
    values: dict[str, Any]

    @property
    def step(self) -> int:
        return int(self.values["step"])

    @property
    def epochs_done(self) -> int:
        return int(self.values["epochs_done"])

    @property
    def weights(self) -> Tensors:
        """The network's weights, averaged where the recipe averages them."""
        averaged = part(self.tensors, "average")
        return {**part(self.tensors, "model"), **averaged}


def take_state(training: Training) -> TrainState:
    """The state of a training between two of its events."""
    window, window_values = training.window.pack()
    chance = {"order": training.order_state, "chance": training.chance.get_state()}
    tensors = named("model", training.model.state_dict()) | window
    tensors |= pack_optimizer(training.optimizer)
    tensors |= named("random", random_states(training.device) | chance)
    if training.best_weights is not None:
        tensors |= named("best", training.best_weights)
    if training.average:
        tensors |= named("average", training.average.values)
    values = {name: getattr(training, name) for name in _COUNTS}
    values |= {"best": training.best, "window": window_values}
    values["averaged"] = training.average.steps if training.average else 0
    return TrainState(tensors, values)


def put_state(training: Training, state: TrainState) -> None:
    """Make a new training go on from a state; ConfigError where it was taken elsewhere."""
    tensors, values = state.tensors, state.values
    training.model.load_state_dict(part(tensors, "model"))
    unpack_optimizer(training.optimizer, tensors)
    for name in _COUNTS:
        setattr(training, name, values[name])
    training.best = tuple(values["best"]) if values["best"] else None
    training.best_weights = part(tensors, "best") or None
    if training.average:
        training.average.load(part(tensors, "average"), int(values["averaged"]))
    training.window = Window.unpack(tensors, values["window"], training.device)
    random = part(tensors, "random")
    training.order_state = random.pop("order")
    training.chance.set_state(random.pop("chance"))
    set_random_states(random, training.device)


def pack_optimizer(optimizer: torch.optim.Optimizer) -> Tensors:
    """An optimizer's state as tensors `optimizer.NUMBER.NAME`; numbers become tensors, too."""
    packed = {}
    for number, entries in optimizer.state_dict()["state"].items():
        for name, value in entries.items():
            if value is not None:  # SGD without momentum keeps a place for nothing
                packed[f"{number}.{name}"] = torch.as_tensor(value)
    return named("optimizer", packed)


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Give an optimizer the state that `pack_optimizer` took."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in part(tensors, "optimizer").items():
        number, _, key = name.partition(".")
        parameter = parameters[int(number)]
        if value.shape == parameter.shape:  # fused steps need the very layout of the weights
            value = torch.empty_like(parameter).copy_(value).detach()
        state.setdefault(int(number), {})[key] = value
    groups = optimizer.state_dict()["param_groups"]
    optimizer.load_state_dict({"state": state, "param_groups": groups})


def random_states(device: torch.device) -> Tensors:
    """PyTorch's global random states, on the CPU and on the device."""
    states = {"torch": torch.get_rng_state()}
    if device.type == "cuda":
        states["device"] = torch.cuda.get_rng_state(device)
    elif device.type == "mps":
        states["device"] = torch.mps.get_rng_state()
    return states


def set_random_states(states: Mapping[str, torch.Tensor], device: torch.device) -> None:
    """Put back what `random_states` took; ConfigError where it was taken on another device."""
    if ("device" in states) != (device.type != "cpu"):
        raise ConfigError(
            f"This training was begun on another kind of device than {str(device)!r}, and can be "
            "continued exactly only there.",
            field="device",
        )
    torch.set_rng_state(states["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["device"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states["device"])
