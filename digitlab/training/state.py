"""`TrainState`: everything that a training needs to be resumed, and how its parts are packed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

import torch

from digitlab.errors import ConfigError
from digitlab.training.tensors import Tensors, named, part


@dataclass
class Progress:
    """How far a training has come; every field is stored in its checkpoints under its name."""

    step: int = 0
    epochs_done: int = 0
    batch: int = 0  # steps taken in the current epoch
    # Of the current epoch's closed windows: images, correct predictions, sum of the images' losses.
    seen: int = 0
    correct: int = 0
    loss_sum: float = 0.0
    seconds: float = 0.0  # of the completed epochs
    epoch_seconds: float = 0.0  # of the current epoch
    best: tuple[float, float, int] | None = None  # validation accuracy (or 0), −loss, epoch

    @classmethod
    def from_values(cls, values: Mapping[str, Any]) -> Progress:
        """Taken from a state's values, in which JSON may have made a list of the tuple."""
        counts = {field.name: values[field.name] for field in fields(cls)}
        return cls(**{**counts, "best": tuple(values["best"]) if values["best"] else None})


@dataclass(frozen=True)
class TrainState:
    """A training between two steps: tensors by name (on the CPU) and plain JSON values.

    Holds the weights, the optimizer's state, the EMA, the best weights so far, all random states,
    the `Progress` and the open window. Resuming from it gives the same weights, bit for bit, on the
    same machine with the same versions.
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
        """The network's weights, averaged if the recipe has an EMA."""
        return part(self.tensors, "model") | part(self.tensors, "average")


def pack_optimizer(optimizer: torch.optim.Optimizer) -> Tensors:
    """An optimizer's state as tensors `optimizer.PARAMETER.NAME`; numbers become tensors, too."""
    packed = {}
    for number, entries in optimizer.state_dict()["state"].items():
        for name, value in entries.items():
            if value is not None:  # SGD without momentum has an empty momentum_buffer
                packed[f"{number}.{name}"] = torch.as_tensor(value)
    return named("optimizer", packed)


def unpack_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Load the state that `pack_optimizer` returned into an optimizer."""
    parameters = [p for group in optimizer.param_groups for p in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for name, value in part(tensors, "optimizer").items():
        number, _, key = name.partition(".")
        parameter = parameters[int(number)]
        if value.shape == parameter.shape:  # fused steps need the layout of the weights
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
    """Restore what `random_states` returned; ConfigError if it is of another kind of device."""
    if ("device" in states) != (device.type != "cpu"):
        raise ConfigError(
            f"This training was started on another kind of device than {str(device)!r} and can "
            "only be resumed there.",
            field="device",
        )
    torch.set_rng_state(states["torch"])
    if device.type == "cuda":
        torch.cuda.set_rng_state(states["device"], device)
    elif device.type == "mps":
        torch.mps.set_rng_state(states["device"])
