"""Keras's layers in a spec's words, one function each: what it takes and what it puts there."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from digitlab.models.layer import Layer, shown
from digitlab.models.paste.source import Call, refuse

_SAME_NAME = ("ReLU", "ReLU6", "Sigmoid", "Tanh", "Softplus", "Softsign", "ELU", "SELU", "GELU")
_ACTIVATIONS: dict[str, tuple[str, dict[str, Any]]] = {
    **{name.lower(): (name, {}) for name in (*_SAME_NAME, "SiLU", "Mish")},
    "swish": ("SiLU", {}),
    "hard_sigmoid": ("Hardsigmoid", {}),
    "softmax": ("Softmax", {"dim": 1}),
    "log_softmax": ("LogSoftmax", {"dim": 1}),
    "leaky_relu": ("LeakyReLU", {"negative_slope": 0.2}),
}

Given = Mapping[str, Any]


@dataclass
class Translation:
    """What is translated so far: layers with their lines, the input [H, W, C] and the init."""

    layers: list[tuple[Layer, int]] = field(default_factory=list)
    input: tuple[int, ...] | None = None
    init: str = "default"
    flat: bool = False
    line: int = 0

    def add(self, name: str, args: Given | None = None) -> None:
        """Put a layer behind the others."""
        self.layers.append((Layer(name, args or {}), self.line))

    def set_input(self, shape: Any) -> None:
        """The input is [H, W, C], [H, W] or [features], perhaps with a batch of None before it."""
        shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
        shape = shape[1:] if len(shape) > 1 and shape[0] is None else shape
        if not 1 <= len(shape) <= 3 or not all(type(n) is int and n > 0 for n in shape):
            refuse(self.line, f"has the input shape {shown(shape)}, not 1 to 3 whole numbers")
        if not self.layers:
            self.input = shape

    def activate(self, given: Any) -> None:
        """Put an activation behind the others, by name, class or function."""
        if given is None or given == "linear":
            return
        if isinstance(given, Call) and given.name in LAYERS:
            takes, translate = LAYERS[given.name]
            translate({**dict(zip(takes.split(), given.args, strict=False)), **given.kwargs}, self)
            return
        name = given.name if isinstance(given, Call) else given
        if not isinstance(name, str) or name not in _ACTIVATIONS:
            refuse(self.line, f"names the activation {shown(name)}, which cannot be translated")
        self.add(*_ACTIVATIONS[name])


# ---- layers ------------------------------------------------------------------------------------


def _dense(given: Given, made: Translation) -> None:
    if not made.layers and len(made.input or (0,)) == 1:
        made.add("Flatten")  # Keras was given vectors, a spec is given images
    args = {"out_features": _need(given, "units", made)}
    made.add("Linear", _with_bias(given, args))
    made.flat = True
    made.activate(given.get("activation"))


def _conv(given: Given, made: Translation) -> None:
    args = {
        "out_channels": _need(given, "filters", made),
        "kernel_size": _need(given, "kernel_size", made),
    }
    _set(args, "stride", given.get("strides", 1), 1)
    _set(args, "dilation", given.get("dilation_rate", 1), 1)
    _set(args, "groups", given.get("groups", 1), 1)
    if _is_same(given, made):
        one = args.get("stride", 1) in (1, (1, 1))
        args["padding"] = "same" if one else _around(args["kernel_size"], made)
    made.add("Conv2d", _with_bias(given, args))
    made.activate(given.get("activation"))


def _separable(given: Given, made: Translation) -> None:
    kernel = _need(given, "kernel_size", made)
    args = {"out_channels": _need(given, "filters", made), "kernel_size": kernel}
    _set(args, "stride", given.get("strides", 1), 1)
    args["padding"] = _around(kernel, made) if _is_same(given, made) else 0
    made.add("DepthwiseSeparable", _with_bias(given, args))
    made.activate(given.get("activation"))


def _transposed(given: Given, made: Translation) -> None:
    kernel, stride = _need(given, "kernel_size", made), given.get("strides", 1)
    args = {"out_channels": _need(given, "filters", made), "kernel_size": kernel}
    _set(args, "stride", stride, 1)
    if _is_same(given, made):
        if not isinstance(kernel, int) or not isinstance(stride, int) or kernel < stride:
            refuse(made.line, "has a transposed convolution whose padding cannot be translated")
        args["padding"] = (kernel - stride + 1) // 2
        _set(args, "output_padding", (kernel - stride) % 2, 0)
    made.add("ConvTranspose2d", _with_bias(given, args))
    made.activate(given.get("activation"))


def _pool(name: str) -> Callable[[Given, Translation], None]:
    def translate(given: Given, made: Translation) -> None:
        kernel = given.get("pool_size", 2)
        stride = given.get("strides")
        args = {"kernel_size": kernel}
        _set(args, "stride", kernel if stride is None else stride, kernel)
        if _is_same(given, made):
            if "stride" not in args:
                args["ceil_mode"] = True  # the last window may reach over the border
            else:
                args["padding"] = _around(kernel, made)
                if name == "AvgPool2d":
                    args["count_include_pad"] = False
        made.add(name, args)

    return translate


def _global_pool(name: str) -> Callable[[Given, Translation], None]:
    def translate(given: Given, made: Translation) -> None:
        made.add(name, {"output_size": 1})
        if not given.get("keepdims"):
            made.add("Flatten")
            made.flat = True

    return translate


def _flatten(given: Given, made: Translation) -> None:
    made.add("Flatten")
    made.flat = True


def _dropout(name: str) -> Callable[[Given, Translation], None]:
    return lambda given, made: made.add(name, {"p": _need(given, "rate", made)})


def _batch_norm(given: Given, made: Translation) -> None:
    args = {"eps": given.get("epsilon", 1e-3)}
    if "momentum" in given:
        _need(given, "momentum", made)
    args["momentum"] = round(1 - given.get("momentum", 0.99), 6)
    made.add("BatchNorm1d" if made.flat else "BatchNorm2d", args)


def _layer_norm(given: Given, made: Translation) -> None:
    if not made.flat:
        refuse(made.line, "normalises over the channels of an image, which cannot be translated")
    made.add("LayerNorm", {"eps": given.get("epsilon", 1e-3)})


def _leaky(given: Given, made: Translation) -> None:
    slope = given.get("negative_slope", given.get("alpha", 0.3))
    made.add("LeakyReLU", {"negative_slope": slope})


def _relu(given: Given, made: Translation) -> None:
    if given.get("max_value") not in (None, 6):
        refuse(made.line, "cuts ReLU off at a value other than 6, which cannot be translated")
    made.add("ReLU6" if given.get("max_value") else "ReLU")


def _pad(given: Given, made: Translation) -> None:
    padding = given.get("padding", 1)
    if isinstance(padding, tuple):
        sides = [side if isinstance(side, tuple) else (side, side) for side in padding]
        if len(sides) != 2:
            refuse(made.line, "pads by something else than one or two numbers")
        padding = (*sides[1], *sides[0])  # PyTorch: left, right, top, bottom
    made.add("ZeroPad2d", {"padding": padding})


def _reshape(given: Given, made: Translation) -> None:
    shape = given.get("target_shape")
    if not isinstance(shape, tuple | list) or not all(type(n) is int and n > 0 for n in shape):
        refuse(made.line, "reshapes to something else than whole numbers")
    if not made.layers:
        made.input = tuple(shape)
        return
    if not made.flat:
        made.add("Flatten")
    made.flat = len(shape) == 1
    if len(shape) == 3:
        shape = (shape[2], *shape[:2])
    if len(shape) > 1:
        made.add("Unflatten", {"dim": 1, "unflattened_size": tuple(shape)})


def _upsample(given: Given, made: Translation) -> None:
    made.add("Upsample", {"scale_factor": given.get("size", 2)})


def _recurrent(cell: str) -> Callable[[Given, Translation], None]:
    def translate(given: Given, made: Translation) -> None:
        if given.get("activation", "tanh") != "tanh":
            refuse(made.line, f"gives its {cell} another activation than tanh")
        args = {"cell": cell, "hidden_size": _need(given, "units", made)}
        if given.get("return_sequences"):
            args["output"] = "sequence"
        made.add("Rows", args)
        made.flat = "output" not in args

    return translate


def _input(given: Given, made: Translation) -> None:
    if given.get("shape") is not None:
        made.set_input(given["shape"])


def _need(given: Given, name: str, made: Translation) -> Any:
    if name not in given:
        refuse(made.line, f"leaves out {name}")
    value = given[name]
    value = tuple(value) if isinstance(value, list) else value
    if isinstance(value, Call | dict | str) or value is None:
        refuse(made.line, f"gives {name} as {shown(value)}, which is no plain number")
    return value


def _set(args: dict[str, Any], name: str, value: Any, default: Any) -> None:
    value = tuple(value) if isinstance(value, list) else value
    if value != default and value != (default, default):
        args[name] = value


def _with_bias(given: Given, args: dict[str, Any]) -> dict[str, Any]:
    return {**args, "bias": False} if given.get("use_bias") is False else args


def _is_same(given: Given, made: Translation) -> bool:
    padding = given.get("padding", "valid")
    if str(padding).lower() not in ("valid", "same"):
        refuse(made.line, f"has padding {shown(padding)}; it can be 'valid' or 'same'")
    return str(padding).lower() == "same"


def _around(kernel: Any, made: Translation) -> Any:
    """The padding that keeps the size; an even window has none that is the same on both sides."""
    sides = kernel if isinstance(kernel, tuple) else (kernel,)
    if any(not isinstance(side, int) or side % 2 == 0 for side in sides):
        refuse(
            made.line,
            "has padding='same' with a stride and an even window, which PyTorch cannot pad alike",
        )
    around = tuple(side // 2 for side in sides)
    return around if isinstance(kernel, tuple) else around[0]


_CONV = "filters kernel_size strides padding data_format dilation_rate groups activation use_bias"
_OTHER = "filters kernel_size strides padding activation use_bias"
_SHAPE = "shape batch_size"
_RNN = "units activation recurrent_activation use_bias return_sequences"
_CUTS = "pool_size strides padding"

LAYERS: dict[str, tuple[str, Callable[[Given, Translation], None]]] = {
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
    "Activation": ("activation", lambda given, made: made.activate(given.get("activation"))),
    "ReLU": ("max_value", _relu),
    "LeakyReLU": ("negative_slope alpha", _leaky),
    "ELU": ("alpha", lambda given, made: made.add("ELU", dict(given))),
    "PReLU": ("", lambda given, made: made.add("PReLU")),
    "Softmax": ("axis", lambda given, made: made.activate("softmax")),
    "ZeroPadding2D": ("padding", _pad),
    "UpSampling2D": ("size", _upsample),
    "Reshape": ("target_shape", _reshape),
    "InputLayer": (_SHAPE, _input),
    "Input": (_SHAPE, _input),
    "Rescaling": ("scale offset", lambda given, made: None),  # a recipe normalises the pixels
    "LSTM": (_RNN, _recurrent("LSTM")),
    "GRU": (_RNN, _recurrent("GRU")),
    "SimpleRNN": (_RNN, _recurrent("RNN")),
}
