"""Keras's calls as layers: `Conv2D(32, 3, activation="relu")` → Conv2d and ReLU.

Keras writes images as height, width, channels; a spec, as PyTorch, as channels, height, width. A
softmax at the very end is left out: in Keras the loss takes probabilities, here it takes scores
and applies softmax itself.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from digitlab.models.layer import Layer, shown
from digitlab.models.paste.source import Call, refuse

_INITS = {"he": "kaiming", "glorot": "xavier", "orthogonal": "orthogonal"}
_IGNORED = {"name", "dtype", "trainable", "data_format", "bias_initializer", "seed", "unroll"}
_INPUT = ("input_shape", "batch_input_shape", "input_dim")
_SAME_NAME = ("ReLU", "ReLU6", "Sigmoid", "Tanh", "Softplus", "Softsign", "ELU", "SELU", "GELU")
_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name.lower(): (name, {}) for name in (*_SAME_NAME, "SiLU", "Mish")},
    "swish": ("SiLU", {}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "softmax": ("Softmax", {"dim": 1}),
    "log_softmax": ("LogSoftmax", {"dim": 1}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.2}),
}

Options = Mapping[str, Any]


@dataclass
class Translation:
    """What is translated so far: layers with their lines, the input [H, W, C] and the init."""

    layers: list[tuple[Layer, int]] = field(default_factory=list)
    input: tuple[int, ...] | None = None
    init: str = "default"
    flat: bool = False
    line: int = 0

    def add(self, name: str, args: Options | None = None) -> None:
        """Append a layer."""
        self.layers.append((Layer(name, args or {}), self.line))

    def set_input(self, shape: Any) -> None:
        """The input is [H, W, C], [H, W] or [features], perhaps with a batch of None before it."""
        shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
        shape = shape[1:] if len(shape) > 1 and shape[0] is None else shape
        if not 1 <= len(shape) <= 3 or not all(type(n) is int and n > 0 for n in shape):
            refuse(
                self.line, f"has the input shape {shown(shape)}; it must be 1 to 3 whole numbers"
            )
        if not self.layers:
            self.input = shape

    def activate(self, activation: Any) -> None:
        """Append an activation, given by name, class or function."""
        if activation is None or activation == "linear":
            return
        if isinstance(activation, Call) and activation.name in LAYERS:
            names, translate = LAYERS[activation.name]
            positional = dict(zip(names.split(), activation.args, strict=False))
            translate({**positional, **activation.kwargs}, self)
            return
        name = activation.name if isinstance(activation, Call) else activation
        if not isinstance(name, str) or name not in _ACTIVATIONS:
            refuse(
                self.line, f"uses the activation {shown(name)}, which has no translation to PyTorch"
            )
        self.add(*_ACTIVATIONS[name])


def read_keras(calls: list[Call]) -> Translation:
    """The layers of a Keras Sequential. Raises SpecError, with the line, for other calls."""
    model = Translation()
    for call in calls:
        if not isinstance(call, Call):
            refuse(model.line or 1, f"has {shown(call)} among the layers; it is not a layer")
        _translate(call, model)
    if model.layers and model.layers[-1][0].type == "Softmax":
        model.layers.pop()
    return model


def _translate(call: Call, model: Translation) -> None:
    model.line = call.line
    if call.name not in LAYERS:
        near = difflib.get_close_matches(call.name, LAYERS, 2, 0.7)
        hint = f"did you mean {' or '.join(near)}" if near else "leave it out or replace it"
        refuse(call.line, f"uses {call.name}, which has no translation to PyTorch; {hint}")
    names, translate = LAYERS[call.name]
    names = names.split()
    if len(call.args) > len(names):
        refuse(
            call.line, f"passes {len(call.args)} arguments to {call.name}; it takes {len(names)}"
        )
    options = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    for name in _INPUT:
        if name in options:
            shape = options.pop(name)
            if name == "batch_input_shape" and isinstance(shape, list | tuple):
                shape = shape[1:]
            model.set_input((shape,) if name == "input_dim" else shape)
    for name, value in list(options.items()):
        if name in _IGNORED:
            del options[name]
        elif name == "kernel_initializer" and name not in names:
            model.init = _init(options.pop(name), model)
        elif name not in names:
            refuse(
                call.line,
                f"passes {name}={shown(value)} to {call.name}, which has no translation to PyTorch",
            )
    translate(options, model)


def _init(initializer: Any, model: Translation) -> str:
    name = str(initializer.name if isinstance(initializer, Call) else initializer).lower()
    for word, init in _INITS.items():
        if name.startswith(word):
            return init
    refuse(model.line, f"uses the initializer {shown(name)}, which has no translation to PyTorch")


# ---- layers: one function each, which appends what it becomes ------------------------------------


def _dense(options: Options, model: Translation) -> None:
    if not model.layers and len(model.input or (0,)) == 1:
        model.add("Flatten")  # Keras takes vectors here, a spec takes images
    args = {"out_features": _need(options, "units", model)}
    model.add("Linear", _with_bias(options, args))
    model.flat = True
    model.activate(options.get("activation"))


def _conv(options: Options, model: Translation) -> None:
    args = {
        "out_channels": _need(options, "filters", model),
        "kernel_size": _need(options, "kernel_size", model),
    }
    _set(args, "stride", options.get("strides", 1), 1)
    _set(args, "dilation", options.get("dilation_rate", 1), 1)
    _set(args, "groups", options.get("groups", 1), 1)
    if _is_same(options, model):
        unit_stride = args.get("stride", 1) in (1, (1, 1))
        args["padding"] = "same" if unit_stride else _around(args["kernel_size"], model)
    model.add("Conv2d", _with_bias(options, args))
    model.activate(options.get("activation"))


def _separable(options: Options, model: Translation) -> None:
    kernel = _need(options, "kernel_size", model)
    args = {"out_channels": _need(options, "filters", model), "kernel_size": kernel}
    _set(args, "stride", options.get("strides", 1), 1)
    args["padding"] = _around(kernel, model) if _is_same(options, model) else 0
    model.add("DepthwiseSeparable", _with_bias(options, args))
    model.activate(options.get("activation"))


def _transposed(options: Options, model: Translation) -> None:
    kernel, stride = _need(options, "kernel_size", model), options.get("strides", 1)
    args = {"out_channels": _need(options, "filters", model), "kernel_size": kernel}
    _set(args, "stride", stride, 1)
    if _is_same(options, model):
        if not isinstance(kernel, int) or not isinstance(stride, int) or kernel < stride:
            refuse(
                model.line, "uses padding='same' in a Conv2DTranspose that PyTorch cannot pad alike"
            )
        args["padding"] = (kernel - stride + 1) // 2
        _set(args, "output_padding", (kernel - stride) % 2, 0)
    model.add("ConvTranspose2d", _with_bias(options, args))
    model.activate(options.get("activation"))


def _pool(name: str) -> Callable[[Options, Translation], None]:
    def translate(options: Options, model: Translation) -> None:
        kernel = options.get("pool_size", 2)
        stride = options.get("strides")
        args = {"kernel_size": kernel}
        _set(args, "stride", kernel if stride is None else stride, kernel)
        if _is_same(options, model):
            if "stride" not in args:
                args["ceil_mode"] = True  # the last window may reach over the border
            else:
                args["padding"] = _around(kernel, model)
                if name == "AvgPool2d":
                    args["count_include_pad"] = False
        model.add(name, args)

    return translate


def _global_pool(name: str) -> Callable[[Options, Translation], None]:
    def translate(options: Options, model: Translation) -> None:
        model.add(name, {"output_size": 1})
        if not options.get("keepdims"):
            model.add("Flatten")
            model.flat = True

    return translate


def _flatten(options: Options, model: Translation) -> None:
    model.add("Flatten")
    model.flat = True


def _dropout(name: str) -> Callable[[Options, Translation], None]:
    return lambda options, model: model.add(name, {"p": _need(options, "rate", model)})


def _batch_norm(options: Options, model: Translation) -> None:
    args = {"eps": options.get("epsilon", 1e-3)}
    if "momentum" in options:
        _need(options, "momentum", model)
    args["momentum"] = round(1 - options.get("momentum", 0.99), 6)
    model.add("BatchNorm1d" if model.flat else "BatchNorm2d", args)


def _layer_norm(options: Options, model: Translation) -> None:
    if not model.flat:
        refuse(
            model.line, "normalises the channels of an image, which has no translation to PyTorch"
        )
    model.add("LayerNorm", {"eps": options.get("epsilon", 1e-3)})


def _leaky(options: Options, model: Translation) -> None:
    slope = options.get("negative_slope", options.get("alpha", 0.3))
    model.add("LeakyReLU", {"negative_slope": slope})


def _relu(options: Options, model: Translation) -> None:
    if options.get("max_value") not in (None, 6):
        refuse(model.line, "uses a ReLU with a max_value other than 6, which PyTorch does not have")
    model.add("ReLU6" if options.get("max_value") else "ReLU")


def _pad(options: Options, model: Translation) -> None:
    padding = options.get("padding", 1)
    if isinstance(padding, tuple):
        sides = [side if isinstance(side, tuple) else (side, side) for side in padding]
        if len(sides) != 2:
            refuse(model.line, "pads by something other than one or two numbers")
        padding = (*sides[1], *sides[0])  # PyTorch: left, right, top, bottom
    model.add("ZeroPad2d", {"padding": padding})


def _reshape(options: Options, model: Translation) -> None:
    shape = options.get("target_shape")
    if not isinstance(shape, tuple | list) or not all(type(n) is int and n > 0 for n in shape):
        refuse(model.line, "reshapes to something other than whole numbers")
    if not model.layers:
        model.input = tuple(shape)
        return
    if not model.flat:
        model.add("Flatten")
    model.flat = len(shape) == 1
    if len(shape) == 3:
        shape = (shape[2], *shape[:2])
    if len(shape) > 1:
        model.add("Unflatten", {"dim": 1, "unflattened_size": tuple(shape)})


def _upsample(options: Options, model: Translation) -> None:
    model.add("Upsample", {"scale_factor": options.get("size", 2)})


def _recurrent(cell: str) -> Callable[[Options, Translation], None]:
    def translate(options: Options, model: Translation) -> None:
        if options.get("activation", "tanh") != "tanh":
            refuse(
                model.line,
                f"uses an activation other than tanh in {cell}, which PyTorch does not have",
            )
        args = {"cell": cell, "hidden_size": _need(options, "units", model)}
        if options.get("return_sequences"):
            args["output"] = "sequence"
        model.add("Rows", args)
        model.flat = "output" not in args

    return translate


def _input(options: Options, model: Translation) -> None:
    if options.get("shape") is not None:
        model.set_input(options["shape"])


def _need(options: Options, name: str, model: Translation) -> Any:
    if name not in options:
        refuse(model.line, f"leaves out {name}, which is required")
    value = options[name]
    value = tuple(value) if isinstance(value, list) else value
    if isinstance(value, Call | dict | str) or value is None:
        refuse(model.line, f"passes {shown(value)} as {name}; it must be a number")
    return value


def _set(args: dict[str, Any], name: str, value: Any, default: Any) -> None:
    value = tuple(value) if isinstance(value, list) else value
    if value != default and value != (default, default):
        args[name] = value


def _with_bias(options: Options, args: dict[str, Any]) -> dict[str, Any]:
    return {**args, "bias": False} if options.get("use_bias") is False else args


def _is_same(options: Options, model: Translation) -> bool:
    padding = options.get("padding", "valid")
    if str(padding).lower() not in ("valid", "same"):
        refuse(model.line, f"uses padding={shown(padding)}; it must be 'valid' or 'same'")
    return str(padding).lower() == "same"


def _around(kernel: Any, model: Translation) -> Any:
    """The padding that keeps the size; an even window has none that is the same on both sides."""
    sides = kernel if isinstance(kernel, tuple) else (kernel,)
    if any(not isinstance(side, int) or side % 2 == 0 for side in sides):
        refuse(
            model.line,
            "uses padding='same' with a stride and an even window, which PyTorch cannot pad alike",
        )
    around = tuple(side // 2 for side in sides)
    return around if isinstance(kernel, tuple) else around[0]


# ---- the table of layers: the arguments in Keras's order, and the function -----------------------

_CONV = "filters kernel_size strides padding data_format dilation_rate groups activation use_bias"
_OTHER = "filters kernel_size strides padding activation use_bias"
_SHAPE = "shape batch_size"
_RNN = "units activation recurrent_activation use_bias return_sequences"
_CUTS = "pool_size strides padding"

LAYERS: dict[str, tuple[str, Callable[[Options, Translation], None]]] = {
    "Dense": ("units activation use_bias", _dense),
    "Conv2D": (_CONV, _conv),
    "SeparableConv2D": (_OTHER, _separable),
    "Conv2DTranspose": (_OTHER, _transposed),
    "MaxPooling2D": (_CUTS, _pool("MaxPool2d")),
    "MaxPool2D": (_CUTS, _pool("MaxPool2d")),
    "AveragePooling2D": (_CUTS, _pool("AvgPool2d")),
    "AvgPool2D": (_CUTS, _pool("AvgPool2d")),
    "GlobalAveragePooling2D": ("keepdims", _global_pool("AdaptiveAvgPool2d")),
    "GlobalMaxPooling2D": ("keepdims", _global_pool("AdaptiveMaxPool2d")),
    "Flatten": ("", _flatten),
    "Dropout": ("rate", _dropout("Dropout")),
    "SpatialDropout2D": ("rate", _dropout("Dropout2d")),
    "BatchNormalization": ("axis momentum epsilon", _batch_norm),
    "LayerNormalization": ("axis epsilon", _layer_norm),
    "Activation": (
        "activation",
        lambda options, model: model.activate(options.get("activation")),
    ),
    "ReLU": ("max_value", _relu),
    "LeakyReLU": ("negative_slope alpha", _leaky),
    "ELU": ("alpha", lambda options, model: model.add("ELU", dict(options))),
    "PReLU": ("", lambda options, model: model.add("PReLU")),
    "Softmax": ("axis", lambda options, model: model.activate("softmax")),
    "ZeroPadding2D": ("padding", _pad),
    "UpSampling2D": ("size", _upsample),
    "Reshape": ("target_shape", _reshape),
    "InputLayer": (_SHAPE, _input),
    "Input": (_SHAPE, _input),
    "Rescaling": (
        "scale offset",
        lambda options, model: None,
    ),  # a recipe normalises the pixels
    "LSTM": (_RNN, _recurrent("LSTM")),
    "GRU": (_RNN, _recurrent("GRU")),
    "SimpleRNN": (_RNN, _recurrent("RNN")),
}
