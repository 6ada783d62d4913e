"""Blocks: what they compute, what shapes they make, how they nest and what they refuse."""

from __future__ import annotations

import pytest
import torch

from digitlab.errors import SpecError
from digitlab.models.blocks import block_signature, list_blocks
from digitlab.models.build import build, summarize
from digitlab.models.spec import ModelSpec

CONV = {"Conv2d": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
WIDE = {"Conv2d": {"out_channels": 6, "kernel_size": 3, "padding": 1, "stride": 2}}
IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))


def chain(*layers) -> ModelSpec:
    return ModelSpec(name="x", layers=layers)


def refusal(*layers) -> SpecError:
    with pytest.raises(SpecError) as caught:
        summarize(chain(*layers))
    return caught.value


def test_blocks_describe_themselves():
    assert list_blocks() == (
        *("Residual", "Parallel", "Repeat", "DenseBlock", "SqueezeExcite", "DepthwiseSeparable"),
        *("Patches", "ClassToken", "PositionEmbedding", "TransformerEncoder", "MixerBlock"),
        *("MeanTokens", "FirstToken", "Rows"),
    )
    for name in list_blocks():
        signature = block_signature(name)
        assert signature.kind == "block"
        assert signature.about
        assert all(argument.accepts for argument in signature.arguments)


def test_residual_adds_its_input():
    network = build(chain({"Residual": {"layers": ["Tanh", "Sigmoid"]}}))
    assert torch.allclose(network(IMAGES), IMAGES + torch.sigmoid(torch.tanh(IMAGES)))
    assert list(network.state_dict()) == []


def test_residual_projects_its_input_where_shapes_differ():
    network = build(chain({"Residual": {"layers": [WIDE, "ReLU"]}}))
    block = network[0]
    expected = torch.relu(block.layers[0](IMAGES)) + block.shortcut(IMAGES)
    assert torch.equal(network(IMAGES), expected)
    assert expected.shape == (3, 6, 14, 14)
    keys = ["0.layers.0.weight", "0.layers.0.bias", "0.shortcut.weight"]
    assert list(network.state_dict()) == keys


def test_residual_projects_flat_input_by_a_linear():
    spec = chain("Flatten", {"Residual": {"layers": [{"Linear": {"out_features": 5}}]}})
    assert tuple(build(spec)[1].shortcut.weight.shape) == (5, 784)


@pytest.mark.parametrize("kernel", [2, 3, 4, 5, 7, 9, 13, 28])
def test_residual_reaches_every_pooled_size(kernel):
    pool = {"MaxPool2d": {"kernel_size": kernel, "ceil_mode": True}}
    spec = chain({"Residual": {"layers": [pool]}})
    side = -(-28 // kernel)
    assert summarize(spec).output_shape == (1, side, side)
    assert build(spec)(IMAGES).shape == (3, 1, side, side)


@pytest.mark.parametrize(
    ("join", "expected"),
    [
        ("concat", lambda a, b: torch.cat([a, b], 1)),
        ("sum", lambda a, b: a + b),
        ("mean", lambda a, b: (a + b) / 2),
        ("product", lambda a, b: a * b),
    ],
)
def test_parallel_joins_its_branches(join, expected):
    network = build(chain({"Parallel": {"branches": [["Tanh"], []], "join": join}}))
    assert torch.allclose(network(IMAGES), expected(torch.tanh(IMAGES), IMAGES))


def test_parallel_concatenates_channels_and_names_its_keys():
    spec = chain({"Parallel": {"branches": [["ReLU", CONV], [WIDE, {"Upsample": {"size": 28}}]]}})
    assert summarize(spec).output_shape == (10, 28, 28)
    keys = ["0.branches.0.1.weight", "0.branches.0.1.bias"]
    assert list(build(spec).state_dict())[:2] == keys


def test_repeat_has_new_weights_each_time():
    network = build(chain({"Repeat": {"times": 3, "layers": [CONV, "ReLU"]}}), seed=0)
    assert network(IMAGES).shape == (3, 4, 28, 28)
    weights = [network.state_dict()[f"0.{turn}.0.weight"] for turn in range(3)]
    assert [w.shape[1] for w in weights] == [1, 4, 4]
    assert not torch.equal(weights[1], weights[2])


def test_blocks_nest():
    inner = {"Residual": {"layers": [{"Repeat": {"times": 2, "layers": [CONV, "ReLU"]}}]}}
    spec = chain(CONV, {"Parallel": {"branches": [[inner], [inner, "ReLU"]]}})
    network = build(spec)
    assert network(IMAGES).shape == (3, 8, 28, 28)
    assert "1.branches.1.0.layers.0.1.0.weight" in network.state_dict()
    paths = [row.path for row in summarize(spec).rows]
    assert (1, "branches", 1, 0, "layers", 0, "layers", 0) in paths


@pytest.mark.parametrize(
    ("block", "path", "words"),
    [
        ({"Residual": {}}, (0,), "needs layers, a list of layers"),
        ({"Residual": {"layers": []}}, (0, "layers"), "no layers inside"),
        ({"Residual": {"layers": ["ReLU"], "x": 1}}, (0, "x"), "no argument 'x'"),
        ({"Residual": {"layers": ["Flatten"]}}, (0,), "no 1×1 convolution maps"),
        ({"Residual": {"layers": [{"Upsample": {"size": 56}}]}}, (0,), "keep the size"),
        ({"Residual": {"layers": ["Zork"]}}, (0, "layers", 0), "Residual › layer 1, Zork"),
        ({"Parallel": {"branches": [["ReLU"]]}}, (0,), "at least two branches"),
        ({"Parallel": {"branches": [[], []], "join": "max"}}, (0, "join"), "one of 'concat'"),
        ({"Parallel": {"branches": [["Flatten"], []]}}, (0, "branches"), "784, 1×28×28"),
        ({"Parallel": {"branches": [[CONV], []], "join": "sum"}}, (0, "branches"), "same shape"),
        ({"Parallel": {"branches": [[], ["ReLU", "Zork"]]}}, (0, "branches", 1, 1), "branch 2"),
        ({"Repeat": {"times": 0, "layers": ["ReLU"]}}, (0, "times"), "at least 1"),
        ({"Repeat": {"times": 101, "layers": ["ReLU"]}}, (0, "times"), "from 1 to 100"),
        ({"Repeat": {"times": 9, "layers": [{"MaxPool2d": {"kernel_size": 2}}]}},
         (0, "layers", 0, "kernel_size"), "repetition 5"),
    ],
)  # fmt: skip
def test_a_block_says_where_it_is_wrong(block, path, words):
    error = refusal(block)
    assert error.path == path
    assert words in error.message


def test_repetitions_cannot_run_away():
    many: dict = {"Repeat": {"times": 100, "layers": ["ReLU"]}}
    for _ in range(3):
        many = {"Repeat": {"times": 100, "layers": [many]}}
    assert "more than 2,000 layers" in refusal(many).message
