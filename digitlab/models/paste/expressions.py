"""Python's expressions, evaluated over `ast`: values of our own in, values of our own out."""

from __future__ import annotations

import ast
import math
import re
from typing import Any, NoReturn

from digitlab.errors import SpecError
from digitlab.models.paste import arithmetic
from digitlab.models.paste.budget import Budget
from digitlab.models.paste.native import MISSING, Native, Unknown
from digitlab.models.paste.objects import Scope, UserFunction

_FORMAT = re.compile(r"[<>^]?[+ ]?0?\d{0,2},?(\.\d{1,2})?[dfeFgs%]?")


class Expressions:
    """What evaluates expressions; statements, calls and attributes are `Interpreter`'s."""

    budget: Budget
    line: int
    foreign = False  # whether a library's own source is read, whose lines are not the text's

    def at(self, node: ast.AST) -> None:
        """Be at a node's line."""
        if not self.foreign:
            self.line = node.lineno

    def evaluate(self, node: ast.expr, scope: Scope) -> Any:
        """The value of an expression. Raises SpecError for one that cannot be read."""
        if not self.foreign:
            self.line = getattr(node, "lineno", self.line)
        self.budget.step(self.line)
        method = _METHODS.get(type(node))
        if method is None:
            self.refuse(f"contains {syntax(node)}, which cannot be read")
        return method(self, node, scope)

    def refuse(self, problem: str) -> NoReturn:
        """Raise the SpecError of the line that is read; `problem` begins with a verb."""
        raise SpecError(f"Line {self.line} {problem}.", line=self.line)

    # ---- names and literals

    def _constant(self, node: ast.Constant, scope: Scope) -> Any:
        value = node.value
        if isinstance(value, str | bytes):
            self.charge(min(len(value), 1_000))
            return value
        if isinstance(value, float) and not math.isfinite(value):
            self.refuse("contains a number that is too large; numbers may be at most 1e308")
        if isinstance(value, complex):
            return Unknown("contains a complex number", self.line)
        return arithmetic.checked(value, self.line) if type(value) is int else value

    def _name(self, node: ast.Name, scope: Scope) -> Any:
        value = scope.find(node.id)
        if value is not MISSING:
            return value
        value = self.default_name(node.id)
        if value is not MISSING:
            return value
        return Unknown(f"uses {node.id!r}, which is not defined above it", self.line)

    def _items(self, nodes: list[ast.expr], scope: Scope) -> list[Any]:
        values: list[Any] = []
        for node in nodes:
            if isinstance(node, ast.Starred):
                values += self.iterate(self.evaluate(node.value, scope))
            else:
                values.append(self.evaluate(node, scope))
        self.charge(len(values))
        return values

    def _list(self, node: ast.List, scope: Scope) -> Any:
        return self._items(node.elts, scope)

    def _tuple(self, node: ast.Tuple, scope: Scope) -> Any:
        return tuple(self._items(node.elts, scope))

    def _set(self, node: ast.Set, scope: Scope) -> Any:
        return {arithmetic.key(item, self) for item in self._items(node.elts, scope)}

    def _dict(self, node: ast.Dict, scope: Scope) -> Any:
        values: dict[Any, Any] = {}
        for key, value in zip(node.keys, node.values, strict=True):
            if key is None:
                more = self.evaluate(value, scope)
                if not isinstance(more, dict):
                    return Unknown("unpacks a dict that is not known", self.line)
                values.update(more)
            else:
                name = arithmetic.key(self.evaluate(key, scope), self)
                values[name] = self.evaluate(value, scope)
        self.charge(len(values))
        return values

    def _joined(self, node: ast.JoinedStr, scope: Scope) -> Any:
        parts = []
        for part in node.values:
            value = part.value if isinstance(part, ast.Constant) else self.evaluate(part, scope)
            if isinstance(value, Unknown):
                return value
            parts.append(arithmetic.text(value, self))
        self.charge(sum(map(len, parts)))
        return "".join(parts)

    def _formatted(self, node: ast.FormattedValue, scope: Scope) -> Any:
        value = self.evaluate(node.value, scope)
        spec = self.evaluate(node.format_spec, scope) if node.format_spec else ""
        if isinstance(value, Unknown) or isinstance(spec, Unknown):
            return value if isinstance(value, Unknown) else spec
        if not spec:
            return arithmetic.text(value, self)
        plain = isinstance(value, int | float | str)
        if not plain or not isinstance(spec, str) or not _FORMAT.fullmatch(spec):
            return Unknown("formats text in a way that cannot be read", self.line)
        try:
            return format(value, spec)
        except ValueError:
            return Unknown("formats text in a way that cannot be read", self.line)

    # ---- operators

    def _binary(self, node: ast.BinOp, scope: Scope) -> Any:
        left = self.evaluate(node.left, scope)
        right = self.evaluate(node.right, scope)
        self.at(node)
        return arithmetic.operate(arithmetic.BINARY[type(node.op)], left, right, self)

    def _unary(self, node: ast.UnaryOp, scope: Scope) -> Any:
        value = self.evaluate(node.operand, scope)
        if isinstance(node.op, ast.Not):
            return value if isinstance(value, Unknown) else not self.truth(value)
        return arithmetic.unary(arithmetic.UNARY[type(node.op)], value, self)

    def _boolean(self, node: ast.BoolOp, scope: Scope) -> Any:
        value: Any = None
        for operand in node.values:
            value = self.evaluate(operand, scope)
            if isinstance(value, Unknown) or self.truth(value) != isinstance(node.op, ast.And):
                return value
        return value

    def _compare(self, node: ast.Compare, scope: Scope) -> Any:
        left = self.evaluate(node.left, scope)
        for op, right_node in zip(node.ops, node.comparators, strict=True):
            right = self.evaluate(right_node, scope)
            answer = self._compared(op, left, right)
            if not isinstance(answer, bool):
                return answer
            if not answer:
                return False
            left = right
        return True

    def _compared(self, op: ast.cmpop, left: Any, right: Any) -> Any:
        if isinstance(op, ast.Is | ast.IsNot):
            if isinstance(left, Unknown) or isinstance(right, Unknown):
                return left if isinstance(left, Unknown) else right
            plain = isinstance(left, int | float | str) and isinstance(right, int | float | str)
            same = arithmetic.equal(left, right, self) if plain else left is right
            return same == isinstance(op, ast.Is)
        if isinstance(op, ast.In | ast.NotIn):
            if isinstance(left, Unknown) or isinstance(right, Unknown):
                return left if isinstance(left, Unknown) else right
            if isinstance(right, str):
                return (isinstance(left, str) and left in right) == isinstance(op, ast.In)
            if isinstance(right, dict | set):
                return (arithmetic.key(left, self) in right) == isinstance(op, ast.In)
            items = self.iterate(right)
            self.charge(len(items))
            inside = any(arithmetic.equal(left, item, self) for item in items)
            return inside == isinstance(op, ast.In)
        return arithmetic.compare(arithmetic.COMPARE[type(op)], left, right, self)

    def _conditional(self, node: ast.IfExp, scope: Scope) -> Any:
        test = self.evaluate(node.test, scope)
        if isinstance(test, Unknown):
            return test
        return self.evaluate(node.body if self.truth(test) else node.orelse, scope)

    def _walrus(self, node: ast.NamedExpr, scope: Scope) -> Any:
        value = self.evaluate(node.value, scope)
        scope.bind(node.target.id, value)
        return value

    # ---- attributes, items, calls

    def _attribute(self, node: ast.Attribute, scope: Scope) -> Any:
        value = self.evaluate(node.value, scope)
        if not self.foreign:
            self.line = node.end_lineno or node.lineno
        return self.attribute(value, node.attr)

    def _subscript(self, node: ast.Subscript, scope: Scope) -> Any:
        value = self.evaluate(node.value, scope)
        return self.item(value, self.evaluate(node.slice, scope))

    def _slice(self, node: ast.Slice, scope: Scope) -> Any:
        parts = [
            None if part is None else self.evaluate(part, scope)
            for part in (node.lower, node.upper, node.step)
        ]
        return slice(*parts)

    def item(self, value: Any, index: Any) -> Any:
        """`value[index]`."""
        if isinstance(index, Unknown):
            return index
        if isinstance(value, Native):
            return value.item(index, self)
        if isinstance(value, dict):
            name = arithmetic.key(index, self)
            if name not in value:
                self.fail("KeyError", f"looks up {arithmetic.text(index, self)[:40]!r}, which is "
                          f"not in the dict")  # fmt: skip
            return value[name]
        if isinstance(value, list | tuple | str | range):
            return self._plain_item(value, index)
        self.refuse(f"indexes {arithmetic.kind(value)}")

    def _plain_item(self, value: Any, index: Any) -> Any:
        if isinstance(index, slice):
            bounds = (index.start, index.stop, index.step)
            if any(isinstance(bound, Unknown) for bound in bounds):
                return next(bound for bound in bounds if isinstance(bound, Unknown))
            if any(bound is not None and type(bound) is not int for bound in bounds):
                self.refuse("slices by something other than whole numbers")
            if index.step == 0:
                self.refuse("slices with a step of 0")
            self.charge(len(value[index]) if isinstance(value, range) else len(value))
            return value[index]
        if not isinstance(index, int):
            self.refuse(f"indexes {arithmetic.kind(value)} by {arithmetic.kind(index)}")
        if not -len(value) <= index < len(value):
            self.fail("IndexError", f"takes item {index} of only {len(value)}")
        return value[index]

    def _call(self, node: ast.Call, scope: Scope) -> Any:
        if isinstance(node.func, ast.Name) and node.func.id == "super":
            return self.parent([self.evaluate(arg, scope) for arg in node.args], scope)
        function = self.evaluate(node.func, scope)
        args = self._items(node.args, scope)
        kwargs: dict[str, Any] = {}
        for keyword in node.keywords:
            value = self.evaluate(keyword.value, scope)
            if keyword.arg is not None:
                kwargs[keyword.arg] = value
            elif isinstance(value, dict) and all(isinstance(name, str) for name in value):
                kwargs.update(value)
            else:
                return Unknown("unpacks a dict that is not known", self.line)
        self.at(node)
        outer, self.scope = self.scope, scope
        try:
            return self.call(function, args, kwargs)
        finally:
            self.scope = outer

    def _lambda(self, node: ast.Lambda, scope: Scope) -> Any:
        return self.function(node, scope)

    def _starred(self, node: ast.Starred, scope: Scope) -> Any:
        return tuple(self.iterate(self.evaluate(node.value, scope)))

    # ---- comprehensions

    def _comprehension(self, node: Any, scope: Scope) -> Any:
        values: list[Any] = []
        inner = Scope(parent=scope, function=scope.function, first=scope.first)
        parts = (node.key, node.value) if isinstance(node, ast.DictComp) else (node.elt,)

        def nest(generators: list[ast.comprehension]) -> None:
            if not generators:
                self.charge(1)
                values.append(tuple(self.evaluate(part, inner) for part in parts))
                return
            generator, *rest = generators
            for item in self.iterate(self.evaluate(generator.iter, inner)):
                self.budget.step(self.line)
                self.assign(generator.target, item, inner)
                if all(self.truth(self.evaluate(test, inner)) for test in generator.ifs):
                    nest(rest)

        nest(node.generators)
        if isinstance(node, ast.DictComp):
            return {arithmetic.key(name, self): value for name, value in values}
        items = [value for (value,) in values]
        if isinstance(node, ast.SetComp):
            return {arithmetic.key(item, self) for item in items}
        return items

    # ---- what the interpreter adds

    scope: Scope

    def charge(self, count: int) -> None:
        """Count values that are made."""
        self.budget.charge(self.line, count)

    def default_name(self, name: str) -> Any:
        """A name that the text does not define: Python's own, or a library's usual one."""
        raise NotImplementedError

    def attribute(self, value: Any, name: str) -> Any:
        """`value.name`."""
        raise NotImplementedError

    def call(self, value: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        """`value(…)`."""
        raise NotImplementedError

    def parent(self, args: list[Any], scope: Scope) -> Any:
        """`super(…)`."""
        raise NotImplementedError

    def function(self, node: Any, scope: Scope) -> UserFunction:
        """A def or lambda as a value."""
        raise NotImplementedError

    def assign(self, target: ast.expr, value: Any, scope: Scope) -> None:
        """`target = value`."""
        raise NotImplementedError

    def iterate(self, value: Any) -> list[Any]:
        """All that a loop runs through."""
        raise NotImplementedError

    def truth(self, value: Any) -> bool:
        """Whether `if value:` holds."""
        raise NotImplementedError

    def fail(self, exception: str, problem: str) -> NoReturn:
        """Raise an error that the text's own try statement may catch."""
        raise NotImplementedError


_METHODS: dict[type[ast.expr], Any] = {
    ast.Constant: Expressions._constant,
    ast.Name: Expressions._name,
    ast.List: Expressions._list,
    ast.Tuple: Expressions._tuple,
    ast.Set: Expressions._set,
    ast.Dict: Expressions._dict,
    ast.JoinedStr: Expressions._joined,
    ast.FormattedValue: Expressions._formatted,
    ast.BinOp: Expressions._binary,
    ast.UnaryOp: Expressions._unary,
    ast.BoolOp: Expressions._boolean,
    ast.Compare: Expressions._compare,
    ast.IfExp: Expressions._conditional,
    ast.NamedExpr: Expressions._walrus,
    ast.Attribute: Expressions._attribute,
    ast.Subscript: Expressions._subscript,
    ast.Slice: Expressions._slice,
    ast.Call: Expressions._call,
    ast.Lambda: Expressions._lambda,
    ast.Starred: Expressions._starred,
    ast.ListComp: Expressions._comprehension,
    ast.SetComp: Expressions._comprehension,
    ast.GeneratorExp: Expressions._comprehension,
    ast.DictComp: Expressions._comprehension,
}

# Syntax by the names that Python's documentation gives it.
_SYNTAX: dict[type[ast.AST], str] = {
    ast.Delete: "a del statement",
    ast.Assert: "an assert statement",
    ast.Return: "a return statement",
    ast.Raise: "a raise statement",
    ast.Try: "a try statement",
    ast.ClassDef: "a class",
    ast.FunctionDef: "a function",
    ast.AsyncFunctionDef: "an async function",
    ast.For: "a for loop",
    ast.While: "a while loop",
    ast.If: "an if statement",
    ast.With: "a with statement",
    ast.Await: "an await expression",
    ast.Yield: "a yield expression",
    ast.YieldFrom: "a yield expression",
    ast.Match: "a match statement",
    ast.AugAssign: "an augmented assignment",
    ast.Assign: "an assignment",
    ast.Import: "an import",
    ast.Call: "a call",
}


def syntax(node: ast.AST) -> str:
    """The name of a piece of syntax, with its article."""
    return _SYNTAX.get(type(node), f"Python's {type(node).__name__}")
