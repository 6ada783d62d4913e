"""Receptive fields: foretold by arithmetic, and what gradients say."""

from __future__ import annotations

import pytest
import torch

from digitlab.models.build import build, summarize
from digitlab.models.spec import ModelSpec

CONV = {"Conv2d": {"out_channels": 2, "kernel_size": 3, "padding": 1}}
HALVE = {"Conv2d": {"out_channels": 2, "kernel_size": 3, "padding": 1, "stride": 2}}
POOL = {"MaxPool2d": {"kernel_size": 2}}


def named(layer, name):
    ((kind, args),) = layer.items()
    return {kind: {"name": name, **args}}


def reading(layer, *sources, **more):
    ((kind, args),) = ({layer: {}} if isinstance(layer, str) else layer).items()
    return {kind: {**more, "from": list(sources), **args}}


def fields(*layers, image=(1, 28, 28)) -> list:
    return [
        row.receptive_field
        for row in summarize(ModelSpec(name="x", input=image, layers=layers)).rows
    ]


def test_a_chain_of_windows_grows_as_the_books_say():
    assert fields(CONV, CONV, POOL, CONV, HALVE, CONV) == [
        *((3, 3), (5, 5), (6, 6), (10, 10), (14, 14), (22, 22))
    ]
    assert fields(CONV, "ReLU", "BatchNorm2d", "Dropout")[1:] == [(3, 3)] * 3
    assert fields("Flatten", {"Linear": {"out_features": 3}}) == [(1, 1), (28, 28)]


# Each ends with an image, whose middle value is asked what it sees.
AVERAGE = {"AvgPool2d": {"kernel_size": 2}}
LAYERS = [
    [CONV, AVERAGE, HALVE],
    [{"Conv2d": {"out_channels": 2, "kernel_size": [5, 3], "dilation": 2}}],
    [AVERAGE, {"ConvTranspose2d": {"out_channels": 1, "kernel_size": 4, "stride": 2}}],
    [AVERAGE, CONV, {"Upsample": {"scale_factor": 2}}, CONV],
    [CONV, {"AdaptiveAvgPool2d": {"output_size": 7}}],
    [{"Residual": {"layers": [HALVE, "Tanh", CONV]}}, CONV],
    [{"Parallel": {"branches": [[CONV, CONV], [], [AVERAGE, {"Upsample": {"size": 28}}]]}}, CONV],
    [{"Repeat": {"times": 3, "layers": [CONV]}}],
    [{"DenseBlock": {"times": 3, "growth": 2}}],
    [{"DepthwiseSeparable": {"out_channels": 2, "kernel_size": 5, "stride": 2}}, CONV],
    [{"PixelUnshuffle": {"downscale_factor": 2}}, CONV,
     {"Conv2d": {"out_channels": 4, "kernel_size": 1}}, {"PixelShuffle": {"upscale_factor": 2}}],
    [named(CONV, "a"), named(CONV, "b"), named(CONV, "c"), reading("Add", "c", "a")],
    [named(CONV, "a"), reading(POOL, "a", name="b"), named(CONV, "c"),
     {"Upsample": {"name": "d", "scale_factor": 2}}, reading("Concatenate", "d", "a"), CONV],
    [{"Conv2d": {"name": "a", "out_channels": 1, "kernel_size": 3, "padding": 1}},
     {"Reuse": {"layer": "a"}}, {"Reuse": {"layer": "a"}}],
    [{"Repeat": {"times": 2, "layers": [named(CONV, "x.a"), named(CONV, "x.b"),
                                        reading("Add", "x.a", "x.b")]}}],
    [CONV, {"Permute": {"dims": [2, 3, 1]}}, {"Linear": {"out_features": 4}}, "Tanh",
     {"Permute": {"dims": [3, 1, 2]}}, CONV],
    [{"Conv2d": {"name": "a", "out_channels": 2, "kernel_size": 3, "padding": 1}},
     {"Parameter": {"name": "p", "shape": [2, 1, 1], "init": "normal"}},
     reading("Multiply", "p", "a"), CONV],
    [{"Conv2d": {"out_channels": 16, "kernel_size": 3, "padding": 1}}, "SqueezeExcite"],
]  # fmt: skip


@pytest.mark.parametrize("layers", LAYERS)
def test_a_value_sees_what_gradients_reach(layers):
    spec = ModelSpec(name="x", layers=layers)
    network = build(spec, seed=0).double().eval()
    images = torch.rand(1, 1, 28, 28, dtype=torch.float64, requires_grad=True)
    output = network(images)
    seen = torch.zeros(2)
    for row in range(output.shape[2]):
        (gradient,) = torch.autograd.grad(output[0, :, row, row].sum(), images, retain_graph=True)
        rows, columns = gradient[0, 0].nonzero(as_tuple=True)
        if len(rows):
            extent = [rows.max() - rows.min() + 1, columns.max() - columns.min() + 1]
            seen = torch.maximum(seen, torch.tensor(extent))
    last = [row for row in summarize(spec).rows if row.depth == 0][-1]
    told = torch.tensor(last.receptive_field)
    assert (seen <= told).all()
    assert (told <= seen + 1).all()  # where an enlarged grid is not aligned


def test_patches_and_attention():
    layers = [
        {"Patches": {"patch_size": 4, "dim": 8}},
        "ClassToken",
        "TransformerEncoder",
        "FirstToken",
    ]
    assert fields(*layers) == [(4, 4), (4, 4), (28, 28), (28, 28)]
    assert fields({"Rows": {"hidden_size": 4}}) == [(28, 28)]


def test_sequences_see_all_and_a_parameter_sees_nothing():
    layers = [
        {"Parameter": {"name": "position", "shape": [28, 28]}},
        {"Reshape": {"name": "rows", "from": "input", "shape": [28, 28]}},
        {"Add": {"from": ["position", "rows"]}},
        {"LSTM": {"hidden_size": 4}},
        {"Select": {"dim": 1, "index": -1}},
    ]
    assert fields(*layers) == [None, (1, 1), (1, 1), (28, 28), (28, 28)]
    means = [{"Mean": {"dim": 1, "keepdim": True}}, {"Mean": {"dim": 2}}, {"Mean": {"dim": -1}}]
    assert fields(CONV, *means) == [(3, 3), (3, 3), (28, 3), (28, 28)]


def test_where_places_lose_their_meaning_nothing_is_said():
    assert fields("Flatten", {"Unflatten": {"dim": 1, "unflattened_size": [4, 14, 14]}}, CONV)[
        1:
    ] == [None, None]


def test_activation_memory_is_told_for_each_layer_and_in_total():
    summary = summarize(
        ModelSpec(name="x", layers=[CONV, "ReLU", {"Residual": {"layers": [CONV]}}])
    )
    assert [row.activation_bytes for row in summary.rows] == [4 * 2 * 784] * 4
    assert summary.activation_bytes == 3 * 4 * 2 * 784
