"""Operators on plain values (numbers, text, lists, dicts), within bounds of size and work."""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable
from typing import Any

from digitlab.models.paste.budget import MAX_INTEGER, checked
from digitlab.models.paste.native import Native, Run

BINARY: dict[type[ast.operator], str] = {
    ast.Add: "+",
    ast.Sub: "-",
    ast.Mult: "*",
    ast.Div: "/",
    ast.FloorDiv: "//",
    ast.Mod: "%",
    ast.Pow: "**",
    ast.MatMult: "@",
    ast.LShift: "<<",
    ast.RShift: ">>",
    ast.BitOr: "|",
    ast.BitAnd: "&",
    ast.BitXor: "^",
}
UNARY: dict[type[ast.unaryop], str] = {ast.USub: "-", ast.UAdd: "+", ast.Invert: "~"}
COMPARE: dict[type[ast.cmpop], str] = {
    ast.Eq: "==",
    ast.NotEq: "!=",
    ast.Lt: "<",
    ast.LtE: "<=",
    ast.Gt: ">",
    ast.GtE: ">=",
}
_NUMBERS: dict[str, Callable[[Any, Any], Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "/": operator.truediv,
    "//": operator.floordiv,
    "%": operator.mod,
    "&": operator.and_,
    "|": operator.or_,
    "^": operator.xor,
}
_ORDERS: dict[str, Callable[[Any, Any], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
}
_SEQUENCES = (str, list, tuple)


def operate(symbol: str, left: Any, right: Any, run: Run) -> Any:
    """`left symbol right` of any two values. Refuses what Python or the bounds refuse."""
    if isinstance(left, Native):
        result = left.operate(symbol, right, False, run)
        if result is not NotImplemented:
            return result
    if isinstance(right, Native):
        result = right.operate(symbol, left, True, run)
        if result is not NotImplemented:
            return result
    if isinstance(left, int | float) and isinstance(right, int | float):
        return _numbers(symbol, left, right, run)
    if symbol == "+" and type(left) is type(right) and isinstance(left, _SEQUENCES):
        run.charge(len(left) + len(right))
        return left + right
    if symbol == "*" and isinstance(right, _SEQUENCES):
        left, right = right, left
    if symbol == "*" and isinstance(left, _SEQUENCES) and type(right) in (int, bool):
        run.charge(len(left) * max(right, 0))
        return left * right
    if symbol == "%" and isinstance(left, str):
        return _formatted(left, right, run)
    if symbol == "|" and isinstance(left, dict) and isinstance(right, dict):
        run.charge(len(left) + len(right))
        return left | right
    if symbol in "-&|" and isinstance(left, set) and isinstance(right, set):
        return _NUMBERS[symbol](left, right)
    run.refuse(f"uses {symbol} on {kind(left)} and {kind(right)}")


def _numbers(symbol: str, left: Any, right: Any, run: Run) -> Any:
    if symbol == "**":
        return _power(left, right, run)
    if symbol in ("<<", ">>"):
        if not (isinstance(left, int) and isinstance(right, int) and 0 <= right <= 64):
            run.refuse(f"shifts by {kind(right)}; at most 64 bits")
        return checked(left << right if symbol == "<<" else left >> right, run.line)
    if symbol not in _NUMBERS:
        run.refuse(f"uses {symbol} on numbers")
    try:
        return checked(_NUMBERS[symbol](left, right), run.line)
    except ZeroDivisionError:
        run.refuse("divides by zero")
    except (TypeError, OverflowError):
        run.refuse(f"uses {symbol} on {kind(left)} and {kind(right)}")


def _power(left: Any, right: Any, run: Run) -> Any:
    whole = isinstance(left, int) and isinstance(right, int)
    if whole and abs(left) > 1 and right * abs(left).bit_length() > 2 * MAX_INTEGER.bit_length():
        run.refuse(f"computes a power beyond {MAX_INTEGER:,}; write a smaller number out")
    try:
        return checked(left**right, run.line)
    except ZeroDivisionError:
        run.refuse("divides by zero")
    except OverflowError:
        run.refuse("computes a power that is too large")


def _formatted(template: str, values: Any, run: Run) -> str:
    """`"layer%d" % i` of plain numbers and texts."""
    items = values if isinstance(values, tuple) else (values,)
    run.charge(len(template) + 64 * len(items))
    parts = template.replace("%%", "\0").split("%")
    if len(parts) != len(items) + 1 or any(part[:1] not in tuple("disr") for part in parts[1:]):
        run.refuse("formats text in a way that cannot be read; use an f-string")
    pairs = zip(parts[1:], items, strict=True)
    return (parts[0] + "".join(text(v, run) + part[1:] for part, v in pairs)).replace("\0", "%")


def compare(symbol: str, left: Any, right: Any, run: Run) -> Any:
    """`left symbol right` for one of `COMPARE`."""
    if isinstance(left, Native):
        return left.compare(symbol, right, run)
    if isinstance(right, Native):
        mirrored = {"<": ">", "<=": ">=", ">": "<", ">=": "<="}
        return right.compare(mirrored.get(symbol, symbol), left, run)
    if symbol in ("==", "!="):
        return equal(left, right, run) == (symbol == "==")
    numbers = isinstance(left, int | float) and isinstance(right, int | float)
    flat = isinstance(left, tuple | list) and type(left) is type(right)
    if numbers or (isinstance(left, str) and isinstance(right, str)):
        return _ORDERS[symbol](left, right)
    if flat and all(isinstance(item, int | float) for item in (*left, *right)):
        return _ORDERS[symbol](left, right)
    run.refuse(f"compares {kind(left)} and {kind(right)} by {symbol}")


def equal(left: Any, right: Any, run: Run, depth: int = 0) -> bool:
    """Whether two values are equal, counting the work of looking into them."""
    if left is right:
        return True
    if isinstance(left, list | tuple) and type(left) is type(right):
        if len(left) != len(right):
            return False
        run.charge(1 + len(left))
        if depth > 8:
            run.refuse("compares lists that nest too deep")
        return all(equal(a, b, run, depth + 1) for a, b in zip(left, right, strict=True))
    if isinstance(left, Native) or isinstance(right, Native):
        answer = compare("==", left, right, run)
        return answer if isinstance(answer, bool) else run.truth(answer)
    if isinstance(left, dict | set) or isinstance(right, dict | set):
        return False if type(left) is not type(right) else len(left) == len(right) == 0
    plain = (int, float, str, range, bytes)
    return isinstance(left, plain) and isinstance(right, plain) and left == right


def key(value: Any, run: Run, depth: int = 0) -> Any:
    """A value as a dictionary's key. Refuses what has no fixed and small value."""
    if value is None or isinstance(value, int | float | str | Native):
        return value
    if isinstance(value, tuple) and depth < 3 and len(value) <= 64:
        return tuple(key(item, run, depth + 1) for item in value)
    if not isinstance(value, list | dict | set | tuple | slice | range | bytes):
        return value  # a function or class, by identity
    run.refuse(f"uses {kind(value)} as the key of a dict")


def unary(symbol: str, value: Any, run: Run) -> Any:
    """`symbol value` for one of `UNARY`."""
    if isinstance(value, Native):
        return value.unary(symbol, run)
    if isinstance(value, int) or (isinstance(value, float) and symbol != "~"):
        return {"-": operator.neg, "+": operator.pos, "~": operator.invert}[symbol](value)
    run.refuse(f"uses {symbol} on {kind(value)}")


def text(value: Any, run: Run, depth: int = 0) -> str:
    """`str(value)`, short."""
    if isinstance(value, str):
        return value
    if value is None or isinstance(value, bool | int | float):
        return str(value)
    if isinstance(value, Native):
        return value.text(run)
    if isinstance(value, list | tuple) and depth < 3 and len(value) <= 100:
        run.charge(8 * len(value))
        inner = ", ".join(
            repr(item[:200]) if isinstance(item, str) else text(item, run, depth + 1)
            for item in value
        )
        comma = "," if isinstance(value, tuple) and len(value) == 1 else ""
        return f"[{inner}]" if isinstance(value, list) else f"({inner}{comma})"
    return f"<{kind(value)}>"


def kind(value: Any) -> str:
    """What a value is, in words, as a refusal names it."""
    if isinstance(value, Native):
        return value.kind
    if value is None:
        return "None"
    if isinstance(value, bool):
        return str(value)
    if isinstance(value, int | float):
        return f"the number {value}"
    names = {str: "text", list: "a list", tuple: "a tuple", dict: "a dict", set: "a set"}
    more = {range: "a range", slice: "a slice", type(...): "an ellipsis", bytes: "bytes"}
    known = {**names, **more}.get(type(value))
    return known or f"a {type(value).__name__}".replace("UserFunction", "function").replace(
        "UserClass", "class"
    )
