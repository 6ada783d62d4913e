"""The config of a saved Keras model is the network that the model was, by the author's names."""

from __future__ import annotations

import pytest
import torch
from torch.nn import functional as F

from digitlab.errors import SpecError
from digitlab.models.build import build, summarize
from digitlab.models.paste.keras.config import read_config
from digitlab.models.spec import ModelSpec


def layer(kind, name, reads=(), **options):
    """A layer as Keras 3 writes it; `reads` are names of layers, or a tuple of them for a join."""
    args = [_tensor(read) for read in reads]
    node = {"args": [args] if len(args) > 1 else args, "kwargs": {}}
    return {
        "module": "keras.layers",
        "class_name": kind,
        "config": {
            "name": name,
            "trainable": True,
            "dtype": {"class_name": "DTypePolicy"},
            **options,
        },
        "name": name,
        "inbound_nodes": [node] if reads else [],
    }


def _tensor(name, index=0):
    config = {"shape": [None], "dtype": "float32", "keras_history": [name, index, 0]}
    return {"class_name": "__keras_tensor__", "config": config}


def functional(layers, last, first="image"):
    config = {
        "name": "functional",
        "layers": layers,
        "input_layers": [[first, 0, 0]],
        "output_layers": [[last, 0, 0]],
    }
    return {"class_name": "Functional", "config": config}


IMAGE = layer("InputLayer", "image", batch_shape=[None, 28, 28, 1])
CONV = {"filters": 4, "kernel_size": [3, 3], "strides": [1, 1], "padding": "same",
        "dilation_rate": [1, 1], "groups": 1, "activation": "relu", "use_bias": True,
        "kernel_initializer": {"class_name": "GlorotUniform", "config": {}}}  # fmt: skip


def spec_of(config, **options):
    network = read_config(config, **options).network
    return ModelSpec(name="K", input=network.input, layers=[each for each, _ in network.layers])


def test_a_functional_config_of_keras_3_joins_by_the_authors_names():
    config = functional(
        [
            IMAGE,
            layer("Conv2D", "stem", ["image"], **CONV),
            layer("Conv2D", "block/conv", ["stem"], **CONV),
            layer("Add", "join", ["stem", "block/conv"]),
            layer("GlobalAveragePooling2D", "mean", ["join"], keepdims=False),
            layer("Dense", "scores", ["mean"], units=10, activation="softmax", use_bias=True),
        ],
        "scores",
    )
    reading = read_config(config)
    spec = spec_of(config)
    assert [each.name for each in spec.layers if each.type in ("Conv2d", "Add", "Linear")] == [
        *("stem", "block.conv", "", "scores")
    ]
    assert summarize(spec).parameters == 40 + 148 + 50
    assert {part.path: dict(part.layers) for part in reading.parts} == {
        ("stem",): {"": "stem"},
        ("block/conv",): {"": "block.conv"},
        ("scores",): {"": "scores"},
    }
    assert any("softmax at the end" in note for note in reading.notes)


def test_a_config_of_keras_2_is_read_too():
    dense = {"name": "dense", "units": 10, "activation": "linear", "use_bias": True}
    sequential = {
        "class_name": "Sequential",
        "config": {"name": "sequential", "layers": [
            {"class_name": "Flatten",
             "config": {"name": "flatten", "batch_input_shape": [None, 28, 28]}},
            {"class_name": "Dense", "config": dense},
        ]},
    }  # fmt: skip
    assert [each.type for each in spec_of(sequential).layers] == ["Flatten", "Linear"]
    entry = {"name": "a", "class_name": "InputLayer", "inbound_nodes": [],
             "config": {"name": "a", "batch_input_shape": [None, 784]}}  # fmt: skip
    old = {
        "class_name": "Model",
        "config": {
            "name": "model",
            "layers": [
                entry,
                {"name": "dense", "class_name": "Dense", "config": dense,
                 "inbound_nodes": [[["a", 0, 0, {}]]]},
            ],
            "input_layers": [["a", 0, 0]],
            "output_layers": [["dense", 0, 0]],
        },
    }  # fmt: skip
    assert summarize(spec_of(old)).parameters == 7_850


