"""What an ONNX graph computes from constants alone, such as the sizes of a Reshape."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np

from digitlab.errors import NetworkFileError

MAX_VALUES = 2**26  # of a constant that is computed

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


def fold(op: str, values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray | None:
    """What operator `op` makes of constants; None for one that is not known here."""
    with np.errstate(all="ignore"):
        if op in _UNARY:
            return _UNARY[op](values[0])
        if op in _BINARY and len(values) == 2:
            _check(np.broadcast_shapes(values[0].shape, values[1].shape))
            return np.asarray(_BINARY[op](values[0], values[1]))
        if op == "Div":
            whole = all(value.dtype.kind in "iu" for value in values[:2])
            return values[0] // values[1] if whole else values[0] / values[1]
        return _FUNCTIONS[op](values, attributes) if op in _FUNCTIONS else None


def _check(shape: Sequence[int]) -> None:
    size = 1
    for side in shape:
        size *= int(side)
    if size > MAX_VALUES:
        raise NetworkFileError(f"The graph computes a constant of {size:,} values.")


def _filled(value: Any, shape: np.ndarray) -> np.ndarray:
    """One value everywhere, without memory: a batch of unknown size may be among the sides."""
    return np.broadcast_to(np.asarray(value), [int(side) for side in shape])


def _constant_of_shape(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    value = attributes.get("value", [0.0])
    return _filled(value[0] if isinstance(value, list) else value, values[0])


def _expand(values: Sequence[np.ndarray], _attributes: Mapping[str, Any]) -> np.ndarray:
    array, shape = values[0], [int(side) for side in values[1]]
    return np.broadcast_to(array, np.broadcast_shapes(array.shape, tuple(shape)))


def _cast(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    to = attributes.get("to", 1)
    kind = np.int64 if to in (2, 3, 4, 5, 6, 7, 12, 13) else np.bool_ if to == 9 else np.float32
    if values[0].strides and not any(values[0].strides):  # one value everywhere
        return np.broadcast_to(values[0].flat[0].astype(kind), values[0].shape)
    return values[0].astype(kind)


def _concat(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    _check((sum(value.size for value in values),))
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


def _range(values: Sequence[np.ndarray], _attributes: Mapping[str, Any]) -> np.ndarray:
    start, stop, step = (value.item() for value in values)
    _check((max(0, int((stop - start) / step)),))
    return np.arange(start, stop, step)


def _where(values: Sequence[np.ndarray], _attributes: Mapping[str, Any]) -> np.ndarray:
    _check(np.broadcast_shapes(*(value.shape for value in values)))
    return np.where(values[0].astype(bool), values[1], values[2])


def _shape(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    sizes = values[0].shape[attributes.get("start", 0) : attributes.get("end")]
    return np.array(sizes, np.int64)


def _matmul(values: Sequence[np.ndarray], _attributes: Mapping[str, Any]) -> np.ndarray:
    first, second = values
    if first.ndim == second.ndim == 2 and len(first) > 1 and not first.strides[0]:
        row = first[:1] @ second  # the same for each image of the batch
        return np.broadcast_to(row, (len(first), row.shape[1]))
    _check((*first.shape[:-1], second.shape[-1]))
    return first @ second


def _product(values: Sequence[np.ndarray], attributes: Mapping[str, Any]) -> np.ndarray:
    axes, keep = axes_of(values, attributes), bool(attributes.get("keepdims", 1))
    return np.prod(values[0], None if axes is None else tuple(axes), keepdims=keep)


_FUNCTIONS: Mapping[str, Callable[[Sequence[np.ndarray], Mapping[str, Any]], np.ndarray]] = {
    "ConstantOfShape": _constant_of_shape,
    "Expand": _expand,
    "Cast": _cast,
    "Concat": _concat,
    "Gather": _gather,
    "Slice": _slice,
    "Squeeze": _squeeze,
    "Unsqueeze": _unsqueeze,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Range": _range,
    "Where": _where,
    "ReduceProd": _product,
    "MatMul": _matmul,
    "Shape": _shape,
    "Size": lambda values, attributes: np.array(values[0].size, np.int64),
}
