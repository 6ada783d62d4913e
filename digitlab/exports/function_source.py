"""The source of functions with all that they need, for a script that runs without digitlab."""

from __future__ import annotations

import ast
import functools
import inspect
import operator
import sys
import textwrap
from collections.abc import Callable, Collection, Iterator, Mapping
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
        self._add(thing.__name__, module, _source(thing))
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
        """Add what a name in a module stands for: an import, a definition or a constant.

        AssertionError where it is bound in another way: the script would lack it.
        """
        value = vars(module)[name]
        if isinstance(value, ModuleType) and not value.__name__.startswith(OURS):
            self.imports.add(_import(value.__name__, name))
            return
        match statement := _statements(module).get(name):
            case ast.ImportFrom(home) if f"{home}.".startswith(OURS):
                self._use(name, sys.modules[home])
            case ast.ImportFrom(home):
                self.imports.add(f"from {home} import {name}")
            case ast.FunctionDef() | ast.ClassDef():
                self._add(name, module, _source(value))
            case ast.Assign() | ast.AnnAssign():
                text = ast.get_source_segment(_source(module), statement)
                self._add(name, module, f"{text}\n")
            case _:
                raise AssertionError(f"{module.__name__} binds {name} in a way that is not known")


def attributes(text: str, names: Collection[str]) -> set[str]:
    """What a text reads of these names: {"config.average", "config.augmentation.active"}."""
    nodes = ast.walk(ast.parse(text))
    read = {ast.unparse(node) for node in nodes if isinstance(node, ast.Attribute)}
    return {chain for chain in read if chain.partition(".")[0] in names}


def leave_out(text: str, names: Mapping[str, Any]) -> str:
    """A text without the branches whose conditions are false for these values."""
    text = textwrap.dedent(text)
    lines = text.splitlines(keepends=True)
    for block in _blocks(ast.parse(text)):
        unused = [
            node
            for node in block
            if isinstance(node, ast.If) and not node.orelse and not _may_hold(node.test, names)
        ]
        first = lines[unused[0].lineno - 1] if unused else ""  # empty inside what is left out
        for node in unused:
            lines[node.lineno - 1 : node.end_lineno] = [""] * (node.end_lineno - node.lineno + 1)
        if first and unused == block and not first.lstrip().startswith("elif"):
            lines[block[0].lineno - 1] = f"{' ' * block[0].col_offset}pass\n"
    return "".join(lines)


def _blocks(tree: ast.AST) -> Iterator[list[Any]]:
    """All lists of nodes in a tree, those around others first: bodies, branches, arguments."""
    for node in ast.walk(tree):
        yield from (value for _, value in ast.iter_fields(node) if isinstance(value, list))


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


_source = functools.cache(inspect.getsource)  # which reads and tokenizes the whole file each time


@functools.cache
def _statements(module: ModuleType) -> dict[str, ast.stmt]:
    """The statement at the top of a module that binds each name, under the name it has there."""
    statements: dict[str, ast.stmt] = {}
    for node in ast.parse(_source(module)).body:
        match node:
            case ast.ImportFrom(names=names):
                bound = [alias.name for alias in names if not alias.asname]
            case ast.FunctionDef(name) | ast.ClassDef(name):
                bound = [name]
            case ast.Assign(targets):
                bound = [target.id for target in targets if isinstance(target, ast.Name)]
            case ast.AnnAssign(ast.Name(name), value=ast.expr()):
                bound = [name]
            case _:
                bound = []
        statements |= dict.fromkeys(bound, node)
    return statements


def _import(module: str, name: str) -> str:
    parent, _, last = module.rpartition(".")
    if last == name and parent:
        return f"from {parent} import {name}"
    return f"import {module}" if module == name else f"import {module} as {name}"
