"""`GraphNetwork`: the network of a list of layers that read each other by name."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.graph import AT_INPUT, Reads
from digitlab.models.layer import Layer

MODULE_WORDS = frozenset(dir(nn.Module()))  # words that no layer may be called


class GraphNetwork(nn.Module):
    """Modules and parameters under dotted keys, each applied to what earlier ones gave.

    [N, ...] -> [N, ...]. `reads` says for each step the indices of the steps that it reads,
    `AT_INPUT` for the input. A key that comes twice shares its weights. Keys of the state_dict are
    those of the steps: the module at "layer1.0.conv1" has "layer1.0.conv1.weight".
    """

    def __init__(
        self, keys: Sequence[str], modules: Sequence[nn.Module | nn.Parameter], reads: Reads
    ) -> None:
        super().__init__()
        self._steps = [
            (key.split("."), [read + 1 for read in indices], last)
            for key, indices, last in zip(keys, reads, _last_reads(reads), strict=True)
        ]
        for key, module in zip(keys, modules, strict=True):
            _register(self, key.split("."), module)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        values: list[torch.Tensor | None] = [x]
        for names, inputs, done in self._steps:
            step: nn.Module | nn.Parameter = self
            for name in names:
                step = getattr(step, name)
            if isinstance(step, torch.Tensor):
                values.append(step)
            else:
                values.append(step(*(values[index] for index in inputs)))
            for index in done:
                values[index] = None  # nobody reads it any more
        return values[-1]


class Group(nn.Module):
    """Layers whose names begin alike, such as "layer1." of "layer1.0.conv1"."""


def check_names(layers: Sequence[Layer]) -> None:
    """Raise SpecError, with the index in its path, for a name that a module cannot have."""
    numbers = {str(index) for index, layer in enumerate(layers) if not layer.name}
    for index, layer in enumerate(layers):
        first, *_ = names = layer.name.split(".")
        taken = next((name for name in names if name in MODULE_WORDS), None)
        if taken or first in ("_steps", *numbers):
            what = f"{taken} is a word of PyTorch's modules" if taken else "a layer has that number"
            raise SpecError(
                f"cannot be called {layer.name}: {what}. Rename it.", path=(index, "name")
            )


def _register(root: nn.Module, names: Sequence[str], module: nn.Module | nn.Parameter) -> None:
    for name in names[:-1]:
        if name not in root._modules:
            root.add_module(name, Group())
        root = root._modules[name]
    if isinstance(module, nn.Parameter):
        root.register_parameter(names[-1], module)
    else:
        root.add_module(names[-1], module)


def _last_reads(reads: Reads) -> list[list[int]]:
    """For each step the places in the list of values that it is the last to read."""
    last = {index: step for step, indices in enumerate(reads) for index in indices}
    done: list[list[int]] = [[] for _ in reads]
    for index, step in last.items():
        done[step].append(index + 1 if index != AT_INPUT else 0)
    return done
