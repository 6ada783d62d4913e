"""Layers with names and sources: what they read, what they are called, what they give."""

from __future__ import annotations

import copy

import pytest
import torch

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.spec import ModelSpec

TWO_WAYS = """
name: Two ways
layers:
  - Conv2d: {name: stem.conv, out_channels: 8, kernel_size: 3, padding: 1}
  - ReLU: {name: a}
  - Conv2d: {name: b, out_channels: 8, kernel_size: 3, padding: 1}
  - Add: {from: [b, a]}
  - Mean: {dim: [2, 3]}
  - Linear: {name: fc, out_features: 10}
"""


def spec_of(*layers, **fields):
    return ModelSpec(name="x", layers=layers, **fields)


def error_of(*layers):
    with pytest.raises(SpecError) as caught:
        summarize(spec_of(*layers))
    return caught.value


def test_a_join_gives_what_pytorch_gives_and_weights_have_the_layers_names():
    network = build(ModelSpec.from_yaml(TWO_WAYS), seed=0).eval()
    assert list(network.state_dict()) == [
        "stem.conv.weight",
        "stem.conv.bias",
        "b.weight",
        "b.bias",
        "fc.weight",
        "fc.bias",
    ]
    images = torch.rand(3, 1, 28, 28)
    a = network.stem.conv(images).relu()
    expected = network.fc((network.b(a) + a).mean((2, 3)))
    assert torch.equal(network(images), expected)
    assert torch.equal(copy.deepcopy(network)(images), expected)


def test_rows_tell_what_each_layer_reads():
    rows = {row.key: row for row in summarize(ModelSpec.from_yaml(TWO_WAYS)).rows}
    assert rows["stem.conv"].sources == ("",)
    assert rows["b"].sources == ("a",)
    assert rows["3"].sources == ("b", "a")
    assert rows["3"].input_shapes == ((8, 28, 28), (8, 28, 28))
    assert rows["fc"].name == "fc"


def test_text_keeps_names_and_sources():
    spec = ModelSpec.from_yaml(TWO_WAYS)
    assert ModelSpec.from_yaml(spec.to_yaml()) == spec
    assert ModelSpec.from_json(spec.to_json()) == spec
    assert "  - Add: {from: [b, a]}\n" in spec.to_yaml()


def test_names_do_not_change_the_fingerprint_but_what_is_read_does():
    spec = ModelSpec.from_yaml(TWO_WAYS)
    renamed = ModelSpec.from_yaml(
        TWO_WAYS.replace("stem.conv", "first")
        .replace("[b, a]", "[c, a]")
        .replace("name: b", "name: c")
    )
    assert renamed.fingerprint == spec.fingerprint
    rewired = ModelSpec.from_yaml(TWO_WAYS.replace("[b, a]", "[b, stem.conv]"))
    assert rewired.fingerprint != spec.fingerprint
    plain = spec_of("Flatten", {"Linear": {"out_features": 10}})
    named = spec_of({"Flatten": {"name": "f"}}, {"Linear": {"from": "f", "out_features": 10}})
    assert named.fingerprint == plain.fingerprint


def test_reuse_shares_the_weights():
    spec = spec_of(
        {"Conv2d": {"name": "conv", "out_channels": 4, "kernel_size": 3, "padding": 1}},
        {"Conv2d": {"name": "again", "out_channels": 4, "kernel_size": 3, "padding": 1}},
        {"Reuse": {"layer": "again"}},
    )
    summary = summarize(spec)
    assert summary.parameters == 40 + 148
    assert [row.operations for row in summary.rows][1:] == [144 * 28 * 28] * 2
    network = build(spec, seed=0)
    images = torch.rand(2, 1, 28, 28)
    assert torch.equal(network(images), network.again(network.again(network.conv(images))))
    error = error_of(
        {"Conv2d": {"name": "conv", "out_channels": 4, "kernel_size": 3}},
        {"Reuse": {"layer": "conv"}},
    )
    assert error.layer == "layer 2, Reuse"
    assert "cannot take 4×26×26" in error.message


