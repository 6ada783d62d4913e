"""Activations: by name, by function or as layers of their own."""

from __future__ import annotations

from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.merge import combine
from digitlab.models.paste.keras.tensor import Tensor
from digitlab.models.paste.keras.trace import Trace
from digitlab.models.paste.native import Unknown

# Keras's words, in lower case, and the layer of torch.nn that computes the same.
ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    "celu": ("CELU", {}),
    "elu": ("ELU", {}),
    "exponential": ("Exp", {}),
    "gelu": ("GELU", {}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "hard_silu": ("Hardswish", {}),
    "hard_swish": ("Hardswish", {}),
    "hard_tanh": ("Hardtanh", {}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.2}),
    "log_sigmoid": ("LogSigmoid", {}),
    "mish": ("Mish", {}),
    "relu": ("ReLU", {}),
    "relu6": ("ReLU6", {}),
    "selu": ("SELU", {}),
    "sigmoid": ("Sigmoid", {}),
    "silu": ("SiLU", {}),
    "softplus": ("Softplus", {}),
    "softsign": ("Softsign", {}),
    "swish": ("SiLU", {}),
    "tanh": ("Tanh", {}),
    "tanh_shrink": ("Tanhshrink", {}),
}


def activate(x: Tensor, value: Any, trace: Trace) -> Tensor:
    """`x` through an activation given by name, by function of the text or library, or as a layer.

    In a config it may be a dict of the class and its options.
    """
    if isinstance(value, dict) and "class_name" in value:
        value = value.get("config") if value["class_name"] == "function" else value["class_name"]
    if value is None or value == "linear":
        return x
    if isinstance(value, Unknown):
        value.refuse()
    if isinstance(value, str):
        return named(x, value, trace)
    if isinstance(value, KerasLayer):
        return value(x)
    trace.run.line = trace.line or trace.run.line
    result = trace.run.call(value, [x], {})
    if not isinstance(result, Tensor):
        trace.refuse(f"uses the activation {shown(value)}, which does not give a tensor")
    return result


def named(x: Tensor, word: str, trace: Trace) -> Tensor:
    """`x` through the activation that Keras calls `word`."""
    if word in ("softmax", "log_softmax"):
        return softmax(x, word)
    if word.lower() not in ACTIVATIONS:
        trace.refuse(f"uses the activation {shown(word)}, which has no translation to PyTorch")
    type, args = ACTIVATIONS[word.lower()]
    return x.apply(type, **args)


def softmax(x: Tensor, word: str = "softmax", axis: Any = -1) -> Tensor:
    """Softmax over an axis, which may be left out of the layout where it has one value."""
    number = x.axis(axis)
    if number not in x.layout:
        x = x.natural
    return x.apply("Softmax" if word == "softmax" else "LogSoftmax", dim=x.dim(number))


def _relu(layer: KerasLayer, value: Any) -> Tensor:
    x = layer.need(value, (), "")
    most, slope, threshold = layer["max_value"], layer["negative_slope"], layer["threshold"]
    if (bool(slope) + bool(threshold) + (most is not None)) > 1:
        layer.refuse("combines max_value, negative_slope and threshold; PyTorch has one of them")
    if most == 6:
        return x.apply("ReLU6")
    if most is not None:
        return x.apply("Clamp", min=0, max=layer.number("max_value"))
    if threshold:
        return x.apply("Threshold", threshold=layer.number("threshold"), value=0)
    return x.apply("LeakyReLU", negative_slope=slope) if slope else x.apply("ReLU")


def _prelu(layer: KerasLayer, value: Any) -> Tensor:
    """One learnt slope for each value, or each channel where `shared_axes` are the others."""
    x = layer.need(value, (), "")
    shared = layer["shared_axes"] or ()
    shared = {x.axis(a) for a in (shared if isinstance(shared, list | tuple) else (shared,))}
    own = [axis for axis in range(x.rank) if axis not in shared]
    if len(own) <= 1:
        rest = [axis for axis in range(x.rank) if axis not in own]
        x = x.arranged((*own, *rest)) if own else x
        args = {"init": 0.0}
        if own and x.shape[own[0]] != 1:
            args = {"num_parameters": x.shape[own[0]], **args}
        return x.with_node(layer.weights("PReLU", args, x), x.shape, x.layout)
    sizes = tuple(1 if a is None or a in shared else x.shape[a] for a in x.layout)
    slopes = layer.parameter((1, *sizes), "alpha", {"init": "zeros"})
    below = x.apply("Scale", factor=-1).apply("ReLU")
    scaled = below.with_node(
        layer.trace.add("Multiply", {}, below.node, slopes.node), x.shape, x.layout
    )
    return combine("Subtract", [x.apply("ReLU"), scaled])


def _plain(type: str, **options: str) -> Any:
    """A layer of torch.nn whose arguments are Keras's under other names."""

    def run(layer: KerasLayer, value: Any) -> Tensor:
        args = {name: layer.number(option) for name, option in options.items()}
        return layer.need(value, (), "").apply(type, **args)

    return run


def _run_activation(layer: KerasLayer, value: Any) -> Tensor:
    return activate(layer.need(value, (), ""), layer["activation"], layer.trace)


def _run_softmax(layer: KerasLayer, value: Any) -> Tensor:
    return softmax(layer.need(value, (), ""), axis=layer["axis"])


KINDS = (
    Kind("Activation", "activation", _run_activation),
    Kind("ReLU", "max_value=None negative_slope=0.0 threshold=0.0", _relu),
    Kind("LeakyReLU", "negative_slope=0.3", _plain("LeakyReLU", negative_slope="negative_slope")),
    Kind("ELU", "alpha=1.0", _plain("ELU", alpha="alpha")),
    Kind("PReLU", "alpha_initializer='zeros' alpha_regularizer=None alpha_constraint=None "
                  "shared_axes=None", _prelu),
    Kind("ThresholdedReLU", "theta=1.0",
         lambda layer, value: layer.need(value, (), "").apply(
             "Threshold", threshold=layer.number("theta"), value=0)),
    Kind("Softmax", "axis=-1", _run_softmax),
)  # fmt: skip
