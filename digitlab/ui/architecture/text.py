"""Layers, shapes and arguments as a row of a list or table shows them."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from digitlab.models.layer import Layer


def in_short(layer: Layer) -> str:
    """A layer's own arguments on one line; sizes without their usual names."""
    args = layer.plain_args
    words = []
    for name in ("out_channels", "out_features", "kernel_size", "times", "p"):
        if name in args:
            value = _value(args.pop(name))
            flat = name == "kernel_size" and layer.type.endswith(("2d", "Separable"))
            words.append(_window(value) if flat else f"{value}×" if name == "times" else value)
    words += [f"{name}={_value(value)}" for name, value in args.items()]
    return ", ".join(words)


def shorter(label: str, arguments: str) -> str:
    """Arguments as a summary's row has them, on a narrow line: like `in_short`."""
    words = re.sub(r"\b(out_channels|out_features)=", "", arguments)
    if label.endswith(("2d", "Separable")):
        words = re.sub(r"\bkernel_size=(\d+)", r"\1×\1", words)
    return words


def shape_text(shape: Sequence[int]) -> str:
    """(8, 14, 14) is "8×14×14"."""
    return "×".join(map(str, shape))


def _window(value: str) -> str:
    return f"{value}×{value}" if value.isdecimal() else value.strip("()").replace(", ", "×")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_value, value)) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)
