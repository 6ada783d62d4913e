"""Layers: which classes of torch.nn are there, what they take, what they say when wrong."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.layers import layer_signature, list_layers
from digitlab.models.spec import ModelSpec


def chain(*layers, image=(1, 28, 28)) -> ModelSpec:
    return ModelSpec(name="x", input=image, layers=layers)


def refusal(*layers, image=(1, 28, 28)) -> SpecError:
    with pytest.raises(SpecError) as caught:
        build(chain(*layers, image=image))
    return caught.value


def test_layers_are_those_that_turn_one_tensor_into_one():
    layers = set(list_layers())
    assert {"Conv2d", "Linear", "BatchNorm2d", "GELU", "Upsample", "PixelShuffle"} <= layers
    absent = {"LSTM", "CrossEntropyLoss", "Sequential", "Bilinear", "MaxUnpool2d", "Embedding"}
    absent |= {"LazyConv2d", "Module", "MultiheadAttention", "Transformer", "SyncBatchNorm"}
    assert not absent & layers
    assert len(layers) > 90


@pytest.mark.parametrize("name", list_layers())
def test_every_layer_describes_its_arguments_for_a_form(name):
    signature = layer_signature(name)
    assert signature.name == name
    assert signature.kind
    assert signature.about
    for argument in signature.arguments:
        assert argument.name not in ("device", "dtype", "return_indices")
        assert argument.accepts
        assert "typing" not in argument.accepts
        assert "<" not in argument.accepts


# The smallest arguments and an input that each layer takes; the others take an image as they are.
NEEDS = {
    "AdaptiveAvgPool": {"output_size": 2},
    "AdaptiveMaxPool": {"output_size": 2},
    "AvgPool": {"kernel_size": 2},
    "ChannelShuffle": {"groups": 2},
    "CircularPad": {"padding": 1},
    "ConstantPad": {"padding": 1, "value": 0.5},
    "Conv": {"out_channels": 4, "kernel_size": 3},
    "FractionalMaxPool": {"kernel_size": 2, "output_ratio": 0.5},
    "Fold": {"output_size": [5, 5], "kernel_size": 2},
    "GroupNorm": {"num_groups": 2},
    "LPPool": {"norm_type": 2, "kernel_size": 2},
    "Linear": {"out_features": 3},
    "LocalResponseNorm": {"size": 3},
    "MaxPool": {"kernel_size": 2},
    "PixelShuffle": {"upscale_factor": 2},
    "PixelUnshuffle": {"downscale_factor": 2},
    "ReflectionPad": {"padding": 1},
    "ReplicationPad": {"padding": 1},
    "Threshold": {"threshold": 0.1, "value": 0},
    "Unflatten": {"dim": 1, "unflattened_size": [2, -1]},
    "Unfold": {"kernel_size": 2},
    "Upsampl": {"scale_factor": 2},
    "ZeroPad": {"padding": 1},
}


@pytest.mark.parametrize("name", list_layers())
def test_every_layer_learns_from_the_shape_that_arrives(name):
    """In a network, each gives the shape foretold and lets gradients through to the input."""
    args = next((args for start, args in NEEDS.items() if name.startswith(start)), {})
    spaced = {"Unflatten": [4, 16, 16]}
    if name[-1] == "d" and name[-2] in "13" and not name.startswith("BatchNorm1"):
        spaced[name] = [4, 256] if name[-2] == "1" else [4, 4, 8, 8]
    spaced |= {"Fold": [4, 16], "BatchNorm1d": [4, 64]}
    shape = spaced.get(name, [4, 16, 16])
    before = {"Unflatten": {"dim": 1, "unflattened_size": shape}}
    size = 1
    for side in shape:
        size *= side
    spec = chain("Flatten", before, {name: args}, image=(1, 1, size))
    network = build(spec, seed=0)
    images = torch.rand(3, 1, 1, size, requires_grad=True)
    output = network(images)
    assert tuple(output.shape[1:]) == summarize(spec).output_shape
    output.sum().backward()
    assert images.grad is not None


def test_input_sizes_follow_from_the_shape_or_are_compared_with_it():
    convolution = {"out_channels": 4, "kernel_size": 3}
    inferred = build(chain({"Conv2d": convolution}, "Flatten", {"Linear": {"out_features": 2}}))
    assert inferred[0].in_channels == 1
    assert inferred[2].in_features == 4 * 26 * 26
    given = build(chain({"Conv2d": {**convolution, "in_channels": 1}}))
    assert given[0].in_channels == 1
    error = refusal({"Conv2d": {**convolution, "in_channels": 3}})
    assert "given in_channels 3, but 1×28×28 reaches it" in error.message
    assert error.shape == (1, 28, 28)
    assert error.path == (0, "in_channels")
    assert "normalized_shape" in refusal({"LayerNorm": {"normalized_shape": [3]}}).message
    assert build(chain({"LayerNorm": {"normalized_shape": 28}}))[0].normalized_shape == (28,)
    assert build(chain("LayerNorm"))[0].normalized_shape == (1, 28, 28)


def test_a_linear_that_expects_flat_input_is_told_to_insert_flatten():
    error = refusal(
        {"Conv2d": {"out_channels": 8, "kernel_size": 3}},
        {"Linear": {"in_features": 8 * 26 * 26, "out_features": 10}},
    )
    assert error.layer == "layer 2, Linear"
    assert error.shape == (8, 26, 26)
    assert "insert Flatten before it" in error.message


@pytest.mark.parametrize(
    ("layers", "words"),
    [
        (["Conv2D"], "did you mean Conv2d"),
        (["Dense"], "did you mean Linear"),
        (["Residul"], "did you mean Residual"),
        ([{"LSTM": {"hidden_size": 8}}], r"use Rows: \{cell: LSTM"),
        ([{"MultiheadAttention": {"num_heads": 2}}], "use Patches or put Reshape before it"),
        (["Transformer"], "use TransformerEncoder"),
        (["Bilinear"], "map one tensor to one tensor"),
        (["Zork"], "such as Conv2d"),
        ([{"Conv2d": {"kernel_size": 3}}], "needs out_channels, a whole number"),
        ([{"Conv2d": {"out_channel": 3}}], "did you mean out_channels"),
        ([{"ReLU": {"device": "cuda"}}], "has no argument 'device'"),
        ([{"Sigmoid": {"x": 1}}], "takes none"),
        ([{"Linear": {"out_features": 3.0}}], "a whole number; not 3.0"),
        ([{"Linear": {"out_features": True}}], "a whole number; not True"),
        ([{"Linear": {"out_features": 0}}], "at least 1"),
        ([{"Linear": {"out_features": -5}}], "at least 1"),
        ([{"Linear": {"out_features": 10**12}}], "at most 1,048,576"),
        ([{"Linear": {"out_features": 3, "bias": "no"}}], "true or false"),
        ([{"MaxPool2d": {"kernel_size": 2, "stride": 0}}], "at least 1"),
        ([{"MaxPool2d": {"kernel_size": 2, "return_indices": True}}], "has no argument"),
        ([{"MaxPool2d": {"kernel_size": 29}}], "window of 29×29, larger than the 28×28"),
        ([{"GELU": {"approximate": "exact"}}], "one of 'none', 'tanh'"),
        ([{"GroupNorm": {"num_groups": 2}}], "divides 1"),
        ([{"Dropout": {"p": 2}}], "between 0 and 1"),
        ([{"Upsample": {"scale_factor": 1000}}], "at most 16,777,216"),
        ([{"ConstantPad2d": {"padding": -14, "value": 0}}], "leaves nothing|cannot take"),
        (["Flatten", {"Conv2d": {"out_channels": 3, "kernel_size": 3}}], "put it before Flatten"),
        (["Flatten", "Dropout2d"], "use Dropout "),
        (["BatchNorm1d"], "use BatchNorm2d"),
        ([{"Conv1d": {"out_channels": 3, "kernel_size": 3}}], "use Conv2d"),
        ([{"Flatten": {"start_dim": 0}}], "images of a batch"),
        ([{"Softmax": {"dim": -4}}], "images of a batch"),
        ([{"Softmax": {"dim": 9}}], "from 1 to 3"),
        ([{"PixelShuffle": {"upscale_factor": 2**32}}], "at most"),
    ],
)
def test_what_is_wrong_is_said_with_what_would_mend_it(layers, words):
    error = refusal(*layers)
    assert error.message.startswith(f"Layer {len(layers)}, ")
    with pytest.raises(SpecError, match=words):
        raise error


def test_an_in_place_layer_does_not_spoil_a_gradient_or_a_shortcut():
    fast = {"ReLU": {"inplace": True}}
    network = build(chain("Sigmoid", fast, {"Residual": {"layers": [fast, fast]}}))
    images = -torch.rand(2, 1, 28, 28)
    images.requires_grad_()
    network(images).sum().backward()
    plain = nn.Sequential(nn.Sigmoid(), nn.ReLU())(images)
    assert torch.equal(network(images), 2 * plain)


def test_softmax_works_over_classes_when_no_dimension_is_given():
    network = build(chain("Flatten", "Softmax"))
    assert torch.allclose(network(torch.rand(3, 1, 28, 28)).sum(1), torch.ones(3))
