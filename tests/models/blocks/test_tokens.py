"""Blocks of convolutions, tokens and sequences: what they compute, make and refuse."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.spec import ModelSpec

IMAGES = torch.rand(3, 1, 28, 28, generator=torch.Generator().manual_seed(0))
PATCHES = {"Patches": {"patch_size": 4, "dim": 8}}


def chain(*layers, image=(1, 28, 28)) -> ModelSpec:
    return ModelSpec(name="x", input=image, layers=layers)


def refusal(*layers, image=(1, 28, 28)) -> SpecError:
    with pytest.raises(SpecError) as caught:
        build(chain(*layers, image=image))
    return caught.value


CASES = [
    ([{"DenseBlock": {"times": 3, "growth": 4}}], (13, 28, 28)),
    (["Flatten", {"DenseBlock": {"times": 2, "growth": 4}}], (792,)),
    ([{"DenseBlock": {"times": 2, "layers": ["SqueezeExcite", "ReLU"]}}], (4, 28, 28)),
    (["SqueezeExcite"], (1, 28, 28)),
    ([{"DepthwiseSeparable": {"out_channels": 6}}], (6, 28, 28)),
    ([{"DepthwiseSeparable": {"out_channels": 6, "kernel_size": [5, 3], "stride": 2}}],
     (6, 14, 14)),
    ([PATCHES], (49, 8)),
    ([{"Patches": {"patch_size": [28, 1], "dim": 5}}], (28, 5)),
    ([PATCHES, "ClassToken", "PositionEmbedding"], (50, 8)),
    ([PATCHES, {"TransformerEncoder": {"depth": 2, "heads": 2, "dropout": 0.1}}], (49, 8)),
    ([PATCHES, {"Repeat": {"times": 2, "layers": ["MixerBlock"]}}, "MeanTokens"], (8,)),
    ([PATCHES, "FirstToken"], (8,)),
    ([{"Rows": {"hidden_size": 6}}], (6,)),
    ([{"Rows": {"hidden_size": 6, "cell": "GRU", "bidirectional": True}}], (12,)),
    ([{"Rows": {"hidden_size": 6, "cell": "RNN", "output": "sequence", "num_layers": 2}},
      {"Rows": {"hidden_size": 5}}], (5,)),
]  # fmt: skip


@pytest.mark.parametrize(("layers", "shape"), CASES)
def test_a_block_learns_with_the_shape_and_size_foretold(layers, shape):
    spec = chain(*layers)
    summary, network = summarize(spec), build(spec, seed=0)
    assert summary.output_shape == shape
    assert sum(p.numel() for p in network.parameters()) == summary.parameters
    images = IMAGES.clone().requires_grad_()
    output = network(images)
    assert tuple(output.shape) == (3, *shape)
    output.square().mean().backward()
    assert images.grad.abs().sum() > 0
    if layers != [PATCHES, "FirstToken"]:
        assert all(p.grad is not None for p in network.parameters())
    assert ModelSpec.from_yaml(spec.to_yaml()) == ModelSpec.from_json(spec.to_json()) == spec
    assert build(spec, seed=0).state_dict().keys() == network.state_dict().keys()


def test_a_dense_block_keeps_what_it_was_given():
    network = build(chain({"DenseBlock": {"times": 2, "growth": 3}}), seed=0)
    assert torch.equal(network(IMAGES)[:, :1], IMAGES)
    keys = [key for key in network.state_dict() if key.endswith("2.weight")]
    assert keys == ["0.steps.0.2.weight", "0.steps.1.2.weight"]
    assert network.state_dict()["0.steps.1.2.weight"].shape == (3, 4, 3, 3)


def test_squeeze_and_excite_scales_each_channel_by_a_gate():
    layers = [{"Conv2d": {"out_channels": 8, "kernel_size": 3}}, "SqueezeExcite"]
    network = build(chain(*layers), seed=0)
    before, after = network[0](IMAGES), network(IMAGES)
    gate = after / before
    assert torch.allclose(gate, gate[:, :, :1, :1].expand_as(gate), atol=1e-3)
    assert 0 < gate.min() < gate.max() < 1
    assert network[1].squeeze.weight.shape == (2, 8)


def test_a_depthwise_separable_convolution_is_two_cheap_ones():
    conv = {"Conv2d": {"out_channels": 16, "kernel_size": 1}}
    summary = summarize(chain(conv, {"DepthwiseSeparable": {"out_channels": 32, "bias": False}}))
    assert [row.parameters for row in summary.rows[1:]] == [16 * 9 + 16 * 32, 16 * 9, 16 * 32]
    assert [row.key for row in summary.rows[2:]] == ["1.depthwise", "1.pointwise"]
    assert summary.rows[1].operations == (16 * 9 + 16 * 32) * 28 * 28


def test_patches_are_tokens_in_reading_order():
    network = build(chain({"Patches": {"patch_size": 14, "dim": 1}}), seed=0)
    nn.init.ones_(network[0].embed.weight)
    nn.init.zeros_(network[0].embed.bias)
    sums = [IMAGES[:, 0, y : y + 14, x : x + 14].sum((1, 2)) for y in (0, 14) for x in (0, 14)]
    assert torch.allclose(network(IMAGES)[..., 0], torch.stack(sums, 1), rtol=1e-4)


def test_a_class_token_is_read_back_as_the_first():
    network = build(chain(PATCHES, "ClassToken", "FirstToken"), seed=0)
    assert torch.equal(network(IMAGES), network[1].token.expand(3, -1))


def test_an_encoder_costs_what_attention_costs():
    row = summarize(chain(PATCHES, {"TransformerEncoder": {"heads": 2}})).rows[1]
    tokens, dim = 49, 8
    assert row.operations == tokens * 12 * dim**2 + 2 * tokens**2 * dim
    assert row.values > tokens * dim


@pytest.mark.parametrize("cell", ["LSTM", "GRU", "RNN"])
def test_rows_read_an_image_from_top_to_bottom(cell):
    network = build(chain({"Rows": {"hidden_size": 4, "cell": cell}}), seed=0)
    states, _ = network[0].network(IMAGES[:, 0])
    assert torch.allclose(network(IMAGES), states[:, -1])
    changed = IMAGES.clone()
    changed[:, :, 27] = 0
    sequence = build(
        chain({"Rows": {"hidden_size": 4, "cell": cell, "output": "sequence"}}), seed=0
    )
    assert torch.equal(sequence(changed)[:, :27], sequence(IMAGES)[:, :27])
    assert not torch.equal(sequence(changed)[:, 27], sequence(IMAGES)[:, 27])


@pytest.mark.parametrize(
    ("layers", "path", "words"),
    [
        ([{"DenseBlock": {"times": 2}}], (0,), "either growth"),
        ([{"DenseBlock": {"times": 2, "growth": 2, "layers": ["ReLU"]}}], (0,), "either growth"),
        ([{"DenseBlock": {"times": 101, "growth": 2}}], (0, "times"), "from 1 to 100"),
        ([{"DenseBlock": {"times": 1, "layers": ["Flatten"]}}], (0,), "same size except for"),
        ([{"DenseBlock": {"times": 100, "layers": [{"Repeat": {"times": 1, "layers": ["ReLU"]}}]}}],
         (0,), "at most 16,777,216"),
        (["Flatten", "SqueezeExcite"], (1,), "before Flatten"),
        ([{"DepthwiseSeparable": {}}], (0,), "needs out_channels"),
        ([{"DepthwiseSeparable": {"out_channels": 2, "kernel_size": 31, "padding": 0}}],
         (0, "depthwise", "kernel_size"), "DepthwiseSeparable › depthwise"),
        ([{"Patches": {"patch_size": 5, "dim": 8}}], (0, "patch_size"), "one of 1, 2, 4, 7, 14"),
        (["Flatten", PATCHES], (1,), "before Flatten"),
        (["ClassToken"], (0,), "put Patches"),
        (["TransformerEncoder"], (0,), "needs tokens"),
        ([PATCHES, {"TransformerEncoder": {"heads": 3}}], (1, "heads"), "one of 1, 2, 4, 8"),
        ([PATCHES, {"TransformerEncoder": {"dropout": 1}}], (1, "dropout"), "below 1"),
        ([{"Rows": {"hidden_size": 4, "cell": "lstm"}}], (0, "cell"), "one of 'LSTM'"),
        ([{"Rows": {"hidden_size": 4, "dropout": 0.5}}], (0, "dropout"), "num_layers"),
        (["Flatten", {"Rows": {"hidden_size": 4}}], (1,), "before Flatten"),
    ],
)  # fmt: skip
def test_what_is_wrong_is_said_with_its_place(layers, path, words):
    error = refusal(*layers)
    assert error.path == path
    assert words in error.message


def test_attention_between_too_many_tokens_is_refused():
    patches = {"Patches": {"patch_size": 1, "dim": 4}}
    error = refusal(patches, "TransformerEncoder", image=(1, 64, 64))
    assert "Use larger patches" in error.message
