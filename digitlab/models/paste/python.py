"""Python's own functions, types and methods of plain values, as far as models need them."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from digitlab.models.paste.arithmetic import compare, key, kind, operate, text
from digitlab.models.paste.budget import MAX_ITEMS, checked
from digitlab.models.paste.native import MISSING, Function, Native, NativeClass, Unknown
from digitlab.models.paste.objects import Instance, UserClass

__all__ = ["BUILTINS", "Field", "key", "method", "nothing"]


class PythonType(NativeClass):
    """A type such as int: what `int(x)` makes and what `isinstance(x, int)` asks."""

    def __init__(self, name: str, type_: type, make: Callable[..., Any] | None) -> None:
        super().__init__(name)
        self.type, self.make = type_, make

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        unknown = next((arg for arg in args if isinstance(arg, Unknown)), None)
        if unknown is not None:
            return unknown
        if self.make is None:
            run.refuse(f"calls {self.name}, which cannot be read")
        return (
            self.make(run, *args, **kwargs)
            if not kwargs or self.type is dict
            else (run.refuse(f"passes keywords to {self.name}"))
        )

    def covers(self, value: Any) -> bool:
        return isinstance(value, self.type) and not (self.type is float and isinstance(value, bool))

    def item(self, index: Any, run: Any) -> Any:
        return self  # list[int], in an annotation that is evaluated


class Field(Native):
    """`dataclasses.field(default=…, default_factory=…)`."""

    kind = "a field of a dataclass"

    def __init__(self, default: Any, factory: Any) -> None:
        self.default, self.factory = default, factory


def _int(run: Any, value: Any = 0, *base: Any) -> Any:
    if isinstance(value, Native):
        whole = getattr(value, "whole", None)  # a symbolic number stays one
        return whole(run) if whole else run.refuse(f"takes int() of {value.kind}")
    if isinstance(value, str) and len(value) > 20:
        run.refuse("takes int() of a long text")
    if not isinstance(value, int | float | str) or base:
        run.refuse(f"takes int() of {kind(value)}")
    try:
        return checked(int(value), run.line)
    except (ValueError, OverflowError):
        run.fail("ValueError", f"takes int() of {kind(value)}")


def _float(run: Any, value: Any = 0.0) -> Any:
    if not isinstance(value, int | float | str) or (isinstance(value, str) and len(value) > 40):
        run.refuse(f"takes float() of {kind(value)}")
    try:
        return float(value)
    except (ValueError, OverflowError):
        run.fail("ValueError", f"takes float() of {kind(value)}")


def _bool(run: Any, value: Any = False) -> bool:
    return run.truth(value)


def _dict(run: Any, *args: Any, **kwargs: Any) -> dict[Any, Any]:
    made: dict[Any, Any] = {}
    if args and isinstance(args[0], dict):
        made.update(args[0])
    elif args:
        for pair in run.iterate(args[0]):
            items = run.iterate(pair)
            if len(items) != 2:
                run.refuse("makes a dict of something other than pairs")
            made[key(items[0], run)] = items[1]
    made.update(kwargs)
    run.charge(len(made))
    return made


def _range(run: Any, *args: Any) -> Any:
    if not 1 <= len(args) <= 3 or not all(isinstance(arg, int) for arg in args):
        words = ", ".join(kind(arg) for arg in args)
        run.refuse(f"takes range() of {words or 'nothing'}; it needs whole numbers")
    if len(args) == 3 and args[2] == 0:
        run.refuse("takes range() with a step of 0")
    return range(*args)


def _items(run: Any, value: Any = ()) -> list[Any]:
    return run.iterate(value)


TYPES = {
    "int": PythonType("int", int, _int),
    "float": PythonType("float", float, _float),
    "bool": PythonType("bool", bool, _bool),
    "str": PythonType("str", str, lambda run, value="": text(value, run)),
    "list": PythonType("list", list, _items),
    "tuple": PythonType("tuple", tuple, lambda run, value=(): tuple(run.iterate(value))),
    "dict": PythonType("dict", dict, _dict),
    "set": PythonType(
        "set", set, lambda run, value=(): {key(item, run) for item in run.iterate(value)}
    ),
    "frozenset": PythonType(
        "frozenset", set, lambda run, value=(): {key(item, run) for item in run.iterate(value)}
    ),
    "range": PythonType("range", range, _range),
    "slice": PythonType("slice", slice, lambda run, *parts: slice(*parts)),
    "object": PythonType("object", object, None),
    "bytes": PythonType("bytes", bytes, None),
}


def _type(run: Any, value: Any) -> Any:
    if isinstance(value, Unknown):
        return value
    if isinstance(value, Instance):
        return value.cls
    for python_type in TYPES.values():
        if type(value) is python_type.type:
            return python_type
    cls = getattr(value, "cls", None)
    return cls if isinstance(cls, NativeClass) else Unknown("asks for a type", run.line)


def _isinstance(run: Any, value: Any, cls: Any) -> Any:
    return run.covers(cls, value)


def _issubclass(run: Any, value: Any, cls: Any) -> Any:
    if isinstance(value, UserClass):
        return any(
            base is cls or (isinstance(base, NativeClass) and base.inherits(cls))
            for base in value.order
        )
    return isinstance(value, NativeClass) and value.inherits(cls)


def _hasattr(run: Any, value: Any, name: Any) -> Any:
    if isinstance(value, Unknown) or not isinstance(name, str):
        return value if isinstance(value, Unknown) else Unknown("asks for an attribute", run.line)
    return not isinstance(run.attribute(value, name), Unknown)


def _getattr(run: Any, value: Any, name: Any, *default: Any) -> Any:
    if not isinstance(name, str):
        return name if isinstance(name, Unknown) else run.refuse("takes getattr() by no text")
    attribute = run.attribute(value, name)
    return default[0] if default and isinstance(attribute, Unknown) else attribute


def _setattr(run: Any, owner: Any, name: Any, value: Any) -> None:
    if not isinstance(name, str):
        run.refuse("takes setattr() by no text")
    run.set_attribute(owner, name, value)


def _ordered(run: Any, values: list[Any], by: Any, reverse: Any) -> list[Any]:
    keys = [run.call(by, [value], {}) for value in values] if by is not None else values
    numbers = all(isinstance(k, int | float) for k in keys)
    if not numbers and not all(isinstance(k, str) for k in keys):
        run.refuse("sorts values that are neither numbers nor texts")
    order = sorted(range(len(values)), key=keys.__getitem__, reverse=bool(reverse))
    return [values[at] for at in order]


def _extreme(symbol: str) -> Callable[..., Any]:
    def choose(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        values = args if len(args) > 1 else run.iterate(args[0]) if args else []
        by = kwargs.get("key")
        if not values:
            return kwargs["default"] if "default" in kwargs else run.refuse("takes it of nothing")
        best = values[0]
        for value in values[1:]:
            pair = (
                (value, best)
                if by is None
                else tuple(run.call(by, [each], {}) for each in (value, best))
            )
            answer = compare(symbol, *pair, run)
            if isinstance(answer, Unknown):
                return answer
            best = value if run.truth(answer) else best
        return best

    return choose


def _sum(run: Any, values: Any, start: Any = 0) -> Any:
    if isinstance(values, Unknown):
        return values
    total = start
    for value in run.iterate(values):
        total = operate("+", total, value, run)
    return total


def _next(run: Any, values: Any, *default: Any) -> Any:
    if isinstance(values, Unknown):
        return values
    items = run.iterate(values)
    return items[0] if items else default[0] if default else run.fail("StopIteration", "is empty")


def _zip(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    unknown = next((arg for arg in args if isinstance(arg, Unknown)), None)
    if unknown is not None:
        return unknown
    pairs = list(zip(*(run.iterate(arg) for arg in args), strict=False))
    run.charge(len(pairs) * len(args))
    return pairs


def _enumerate(run: Any, values: Any, start: Any = 0) -> Any:
    if isinstance(values, Unknown):
        return values
    if not isinstance(start, int):
        run.refuse("takes enumerate() from something other than a whole number")
    return list(enumerate(run.iterate(values), start))


def _map(run: Any, function: Any, values: Any, *more: Any) -> Any:
    if any(isinstance(each, Unknown) for each in (values, *more)):
        return next(each for each in (values, *more) if isinstance(each, Unknown))
    rows = zip(*(run.iterate(each) for each in (values, *more)), strict=False)
    return [run.call(function, list(row), {}) for row in rows]


def _filter(run: Any, function: Any, values: Any) -> Any:
    if isinstance(values, Unknown):
        return values
    keep = (lambda v: v) if function is None else (lambda v: run.call(function, [v], {}))
    return [value for value in run.iterate(values) if run.truth(keep(value))]


def _any_all(decisive: bool) -> Callable[..., Any]:
    def answer(run: Any, values: Any) -> Any:
        if isinstance(values, Unknown):
            return values
        for value in run.iterate(values):
            if isinstance(value, Unknown):
                return value
            if run.truth(value) == decisive:
                return decisive
        return not decisive

    return answer


def _round(run: Any, value: Any, digits: Any = None) -> Any:
    if isinstance(value, Unknown):
        return value
    if not isinstance(value, int | float) or not (digits is None or isinstance(digits, int)):
        run.refuse(f"rounds {kind(value)}")
    return round(value, digits)


def _abs(run: Any, value: Any) -> Any:
    if isinstance(value, int | float):
        return abs(value)
    return run.call(run.attribute(value, "abs"), [], {})


def _unread(name: str) -> Function:
    def give(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        return Unknown(f"calls {name}, and nothing is executed here", run.line)

    return Function(name, None, give)


nothing = Function("nothing", None, lambda run, args, kwargs: None)


def _function(name: str, parameters: str | None, body: Callable[..., Any]) -> Function:
    return Function(name, parameters, body)


_FUNCTIONS = (
    ("len", None, lambda run, args, kwargs: run.length(*args)),
    ("enumerate", "values start=0", _enumerate),
    ("zip", None, _zip),
    ("map", None, lambda run, args, kwargs: _map(run, *args)),
    ("filter", "function values", _filter),
    ("reversed", "values", lambda run, values: run.iterate(values)[::-1]),
    ("iter", "values", lambda run, values: values),
    ("next", None, lambda run, args, kwargs: _next(run, *args)),
    ("sum", "values start=0", _sum),
    ("min", None, _extreme("<")),
    ("max", None, _extreme(">")),
    ("any", "values", _any_all(True)),
    ("all", "values", _any_all(False)),
    ("abs", "value", _abs),
    ("round", "value digits=None", _round),
    ("pow", "base exponent", lambda run, base, exponent: operate("**", base, exponent, run)),
    (
        "divmod",
        "a b",
        lambda run, a, b: (operate("//", a, b, run), operate("%", a, b, run)),
    ),
    (
        "sorted",
        "values key=None reverse=False",
        lambda run, values, key, reverse: (
            values
            if isinstance(values, Unknown)
            else _ordered(run, run.iterate(values), key, reverse)
        ),
    ),
    ("isinstance", "value cls", _isinstance),
    ("issubclass", "value cls", _issubclass),
    ("hasattr", "value name", _hasattr),
    ("getattr", None, lambda run, args, kwargs: _getattr(run, *args)),
    ("setattr", "owner name value", _setattr),
    ("type", "value", _type),
    (
        "callable",
        "value",
        lambda run, value: (
            not isinstance(value, int | float | str | list | tuple | dict) and value is not None
        ),
    ),
    ("repr", "value", lambda run, value: text(value, run)),
    ("print", None, lambda run, args, kwargs: None),
    ("display", None, lambda run, args, kwargs: None),
)
_CLOSED = (
    *("eval", "exec", "compile", "open", "input", "globals", "locals", "vars", "dir", "delattr"),
    *("__import__", "memoryview", "breakpoint", "help", "id", "hash", "exit", "quit", "chr", "ord"),
    *("bytearray", "complex", "format", "hex", "bin", "oct", "ascii"),
)
_ERRORS = (
    *("Exception", "BaseException", "ValueError", "TypeError", "KeyError", "IndexError"),
    *("ImportError", "ModuleNotFoundError", "NotImplementedError", "AssertionError"),
    *("RuntimeError", "AttributeError", "StopIteration", "OSError", "KeyboardInterrupt"),
)
BUILTINS: dict[str, Any] = {
    **TYPES,
    **{name: _function(name, parameters, body) for name, parameters, body in _FUNCTIONS},
    **{name: _unread(name) for name in (*_CLOSED, *_ERRORS)},
    "NotImplemented": Unknown("uses NotImplemented", 1),
    "Ellipsis": ...,
}


# ---- methods of plain values --------------------------------------------------------------------


def method(value: Any, name: str, run: Any) -> Any:
    """`value.name` of a plain value: one of its type's methods, bound."""
    for type_, methods in _METHODS.items():
        if isinstance(value, type_) and name in methods:
            parameters, body = methods[name]
            return Function(f"{type_.__name__}.{name}", parameters, _bound(body, value))
    if isinstance(value, tuple) and name in getattr(value, "fields", ()):
        return value[value.fields.index(name)]
    if isinstance(value, int | float) and name in ("real", "item"):
        return value if name == "real" else Function("item", "", lambda run: value)
    return Unknown(f"uses .{name} of {kind(value)}, which cannot be read", run.line)


