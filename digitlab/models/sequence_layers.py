"""Layers of `torch.nn` that take or give several tensors: recurrent networks and attention.

    - Reshape: {shape: [28, 28]}
    - LSTM: {hidden_size: 64, bidirectional: true}
    - Select: {dim: 1, index: -1}

The batch always comes first. Keys of the state_dict are those of torch's own class.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from functools import cache
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument, LayerSignature, check_arguments
from digitlab.models.layer import Layer
from digitlab.models.operations import try_out
from digitlab.models.placement import Part, Placement, Shape, written

MAX_STEPS = 4_096  # of a sequence
_OUTPUTS = ("sequence", "hidden", "cell")


class _Recurrent(nn.Module):
    """Makes one tensor of what torch's class gives, by `output`."""

    output: str

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        sequence, state = super().forward(x)
        if self.output == "sequence":
            return sequence
        hidden, cell = state if isinstance(state, tuple) else (state, state)
        return (hidden if self.output == "hidden" else cell).transpose(0, 1)


class LSTM(_Recurrent, nn.LSTM):
    """torch's LSTM, [N, T, D] → all states [N, T, S], or the last hidden or cell states
    [N, layers · directions, hidden size]."""


class GRU(_Recurrent, nn.GRU):
    """torch's GRU, as LSTM."""


class RNN(_Recurrent, nn.RNN):
    """torch's RNN, as LSTM."""


class MultiheadAttention(nn.MultiheadAttention):
    """torch's attention of queries, keys and values, each [N, T, D] → [N, T, D]."""

    def forward(
        self,
        query: torch.Tensor,
        key: torch.Tensor | None = None,
        value: torch.Tensor | None = None,
    ) -> torch.Tensor:
        key = query if key is None else key
        value = key if value is None else value
        return super().forward(query, key, value, need_weights=False)[0]


class TransformerEncoderLayer(nn.TransformerEncoderLayer):
    """torch's layer of a transformer, [N, T, D] → [N, T, D]."""

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return super().forward(x)


_CLASSES: dict[str, tuple[type[nn.Module], str]] = {  # and the size that follows from the input
    "LSTM": (LSTM, "input_size"),
    "GRU": (GRU, "input_size"),
    "RNN": (RNN, "input_size"),
    "MultiheadAttention": (MultiheadAttention, "embed_dim"),
    "TransformerEncoderLayer": (TransformerEncoderLayer, "d_model"),
}
SEQUENCE_LAYERS = tuple(_CLASSES)
_SEQUENCE_FIX = {
    cell: f"use Rows: {{cell: {cell}, hidden_size: 64}}, which reads an image row by row,"
    for cell in ("LSTM", "GRU", "RNN")
}
_ABOUT = {
    "LSTM": "Long short-term memory, which reads a sequence step by step.",
    "GRU": "A gated recurrent unit, which reads a sequence step by step.",
    "RNN": "A plain recurrent network, which reads a sequence step by step.",
    "MultiheadAttention": "Attention of several heads, from [queries, keys, values] or of itself.",
    "TransformerEncoderLayer": "Self-attention and an MLP, each with a shortcut and LayerNorm.",
}


@cache
def sequence_signature(name: str) -> LayerSignature:
    """What such a layer takes. Raises KeyError for another name."""
    cls, inferred = _CLASSES[name]
    kind = "recurrent" if issubclass(cls, nn.RNNBase) else "attention"
    return LayerSignature(name, kind, _ABOUT[name], _arguments(name, inferred, kind))


def _arguments(name: str, inferred: str, kind: str) -> tuple[Argument, ...]:
    whole = {"least": 1}
    if kind == "recurrent":
        nonlinearity = (Argument("nonlinearity", str, default="tanh", choices=("tanh", "relu")),)
        outputs = _OUTPUTS if name == "LSTM" else _OUTPUTS[:2]
        return (
            Argument("input_size", int, inferred=True, **whole),
            Argument("hidden_size", int, required=True, **whole),
            Argument("num_layers", int, default=1, **whole),
            Argument("bidirectional", bool, default=False),
            Argument("bias", bool, default=True),
            Argument("dropout", float, default=0.0),
            *(nonlinearity if name == "RNN" else ()),
            Argument("output", str, default="sequence", choices=outputs),
        )
    if name == "MultiheadAttention":
        return (
            Argument("embed_dim", int, inferred=True, **whole),
            Argument("num_heads", int, required=True, **whole),
            Argument("dropout", float, default=0.0),
            Argument("bias", bool, default=True),
            Argument("add_bias_kv", bool, default=False),
            Argument("add_zero_attn", bool, default=False),
            Argument("kdim", int, inferred=True, **whole),
            Argument("vdim", int, inferred=True, **whole),
        )
    return (
        Argument("d_model", int, inferred=True, **whole),
        Argument("nhead", int, required=True, **whole),
        Argument("dim_feedforward", int, default=2048, **whole),
        Argument("dropout", float, default=0.1),
        Argument("activation", str, default="relu", choices=("relu", "gelu")),
        Argument("layer_norm_eps", float, default=1e-5),
        Argument("norm_first", bool, default=False),
        Argument("bias", bool, default=True),
    )