def test_models_inside_models_keep_their_names_in_front():
    code = layer("InputLayer", "code", batch_shape=[None, 5])
    wide = layer("Dense", "wide", ["code"], units=9, activation="tanh")
    inner = {
        **functional([code, wide], "wide", "code"),
        "name": "decoder",
        "inbound_nodes": [{"args": [_tensor("thin")], "kwargs": {}}],
    }
    inner["config"]["name"] = "decoder"
    outer = functional(
        [
            IMAGE,
            layer("Flatten", "flat", ["image"]),
            layer("Dense", "thin", ["flat"], units=5),
            inner,
        ],
        "decoder",
    )
    outer["config"]["output_layers"] = [["decoder", 1, 0]]  # 0 is the model's own call
    spec = spec_of(outer)
    assert [each.name for each in spec.layers if each.type == "Linear"] == ["thin", "decoder.wide"]


def test_weights_of_keras_need_its_order_of_values_and_pasted_code_does_not():
    config = functional(
        [IMAGE, layer("Conv2D", "conv", ["image"], **CONV), layer("Flatten", "flat", ["conv"]),
         layer("Dense", "scores", ["flat"], units=10, activation="linear")],
        "scores",
    )  # fmt: skip
    exact = [each.type for each in spec_of(config).layers]
    assert exact == ["Conv2d", "ReLU", "Permute", "Flatten", "Linear"]
    loose = [each.type for each in spec_of(config, exact=False).layers]
    assert loose == ["Conv2d", "ReLU", "Flatten", "Linear"]


@pytest.mark.parametrize("size", [26, 27])
@pytest.mark.parametrize("kernel", [1, 2, 3, 4, 5])
@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("kind", ["Conv2D", "MaxPooling2D", "AveragePooling2D"])
def test_same_padding_is_tensorflows(kind, kernel, stride, size):
    """⌈size/stride⌉ windows, what is missing added evenly, the odd one at the end, never counted
    in a mean."""
    options = {"filters": 2, "kernel_size": kernel} if kind == "Conv2D" else {"pool_size": kernel}
    entry = layer("InputLayer", "image", batch_shape=[None, size, size, 1])
    one = layer(kind, "one", ["image"], strides=stride, padding="same", **options)
    flat, last = layer("Flatten", "flat", ["one"]), layer("Dense", "end", ["flat"], units=3)
    spec = spec_of(functional([entry, one, flat, last], "end"), exact=False)
    network = build(spec).eval()
    flatten = [each.type for each in spec.layers].index("Flatten")
    images = torch.randn(2, 1, size, size)
    outputs = images
    for module in list(network.children())[:flatten]:
        outputs = module(outputs)
    count = -(-size // stride)
    total = max((count - 1) * stride + kernel - size, 0)
    ends = (total // 2, total - total // 2) * 2
    if kind == "Conv2D":
        conv = next(m for m in network.modules() if isinstance(m, torch.nn.Conv2d))
        wanted = F.conv2d(F.pad(images, ends), conv.weight, conv.bias, stride)
    elif kind == "MaxPooling2D":
        wanted = F.max_pool2d(F.pad(images, ends, value=-torch.inf), kernel, stride)
    else:
        counted = F.avg_pool2d(F.pad(torch.ones_like(images), ends), kernel, stride)
        wanted = F.avg_pool2d(F.pad(images, ends), kernel, stride) / counted
    assert outputs.shape[-1] == count
    torch.testing.assert_close(outputs, wanted)


@pytest.mark.parametrize(
    ("config", "words"),
    [
        (functional([IMAGE, layer("Lambda", "mine", ["image"], function="gA==")], "mine"), "mine"),
        (functional([IMAGE, layer("MyLayer", "mine", ["image"])], "mine"), "MyLayer"),
        (functional([IMAGE, layer("Dense", "wide", ["image"], units="9")], "wide"), "wide"),
        (functional([IMAGE, layer("Dense", "wide", ["gone"], units=9)], "wide"), "not there"),
        ({"class_name": "Net", "config": {}}, "class of the author's own"),
        ({"class_name": "Sequential", "config": {"layers": 3}}, "list"),
        ({"class_name": "Sequential"}, "config"),
        ({}, "config"),
    ],
)
def test_what_has_no_translation_is_refused_by_the_layers_name(config, words):
    with pytest.raises(SpecError, match=words) as caught:
        read_config(config)
    assert len(caught.value.message) < 400
