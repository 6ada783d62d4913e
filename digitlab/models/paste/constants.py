"""`Constants`: what a name or an expression of a text holds, where that is plain to see.

For settings outside of the network: a constant, an argument's default, an entry of a settings dict.
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping, Sequence
from typing import Any

MAX_DEPTH = 12  # of expressions and of names that stand for names
MAX_NODES = 50_000

_OPERATORS: dict[type[ast.operator], Callable[[Any, Any], Any]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.FloorDiv: operator.floordiv,
    ast.Pow: operator.pow,
}


class Constants:
    """The plain values in a text. `values` are its names as they were read."""

    def __init__(self, body: Sequence[ast.stmt], values: Mapping[str, Any]) -> None:
        self.values = values
        self.nodes: list[ast.AST] = []  # in the order of the text
        self.assigned: dict[str, ast.expr] = {}  # also inside functions and classes: Config.lr
        self.options: dict[str, ast.expr] = {}  # of the command line
        self.packages: set[str] = set()
        waiting: list[ast.AST] = list(reversed(body))
        while waiting and len(self.nodes) < MAX_NODES:
            node = waiting.pop()
            self.nodes.append(node)
            self._note(node)
            waiting += reversed(list(ast.iter_child_nodes(node)))

    def _note(self, node: ast.AST) -> None:
        if isinstance(node, ast.Assign | ast.AnnAssign) and node.value is not None:
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            for target in targets:
                self._assign(target, node.value)
        elif isinstance(node, ast.FunctionDef):
            args, defaults = [*node.args.posonlyargs, *node.args.args], node.args.defaults
            args = [*args[len(args) - len(defaults) :], *node.args.kwonlyargs]
            for arg, default in zip(args, [*defaults, *node.args.kw_defaults], strict=True):
                if default is not None:
                    self.assigned.setdefault(arg.arg, default)
        elif isinstance(node, ast.ImportFrom):
            self.packages.add((node.module or "").partition(".")[0])
        elif isinstance(node, ast.Import):
            self.packages.update(alias.name.partition(".")[0] for alias in node.names)
        elif isinstance(node, ast.Call):
            self._call(node)

    def _assign(self, target: ast.expr, value: ast.expr) -> None:
        if isinstance(target, ast.Name):
            self.assigned[target.id] = value
        elif isinstance(target, ast.Attribute):
            self.assigned[target.attr] = value
        elif isinstance(target, ast.Tuple) and isinstance(value, ast.Tuple):
            for inner, each in zip(target.elts, value.elts, strict=False):
                self._assign(inner, each)

    def _call(self, node: ast.Call) -> None:
        """An option of argparse or click, or plain arguments of a call, which name parameters."""
        name = dotted(node.func).rpartition(".")[2]
        words = {word.arg: word.value for word in node.keywords if word.arg}
        if name in ("add_argument", "option") and "default" in words:
            for arg in node.args:
                if isinstance(arg, ast.Constant) and isinstance(arg.value, str):
                    self.options[arg.value.lstrip("-").replace("-", "_")] = words["default"]
        elif name in ("dict", "SimpleNamespace", "Namespace"):
            self.assigned.update(words)

    def imports(self, *packages: str) -> bool:
        """Whether the text imports one of these."""
        return bool(self.packages & set(packages))

    def value(self, node: ast.expr | None, depth: int = 0) -> Any:
        """The number, word, truth, or list of them that an expression holds; None otherwise."""
        if node is None or depth > MAX_DEPTH:
            return None
        if isinstance(node, ast.Constant):
            return node.value if isinstance(node.value, int | float | str | bool) else None
        if isinstance(node, ast.Tuple | ast.List):
            return [self.value(item, depth + 1) for item in node.elts[:8]]
        if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
            number = self.value(node.operand, depth + 1)
            return -number if type(number) in (int, float) else None
        if isinstance(node, ast.BinOp):
            return self._computed(node, depth)
        if isinstance(node, ast.Name):
            return self._named(node.id, depth)
        if isinstance(node, ast.Attribute):
            return self._attribute(node, depth)
        if isinstance(node, ast.Subscript):
            return self._entry(node, depth)
        if isinstance(node, ast.Call) and dotted(node.func) in ("int", "float") and node.args:
            return self.value(node.args[0], depth + 1)
        return None

    def call_of(self, node: ast.expr) -> ast.Call | None:
        """The call that an expression is or that its name stands for."""
        if isinstance(node, ast.Name):
            node = self.assigned.get(node.id, node)
        made = isinstance(node, ast.Call) and dotted(node.func) not in ("int", "float")
        return node if made else None

    def _computed(self, node: ast.BinOp, depth: int) -> Any:
        left, right = self.value(node.left, depth + 1), self.value(node.right, depth + 1)
        numbers = all(type(n) in (int, float) and abs(n) < 1e9 for n in (left, right))
        if not numbers or type(node.op) not in _OPERATORS:
            return None
        if isinstance(node.op, ast.Pow) and abs(right) > 64:
            return None
        try:
            result = _OPERATORS[type(node.op)](left, right)
        except (ArithmeticError, ValueError):
            return None
        return result if type(result) in (int, float) else None

    def _named(self, name: str, depth: int) -> Any:
        value = self.values.get(name)
        if isinstance(value, int | float | str | bool):
            return value
        if isinstance(value, list | tuple) and len(value) <= 8:
            return list(value)
        return self.value(self.assigned.get(name), depth + 1)

    def _attribute(self, node: ast.Attribute, depth: int) -> Any:
        """`args.lr`, `config.lr`, `self.lr`."""
        name = node.attr
        expression = self.options.get(name, self.assigned.get(name))
        if expression is None:
            expression = _entry_of(self.call_of(node.value), name)
        return self.value(expression, depth + 1)

    def _entry(self, node: ast.Subscript, depth: int) -> Any:
        """`config["lr"]`."""
        key = self.value(node.slice, depth + 1)
        if isinstance(node.value, ast.Name):
            known = self.values.get(node.value.id)
            if isinstance(known, dict) and isinstance(key, str):
                value = known.get(key)
                return value if isinstance(value, int | float | str) else None
            return self.value(_entry_of(self.assigned.get(node.value.id), key), depth + 1)
        return None


def _entry_of(written: ast.expr | None, key: Any) -> ast.expr | None:
    """What a dict, as it is written, has under a key."""
    if isinstance(written, ast.Dict):
        pairs = zip(written.keys, written.values, strict=True)
        return next((v for k, v in pairs if isinstance(k, ast.Constant) and k.value == key), None)
    words = written.keywords if isinstance(written, ast.Call) else []
    return next((word.value for word in words if word.arg == key), None)


def dotted(node: ast.AST | None) -> str:
    """A name with its dots; of what is called or indexed before a dot only the rest."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if isinstance(node, ast.Name):
        parts.append(node.id)
    return ".".join(reversed(parts))
