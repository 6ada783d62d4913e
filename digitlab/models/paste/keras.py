"""Keras's calls as layers: `Conv2D(32, 3, activation="relu")` → Conv2d and ReLU.

Keras writes images as height, width, channels; a spec, as PyTorch, as channels, height, width. A
softmax at the very end is left out: in Keras the loss takes probabilities, here it takes scores
and applies softmax itself.
"""

from __future__ import annotations

import difflib
import math
from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras_layers import LAYERS, Translation
from digitlab.models.paste.source import Call, refuse

_INITS = {"he": "kaiming", "glorot": "xavier", "orthogonal": "orthogonal"}
_IGNORED = {"name", "dtype", "trainable", "data_format", "bias_initializer", "seed", "unroll"}
_INPUT = ("input_shape", "batch_input_shape", "input_dim")


def read_keras(calls: list[Call]) -> Translation:
    """The layers of a Keras Sequential. Raises SpecError with the line of what it cannot say."""
    made = Translation()
    for call in calls:
        if not isinstance(call, Call):
            refuse(made.line or 1, f"has {shown(call)} among the layers, which is no layer")
        _translate(call, made)
    if made.layers and made.layers[-1][0].type == "Softmax":
        made.layers.pop()
    return made


def _translate(call: Call, made: Translation) -> None:
    made.line = call.line
    if call.name not in LAYERS:
        near = difflib.get_close_matches(call.name, LAYERS, 2, 0.7)
        hint = f"did you mean {' or '.join(near)}" if near else "leave it out or write it otherwise"
        refuse(call.line, f"calls {call.name}, which cannot be translated; {hint}")
    takes, translate = LAYERS[call.name]
    names = takes.split()
    if len(call.args) > len(names):
        refuse(call.line, f"gives {call.name} {len(call.args)} arguments; it takes {len(names)}")
    given = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    for name in _INPUT:
        if name in given:
            shape = given.pop(name)
            shape = (shape,) if name == "input_dim" else shape
            made.set_input(shape[1:] if name.startswith("batch") else shape)
    for name, value in list(given.items()):
        if name in _IGNORED:
            del given[name]
        elif name == "kernel_initializer" and name not in names:
            made.init = _init(given.pop(name), made)
        elif name not in names:
            refuse(
                call.line, f"gives {call.name} {name}={shown(value)}, which cannot be translated"
            )
    translate(given, made)


def _init(given: Any, made: Translation) -> str:
    name = str(given.name if isinstance(given, Call) else given).lower()
    for word, init in _INITS.items():
        if name.startswith(word):
            return init
    refuse(made.line, f"draws first weights by {shown(name)}, which cannot be translated")


def square(features: int) -> int:
    """The side of a square image of so many pixels; 0 where there is none."""
    side = math.isqrt(features)
    return side if side * side == features else 0
