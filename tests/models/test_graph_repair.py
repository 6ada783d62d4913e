"""Repairs of graphs: each makes the network fit, or get further."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.errors import SpecError
from digitlab.models.build import check_fits
from digitlab.models.repair import suggest_fix
from digitlab.models.spec import ModelSpec
from tests.models.any_graph import CLASSES, any_graph


def conv(name, channels=4, **more):
    return {"Conv2d": {"name": name, **more, "out_channels": channels, "kernel_size": 3,
                       "padding": 1}}  # fmt: skip


def bare(name, channels=4, **more):
    layer = conv(name, channels, **more)
    del layer["Conv2d"]["padding"]
    return layer


def add(*sources, kind="Add"):
    return {kind: {"from": list(sources)}}


def linear(name, features, **more):
    return {"Linear": {"name": name, **more, "out_features": features}}


HEAD = [{"Mean": {"dim": [2, 3]}}, linear("fc", 10)]


def repaired(*layers):
    spec = ModelSpec(name="x", layers=layers)
    with pytest.raises(SpecError) as caught:
        check_fits(spec, (1, 28, 28), 10)
    return suggest_fix(spec, caught.value, classes=10)


@pytest.mark.parametrize(
    ("layers", "label"),
    [
        # names
        ([conv("stem"), conv("conv1"), add("conv1", "stam"), *HEAD], "Read stem instead of stam"),
        ([conv("a"), conv("conv2"), {"Reuse": {"layer": "conv"}}, *HEAD], "Reuse conv2"),
        ([conv("a"), conv("a"), *HEAD], "Call it a_2"),
        ([conv("a"), conv("a.b"), *HEAD], "Call it a_b_2"),
        ([conv("forward"), *HEAD], "Call it forward_2"),
        ([{"Parameter": {"name": "p", "from": "input", "shape": [1]}},
          conv("a", **{"from": "input"}), add("p", "a"), *HEAD], "Leave from out"),
        # layers that nothing reads
        ([conv("a"), conv("b", **{"from": "input"}), conv("c", **{"from": "input"}),
          add("b", "c"), *HEAD], "Let layer 4, Add, read it too"),
        ([conv("a"), "ReLU", conv("b", **{"from": "a"}), *HEAD], "Let layer 3, Conv2d, read it"),
        ([*HEAD[:1], HEAD[1], {"Parameter": {"shape": [10]}}], "Remove layer 3, Parameter"),
        # how many a layer reads
        ([conv("a"), "ReLU", "Add", *HEAD], "Let it read layer 1, Conv2d, too"),
        ([conv("a"), conv("b"), {"ReLU": {"from": ["b", "a"]}}, *HEAD],
         "Insert Add before layer 3"),
        ([conv("a"), {"Parameter": {"shape": [4, 1, 1]}}, "ReLU", *HEAD],
         "Insert Add before layer 3"),
        # joins of other shapes
        ([conv("a"), bare("b"), add("b", "a"), *HEAD], "Pad layer 2"),
        ([conv("a"), conv("b", 8), add("b", "a"), *HEAD],
         "Insert Conv2d: {out_channels: 8, kernel_size: 1} before layer 3, on layer 1"),
        ([conv("a"), conv("b", 8, stride=2), add("b", "a"), *HEAD],
         "Insert Conv2d: {out_channels: 8, kernel_size: 1, stride: 2} before layer 3, on layer 1"),
        (["Flatten", linear("a", 16), linear("b", 8), add("b", "a"), linear("c", 10)],
         "Insert Linear: {out_features: 8} before layer 4, on layer 2"),
        ([conv("a"), {"MaxPool2d": {"name": "b", "kernel_size": 2}},
          add("b", "a", kind="Concatenate"), *HEAD],
         "Insert AdaptiveAvgPool2d: {output_size: (14, 14)} before layer 3, on layer 1"),
        # layers of sequences
        ([{"LSTM": {"hidden_size": 8}}, {"Select": {"dim": 1, "index": -1}}, linear("fc", 10)],
         "Insert Reshape: {shape: [28, 28]} before layer 1"),
        ([conv("a"), {"GRU": {"hidden_size": 8}}, {"Select": {"dim": 1, "index": -1}},
          linear("fc", 10)], "Insert Flatten and Transpose before layer 2"),
        ([{"Reshape": {"shape": [28, 28]}}, {"MultiheadAttention": {"num_heads": 3}},
          {"Mean": {"dim": 1}}, linear("fc", 10)], "Set num_heads to (2|4)"),
        ([conv("a"), {"Mean": {"dim": 0}}, linear("fc", 10)], r"Set dim to \(2, 3\)"),
        ([conv("a"), "Mean", linear("fc", 10)], ".*dim.*"),
    ],
)  # fmt: skip
def test_a_mistake_gets_its_repair(layers, label):
    offered, spec = repaired(*layers)
    assert re.fullmatch(label, offered) or offered == label
    assert check_fits(spec, (1, 28, 28), 10)


def test_an_inserted_layer_reads_what_the_layer_after_it_read():
    spec = ModelSpec(
        name="x",
        layers=[conv("a"), conv("b"), {"Linear": {"from": "a", "in_features": 3136,
                                                  "name": "c", "out_features": 10}},
                {"Linear": {"from": "b", "name": "d", "out_features": 10}}, add("c", "d")],
    )  # fmt: skip
    for _ in range(8):
        try:
            check_fits(spec, (1, 28, 28), 10)
            break
        except SpecError as error:
            _, spec = suggest_fix(spec, error, classes=10)
    flatten = next(layer for layer in spec.layers if layer.type == "Flatten")
    assert flatten.sources == ("a",)


BREAKS = ["misspell", "drop", "rename", "shrink", "unread", "widen"]


def broken(layers, how, rng):
    """The layers with one mistake."""
    layers = [{kind: dict(args)} for layer in layers for kind, args in layer.items()]
    args = next(iter(rng.choice(layers).values()))
    if how == "misspell" and "from" in args:
        args["from"] = [f"{name}x" for name in args["from"]]
    elif how == "drop":
        args.pop("from", None)
    elif how == "rename" and "name" in args:
        args["name"] = rng.choice(["a b", "v1", "forward", "stem"])
    elif how == "shrink":
        args.pop("padding", None)
    elif how == "unread":
        args["from"] = ["input"]
    elif "out_channels" in args:
        args["out_channels"] += 1
    return layers


@settings(max_examples=40)
@given(layers=any_graph(), how=st.sampled_from(BREAKS), seed=st.integers(0, 99))
def test_any_mistake_in_any_graph_gets_a_spec_or_nothing(layers, how, seed):
    shape = (1, 8, 8)
    try:
        spec = ModelSpec(name="x", input=shape, layers=broken(layers, how, random.Random(seed)))
        check_fits(spec, shape, CLASSES)
    except SpecError as error:
        if "spec" in locals():
            offer = suggest_fix(spec, error, classes=CLASSES)
            assert offer is None or (len(offer[0]) < 150 and isinstance(offer[1], ModelSpec))
