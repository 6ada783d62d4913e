"""Random architectures for property tests, as plain data: all layers, right and wrong arguments."""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st

from digitlab.models.arguments import Argument
from digitlab.models.edit import WRAPPERS
from digitlab.models.signatures import find_signature, fresh_layer, list_kinds

KINDS = dict(list_kinds())
LEAVES = [name for name, kind in KINDS.items() if kind != "whole model" and name not in WRAPPERS]
IMAGES = [(1, 28, 28), (1, 8, 8), (3, 12, 10), (1, 1, 1), (2, 5, 64)]
EXTREMES = [0, -1, 2**20, 2**20 + 1, 2**31, 2**63 - 1, 10**12, -(10**12), 1e-300, 1e11, -0.0]
SHORT_WORDS = [
    "same",
    "valid",
    "circular",
    "mean",
    "GRU",
    "sequence",
    "",
    "Ω",
    "0",
    "true",
    "x" * 200,
]

NAMES = ["a", "b", "c", "layer1.0", "layer1.1.conv", "layer1", "input", "forward", "3", "", 3, "é"]
SOURCES = ["a", "b", "input", ["a", "input"], ["a", "b", "c"], ["input"] * 3, [], "nobody", 7, None]

scalars = st.one_of(
    st.integers(1, 12),
    st.floats(0, 2, allow_nan=False),
    st.sampled_from(EXTREMES),
    st.sampled_from(SHORT_WORDS),
    st.booleans(),
    st.none(),
)
wild = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=6)


def fitting(argument: Argument) -> st.SearchStrategy[Any]:
    """Values of about the right type for an argument."""
    if argument.choices:
        return st.sampled_from(argument.choices)
    if argument.annotation is bool:
        return st.booleans()
    if argument.annotation is float:
        return st.one_of(st.floats(0, 1), st.integers(0, 3))
    small = st.integers(1, 8)
    if argument.annotation is int:
        return small
    return st.one_of(small, st.lists(small, min_size=1, max_size=3))


@st.composite
def leaves(draw: Any) -> dict[str, Any]:
    """A layer or block without others inside, as it is added, with some arguments changed."""
    name = draw(st.sampled_from(LEAVES))
    args = dict(fresh_layer(name).args)
    arguments = find_signature(name).arguments
    for argument in arguments:
        chance = draw(st.integers(0, 19))
        if argument.name == "layers":
            continue
        if chance < 6:
            args[argument.name] = draw(fitting(argument))
        elif chance == 6:
            args[argument.name] = draw(wild)
        elif chance == 7:
            args.pop(argument.name, None)
    if draw(st.integers(0, 3)) == 0:
        args["name"] = draw(st.sampled_from(NAMES))
    if draw(st.integers(0, 3)) == 0:
        args["from"] = draw(st.sampled_from(SOURCES))
    if draw(st.integers(0, 40)) == 0:
        args[draw(st.sampled_from(["kernel", "device", "dtype", "weights", "layers"]))] = draw(wild)
    return {name: args}


def added(names: list[str]) -> st.SearchStrategy[Any]:
    """Layers as they are when they are added."""
    return st.sampled_from(names).map(lambda name: fresh_layer(name).to_data())


def blocks(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Blocks around what `inner` makes; now and then empty, or with wrong arguments."""
    layers = st.lists(inner, max_size=3)
    times = st.one_of(st.integers(1, 3), st.sampled_from([0, 100, 101, 10**9, 2.0, None, True]))
    joins = st.sampled_from(["concat", "concat", "sum", "mean", "product", "max", None, 3])
    branches = st.lists(layers, max_size=3)
    return st.one_of(
        layers.map(lambda x: {"Residual": {"layers": x}}),
        st.builds(lambda x, n: {"Repeat": {"times": n, "layers": x}}, layers, times),
        st.builds(lambda x, n: {"DenseBlock": {"times": n, "layers": x}}, layers, times),
        st.builds(lambda x, j: {"Parallel": {"branches": x, "join": j}}, branches, joins),
        layers.map(lambda x: {"Conv2d": {"layers": x}}),
    )


USUAL = ["Conv2d", "ReLU", "BatchNorm2d", "MaxPool2d", "Flatten", "Linear", "LayerNorm", "Dropout"]
UNKNOWN = ["Nonsense", "torchvision/nonsense", "LSTM", "Module", "sklearn/X"]
any_layer = st.recursive(
    st.one_of(
        added(USUAL), added(USUAL), added(LEAVES), leaves(), leaves(), st.sampled_from(UNKNOWN)
    ),
    blocks,
    max_leaves=8,
)
