"""Python text as data: literals, arithmetic on numbers, calls of layers; all else is refused.

Nothing is executed: a call becomes a `Call`, which only names what was written.
"""

from __future__ import annotations

import ast
import io
import operator
import tokenize
import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NoReturn

from digitlab.errors import SpecError
from digitlab.models.layer import shown

MAX_SOURCE = 100_000  # characters
MAX_DEPTH = 24  # brackets inside each other
MAX_VALUE = 2**31  # of any number, also of a computed one
MAX_CHAIN = 200  # operators and dots in one statement

_OPERATORS = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.FloorDiv: operator.floordiv,
    ast.Div: operator.truediv,
}
# Syntax by the names that Python's documentation gives it.
_SYNTAX = {
    ast.Call: "the result of a call",
    ast.Constant: "a literal value",
    ast.Dict: "a dictionary",
    ast.List: "a list",
    ast.Tuple: "a tuple",
    ast.Compare: "a comparison",
    ast.BoolOp: "a condition",
    ast.BinOp: "a computed value",
    ast.UnaryOp: "a computed value",
    ast.Set: "a set",
    ast.Delete: "a del statement",
    ast.AugAssign: "an augmented assignment",
    ast.Assert: "an assert statement",
    ast.Return: "a return statement",
    ast.Raise: "a raise statement",
    ast.Try: "a try statement",
    ast.Lambda: "a lambda",
    ast.ListComp: "a comprehension",
    ast.SetComp: "a comprehension",
    ast.DictComp: "a comprehension",
    ast.GeneratorExp: "a comprehension",
    ast.Attribute: "an attribute",
    ast.Subscript: "an index in brackets",
    ast.Starred: "a starred expression",
    ast.JoinedStr: "an f-string",
    ast.IfExp: "a conditional expression",
    ast.ClassDef: "a class",
    ast.FunctionDef: "a function",
    ast.For: "a loop",
    ast.While: "a loop",
    ast.If: "an if statement",
    ast.With: "a with statement",
    ast.Await: "an await expression",
    ast.NamedExpr: "an assignment expression",
}


@dataclass(frozen=True)
class Call:
    """A call as it is written: the last part of its name, what stands before it, its arguments."""

    name: str
    before: str
    args: tuple[Any, ...]
    kwargs: Mapping[str, Any]
    line: int


def parse(text: str) -> ast.Module:
    """The syntax tree of a Python text. Raises SpecError with the line of what is wrong."""
    check_size(text)
    _check_depth(text)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # a pasted "\\d" is not ours to comment on
            return ast.parse(text)
    except SyntaxError as error:
        line = error.lineno or 1
        raise SpecError(f"Line {line} is not Python: {error.msg}.", line=line) from error
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise SpecError("The text cannot be read as Python; paste the model alone.") from error


def check_size(text: Any) -> None:
    """Raise SpecError for what is no text, too long, or holds characters that no code has."""
    if not isinstance(text, str):
        raise SpecError(f"A model is pasted as text; not {type(text).__name__}.")
    if len(text) > MAX_SOURCE:
        raise SpecError(
            f"The text has {len(text):,} characters; at most {MAX_SOURCE:,} are read. Paste the "
            f"model alone."
        )
    if not text.strip():
        raise SpecError(
            "The text is empty; paste nn.Sequential(…), what print(model) wrote, or a Keras "
            "Sequential."
        )


def _check_depth(text: str) -> None:
    """Refuse brackets or operators so many that a parser would run out of stack."""
    depth = chain = 0
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            line = token.start[0]
            if token.type == tokenize.OP:
                depth += (token.string in "([{") - (token.string in ")]}")
                chain = 0 if token.string == "," else chain + (token.string not in "()[]{}:=")
            elif token.type == tokenize.NEWLINE or token.string in ("not", "lambda", "if"):
                chain = 0 if token.type == tokenize.NEWLINE else chain + 1
            if depth > MAX_DEPTH:
                refuse(line, f"nests brackets deeper than {MAX_DEPTH}; paste the model alone")
            if chain > MAX_CHAIN:
                refuse(line, "chains too many operators; write the result as a number")
    except (tokenize.TokenError, IndentationError) as error:
        line = error.args[1][0] if len(error.args) > 1 else 1
        reason = str(error.args[0]).removeprefix("EOF in ")
        raise SpecError(f"Line {line} is not Python: {reason}.", line=line) from error
    except RecursionError as error:
        raise SpecError("The text cannot be read as Python; paste the model alone.") from error