def test_parameters_are_broadcast_and_repeated_for_each_image():
    spec = spec_of(
        {"Flatten": {"name": "rows", "start_dim": 1, "end_dim": 2}},
        {"Parameter": {"name": "token", "shape": [1, 1, 28], "init": "normal"}},
        {"Concatenate": {"name": "tokens", "from": ["token", "rows"]}},
        {"Parameter": {"name": "block.position", "shape": [29, 28], "init": "normal", "std": 0.02}},
        {"Add": {"from": ["tokens", "block.position"]}},
        {"Select": {"dim": 1, "index": 0}},
    )
    network = build(spec, seed=0)
    assert {k: v.shape for k, v in network.state_dict().items()} == {
        "token": (1, 1, 28),
        "block.position": (29, 28),
    }
    output = network(torch.rand(3, 1, 28, 28))
    expected = network.token[0, 0] + network.block.position[0]
    assert torch.allclose(output, expected.expand(3, 28))


@pytest.mark.parametrize(
    ("layer", "function"),
    [
        ({"Max": {"dim": [2, 3], "keepdim": True}}, lambda x: x.amax((2, 3), keepdim=True)),
        ({"Std": {"dim": 1, "unbiased": False}}, lambda x: x.std(1, unbiased=False)),
        ({"Norm": {"dim": 1}}, lambda x: x.norm(dim=1)),
        ({"Normalize": {"dim": 2}}, lambda x: torch.nn.functional.normalize(x, dim=2)),
        ({"Slice": {"dim": -1, "start": 1, "step": 2}}, lambda x: x[..., 1::2]),
        ({"Reshape": {"shape": [-1, 4]}}, lambda x: x.reshape(len(x), -1, 4)),
        ({"Permute": {"dims": [2, 3, 1]}}, lambda x: x.permute(0, 2, 3, 1)),
        (
            {"Pad": {"padding": [1, 2], "value": 3.0}},
            lambda x: torch.nn.functional.pad(x, (1, 2), value=3.0),
        ),
        ({"Scale": {"factor": -1.0, "offset": 1.0}}, lambda x: 1 - x),
        ({"Power": {"exponent": 2.0}}, lambda x: x**2),
        ({"Tile": {"repeats": [1, 2, 1]}}, lambda x: x.repeat(1, 1, 2, 1)),
        ({"Roll": {"shifts": 1, "dims": 2}}, lambda x: x.roll(1, 2)),
        ({"Clamp": {"max": 0.5}}, lambda x: x.clamp(max=0.5)),
        ({"Einsum": {"equation": "bchw->bwc"}}, lambda x: x.sum(2).transpose(1, 2)),
    ],
)
def test_operations_are_those_of_pytorch(layer, function):
    network = build(spec_of(layer, input=(2, 4, 4)))
    images = torch.rand(3, 2, 4, 4)
    assert torch.allclose(network(images), function(images))


def test_recurrent_layers_and_attention_are_those_of_pytorch():
    spec = spec_of(
        {"Reshape": {"shape": [28, 28]}},
        {"LSTM": {"name": "rnn", "hidden_size": 12, "num_layers": 2, "bidirectional": True}},
        {"MultiheadAttention": {"name": "attention", "num_heads": 4}},
        {"TransformerEncoderLayer": {"name": "encoder", "nhead": 2, "dim_feedforward": 16}},
        {"GRU": {"name": "last", "hidden_size": 5, "output": "hidden"}},
    )
    network = build(spec, seed=0).eval()
    rows = torch.rand(2, 28, 28)
    states, _ = torch.nn.LSTM.forward(network.rnn, rows)
    attended = torch.nn.MultiheadAttention.forward(network.attention, states, states, states)[0]
    encoded = torch.nn.TransformerEncoderLayer.forward(network.encoder, attended)
    _, hidden = torch.nn.GRU.forward(network.last, encoded)
    assert torch.allclose(network(rows[:, None]), hidden.transpose(0, 1), atol=1e-6)
    assert "rnn.weight_ih_l1_reverse" in network.state_dict()


def test_reparameterize_draws_in_training_and_keeps_the_divergence():
    spec = spec_of(
        "Flatten",
        {"Linear": {"name": "mean", "from": "flat", "out_features": 2}},
        {"Linear": {"name": "log_variance", "from": "flat", "out_features": 2}},
        {"Reparameterize": {"name": "latent", "from": ["mean", "log_variance"]}},
    )
    spec = spec.with_layers([spec.layers[0].named("flat"), *spec.layers[1:]])
    network = build(spec, seed=0)
    images = torch.rand(3, 1, 28, 28)
    assert not torch.equal(network(images), network(images))
    mean, log_variance = network.mean(images.flatten(1)), network.log_variance(images.flatten(1))
    assert torch.equal(network.eval()(images), mean)
    normal = torch.distributions.Normal(mean, (0.5 * log_variance).exp())
    divergence = torch.distributions.kl_divergence(normal, torch.distributions.Normal(0, 1)).sum(1)
    assert torch.allclose(network.latent.divergence, divergence, atol=1e-5)


