"""Joins of several tensors: Add, Multiply, Concatenate, Dot and the like."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.tensor import Tensor, written


def combine(type: str, tensors: Sequence[Tensor]) -> Tensor:
    """Tensors joined value by value, broadcast as Keras does; `type` is the layer that joins."""
    batched = [tensor for tensor in tensors if tensor.batched]
    if not batched:
        return _combine_constants(type, tensors)
    first = max(batched, key=lambda tensor: (tensor.rank, math.prod(tensor.shape)))
    tensors = [_without_batch_axis(tensor, first.rank) for tensor in tensors]
    if any(tensor.batched and tensor.rank != first.rank for tensor in tensors):
        first.trace.refuse(
            f"joins {' and '.join(written(tensor) for tensor in tensors)}, whose axes differ in "
            f"number; reshape one of them"
        )
    plain = all(tensor.batched and tensor.rank == first.rank for tensor in tensors)
    layout = first.layout if plain else tuple(range(first.rank))
    if plain and set(layout) != set(range(first.rank)):
        layout = tuple(range(first.rank))
    placed = [tensor.arranged(layout) if tensor.batched else tensor for tensor in tensors]
    shape = _broadcast(tensors, first.rank)
    node = first.trace.add(type, {}, *(tensor.node for tensor in placed))
    return first.with_node(node, shape, layout)


def _combine_constants(type: str, tensors: Sequence[Tensor]) -> Tensor:
    rank = max(tensor.rank for tensor in tensors)
    node = tensors[0].trace.add(type, {}, *(tensor.node for tensor in tensors))
    return tensors[0].with_node(node, _broadcast(tensors, rank), range(rank))


def _without_batch_axis(tensor: Tensor, rank: int) -> Tensor:
    """A learnt tensor may be written with a batch of one: (1, steps, features)."""
    if not tensor.batched and tensor.rank == rank + 1 and tensor.shape[0] != 1:
        tensor.trace.refuse(f"joins a tensor of shape {tensor.shape} with one for each image")
    return tensor


def _broadcast(tensors: Sequence[Tensor], rank: int) -> tuple[int, ...]:
    """The shape of all together. Refuses sizes that do not fit."""
    shapes = [(1,) * (rank - tensor.rank) + tensor.shape for tensor in tensors]
    shapes = [shape[len(shape) - rank :] for shape in shapes]
    sizes = []
    for column in zip(*shapes, strict=True):
        long = {size for size in column if size != 1}
        if len(long) > 1:
            words = " and ".join(written(tensor) for tensor in tensors)
            tensors[0].trace.refuse(f"joins {words}, which do not have the same shape")
        sizes.append(max(column))
    return tuple(sizes)


def concatenate(values: Sequence[Any], axis: Any = -1) -> Tensor:
    """Tensors beside each other along an axis, which counts the batch."""
    tensors = list(values)
    batched = [tensor for tensor in tensors if tensor.batched]
    first = batched[0] if batched else tensors[0]
    number = first.axis(axis)
    layout = first.layout
    if set(layout) != set(range(first.rank)) or len(batched) < len(tensors):
        layout = tuple(range(first.rank))
    parts, size = [], 0
    for tensor in tensors:
        shape = tensor.shape if tensor.batched or not batched else tensor.shape[1:]
        others = [a for a in range(first.rank) if a != number]
        if len(shape) != first.rank or any(shape[a] != first.shape[a] for a in others):
            words = " and ".join(written(tensor) for tensor in tensors)
            first.trace.refuse(f"concatenates {words}, which differ in more than axis {axis}")
        size += shape[number]
        parts.append(tensor.arranged(layout) if tensor.batched else tensor)
    if len(parts) == 1:
        return parts[0]
    dim = layout.index(number) + bool(batched)
    node = first.trace.add(
        "Concatenate", {} if dim == 1 else {"dim": dim}, *(p.node for p in parts)
    )
    shape = tuple(size if a == number else n for a, n in enumerate(first.shape))
    return first.with_node(node, shape, layout)


def average(tensors: Sequence[Tensor]) -> Tensor:
    """The mean of tensors, value by value."""
    return combine("Add", tensors).apply("Scale", factor=1 / len(tensors))


def _tensors(layer: KerasLayer, values: tuple[Any, ...], least: int = 2) -> list[Tensor]:
    items = list(values[0]) if len(values) == 1 and isinstance(values[0], list | tuple) else values
    tensors = [layer.need(item, (), "") for item in items]
    if len(tensors) < least:
        layer.refuse(f"joins {len(tensors)} tensors by {layer.type.name}, which takes a list")
    return tensors


def _merge(type: str) -> Any:
    return lambda layer, *values: combine(type, _tensors(layer, values))


def _dot(layer: KerasLayer, *values: Any) -> Tensor:
    """Sums of products along one axis of each, for vectors and lists of vectors."""
    a, b = _tensors(layer, values)[:2]
    axes = layer["axes"]
    axes = tuple(axes) if isinstance(axes, list | tuple) else (axes, axes)
    if len(axes) != 2 or a.rank not in (1, 2) or b.rank not in (1, 2):
        layer.refuse(f"takes the Dot of {written(a)} and {written(b)} by axes {shown(axes)}")
    a_axis, b_axis = a.axis(axes[0]), b.axis(axes[1])
    if a.shape[a_axis] != b.shape[b_axis]:
        layer.refuse(f"takes the Dot of {written(a)} and {written(b)}, whose sizes differ")
    if layer["normalize"]:
        a, b = (t.natural.apply("Normalize", dim=n + 1) for t, n in ((a, a_axis), (b, b_axis)))
    if a.rank == b.rank == 1:
        product = combine("Multiply", [a, b])
        node = layer.trace.add("Sum", {"dim": 1, "keepdim": True}, product.node)
        return product.with_node(node, (1,), (0,))
    if a.rank != b.rank:
        layer.refuse(f"takes the Dot of {written(a)} and {written(b)}; give both as many axes")
    left, right = a.arranged((1 - a_axis, a_axis)), b.arranged((b_axis, 1 - b_axis))
    node = layer.trace.add("MatMul", {}, left.node, right.node)
    return a.with_node(node, (a.shape[1 - a_axis], b.shape[1 - b_axis]), (0, 1))


def _concatenate(layer: KerasLayer, *values: Any) -> Tensor:
    return concatenate(_tensors(layer, values, least=1), layer["axis"])


KINDS = (
    Kind("Add", "", _merge("Add")),
    Kind("Subtract", "", _merge("Subtract")),
    Kind("Multiply", "", _merge("Multiply")),
    Kind("Maximum", "", _merge("Maximum")),
    Kind("Minimum", "", _merge("Minimum")),
    Kind("Average", "", lambda layer, *values: average(_tensors(layer, values))),
    Kind("Concatenate", "axis=-1", _concatenate),
    Kind("Dot", "axes normalize=False", _dot),
)
