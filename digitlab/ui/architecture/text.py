"""Layers, shapes and arguments as short texts for lists and tables."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

from digitlab.models.layer import Layer

# Indentation has a meaning in YAML and Python; Streamlit has no editor with a monospaced font.
MONOSPACE = (
    "<style>.st-key-{key} textarea "
    "{{font-family: monospace; white-space: pre; overflow-x: auto}}</style>"
)


def describe_arguments(layer: Layer) -> str:
    """A layer's arguments without its inner layers, on one line; usual names are left out."""
    args = layer.plain_args
    parts = []
    for name in ("out_channels", "out_features", "kernel_size", "times", "p"):
        if name in args:
            value = _value(args.pop(name))
            flat = name == "kernel_size" and layer.type.endswith(("2d", "Separable"))
            parts.append(_window(value) if flat else f"{value}×" if name == "times" else value)
    parts += [f"{name}={_value(value)}" for name, value in args.items()]
    return ", ".join(parts)


def shorten_arguments(label: str, arguments: str) -> str:
    """The arguments of a summary's row, shortened as in `describe_arguments`."""
    text = re.sub(r"\b(out_channels|out_features)=", "", arguments)
    if label.endswith(("2d", "Separable")):
        text = re.sub(r"\bkernel_size=(\d+)", r"\1×\1", text)
    return text


def shape_text(shape: Sequence[int]) -> str:
    """(8, 14, 14) is "8×14×14"."""
    return "×".join(map(str, shape))


def _window(value: str) -> str:
    return f"{value}×{value}" if value.isdecimal() else value.strip("()").replace(", ", "×")


def _value(value: Any) -> str:
    if isinstance(value, tuple):
        return "(" + ", ".join(map(_value, value)) + ")"
    return f"{value:g}" if isinstance(value, float) else str(value)


def code_lines(text: str) -> list[str]:
    """The lines of code as Python counts them: a form feed or U+2028 ends none."""
    return text.replace("\r\n", "\n").removesuffix("\n").split("\n")
