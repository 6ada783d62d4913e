"""Modules that a spec has as one layer: those of torch.nn, also attention and recurrent ones."""

from __future__ import annotations

from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from digitlab.models import operations, sequence_layers
from digitlab.models.layers import layer_signature, list_layers
from digitlab.models.modules.functions import layer_node
from digitlab.models.modules.graph import Value
from digitlab.models.modules.reader import Reader, has_weights, shortest
from digitlab.models.modules.trace import Call, Ref, leaves
from digitlab.models.sequence_layers import SEQUENCE_LAYERS, sequence_signature


def layer_class(module: nn.Module) -> type[nn.Module] | None:
    """The class of torch.nn that `module` is a layer of; None for a module of another kind.

    A subclass is one, too, unless it has a forward of its own.
    """
    for cls in type(module).__mro__:
        name, home = cls.__name__, cls.__module__
        ours = cls is type(module) and home in (operations.__name__, sequence_layers.__name__)
        known = name in (*list_layers(), *SEQUENCE_LAYERS, *operations.OPERATIONS)
        if known and (home.startswith("torch.nn.") or ours):
            whole = type(module).forward is cls.forward and not _computed_weights(module)
            return cls if whole else None
    return None


def _computed_weights(module: nn.Module) -> bool:
    """Whether the weights come from others, as under torch's parametrizations."""
    return hasattr(module, "parametrizations") or hasattr(module, "weight_g")


def is_layer(module: nn.Module) -> bool:
    """Whether a module stays whole in a spec."""
    return layer_class(module) is not None


def read_layer(reader: Reader, call: Call) -> None:
    """The node of a module that was called whole."""
    assert call.module is not None
    cls = layer_class(call.module)
    assert cls is not None
    kind = cls.__name__
    path = call.path if has_weights(call.module) else ""
    if kind in SEQUENCE_LAYERS:
        read = {"MultiheadAttention": _attention, "TransformerEncoderLayer": _encoder_layer}
        return read.get(kind, _recurrent)(reader, call, call.module)
    if kind in operations.OPERATIONS:
        return _operation(reader, call, kind)
    if kind == "Identity":
        return reader.same(call, reader.value(call.args[0], call))
    if isinstance(call.module, nn.Softmax | nn.LogSoftmax | nn.Softmin):
        rank = len(reader.shape(call.args[0]))
        implicit = 0 if rank in (0, 1, 3) else 1
        dim = call.module.dim if call.module.dim is not None else implicit
        return layer_node(reader, call, kind, {"dim": dim})
    return layer_node(reader, call, kind, _arguments(call.module, kind), path)


def _arguments(module: nn.Module, kind: str) -> dict[str, Any]:
    """The arguments that a layer was made with."""
    args = {}
    for argument in layer_signature(kind).arguments:
        name = argument.name
        if name == "bias" or name == "_bias":
            args[name] = getattr(module, "bias", None) is not None
        elif hasattr(module, name):
            value = getattr(module, name)
            args[name] = value if not isinstance(value, torch.Tensor) else argument.default
    if kind in ("LayerNorm",) and not module.elementwise_affine:
        args["bias"] = True
    return args


def _operation(reader: Reader, call: Call, kind: str) -> None:
    values = [reader.value(ref, call) for ref in leaves(call.args)]
    args = {"std": call.module.std} if kind == "GaussianNoise" else {}
    reader.give(call, reader.add(call, kind, args, values))


# ---- attention


def _attention(reader: Reader, call: Call, module: nn.MultiheadAttention) -> None:
    named = dict(zip(("query", "key", "value", "key_padding_mask"), call.args, strict=False))
    named |= call.kwargs
    if named.get("attn_mask") is not None or named.get("key_padding_mask") is not None:
        raise reader.error(call, "has a mask, which the layer MultiheadAttention does not")
    query = named["query"]
    sources = [query, named.get("key") or query]
    sources.append(named.get("value") or sources[1])
    if not all(reader.value(ref, call).batched for ref in sources):
        raise reader.error(call, "asks with parameters, which are no images; join them before")
    axis = 0 if module.batch_first else 1
    values = [reader.value(ref, call) for ref in sources]
    if any(value.place.axis != axis or value.place.merged for value in values):
        raise reader.error(call, "attends from one image of the batch to others")
    args: dict[str, Any] = {"num_heads": module.num_heads}
    args |= {"dropout": module.dropout} if module.dropout else {}
    args |= {} if module.in_proj_bias is not None else {"bias": False}
    args |= {"add_bias_kv": True} if module.bias_k is not None else {}
    args |= {"add_zero_attn": True} if module.add_zero_attn else {}
    node = reader.weighted(call.path, "MultiheadAttention", args, _distinct(values))
    reader.give(call, node)


