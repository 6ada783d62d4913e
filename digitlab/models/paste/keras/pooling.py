"""Poolings, with windows, over whole images, and TensorFlow's padding "same"."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digitlab.models.paste.keras.convolution import same_padding, tidy
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.tensor import Tensor, written


def pool(x: Tensor, kind: str, window: Any, strides: Any, padding: str) -> Tensor:
    """Windows of an image that is written channels last; `kind` is Max or Avg."""
    layer = KerasLayer(KINDS[_PLACE[kind]], [window, strides, padding], {}, x.trace, x.trace.line)
    return layer.type.run(layer, x)


_PLACE = {"Max": 1, "Avg": 4}


def _pool(kind: str, sides: int) -> Any:
    name = f"{kind}Pool{sides}d"

    def run(layer: KerasLayer, value: Any) -> Tensor:
        x, _, axes = layer.images(value, sides)
        window = layer.sizes("pool_size", sides)
        strides = window if layer["strides"] is None else layer.sizes("strides", sides)
        args: dict[str, Any] = {"kernel_size": tidy(window)}
        if strides != window:
            args["stride"] = tidy(strides)
        sizes, surplus = [x.shape[axis] for axis in axes], [0] * sides
        if layer.choice("padding", "valid", "same") == "same":
            surplus = _pad_same(args, sizes, window, strides, kind == "Avg")
            after = [-(-size // stride) for size, stride in zip(sizes, strides, strict=True)]
        else:
            triples = zip(sizes, window, strides, strict=True)
            after = [(size - span) // stride + 1 for size, span, stride in triples]
        if min(after) < 1:
            layer.refuse(
                f"pools windows of {' by '.join(map(str, window))}, but {written(x)} reaches it; "
                f"use padding='same' or a smaller window"
            )
        shape = list(x.shape)
        for axis, size in zip(axes, after, strict=True):
            shape[axis] = size
        node = layer.trace.add(name, args, x.node)
        if any(surplus):
            cut = [count for n in reversed(surplus) for count in (-n, 0)]
            node = layer.trace.add(f"ZeroPad{sides}d", {"padding": tuple(cut)}, node)
        return x.with_node(node, shape, x.layout)

    return run


def _pad_same(
    args: dict[str, Any],
    sizes: Sequence[int],
    window: Sequence[int],
    strides: Sequence[int],
    mean: bool,
) -> list[int]:
    """Add torch's arguments that pad a pooling as TensorFlow does, which never counts what it adds.

    Returns how many values torch then gives too many at the front of each side.
    """
    for ceil in (False, True):
        sides = [_border(*side, ceil) for side in zip(sizes, window, strides, strict=True)]
        if all(side is not None for side in sides):
            break
    paddings = [padding for padding, _ in sides]
    if any(paddings):
        args["padding"] = tidy(paddings)
    if ceil:
        args["ceil_mode"] = True
    if mean and any(paddings):
        args["count_include_pad"] = False
    return [surplus for _, surplus in sides]


def _border(size: int, window: int, stride: int, ceil: bool) -> tuple[int, int] | None:
    """Torch's padding of one side, and the values too many at the front that it gives."""
    before, after = same_padding([size], [window], [stride])[0]
    target = -(-size // stride)
    for padding, surplus in ((before, 0), (after, (after - before) // stride)):
        if (padding - before) % stride:
            continue
        span = size + 2 * padding - window
        count = (-(-span // stride) if ceil else span // stride) + 1
        if ceil and (count - 1) * stride >= size + padding:
            count -= 1
        if count == target + surplus and 2 * padding <= window:
            return padding, surplus
    return None


def _global(kind: str, sides: int) -> Any:
    def run(layer: KerasLayer, value: Any) -> Tensor:
        keep = bool(layer["keepdims"])
        if sides == 1:
            tensor = layer.need(value, (2,), "(steps, features)")
            steps = 1 if layer.channels_first else 0
            tensor = tensor if set(tensor.layout) == {0, 1} else tensor.natural
            args = {"dim": tensor.dim(steps), **({"keepdim": True} if keep else {})}
            node = layer.trace.add("Mean" if kind == "Avg" else "Max", args, tensor.node)
            return tensor.reduced(node, (steps,), keep=keep)
        x, _, axes = layer.images(value, sides)
        args = {"output_size": 1}
        node = layer.trace.add(f"Adaptive{kind}Pool{sides}d", args, x.node)
        pooled = x.reduced(node, axes, keep=True)
        return pooled if keep else pooled.reshape((x.shape[x.layout[0]],)).flat()

    return run


_POOL = "pool_size=2 strides=None padding='valid' data_format=None"

KINDS = (
    *(Kind(f"MaxPooling{n}D", _POOL, _pool("Max", n)) for n in (1, 2, 3)),
    *(Kind(f"AveragePooling{n}D", _POOL, _pool("Avg", n)) for n in (1, 2, 3)),
    *(Kind(f"GlobalMaxPooling{n}D", "data_format=None keepdims=False", _global("Max", n))
      for n in (1, 2, 3)),
    *(Kind(f"GlobalAveragePooling{n}D", "data_format=None keepdims=False", _global("Avg", n))
      for n in (1, 2, 3)),
)  # fmt: skip
