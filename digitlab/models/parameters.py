"""Weights apart from a layer's own: Parameter and Constant, which read nothing, and Reuse.

- Parameter: {name: token, shape: [1, 1, 64], init: normal, std: 0.02}
- Concatenate: {from: [token, patches]}
- Conv2d: {name: conv, out_channels: 8, kernel_size: 3, padding: 1}
- Reuse: {layer: conv}
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
import torch
from torch import nn

from digitlab.models.arguments import Argument, LayerSignature, check_arguments
from digitlab.models.graph import REUSE
from digitlab.models.layer import Layer, shown
from digitlab.models.layers import layer_signature
from digitlab.models.operations import try_out
from digitlab.models.placement import MAX_VALUES, Part, Placement, Shape, written

PARAMETER, CONSTANT = "Parameter", "Constant"

# How a parameter begins: torch's own function of that name, and the arguments it takes.
_INITS: dict[str, Callable[[torch.Tensor, Mapping[str, Any]], Any]] = {
    "zeros": lambda x, args: nn.init.zeros_(x),
    "ones": lambda x, args: nn.init.ones_(x),
    "constant": lambda x, args: nn.init.constant_(x, args.get("value", 0.0)),
    "normal": lambda x, args: nn.init.normal_(x, args.get("mean", 0.0), args.get("std", 1.0)),
    "trunc_normal": lambda x, args: nn.init.trunc_normal_(
        x, args.get("mean", 0.0), args.get("std", 1.0)
    ),
    "uniform": lambda x, args: nn.init.uniform_(x, args.get("low", 0.0), args.get("high", 1.0)),
    "xavier_uniform": lambda x, args: nn.init.xavier_uniform_(x),
    "xavier_normal": lambda x, args: nn.init.xavier_normal_(x),
    "kaiming_uniform": lambda x, args: nn.init.kaiming_uniform_(x, a=math.sqrt(5)),
    "kaiming_normal": lambda x, args: nn.init.kaiming_normal_(x),
}
# Layers without weights that act on a Parameter as on any other tensor.
ON_PARAMETERS = (
    *("ReLU", "ReLU6", "LeakyReLU", "ELU", "SELU", "CELU", "GELU", "SiLU", "Mish", "Softplus"),
    *("Hardtanh", "Hardswish", "Hardsigmoid", "LogSigmoid", "Softsign", "Sigmoid", "Tanh"),
    *("Softmax", "LogSoftmax", "Softmin"),
)
_OF_MATRICES = ("xavier_uniform", "xavier_normal", "kaiming_uniform", "kaiming_normal")

_SHAPE = Argument("shape", list[int], required=True, least=1)
_SIGNATURES = {
    PARAMETER: LayerSignature(
        PARAMETER,
        "parameter",
        "Learnt numbers of their own, the same for every image; join them with other layers.",
        (
            _SHAPE,
            Argument("init", str, default="zeros", choices=tuple(_INITS)),
            Argument("mean", float, default=0.0),
            Argument("std", float, default=1.0),
            Argument("low", float, default=0.0),
            Argument("high", float, default=1.0),
            Argument("value", float, default=0.0),
        ),
    ),
    CONSTANT: LayerSignature(
        CONSTANT,
        "parameter",
        "Numbers that are not learnt: the same one everywhere, or waves that tell positions apart.",
        (
            _SHAPE,
            Argument("value", float, default=0.0),
            Argument("pattern", str, default="constant", choices=("constant", "sinusoidal")),
        ),
    ),
    REUSE: LayerSignature(
        REUSE,
        "reuse",
        "An earlier layer once more, with the same weights.",
        (Argument("layer", str, required=True, words="the name of an earlier layer"),),
    ),
}
WEIGHTS = tuple(_SIGNATURES)


class Constant(nn.Module):
    """A tensor of `shape` that holds `value` everywhere, or the waves of `sinusoidal`."""

    def __init__(self, shape: tuple[int, ...], value: float, pattern: str = "constant") -> None:
        super().__init__()
        self.shape, self.value, self.pattern = shape, value, pattern
        if pattern == "sinusoidal":
            rows = math.prod(shape[:-1])
            tensor = torch.tensor(sinusoidal(rows, shape[-1]), dtype=torch.float32).view(shape)
        else:
            tensor = torch.full(shape, value)
        self.register_buffer("tensor", tensor, persistent=False)

    def forward(self) -> torch.Tensor:
        return self.tensor


def sinusoidal(rows: int, columns: int) -> np.ndarray:
    """Positions as waves (Vaswani et al. 2017): [rows, columns], in column j the sine (j even) or
    the cosine of row / 10000^(j' / columns), j' the even one of the pair."""
    j = np.arange(columns)
    angles = np.arange(rows)[:, None] / 10_000 ** ((j - j % 2) / columns)
    return np.where(j % 2, np.cos(angles), np.sin(angles))


def weights_signature(name: str) -> LayerSignature:
    """What Parameter, Constant or Reuse takes. Raises KeyError for another name."""
    return _SIGNATURES[name]


def place_weights(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make a Parameter or a Constant, or run the layer again that a Reuse names."""
    check_arguments(layer.args, _SIGNATURES[layer.type].arguments, placement)
    if layer.type == REUSE:
        return _reuse(layer, placement)
    sizes = layer.args["shape"]
    if math.prod(sizes) > MAX_VALUES:
        raise placement.error(
            f"takes as shape the sizes of up to {MAX_VALUES:,} numbers; not {written(sizes)}.",
            argument="shape",
        )
    with torch.device(placement.assembly.device):
        if layer.type == CONSTANT:
            pattern = layer.args.get("pattern", "constant")
            if not sizes and pattern != "constant":
                raise placement.error("needs a shape of one size or more.", argument="shape")
            module: Any = Constant(sizes, layer.args.get("value", 0.0), pattern)
        else:
            module = _parameter(layer, placement)
    parameters = math.prod(sizes) if layer.type == PARAMETER else 0
    row = placement.row(
        layer,
        sizes,
        shown=layer.args,
        kind="parameter",
        parameters=parameters,
        operations=0,
        made=layer.args,
    )
    return Part(module, sizes, (row,), batched=False)


def place_on_parameter(layer: Layer, placement: Placement) -> Part:
    """An activation of a Parameter, or of what is computed from Parameters alone."""
    signature = layer_signature(layer.type)
    check_arguments(layer.args, signature.arguments, placement)
    args = {"inplace": False} if any(a.name == "inplace" for a in signature.arguments) else {}
    module = getattr(nn, layer.type)(**{**layer.args, **args})
    value, _ = try_out(module, placement.inputs, placement)
    row = placement.row(
        layer,
        value.shape,
        shown=layer.args,
        kind=signature.kind,
        parameters=0,
        operations=0,
        made=layer.args,
    )
    return Part(module, value.shape, (row,), batched=False)


def _parameter(layer: Layer, placement: Placement) -> nn.Parameter:
    init = layer.args.get("init", "zeros")
    if init in _OF_MATRICES and len(layer.args["shape"]) < 2:
        raise placement.error(
            f"begins by {init}, which needs a shape of two sizes or more; use normal or uniform.",
            argument="init",
        )
    tensor = torch.empty(layer.args["shape"])
    try:
        with torch.no_grad():
            _INITS[init](tensor, layer.args)
    except (RuntimeError, ValueError) as error:
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise placement.error(f"cannot begin so (torch: {reason}).", argument="init") from error
    return nn.Parameter(tensor)


def _reuse(layer: Layer, placement: Placement) -> Part:
    """The part of the layer that is used again, for what reaches it here."""
    origin = placement.shared
    if origin is None:
        raise placement.error(
            f"needs layer, the name of an earlier layer of this list whose weights it shares; "
            f"not {shown(layer.args['layer'])}.",
            argument="layer",
        )
    measured = placement.assembly.known.get(placement.key)
    if measured:
        output_shape, operations = measured.output_shape, measured.operations
        batched = True
    else:
        value, operations = try_out(origin.module, placement.inputs, placement)
        output_shape, batched = value.shape, value.batched
    row = placement.row(
        layer,
        output_shape,
        shown=layer.args,
        kind="reuse",
        parameters=0,
        operations=operations,
        values=math.prod(output_shape),
        made=origin.rows[0].made,
    )
    return Part(origin.module, output_shape, (row,), batched=batched)