def _distinct(values: list[Value]) -> list[Value]:
    """One value for self-attention, two where the keys are the values, else three."""
    if values[1].node != values[2].node:
        return values
    return values[:1] if values[0].node == values[1].node else values[:2]


def _encoder_layer(reader: Reader, call: Call, module: nn.TransformerEncoderLayer) -> None:
    source, *masks = (*call.args, *call.kwargs.values())
    if any(isinstance(mask, Ref) for mask in masks):
        raise reader.error(call, "has a mask, which the layer TransformerEncoderLayer does not")
    value = reader.value(source, call)
    own = isinstance(module, sequence_layers.TransformerEncoderLayer)
    axis = 0 if own or module.self_attn.batch_first else 1
    if value.place.axis != axis or value.place.merged:
        raise reader.error(call, "attends from one image of the batch to others")
    activation = getattr(module.activation, "__name__", type(module.activation).__name__).lower()
    if activation not in ("relu", "gelu"):
        raise reader.error(call, f"has the activation {activation}; use relu or gelu")
    args: dict[str, Any] = {"nhead": module.self_attn.num_heads}
    usual = {
        "dim_feedforward": (module.linear1.out_features, 2048),
        "dropout": (module.dropout.p, 0.1),
        "activation": (activation, "relu"),
        "layer_norm_eps": (module.norm1.eps, 1e-5),
        "norm_first": (module.norm_first, False),
        "bias": (module.linear1.bias is not None, True),
    }
    args |= {name: held for name, (held, default) in usual.items() if held != default}
    reader.give(call, reader.weighted(call.path, "TransformerEncoderLayer", args, [value]))


# ---- recurrent layers


def _recurrent(reader: Reader, call: Call, module: nn.RNNBase) -> None:
    """LSTM, GRU and RNN, by what is used of what they give: all states, or the last ones."""
    kind = next(name for name in ("LSTM", "GRU", "RNN") if isinstance(module, getattr(nn, name)))
    if getattr(module, "proj_size", 0):
        raise reader.error(call, f"has proj_size, which the layer {kind} does not")
    for ref in leaves((call.args[1:], call.kwargs.get("hx"))):
        if isinstance(ref, Ref) and not _zero(reader, ref):
            raise reader.error(call, "begins with other states than zeros")
    value = reader.value(call.args[0], call)
    if value.place.axis != (0 if module.batch_first else 1) or value.place.merged:
        raise reader.error(call, "reads the images of a batch one after the other; set batch_first")
    args = {
        argument.name: getattr(module, argument.name)
        for argument in sequence_signature(kind).arguments
        if argument.name not in ("input_size", "output") and hasattr(module, argument.name)
    }
    short = shortest(sequence_signature(kind), args)
    outputs = [output for output, index in enumerate(call.outputs) if index in reader.used] or [0]
    if type(module) is getattr(sequence_layers, kind, None):
        return _one_state(reader, call, short, value, 0, module.output)
    if len(outputs) == 1:
        name = ("sequence", "hidden", "cell")[outputs[0]]
        return _one_state(reader, call, short, value, outputs[0], name)
    if outputs != [0, 1] or module.num_layers > 1 or module.bidirectional:
        raise reader.error(call, "gives several states that are used; use one of them")
    _one_state(reader, call, short, value, 0, "sequence")
    sequence = reader.values[call.outputs[0]]
    last = reader.add(call, "Slice", {"dim": 1, "start": -1}, [sequence])
    return reader.give(call, last, output=1)


def _one_state(
    reader: Reader, call: Call, args: dict[str, Any], value: Value, output: int, name: str
) -> None:
    assert call.module is not None
    kind = next(k for k in ("LSTM", "GRU", "RNN") if isinstance(call.module, getattr(nn, k)))
    args = args if name == "sequence" else {**args, "output": name}
    reader.give(call, reader.weighted(call.path, kind, args, [value]), output=output)


def _zero(reader: Reader, ref: Ref) -> bool:
    traced = reader.traced(ref)
    return traced.kind in ("constant", "buffer") and not bool(F.relu(traced.tensor.abs()).any())
