"""What `print(model)` writes of a Sequential: one line a layer, `(0): Conv2d(1, 8, …)`."""

from __future__ import annotations

import ast
import re

from digitlab.errors import SpecError
from digitlab.models.layer import Layer
from digitlab.models.paste.pytorch import read_layer
from digitlab.models.paste.source import Call, parse, read_value, refuse

_LAYER = re.compile(r"^\s*\((\w{1,64})\): (.{1,400})$")
_OPENING = re.compile(r"^\s*(?:\(\w{1,64}\): )?([A-Za-z_]\w{0,63})\($")


def is_printed(text: str) -> bool:
    """Whether a text looks like a printed module: a line such as "  (0): ReLU()"."""
    return any(re.match(r"^\s*\(\w{1,64}\): [A-Z]\w*\(", line) for line in text.splitlines())


def read_printed(text: str) -> list[tuple[Layer, int]]:
    """The layers of a printed Sequential with the line of each. Raises SpecError with its line."""
    layers: list[tuple[Layer, int]] = []
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        opening, layer = _OPENING.match(line), _LAYER.match(line)
        if opening:
            _check_sequential(opening.group(1), number)
            depth += 1
        elif line.strip() == ")":
            depth -= 1
        elif layer:
            layers.append((_layer(layer.group(2), number), number))
        elif line.strip():
            refuse(number, "is not part of a printed model; paste only what print(model) wrote")
    if depth > 0:
        raise SpecError("The printed model ends before its last bracket; paste all of it.")
    return layers


def _check_sequential(name: str, line: int) -> None:
    if name != "Sequential":
        refuse(
            line,
            f"prints {name}, a class of your own; a print does not tell in which order its forward "
            f"uses the layers. Paste an nn.Sequential",
        )


def _layer(text: str, line: int) -> Layer:
    """`MaxPool2d(kernel_size=2, stride=2, …)`: as code, but for words without quotes."""
    try:
        body = parse(text).body
    except SpecError as error:
        raise SpecError(f"Line {line} is not a printed layer.", line=line) from error
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    if not isinstance(call, ast.Call):
        refuse(line, "is not a printed layer")
    names = {n.id: n.id for n in ast.walk(call) if isinstance(n, ast.Name) and n is not call.func}
    try:
        value = read_value(call, names)
    except SpecError as error:
        message = re.sub(r"^Line 1 ", f"Line {line} ", error.message)
        raise SpecError(message, line=line) from error
    if value.name == "Linear" and len(value.args) > 2:
        refuse(line, "prints a Linear that is not torch.nn.Linear")
    return read_layer(Call(value.name, value.before, value.args, value.kwargs, line))