def place_sequence_layer(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make such a layer for the sequences that reach it. Raises SpecError."""
    signature = sequence_signature(layer.type)
    check_arguments(layer.args, signature.arguments, placement)
    _check_sequences(layer, placement)
    cls, inferred = _CLASSES[layer.type]
    args = _with_sizes(layer, inferred, placement)
    _check_heads(args, placement)
    options = {name: value for name, value in args.items() if name != "output"}
    if signature.kind == "recurrent" and args.get("num_layers", 1) > 1:
        placement.count(args["num_layers"] - 1)
    try:
        with torch.device(placement.assembly.device):
            module = cls(**options, batch_first=True)
    except Exception as error:  # torch raises most of Python's errors for arguments
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise placement.error(f"cannot be made with these arguments (torch: {reason}).") from error
    if signature.kind == "recurrent":
        module.output = args.get("output", "sequence")
    output_shape, operations, values = _cost(module, signature.kind, placement)
    row = placement.row(
        layer,
        output_shape,
        shown=layer.args,
        kind=signature.kind,
        parameters=sum(parameter.numel() for parameter in module.parameters()),
        operations=operations,
        values=values,
        made=args,
    )
    return Part(module, output_shape, (row,))


def _check_sequences(layer: Layer, placement: Placement) -> None:
    most = 3 if layer.type == "MultiheadAttention" else 1
    if not 1 <= len(placement.inputs) <= most:
        raise placement.error(f"reads up to {most} layers; not {len(placement.inputs)}.")
    for value in placement.inputs:
        if len(value.shape) != 2 or not value.batched:
            raise placement.error(
                f"needs a sequence, [steps, features], but {written(value.shape)} reaches it; "
                f"{_SEQUENCE_FIX.get(layer.type, 'use Patches')} or put Reshape before it, such as "
                f"Reshape: {{shape: [28, 28]}}."
            )
        if value.shape[0] > MAX_STEPS:
            raise placement.error(f"reads at most {MAX_STEPS:,} steps; not {value.shape[0]:,}.")


def _with_sizes(layer: Layer, inferred: str, placement: Placement) -> dict[str, Any]:
    args: dict[str, Any] = dict(layer.args)
    sizes = {inferred: placement.inputs[0].shape[-1]}
    if layer.type == "MultiheadAttention" and len(placement.inputs) > 1:
        for name, value in zip(
            ("kdim", "vdim"), (*placement.inputs[1:], placement.inputs[1]), strict=False
        ):
            if value.shape[-1] != sizes[inferred]:
                sizes[name] = value.shape[-1]
    for name, size in sizes.items():
        if args.get(name) not in (None, size):
            raise placement.error(
                f"was given {name} {args[name]}, but {size} features reach it; leave {name} out or "
                f"set it to {size}.",
                argument=name,
            )
        args[name] = size
    return args


def _check_heads(args: Mapping[str, Any], placement: Placement) -> None:
    heads = "num_heads" if "num_heads" in args else "nhead"
    size = args.get("embed_dim", args.get("d_model"))
    if size and size % args[heads]:
        raise placement.error(
            f"splits {size} features into {args[heads]} heads; choose a number that divides it.",
            argument=heads,
        )


def _cost(module: nn.Module, kind: str, placement: Placement) -> tuple[Shape, int, int]:
    """What it gives, its multiply-adds and the numbers it keeps, for one image."""
    steps = placement.inputs[0].shape[0]
    if kind == "recurrent":
        # every weight is used once a step; counted so, because running the steps takes seconds
        directions = 2 if module.bidirectional else 1
        weights = sum(p.numel() for name, p in module.named_parameters() if "weight" in name)
        shape = (steps, module.hidden_size * directions)
        placement.check_values(shape)
        activations = module.num_layers * math.prod(shape)
        if module.output != "sequence":
            shape = (module.num_layers * directions, module.hidden_size)
        return shape, steps * weights, activations
    measured = placement.assembly.known.get(placement.key)
    if measured:
        return measured.output_shape, measured.operations, measured.values
    value, operations = try_out(module, placement.inputs, placement)
    return value.shape, operations, 4 * math.prod(value.shape)