def test_a_spatial_transformer_looks_the_image_up_at_its_grid():
    spec = spec_of(
        {"Flatten": {"name": "flat"}},
        {"Linear": {"name": "theta", "out_features": 6}},
        {"Reshape": {"shape": [2, 3]}},
        {"AffineGrid": {"name": "grid", "size": [28, 28]}},
        {"GridSample": {"from": ["input", "grid"]}},
    )
    network = build(spec, seed=0)
    images = torch.rand(3, 1, 28, 28)
    theta = network.theta(images.flatten(1)).view(-1, 2, 3)
    grid = torch.nn.functional.affine_grid(theta, images.shape, align_corners=False)
    expected = torch.nn.functional.grid_sample(images, grid, align_corners=False)
    assert torch.allclose(network(images), expected)


@pytest.mark.parametrize(
    ("layers", "layer", "words"),
    [
        (
            [{"ReLU": {"from": "nobody"}}],
            "layer 1, ReLU",
            "reads nobody, which is no earlier layer",
        ),
        (
            [{"ReLU": {"from": "b"}}, {"ReLU": {"name": "b"}}],
            "layer 1, ReLU",
            "reads b, which is no earlier layer",
        ),
        ([{"ReLU": {"name": "a"}}] * 2, "layer 2, ReLU (a)", "is called a like an earlier layer"),
        (
            [{"ReLU": {"name": "a"}}, {"ReLU": {"name": "a.b"}}],
            "layer 2, ReLU (a.b)",
            "cannot also be the front",
        ),
        (["ReLU", {"Tanh": {"from": "input"}}], "layer 1, ReLU", "gives its output to no layer"),
        (["Add"], "layer 1, Add", "reads 1"),
        (
            [{"ReLU": {"name": "a"}}, {"ReLU": {"from": ["a", "input"]}}],
            "layer 2, ReLU",
            "reads one",
        ),
        (
            [{"Linear": {"name": "forward", "out_features": 2}}],
            "layer 1",
            "cannot be called forward",
        ),
        (
            [{"Parameter": {"shape": [3]}}, "Flatten"],
            "layer 2, Flatten",
            "is the same for every image",
        ),
        ([{"Parameter": {"shape": [3]}}], "layer 1, Parameter", "gives the same for every image"),
        ([{"Mean": {"dim": 0}}], "layer 1, Mean", "0 is the images of a batch"),
        ([{"Std": {"dim": 1}}], "layer 1, Std", "spread of single values"),
        ([{"Reshape": {"shape": [3, 5]}}], "layer 1, Reshape", "cannot take 1×28×28"),
        (
            [{"Einsum": {"equation": "bchw->cbhw"}}],
            "layer 1, Einsum",
            "mixes the images of a batch",
        ),
        (
            [
                {"Conv2d": {"name": "a", "out_channels": 2, "kernel_size": 3}},
                {"Add": {"from": ["a", "input"]}},
            ],
            "layer 2, Add",
            "cannot take 2×26×26 and 1×28×28",
        ),
    ],
)
def test_what_does_not_fit_is_refused_at_its_layer(layers, layer, words):
    error = error_of(*layers)
    assert error.layer.startswith(layer)
    assert words in error.message


@pytest.mark.parametrize("name", ["input", "a b", "1.", ".a", "é", "a" * 61, 3])
def test_a_name_is_refused_with_its_line(name):
    with pytest.raises(SpecError, match="name is made of letters") as caught:
        ModelSpec(name="x", layers=["ReLU", {"ReLU": {"name": name}}])
    assert caught.value.path == (1, "name")


def test_a_graph_inside_a_block_has_names_of_its_own():
    inner = [
        {"Conv2d": {"name": "a", "out_channels": 1, "kernel_size": 3, "padding": 1}},
        {"Multiply": {"from": ["a", "input"]}},
    ]
    spec = spec_of({"Residual": {"layers": inner}}, {"ReLU": {"name": "a"}})
    network = build(spec, seed=0)
    images = torch.rand(2, 1, 28, 28)
    convolution = network.get_submodule("0.layers.a")
    assert torch.equal(network(images), (convolution(images) * images + images).relu())