def read_value(node: ast.expr, names: Mapping[str, Any]) -> Any:
    """The plain value, Call, or list of them that an expression writes down.

    `names` holds what was assigned before. Raises SpecError with the line of anything else.
    """
    if isinstance(node, ast.Constant):
        return _constant(node)
    if isinstance(node, ast.Tuple | ast.List):
        values = [read_value(item, names) for item in node.elts]
        return tuple(values) if isinstance(node, ast.Tuple) else values
    if isinstance(node, ast.Dict):
        if any(not isinstance(key, ast.Constant) for key in node.keys):
            refuse(node.lineno, "has a dictionary key that is not a plain text or number")
        pairs = zip(node.keys, node.values, strict=True)
        return {_constant(key): read_value(value, names) for key, value in pairs}
    if isinstance(node, ast.UnaryOp | ast.BinOp):
        return _arithmetic(node, names)
    if isinstance(node, ast.Name):
        if node.id in names:
            return names[node.id]
        refuse(node.lineno, f"uses {node.id!r}, which is not a number or text defined above it")
    if isinstance(node, ast.Call):
        return _call(node, names)
    if isinstance(node, ast.Attribute):  # an activation is often given as tf.nn.relu
        return Call(node.attr, dotted(node.value), (), {}, node.lineno)
    refuse(node.lineno, f"contains {syntax_name(node)}, which cannot be an argument of a layer")


def _call(node: ast.Call, names: Mapping[str, Any]) -> Call:
    starred = [arg.lineno for arg in node.args if isinstance(arg, ast.Starred)]
    starred += [keyword.value.lineno for keyword in node.keywords if keyword.arg is None]
    if starred:
        refuse(
            starred[0],
            "unpacks a list with a star; write its items out, as nothing is executed",
        )
    if not isinstance(node.func, ast.Name | ast.Attribute):
        refuse(
            node.lineno,
            f"calls {syntax_name(node.func)}; only layers can be called, by name",
        )
    last = node.func.id if isinstance(node.func, ast.Name) else node.func.attr
    before = dotted(node.func.value) if isinstance(node.func, ast.Attribute) else ""
    return Call(
        name=last,
        before=before,
        args=tuple(read_value(arg, names) for arg in node.args),
        kwargs={keyword.arg: read_value(keyword.value, names) for keyword in node.keywords},
        line=node.lineno,
    )


def dotted(node: ast.expr) -> str:
    """A name with dots, such as "torch.nn". Raises SpecError for anything else before a dot."""
    parts = []
    while isinstance(node, ast.Attribute):
        parts.append(node.attr)
        node = node.value
    if not isinstance(node, ast.Name):
        refuse(
            node.lineno,
            f"takes an attribute of {syntax_name(node)}; only layers can be used, by name",
        )
    return ".".join([node.id, *reversed(parts)])


def _constant(node: ast.Constant) -> Any:
    value = node.value
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str) and len(value) <= 200:
        return value
    if isinstance(value, int | float) and abs(value) <= MAX_VALUE:
        return value
    refuse(node.lineno, f"contains {shown(value)}; numbers may be at most {MAX_VALUE:,}")


def _arithmetic(node: ast.UnaryOp | ast.BinOp, names: Mapping[str, Any]) -> Any:
    parts = [node.operand] if isinstance(node, ast.UnaryOp) else [node.left, node.right]
    values = [read_value(part, names) for part in parts]
    numbers = all(type(value) in (int, float) for value in values)
    if isinstance(node, ast.UnaryOp):
        if numbers and isinstance(node.op, ast.USub):
            return -values[0]
    elif numbers and type(node.op) in _OPERATORS:
        try:
            result = _OPERATORS[type(node.op)](*values)
        except ZeroDivisionError:
            refuse(node.lineno, "divides by zero")
        if abs(result) <= MAX_VALUE:
            return result
        refuse(node.lineno, f"computes {shown(result)}; numbers may be at most {MAX_VALUE:,}")
    refuse(node.lineno, "uses arithmetic other than + - * / on numbers; write the number out")


def syntax_name(node: ast.AST) -> str:
    """The name of a piece of syntax, with its article."""
    return _SYNTAX.get(type(node), f"Python's {type(node).__name__}")


def refuse(line: int, problem: str) -> NoReturn:
    """Raise the SpecError of a line that cannot be read; `problem` begins with a verb."""
    raise SpecError(f"Line {line} {problem}.", line=line)
