"""The source of functions with all that they need, for a script that runs without digitlab."""

from __future__ import annotations

import ast
import inspect
import operator
import sys
import textwrap
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from types import ModuleType
from typing import Any

OURS = "digitlab."


@dataclass
class Source:
    """Functions and classes of digitlab, and whatever of it they use, as text.

    `names` maps the names of parameters, such as config, to their values: a branch that these
    decide against (``if config.average:``) is left out, with what only it uses. `provided` are
    names that the script defines elsewhere.
    """

    names: Mapping[str, Any]
    provided: Collection[str] = ()
    imports: set[str] = field(default_factory=set)
    parts: dict[str, str] = field(default_factory=dict)  # name → text, in order of definition
    attributes: set[str] = field(default_factory=set)  # "config.average": all that decide

    def add(self, thing: Callable[..., Any]) -> Source:
        """Add a function or class, after what it uses."""
        module = sys.modules[thing.__module__]
        self._add(thing.__name__, module, inspect.getsource(thing))
        return self

    def _add(self, name: str, module: ModuleType, text: str) -> None:
        if name in self.parts or name in self.provided:
            return
        self.attributes |= attributes(text, self.names)
        text = leave_out(text, self.names)
        self.parts[name] = ""  # so that a function may call itself
        for used in sorted(_loaded(text)):
            if used in vars(module):
                self._use(used, module)
        del self.parts[name]
        self.parts[name] = text

    def _use(self, name: str, module: ModuleType) -> None:
        """Add what a name in a module stands for: an import, a definition or a constant."""
        value = vars(module)[name]
        home = getattr(value, "__module__", None) or ""
        if isinstance(value, ModuleType):
            self.imports.add(_import(value.__name__, name))
        elif home.startswith(OURS) and hasattr(value, "__name__"):
            self._add(name, sys.modules[home], inspect.getsource(value))
        elif name in (constants := _constants(module)):
            self._add(name, module, constants[name])
        elif home:
            self.imports.add(f"from {home} import {name}")


def attributes(text: str, names: Collection[str]) -> set[str]:
    """What a text reads of these names: {"config.average", "config.augmentation.active"}."""
    nodes = ast.walk(ast.parse(text))
    read = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    return {chain for chain in read if chain.partition(".")[0] in names}


def leave_out(text: str, names: Mapping[str, Any]) -> str:
    """A text without the branches whose conditions are false for these values."""
    text = textwrap.dedent(text)
    lines = text.splitlines(keepends=True)
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.If) and not node.orelse and not _may_hold(node.test, names):
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
    return "".join(lines)


def _may_hold(test: ast.expr, names: Mapping[str, Any]) -> bool:
    """Whether a condition holds for these values, or depends on more than them."""
    try:
        return bool(_value(test, names))
    except (KeyError, AttributeError, TypeError):
        return True


_COMPARE: Mapping[type[ast.cmpop], Callable[[Any, Any], bool]] = {
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Is: operator.is_,
    ast.IsNot: operator.is_not,
    ast.In: lambda a, b: a in b,
}


def _value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The value of a condition; KeyError where it has another form or depends on other names."""
    match node:
        case ast.Constant(value):
            return value
        case ast.Name(name):
            return names[name]
        case ast.Attribute(owner, name):
            return getattr(_value(owner, names), name)
        case ast.UnaryOp(ast.Not(), operand):
            return not _value(operand, names)
        case ast.BoolOp(operation, operands):
            values = (_value(operand, names) for operand in operands)
            return all(values) if isinstance(operation, ast.And) else any(values)
        case ast.Compare(left, [comparison], [right]):
            return _COMPARE[type(comparison)](_value(left, names), _value(right, names))
    raise KeyError(ast.unparse(node))


def _loaded(text: str) -> set[str]:
    return {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}


def _constants(module: ModuleType) -> dict[str, str]:
    """The assignments at the top of a module: name → text."""
    text = inspect.getsource(module)
    return {
        target.id: ast.get_source_segment(text, node) + "\n"
        for node in ast.parse(text).body
        if isinstance(node, ast.Assign)
        for target in node.targets
        if isinstance(target, ast.Name)
    }


def _import(module: str, name: str) -> str:
    parent, _, last = module.rpartition(".")
    if last == name and parent:
        return f"from {parent} import {name}"
    return f"import {module}" if module == name else f"import {module} as {name}"
