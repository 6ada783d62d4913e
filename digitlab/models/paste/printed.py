"""What `print(model)` writes: one line a layer, `(0): Conv2d(1, 8, …)`, blocks inside each other.

Of an nn.Sequential that is the network. Of a class it leaves out what its forward does, so the
order of the lines is a guess, and a note says so.
"""

from __future__ import annotations

import ast
import re
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.paste.source import parse, refuse
from digitlab.models.paste.torch_modules import CLASSES, Container, LayerModule

_LAYER = re.compile(r"^\s*\((\w{1,64})\): (.{1,400})$")
_OPENING = re.compile(r"^\s*(?:\((\w{1,64})\): )?([A-Za-z_]\w{0,63})\($")
_MAX_DEPTH = 24
_IN_ORDER = ("Sequential", "ModuleList")
GUESS = (
    "print(model) leaves out what forward does: the layers are taken in the order of the print, "
    "and functions such as F.relu are missing. Check them, or paste the class itself."
)
FLATTENED = "A Flatten is put before the first Linear, which the print does not show."


def is_printed(text: str) -> bool:
    """Whether a text looks like a printed module: a line such as "  (0): ReLU()"."""
    lines = [line for line in text.splitlines() if line.strip()]
    opens = bool(lines) and bool(re.match(r"^\s*[A-Za-z_]\w*\(\s*$", lines[0]))
    return opens and any(re.match(r"^\s*\(\w{1,64}\): [A-Z]\w*\(", line) for line in lines)


def is_summary(text: str) -> bool:
    """Whether a text looks like the table of Keras's model.summary()."""
    head = any("Layer (type)" in line and "Output Shape" in line for line in text.splitlines()[:40])
    return head and "import " not in text


def read_printed(text: str, run: Any) -> tuple[Container, tuple[str, ...]]:
    """The printed modules as one Sequential, and notes. Raises SpecError with its line."""
    root = Container(CLASSES["Sequential"], {}, 1)
    stack: list[tuple[Container, str]] = []
    classes: list[str] = []
    for number, line in enumerate(text.splitlines(), 1):
        opening, layer = _OPENING.match(line), _LAYER.match(line)
        run.line = number
        if opening:
            name, kind = opening.groups()
            if len(stack) >= _MAX_DEPTH:
                refuse(number, "nests modules too deep; paste a smaller model")
            inner = Container(CLASSES["Sequential"], {}, number) if stack else root
            _open(stack, name, kind, inner, classes, number)
        elif line.strip() == ")":
            stack = stack[:-1]
        elif layer and stack:
            name, written = layer.groups()
            stack[-1][0].children[name] = _layer(written, number, run)
        elif line.strip():
            refuse(number, "is not part of a printed model; paste only what print(model) wrote")
    if stack:
        raise SpecError("The printed model ends before its last bracket; paste all of it.")
    return root, (GUESS,) if classes else ()


def _open(
    stack: list[tuple[Container, str]],
    name: str | None,
    kind: str,
    inner: Container,
    classes: list[str],
    line: int,
) -> None:
    if kind in ("MultiheadAttention", "TransformerEncoderLayer", "TransformerEncoder"):
        refuse(line, f"prints {kind} part by part; paste the code that makes it")
    if kind not in _IN_ORDER:
        classes.append(kind)
    if stack:
        stack[-1][0].children[name or str(len(stack[-1][0].children))] = inner
    stack.append((inner, kind))


def _layer(text: str, line: int, run: Any) -> LayerModule:
    """`MaxPool2d(kernel_size=2, stride=2, …)`: as code, but for words without quotes."""
    try:
        body = parse(text).body
    except SpecError as error:
        raise SpecError(f"Line {line} is not a printed layer.", line=line) from error
    call = body[0].value if len(body) == 1 and isinstance(body[0], ast.Expr) else None
    if not isinstance(call, ast.Call) or not isinstance(call.func, ast.Name):
        refuse(line, "is not a printed layer")
    name = call.func.id
    args = [_value(arg, line, run) for arg in call.args]
    kwargs = {word.arg: _value(word.value, line, run) for word in call.keywords if word.arg}
    if name == "Linear" and len(args) > 2:
        refuse(line, "prints a Linear that is not torch.nn.Linear")
    if name not in CLASSES:
        refuse(line, f"prints {name}, which is not a layer that can be read")
    return CLASSES[name].call(args, kwargs, run)


def _value(node: ast.expr, line: int, run: Any) -> Any:
    """A printed argument: a number, a tuple, a word."""
    if isinstance(node, ast.Name):
        return node.id
    if any(isinstance(inner, ast.Call | ast.Attribute) for inner in ast.walk(node)):
        refuse(line, "prints an argument that cannot be read")
    ast.increment_lineno(node, line - node.lineno)
    return run.evaluate(node, run.scope)


def flatten_first_linear(network: Container, run: Any) -> bool:
    """Put a Flatten before the first Linear of a printed class; whether there was one."""
    for name, child in network.inner():
        if isinstance(child, Container) and flatten_first_linear(child, run):
            return True
        if isinstance(child, LayerModule) and child.type == "Linear":
            items = {}
            for key, module in network.inner():
                if key == name:
                    items["flatten"] = CLASSES["Flatten"].call([], {}, run)
                items[key] = module
            network.children = items
            return True
    return False
