"""Poolings, with windows, over whole images, and TensorFlow's padding "same"."""

from __future__ import annotations

from typing import Any

from digitlab.models.paste.keras.convolution import same_padding, tidy, torch_padding
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.tensor import Tensor, written

_LEAST = -1e9  # stands for minus infinity, which a spec cannot hold


def _pool(kind: str, sides: int) -> Any:
    name = f"{kind}Pool{sides}d"

    def run(layer: KerasLayer, value: Any) -> Tensor:
        x, _, axes = layer.images(value, sides)
        window = layer.sizes("pool_size", sides)
        strides = window if layer["strides"] is None else layer.sizes("strides", sides)
        args: dict[str, Any] = {"kernel_size": tidy(window)}
        if strides != window:
            args["stride"] = tidy(strides)
        sizes = [x.shape[axis] for axis in axes]
        if layer.choice("padding", "valid", "same") == "same":
            x = _pad_same(layer, x, args, same_padding(sizes, window, strides))
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
        return x.with_node(layer.trace.add(name, args, x.node), shape, x.layout)

    def _pad_same(
        layer: KerasLayer, x: Tensor, args: dict[str, Any], ends: list[tuple[int, int]]
    ) -> Tensor:
        """What is missing at the border: torch's padding, a last window that reaches over it, or
        a layer that pads."""
        if not any(before or after for before, after in ends):
            return x
        if all(before == after for before, after in ends):
            args["padding"] = tidy([before for before, _ in ends])
            if kind == "Avg":
                args["count_include_pad"] = False
        elif not any(before for before, _ in ends):
            args["ceil_mode"] = True
        elif kind == "Max":
            padding = {"padding": torch_padding(ends), "value": _LEAST}
            return x.with_node(x.trace.add("Pad", padding, x.node), x.shape, x.layout)
        else:
            layer.refuse(
                f"pools means with padding='same' where {written(x)} needs unequal borders, which "
                f"PyTorch cannot do"
            )
        return x

    return run


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
