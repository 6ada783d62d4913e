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


def read_sequential(call: Call) -> list[tuple[Layer, int]]:
    """The layers of `nn.Sequential(…)` with the line of each. Raises SpecError with its line."""
    parts = list(call.args)
    if call.kwargs:
        refuse(call.line, "passes a keyword to Sequential, which takes none")
    if len(parts) == 1 and isinstance(parts[0], Call) and parts[0].name == "OrderedDict":
        parts = _values(parts[0])
    elif len(parts) == 1 and isinstance(parts[0], list | dict):
        refuse(call.line, "passes a list or dict to nn.Sequential; pass the layers one by one")
    layers = []
    for part in parts:
        if not isinstance(part, Call):
            refuse(call.line, f"has {shown(part)} among its layers; it is not a layer")
        inner = part.name == "Sequential"
        layers += read_sequential(part) if inner else [(read_layer(part), part.line)]
    return layers


def _values(call: Call) -> list[Any]:
    """The layers of an OrderedDict, which takes pairs or a dict."""
    if len(call.args) != 1 or call.kwargs:
        refuse(call.line, "has an OrderedDict without a list of (name, layer) pairs")
    content = call.args[0]
    if isinstance(content, dict):
        return list(content.values())
    pairs = content if isinstance(content, list | tuple) else [None]
    if any(not isinstance(pair, tuple | list) or len(pair) != 2 for pair in pairs):
        refuse(call.line, "has an OrderedDict without a list of (name, layer) pairs")
    return [pair[1] for pair in pairs]


def read_layer(call: Call) -> Layer:
    """One call of a torch.nn class as a layer. Raises SpecError with its line."""
    name, layers = call.name, list_layers()
    if call.before not in _MODULES or name not in layers:
        written = f"{call.before}.{name}" if call.before else name
        near = difflib.get_close_matches(name, layers, 2, 0.7)
        hint = f"did you mean nn.{' or nn.'.join(near)}" if near else "use a layer of torch.nn"
        refuse(call.line, f"calls {written}, which is not a layer that can be read; {hint}")
    names = argument_names(name)
    if len(call.args) > len(names):
        refuse(call.line, f"passes {len(call.args)} arguments to {name}; it takes {len(names)}")
    args_by_name = {**dict(zip(names, call.args, strict=False)), **call.kwargs}
    twice = [key for key in names[: len(call.args)] if key in call.kwargs]
    if twice:
        refuse(call.line, f"passes {twice[0]} to {name} twice")
    takes = {argument.name: argument for argument in layer_signature(name).arguments}
    args = {}
    for key, value in args_by_name.items():
        if isinstance(value, Call | dict):
            refuse(call.line, f"passes {key} to {name}, but not as a number, text or list")
        if key in _IGNORED:
            continue
        if key not in takes:
            refuse(call.line, f"passes an argument {key!r} to {name} that it does not take here")
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
