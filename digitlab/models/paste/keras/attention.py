"""Attention over steps: MultiHeadAttention with its own sizes, and plain dot products."""

from __future__ import annotations

from typing import Any

from digitlab.models.paste.keras.core import linear
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.tensor import Tensor


def _multi_head(
    layer: KerasLayer,
    query: Any,
    value: Any = None,
    key: Any = None,
    return_attention_scores: Any = False,
    use_causal_mask: Any = False,
) -> Tensor:
    """torch.nn.MultiheadAttention where the heads share the features evenly, as it must be there;
    else the same computation of layers."""
    if value is None:
        layer.refuse("calls MultiHeadAttention without a value; give query and value")
    if return_attention_scores:
        layer.refuse("returns the attention scores, of which a spec has no second output")
    example = "(steps, features)"
    query, value = (layer.need(x, (2,), example).natural for x in (query, value))
    key = value if key is None else layer.need(key, (2,), example).natural
    heads, size, features = layer.whole("num_heads"), layer.whole("key_dim"), query.shape[-1]
    value_size = size if layer["value_dim"] is None else layer.whole("value_dim")
    if layer["output_shape"] not in (None, features, (features,), [features]):
        layer.refuse("has an output_shape of its own in MultiHeadAttention; leave it out")
    even = heads * size == features and value_size == size and not use_causal_mask
    if even and key.shape[-1] == value.shape[-1] == features:
        args = {"num_heads": heads, **_options(layer)}
        sources = [query] if query.node is key.node is value.node else [query, key, value]
        node = layer.weights("MultiheadAttention", args, *sources)
        return query.with_node(node, query.shape, (0, 1))
    return _of_layers(layer, (query, key, value), heads, (size, value_size), bool(use_causal_mask))


def _options(layer: KerasLayer) -> dict[str, Any]:
    options = {"dropout": layer.number("dropout")} if layer["dropout"] else {}
    return options if layer["use_bias"] else {**options, "bias": False}


def _of_layers(
    layer: KerasLayer,
    tensors: tuple[Tensor, ...],
    heads: int,
    sizes: tuple[int, int],
    causal: bool,
) -> Tensor:
    trace, bias = layer.trace, layer["use_bias"]
    projected = []
    for part, x, size in zip(
        ("query", "key", "value"), tensors, (sizes[0], sizes[0], sizes[1]), strict=True
    ):
        x = linear(layer, x, heads * size, bias=bias, part=part)
        node = trace.add("Unflatten", {"dim": 2, "unflattened_size": (heads, size)}, x.node)
        projected.append(trace.add("Transpose", {"dim0": 1, "dim1": 2}, node))
    query, key, value = projected
    if layer["dropout"] and not causal:
        key = trace.add("Transpose", {"dim0": 2, "dim1": 3}, key)
        scores = trace.add("MatMul", {}, query, key)
        scores = trace.add("Scale", {"factor": sizes[0] ** -0.5}, scores)
        scores = trace.add("Softmax", {"dim": 3}, scores)
        scores = trace.add("Dropout", {"p": layer.number("dropout")}, scores)
        node = trace.add("MatMul", {}, scores, value)
    else:
        args = {"is_causal": True} if causal else {}
        node = trace.add("ScaledDotProductAttention", args, query, key, value)
    node = trace.add("Transpose", {"dim0": 1, "dim1": 2}, node)
    node = trace.add("Flatten", {"start_dim": 2}, node)
    query, features = tensors[0], tensors[0].shape[-1]
    joined = query.with_node(node, (query.shape[0], heads * sizes[1]), (0, 1))
    return linear(layer, joined, features, bias=bias, part="output")


def _attention(layer: KerasLayer, value: Any) -> Tensor:
    """Luong's: softmax(query · keys) · values, without weights."""
    items = list(value) if isinstance(value, list | tuple) else [value, value]
    query, values = (layer.need(x, (2,), "(steps, features)").natural for x in items[:2])
    keys = layer.need(items[2], (2,), "(steps, features)").natural if len(items) > 2 else values
    if layer["use_scale"] or layer["score_mode"] != "dot":
        layer.refuse("learns the scale of its Attention, which has no translation to PyTorch")
    nodes = (query.node, keys.node, values.node)
    node = layer.trace.add("ScaledDotProductAttention", {"scale": 1.0}, *nodes)
    return query.with_node(node, (query.shape[0], values.shape[1]), (0, 1))


KINDS = (
    Kind("MultiHeadAttention", "num_heads key_dim value_dim=None dropout=0.0 use_bias=True "
         "output_shape=None attention_axes=None flash_attention=None", _multi_head),
    Kind("Attention", "use_scale=False score_mode='dot' dropout=0.0", _attention),
)  # fmt: skip
