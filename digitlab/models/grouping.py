"""Layers whose dotted names begin alike, as groups: `layer1.0` is one inside `layer1`.

A group is a stretch of a list of layers; it says nothing that the list does not say, and only helps
to read a long one. This module does not import torch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from digitlab.models.layer import Layer

# What ends a group without a name of its own: an activation after a join, say.
_FOLLOWS = (
    "ReLU",
    "GELU",
    "SiLU",
    "ELU",
    "Tanh",
    "Sigmoid",
    "Hardswish",
    "Mish",
    "Dropout",
    "Norm",
)


@dataclass(frozen=True)
class Group:
    """The layers from `first` to `last` of a list, whose names begin with `name`.

    `key` is the name, with a number where the same name begins a second stretch of the list.
    """

    name: str
    key: str
    first: int
    last: int
    groups: tuple[Group, ...] = ()

    def __contains__(self, index: int) -> bool:
        return self.first <= index <= self.last


def group_layers(layers: Sequence[Layer]) -> tuple[Group, ...]:
    """The outermost groups of at least two layers, in order; each holds those inside it."""
    if not any("." in layer.name for layer in layers):
        return ()
    return _groups(_homes(layers), 0, len(layers), (), {})


Home = tuple[str, ...]  # the names of the groups around a layer, outside in


def _homes(layers: Sequence[Layer]) -> list[Home]:
    """The groups of each layer; one without a name is where its neighbours are."""
    homes: list[Home] = []
    after: Home = ()
    following: list[Home] = []  # of each layer, the home of the next layer with a name
    for layer in reversed(layers):
        following.append(after)
        after = _home(layer) if layer.name else after
    for layer, after in zip(layers, reversed(following), strict=True):
        before = homes[-1] if homes else ()
        if layer.name:
            homes.append(_home(layer))
        elif len(layer.sources) > 1 or any(word in layer.type for word in _FOLLOWS):
            homes.append(before)
        else:
            homes.append(_common(before, after))
    return homes


def _home(layer: Layer) -> Home:
    return tuple(layer.name.split(".")[:-1])


def _common(first: Home, second: Home) -> Home:
    pairs = list(zip(first, second, strict=False))
    length = next((n for n, (a, b) in enumerate(pairs) if a != b), len(pairs))
    return first[:length]


def _groups(
    homes: Sequence[Home], first: int, end: int, around: Home, counts: dict[str, int]
) -> tuple[Group, ...]:
    """The groups from `first` to before `end`, all of which are in the groups `around`."""
    groups: list[Group] = []
    depth = len(around)
    while first < end:
        home = homes[first][: depth + 1]
        last = first
        while last + 1 < end and homes[last + 1][: depth + 1] == home:
            last += 1
        if len(home) > depth and last > first:
            name = ".".join(home)
            counts[name] = counts.get(name, 0) + 1
            key = name if counts[name] == 1 else f"{name}#{counts[name]}"
            inner = _groups(homes, first, last + 1, home, counts)
            groups.append(Group(name, key, first, last, inner))
        first = last + 1
    return tuple(groups)