def _bound(body: Callable[..., Any], value: Any) -> Callable[..., Any]:
    return lambda run, *args, **kwargs: body(run, value, *args, **kwargs)


def _grow(run: Any, values: list[Any], more: list[Any], at: int | None = None) -> None:
    run.charge(len(more) + len(values) // 64)
    if len(values) + len(more) > MAX_ITEMS:
        run.refuse(f"makes a list of more than {MAX_ITEMS:,} items")
    at = len(values) if at is None else at
    values[at:at] = more


def _pop(run: Any, values: list[Any], index: Any = -1) -> Any:
    if not isinstance(index, int) or not -len(values) <= index < len(values):
        run.fail("IndexError", "takes an item that the list does not have")
    return values.pop(index)


def _index(run: Any, values: Any, item: Any) -> int:
    for at, value in enumerate(values):
        if run.truth(compare("==", value, item, run)):
            return at
    run.fail("ValueError", "looks for an item that is not there")


def _remove(run: Any, values: list[Any], item: Any) -> None:
    del values[_index(run, values, item)]


def _sort(run: Any, values: list[Any], key: Any, reverse: Any) -> None:
    values[:] = _ordered(run, values, key, reverse)


def _count(run: Any, values: Any, item: Any) -> int:
    run.charge(len(values))
    return sum(run.truth(compare("==", value, item, run)) for value in values)


def _dict_pop(run: Any, values: dict[Any, Any], name: Any, default: Any = MISSING) -> Any:
    value = values.pop(key(name, run), default)
    return run.fail("KeyError", "takes a key that is not there") if value is MISSING else value


def _setdefault(run: Any, values: dict[Any, Any], name: Any, default: Any = None) -> Any:
    run.charge(1)
    return values.setdefault(key(name, run), default)


def _update(run: Any, values: dict[Any, Any], args: list[Any], kwargs: dict[str, Any]) -> None:
    values.update(_dict(run, *args, **kwargs))


def _join(run: Any, separator: str, values: Any) -> Any:
    if isinstance(values, Unknown):
        return values
    parts = [text(value, run) for value in run.iterate(values)]
    run.charge(sum(map(len, parts)) + len(separator) * len(parts))
    return separator.join(parts)


def _str_format(run: Any, template: str, args: list[Any], kwargs: dict[str, Any]) -> Any:
    made = template
    run.charge(len(template))
    for count, value in enumerate(args):
        for hole in ("{}", f"{{{count}}}"):
            made = made.replace(hole, text(value, run), 1)
        run.charge(len(made))
    for name, value in kwargs.items():
        made = made.replace(f"{{{name}}}", text(value, run))
        run.charge(len(made))
    if "{" in made:
        return Unknown("formats text in a way that cannot be read", run.line)
    return made


def _replace(run: Any, value: str, old: Any, new: Any) -> Any:
    if not isinstance(old, str) or not isinstance(new, str) or not old:
        run.refuse("replaces something other than text")
    run.charge(len(value) + len(new) * value.count(old))
    return value.replace(old, new)


def _split(run: Any, value: str, by: Any = None) -> Any:
    if by is not None and (not isinstance(by, str) or not by):
        run.refuse("splits by something other than text")
    run.charge(len(value))
    return value.split(by)


def _plain(name: str) -> tuple[str | None, Callable[..., Any]]:
    def body(run: Any, value: str) -> Any:
        run.charge(len(value))
        return getattr(str, name)(value)

    return "", body


def _asks(name: str) -> tuple[str, Callable[..., Any]]:
    def body(run: Any, value: str, part: Any) -> Any:
        parts = part if isinstance(part, tuple) else (part,)
        if not all(isinstance(each, str) for each in parts):
            run.refuse(f"asks {name}() for something other than text")
        return getattr(str, name)(value, part)

    return "part", body


def _spread(body: Callable[..., Any]) -> Callable[..., Any]:
    """A method whose arguments are passed on by position."""
    return lambda run, value, args, kwargs: body(run, value, *args)


_SEQUENCE: dict[str, tuple[str | None, Callable[..., Any]]] = {
    "index": ("wanted", _index),
    "count": ("wanted", _count),
}
_METHODS: dict[type, dict[str, tuple[str | None, Callable[..., Any]]]] = {
    list: {
        **_SEQUENCE,
        "append": ("value", lambda run, values, value: _grow(run, values, [value])),
        "extend": ("more", lambda run, values, more: _grow(run, values, run.iterate(more))),
        "insert": (
            "at value",
            lambda run, values, at, value: _grow(run, values, [value], at)
            if isinstance(at, int)
            else run.refuse("inserts at something other than a whole number"),
        ),
        "pop": (None, _spread(_pop)),
        "remove": ("wanted", _remove),
        "reverse": ("", lambda run, values: values.reverse()),
        "copy": ("", lambda run, values: run.iterate(values)),
        "clear": ("", lambda run, values: values.clear()),
        "sort": ("key=None reverse=False", _sort),
    },
    tuple: _SEQUENCE,
    dict: {
        "get": ("name default=None", lambda run, d, name, default: d.get(key(name, run), default)),
        "items": ("", lambda run, d: [(name, value) for name, value in d.items()]),
        "keys": ("", lambda run, d: list(d)),
        "values": ("", lambda run, d: list(d.values())),
        "copy": ("", lambda run, d: _dict(run, d)),
        "pop": (None, _spread(_dict_pop)),
        "setdefault": (None, _spread(_setdefault)),
        "update": (None, _update),
    },
    set: {"add": ("item", lambda run, s, item: s.add(key(item, run)))},
    str: {
        **{name: _plain(name) for name in ("lower", "upper", "strip", "title", "capitalize",
                                           "lstrip", "rstrip", "isdigit")},
        **{name: _asks(name) for name in ("startswith", "endswith")},
        "join": ("values", _join),
        "format": (None, _str_format),
        "replace": ("old new", _replace),
        "split": (None, _spread(_split)),
    },
}  # fmt: skip


def number(value: Any, run: Any) -> float:
    """A plain number, or a refusal."""
    if not isinstance(value, int | float) or not math.isfinite(value):
        run.refuse(f"computes with {kind(value)}, which is no plain number")
    return value
