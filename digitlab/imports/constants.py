"""What an ONNX graph computes from constants alone, such as the sizes of a Reshape.

One value may be spread over any shape without memory (a batch of unknown size is among its sides);
all that needs memory is checked before it is computed.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from digitlab.errors import NetworkFileError

MAX_VALUES = 2**25  # of all constants that a graph computes, beyond those that the file explains
_MAX_SPREAD = 2**33  # of a constant that takes no memory
# Operators that give what they read, seen otherwise, or check what they compute themselves.
_VIEWS = {
    *("Identity", "Dropout", "CastLike", "ConstantOfShape", "Expand", "Cast", "Slice", "Squeeze"),
    *("Unsqueeze", "Transpose", "MatMul", "Shape", "Size"),
}

_UNARY: Mapping[str, Callable[[np.ndarray], np.ndarray]] = {
    "Neg": np.negative, "Abs": np.abs, "Sqrt": np.sqrt, "Exp": np.exp, "Log": np.log,
    "Floor": np.floor, "Ceil": np.ceil, "Identity": lambda x: x, "Not": np.logical_not,
    "Reciprocal": lambda x: 1 / x, "Sign": np.sign, "Dropout": lambda x: x, "CastLike": lambda x: x,
}  # fmt: skip
_BINARY: Mapping[str, Callable[..., np.ndarray]] = {
    "Add": np.add, "Sub": np.subtract, "Mul": np.multiply, "Pow": np.power, "Equal": np.equal,
    "Less": np.less, "Greater": np.greater, "And": np.logical_and, "Or": np.logical_or,
    "Max": np.maximum, "Min": np.minimum, "Mod": np.mod,
}  # fmt: skip


def fold(
    op: str, values: Sequence[np.ndarray], attributes: Mapping[str, Any], limit: int = MAX_VALUES
) -> np.ndarray | None:
    """What operator `op` makes of constants; None for one that is not known here.

    Raises NetworkFileError where more than `limit` values would be computed.
    """
    if op not in _VIEWS:
        _check_values(op, values, attributes, limit)
    with np.errstate(all="ignore"):
        if op in _UNARY:
            return _UNARY[op](values[0])
        if op in _BINARY and len(values) == 2:
            return np.asarray(_BINARY[op](values[0], values[1]))
        if op == "Div":
            whole = all(value.dtype.kind in "iu" for value in values[:2])
            return values[0] // values[1] if whole else values[0] / values[1]
        if op in ("Cast", "MatMul", "Range"):
            return _BOUNDED[op](values, attributes, limit)
        return _FUNCTIONS[op](values, attributes) if op in _FUNCTIONS else None


def check_size(shape: Sequence[int], limit: int = MAX_VALUES) -> None:
    """NetworkFileError where an array of that shape has more than `limit` values."""
    size = math.prod(int(side) for side in shape)
    if size > limit:
        raise NetworkFileError(f"The graph computes a constant of {size:,} values.")


def compact(array: np.ndarray) -> np.ndarray:
    """The array with one of the values along each axis on which it is spread without memory."""
    return array[(..., *(slice(None) if step else slice(0, 1) for step in array.strides))]


def _check_values(
    op: str, values: Sequence[np.ndarray], attributes: Mapping[str, Any], limit: int
) -> None:
    """Check what an operator would copy: what it reads and what it gives."""
    if op == "Reshape" and compact(values[0]).size == 1:
        return
    for value in values:
        check_size(value.shape, limit)
    if op in _BINARY or op in ("Div", "Where"):
        check_size(np.broadcast_shapes(*(value.shape for value in values)), limit)
    elif op == "Concat":
        check_size((sum(value.size for value in values),), limit)
    elif op == "Gather":
        array, axis = values[0], attributes.get("axis", 0) % max(values[0].ndim, 1)
        rest = [side for i, side in enumerate(array.shape) if i != axis]
        check_size((*rest, values[1].size), limit)


def _spread(value: Any, shape: Sequence[int]) -> np.ndarray:
    """One value everywhere, without memory: a batch of unknown size may be among the sides."""
    check_size(shape, _MAX_SPREAD)
    return np.broadcast_to(np.asarray(value), tuple(int(side) for side in shape))


def _constant_of_shape(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    value = attributes.get("value", [0.0])
    return _spread(value[0] if isinstance(value, list) else value, np.atleast_1d(values[0]))


def _expand(values: Sequence[np.ndarray], _attributes: Mapping[str, Any]) -> np.ndarray:
    array, shape = values[0], [int(side) for side in values[1]]
    return _spread(array, np.broadcast_shapes(array.shape, tuple(shape)))


def _cast(values: Sequence[np.ndarray], attributes: Mapping[str, Any], limit: int) -> np.ndarray:
    to = attributes.get("to", 1)
    kind = np.int64 if to in (2, 3, 4, 5, 6, 7, 12, 13) else np.bool_ if to == 9 else np.float32
    small = compact(values[0])
    check_size(small.shape, limit)
    return np.broadcast_to(small.astype(kind), values[0].shape)


def _concat(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    return np.concatenate([np.atleast_1d(value) for value in values], attributes.get("axis", 0))


def _gather(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    return np.take(values[0], values[1].astype(np.int64), axis=attributes.get("axis", 0))


def slices(values: Sequence[Any], attributes: Mapping[str, Any], rank: int) -> dict[int, slice]:
    """The parts that a Slice takes, by axis: of opset 10 as inputs, of older ones as attributes."""
    if "starts" in attributes:
        starts, ends = attributes["starts"], attributes["ends"]
        axes, steps = attributes.get("axes"), None
    else:
        numbers = [None if value is None else np.atleast_1d(value).tolist() for value in values[1:]]
        starts, ends, axes, steps = [*numbers, None, None, None][:4]
    axes = range(len(starts)) if axes is None else axes
    steps = [1] * len(starts) if steps is None else steps
    return {
        int(axis) % rank: slice(int(start), int(end), int(step))
        for axis, start, end, step in zip(axes, starts, ends, steps, strict=True)
    }


def _slice(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    array = values[0]
    parts = slices(values, attributes, array.ndim)
    return array[tuple(parts.get(axis, slice(None)) for axis in range(array.ndim))]


def axes_of(values: Sequence[Any], attributes: Mapping[str, Any]) -> list[int] | None:
    """The axes of Squeeze, Unsqueeze or a reduction, of old opsets an attribute."""
    if "axes" in attributes:
        return list(attributes["axes"])
    if len(values) > 1 and values[1] is not None:
        return np.atleast_1d(values[1]).astype(int).tolist()
    return None


def _squeeze(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    axes = axes_of(values, attributes)
    return np.squeeze(values[0], None if axes is None else tuple(axes))


def _unsqueeze(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    return np.expand_dims(values[0], tuple(axes_of(values, attributes) or ()))


def _reshape(values: Sequence[np.ndarray], _attributes: Mapping[str, Any]) -> np.ndarray:
    sizes = [int(size) for size in np.atleast_1d(values[1])]
    sizes = [values[0].shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return values[0].reshape(sizes)


def _transpose(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    return np.transpose(values[0], attributes.get("perm"))


def _range(values: Sequence[np.ndarray], _attributes: Mapping[str, Any], limit: int) -> np.ndarray:
    start, stop, step = (value.item() for value in values)
    check_size((max(0, int((stop - start) / step)),), limit)
    return np.arange(start, stop, step)


def _where(values: Sequence[np.ndarray], _attributes: Mapping[str, Any]) -> np.ndarray:
    return np.where(values[0].astype(bool), values[1], values[2])


def _shape(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    sizes = values[0].shape[attributes.get("start", 0) : attributes.get("end")]
    return np.array(sizes, np.int64)


def _matmul(values: Sequence[np.ndarray], _attributes: Mapping[str, Any], limit: int) -> np.ndarray:
    first, second = values
    if first.ndim == second.ndim == 2 and len(first) > 1 and not first.strides[0]:
        row = _matmul([first[:1], second], {}, limit)  # the same for each image of the batch
        return _spread(row, (len(first), row.shape[1]))
    for shape in (first.shape, second.shape):
        check_size(shape, limit)
    batch = np.broadcast_shapes(first.shape[:-2], second.shape[:-2])
    check_size((*batch, *first.shape[-2:-1], *second.shape[-1:][: second.ndim - 1]), limit)
    return first @ second


def _product(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    axes, keep = axes_of(values, attributes), bool(attributes.get("keepdims", 1))
    return np.prod(values[0], None if axes is None else tuple(axes), keepdims=keep)


_BOUNDED: Mapping[str, Callable[[Sequence[np.ndarray], Mapping[str, Any], int], np.ndarray]] = {
    "Cast": _cast,
    "MatMul": _matmul,
    "Range": _range,
}
_FUNCTIONS: Mapping[str, Callable[[Sequence[np.ndarray], Mapping[str, Any]], np.ndarray]] = {
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Where": _where,
    "ReduceProd": _product,
    "Shape": _shape,
    "Size": lambda values, attributes: np.array(values[0].size, np.int64),
}
