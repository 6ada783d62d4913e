"""What `print(model)` writes of a Sequential: one line a layer, `(0): Conv2d(1, 8, …)`."""

from __future__ import annotations

import ast
import re

from digitlab.errors import SpecError
from digitlab.models.layer import Layer
from digitlab.models.paste.pytorch import read_layer
from digitlab.models.paste.source import Call, parse, read_value, refuse

_ENTRY = re.compile(r"^\s*\((\w{1,64})\): (.{1,400})$")
_OPENING = re.compile(r"^\s*(?:\(\w{1,64}\): )?([A-Za-z_]\w{0,63})\($")


def is_printed(text: str) -> bool:
    """Whether a text looks like a printed module: a line such as "  (0): ReLU()"."""
    return any(re.match(r"^\s*\(\w{1,64}\): [A-Z]\w*\(", line) for line in text.splitlines())


def read_printed(text: str) -> list[tuple[Layer, int]]:
    """The layers of a printed Sequential with the line of each. Raises SpecError with its line."""
    layers: list[tuple[Layer, int]] = []
    depth = 0
    for number, line in enumerate(text.splitlines(), 1):
        opening, entry = _OPENING.match(line), _ENTRY.match(line)
        if opening:
            _check_sequential(opening.group(1), number)
            depth += 1
        elif line.strip() == ")":
            depth -= 1
        elif entry:
            layers.append((_layer(entry.group(2), number), number))
        elif line.strip():
            refuse(number, "is not a part of a printed model; paste what print(model) wrote alone")
    if depth > 0:
        raise SpecError("The printed model ends before its last bracket; paste all of it.")
    return layers


def _check_sequential(name: str, line: int) -> None:
    if name != "Sequential":
        refuse(
            line,
            f"prints {name}, a class of its own, and a print does not say in what order such a "
            f"class uses its layers; paste an nn.Sequential",
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
    words = {n.id: n.id for n in ast.walk(call) if isinstance(n, ast.Name) and n is not call.func}
    try:
        read = read_value(call, words)
    except SpecError as error:
        message = re.sub(r"^Line 1 ", f"Line {line} ", error.message)
        raise SpecError(message, line=line) from error
    if read.name == "Linear" and len(read.args) > 2:
        refuse(line, "prints a Linear that is not torch's")
    return read_layer(Call(read.name, read.before, read.args, read.kwargs, line))
