"""PyTorch's calls as layers: `nn.Conv2d(1, 8, 3, padding=1)` → `Conv2d: {in_channels: 1, …}`."""

from __future__ import annotations

import difflib
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import Layer, shown
from digitlab.models.layers import argument_names, layer_signature, list_layers
from digitlab.models.paste.source import Call, refuse

_MODULES = ("", "nn", "torch.nn")
_NOT_LAYERS = ("Sequential", "OrderedDict")
_IGNORED = {"device", "dtype", "inplace"}


def is_torch(call: Call) -> bool:
    """Whether a call is written as PyTorch's."""
    return call.before in _MODULES


def read_sequential(call: Call) -> list[tuple[Layer, int]]:
    """The layers of `nn.Sequential(…)` with the line of each. Raises SpecError with its line."""
    parts = list(call.args)
    if call.kwargs:
        refuse(call.line, "gives Sequential a keyword, which it does not take")
    if len(parts) == 1 and isinstance(parts[0], Call) and parts[0].name == "OrderedDict":
        parts = _values(parts[0])
    elif len(parts) == 1 and isinstance(parts[0], list | dict):
        refuse(call.line, "gives Sequential a list or dict; nn.Sequential takes its layers singly")
    layers = []
    for part in parts:
        if not isinstance(part, Call):
            refuse(call.line, f"has {shown(part)} among its layers, which is no layer")
        inner = part.name == "Sequential"
        layers += read_sequential(part) if inner else [(read_layer(part), part.line)]
    return layers


def _values(call: Call) -> list[Any]:
    """The layers of an OrderedDict, which is given pairs or a dict."""
    if len(call.args) != 1 or call.kwargs:
        refuse(call.line, "has an OrderedDict without a list of (name, layer) pairs")
    given = call.args[0]
    if isinstance(given, dict):
        return list(given.values())
    pairs = given if isinstance(given, list | tuple) else [None]
    if any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in pairs):
        refuse(call.line, "has an OrderedDict without a list of (name, layer) pairs")
    return [pair[1] for pair in pairs]


def read_layer(call: Call) -> Layer:
    """One call of a torch.nn class as a layer. Raises SpecError with its line."""
    name, known = call.name, list_layers()
    if call.before not in _MODULES or name not in known:
        written = f"{call.before}.{name}" if call.before else name
        near = difflib.get_close_matches(name, known, 2, 0.7)
        hint = f"did you mean nn.{' or nn.'.join(near)}?" if near else "it is no layer of torch.nn"
        refuse(call.line, f"calls {written}, which cannot be translated; {hint}".rstrip("?"))
    names = argument_names(name)
    if len(call.args) > len(names):
        refuse(call.line, f"gives {name} {len(call.args)} arguments; it takes {len(names)}")
    given = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    twice = [key for key in names[: len(call.args)] if key in call.kwargs]
    if twice:
        refuse(call.line, f"gives {name} {twice[0]} twice")
    takes = {argument.name: argument for argument in layer_signature(name).arguments}
    args = {}
    for key, value in given.items():
        if isinstance(value, Call | dict):
            refuse(call.line, f"gives {name} a {key} that is no plain value")
        if key in _IGNORED:
            continue
        if key not in takes:
            refuse(call.line, f"gives {name} an argument {key!r} that cannot be translated")
        value = tuple(value) if isinstance(value, list) else value
        if takes[key].required or value != takes[key].default:
            args[key] = value
    return _layer(name, args, call.line)


def _layer(name: str, args: dict[str, Any], line: int) -> Layer:
    try:
        return Layer(name, args)
    except SpecError as error:
        error.line = line
        raise
