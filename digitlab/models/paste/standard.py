"""Modules of Python's standard library, and numpy's arithmetic, as far as models need them."""

from __future__ import annotations

import itertools
import math
from collections.abc import Callable
from typing import Any

from digitlab.models.paste.arithmetic import operate
from digitlab.models.paste.budget import checked
from digitlab.models.paste.defaults import USUAL, Settings
from digitlab.models.paste.native import (
    MISSING,
    Function,
    Namespace,
    Native,
    NativeClass,
    Unknown,
)
from digitlab.models.paste.objects import BoundMethod, Instance
from digitlab.models.paste.python import BUILTINS, Field, number

# ---- math and numpy ------------------------------------------------------------------------------

_OF_ONE = (
    *("sqrt", "exp", "log2", "log10", "sin", "cos", "tan", "tanh", "floor", "ceil", "erf"),
    *("fabs", "trunc", "degrees", "radians", "log1p", "expm1"),
)


def _of_one(name: str) -> Function:
    def compute(run: Any, value: Any) -> Any:
        if isinstance(value, Native):
            return (
                value
                if isinstance(value, Unknown)
                else Unknown(f"takes math.{name} of {value.kind}", run.line)
            )
        try:
            return checked(getattr(math, name)(number(value, run)), run.line)
        except (ValueError, OverflowError):
            run.fail("ValueError", f"takes math.{name} of {value}")

    return Function(f"math.{name}", "value", compute)


def _log(run: Any, value: Any, base: Any) -> Any:
    if isinstance(value, Unknown):
        return value
    try:
        bases = () if base is None else (number(base, run),)
        return math.log(number(value, run), *bases)
    except (ValueError, ZeroDivisionError):
        run.fail("ValueError", f"takes the logarithm of {value}")


def _prod(run: Any, values: Any, more: dict[str, Any]) -> Any:
    if isinstance(values, Unknown):
        return values
    total: Any = 1
    for value in run.iterate(values):
        total = operate("*", total, value, run)
    return total


def _gcd(run: Any, values: list[Any]) -> Any:
    if not all(isinstance(value, int) for value in values):
        run.refuse("takes math.gcd of something other than whole numbers")
    return math.gcd(*values)


_ARITHMETIC: dict[str, Any] = {
    **{name: _of_one(name) for name in _OF_ONE},
    "log": Function("math.log", "value base=None", _log),
    "pow": Function("math.pow", "base exponent", lambda run, base, exponent: operate(
        "**", float(number(base, run)), number(exponent, run), run)),
    "prod": Function("math.prod", "values **more", _prod),
    "gcd": Function("math.gcd", "*values", _gcd),
    "isclose": Function("math.isclose", "a b **more", lambda run, a, b, more: math.isclose(
        number(a, run), number(b, run))),
    "pi": math.pi,
    "e": math.e,
    "inf": math.inf,
}  # fmt: skip


def _array(run: Any, values: Any, more: dict[str, Any]) -> Any:
    """A list stays a list: numpy's arrays of sizes are only looped over and indexed."""
    return (
        values
        if isinstance(values, list | tuple | int | float)
        else Unknown("makes an array", run.line)
    )


def _linspace(run: Any, start: Any, stop: Any, num: Any) -> Any:
    if not isinstance(num, int) or not 0 < num <= 1_000:
        run.refuse("takes a linspace of more than 1,000 numbers")
    low, high = number(start, run), number(stop, run)
    run.charge(num)
    return [low + (high - low) * at / max(num - 1, 1) for at in range(num)]


NUMPY: dict[str, Any] = {
    **_ARITHMETIC,
    "abs": BUILTINS["abs"],
    "max": BUILTINS["max"],
    "min": BUILTINS["min"],
    "sum": BUILTINS["sum"],
    "round": BUILTINS["round"],
    "array": Function("numpy.array", "values **more", _array),
    "linspace": Function("numpy.linspace", "start stop num=50", _linspace),
    "int64": BUILTINS["int"],
    "int32": BUILTINS["int"],
    "float32": BUILTINS["float"],
}

# ---- functools, copy, itertools, collections ----------------------------------------------------


class Partial(Native):
    """`functools.partial(function, …)`."""

    kind = "a partial function"

    def __init__(self, function: Any, args: list[Any], kwargs: dict[str, Any]) -> None:
        self.function, self.args, self.kwargs = function, args, kwargs

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        return run.call(self.function, [*self.args, *args], {**self.kwargs, **kwargs})


def _partial(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not args:
        run.refuse("calls partial() of nothing")
    return Partial(args[0], args[1:], kwargs)


def _reduce(run: Any, function: Any, values: Any, start: Any = MISSING) -> Any:
    items = run.iterate(values)
    if start is not MISSING:
        items = [start, *items]
    if not items:
        run.refuse("reduces nothing")
    total = items[0]
    for item in items[1:]:
        total = run.call(function, [total, item], {})
    return total


def copied(value: Any, run: Any, known: dict[int, Any] | None = None) -> Any:
    """`copy.deepcopy`: networks with weights of their own; functions and classes stay shared."""
    known = {} if known is None else known
    if id(value) in known:
        return known[id(value)]
    run.charge(1)
    if isinstance(value, Instance):
        made: Any = Instance(value.cls, value.line)
        known[id(value)] = made
        made.core = copied(value.core, run, known)
        for name, inner in value.attributes.items():
            made.attributes[name] = copied(inner, run, known)
        return made
    if isinstance(value, list | tuple):
        made = type(value)(copied(item, run, known) for item in value)
    elif isinstance(value, dict):
        made = {name: copied(item, run, known) for name, item in value.items()}
    elif isinstance(value, BoundMethod):
        made = BoundMethod(value.function, copied(value.first, run, known))
    elif isinstance(value, Native) and hasattr(value, "copied"):
        return value.copied(lambda inner: copied(inner, run, known), known)
    else:
        return value
    known[id(value)] = made
    return made


def _repeat(run: Any, value: Any, times: Any) -> Any:
    if not isinstance(times, int):
        run.refuse("takes itertools.repeat without a number")
    run.charge(max(times, 0))
    return [value] * times


def _chain(run: Any, values: list[Any]) -> Any:
    return [item for each in values for item in run.iterate(each)]


def _product(run: Any, values: list[Any], more: dict[str, Any]) -> Any:
    rows: list[tuple[Any, ...]] = [()]
    for each in values:
        items = run.iterate(each)
        run.charge(len(rows) * len(items))
        rows = [(*row, item) for row in rows for item in items]
    return rows


def _pairs(run: Any, values: Any) -> Any:
    return list(itertools.pairwise(run.iterate(values)))


def _accumulate(run: Any, values: Any) -> Any:
    made: list[Any] = []
    for value in run.iterate(values):
        made.append(operate("+", made[-1], value, run) if made else value)
    return made


def _named_tuple(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    return Unknown("makes a namedtuple", run.line)


def _field(run: Any, default: Any, default_factory: Any, more: dict[str, Any]) -> Any:
    return Field(default, default_factory)


class _Base(NativeClass):
    """A base class that adds nothing that a network needs: ABC, Protocol, Enum."""

    def item(self, index: Any, run: Any) -> Any:
        return self


class Arguments(Native):
    """What argparse gives: the defaults of the options, which a person may change."""

    kind = "the arguments of a command line"

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.open: set[str] = set()  # options without a default

    def attribute(self, name: str, run: Any) -> Any:
        if name in self.values:
            return self.values[name]
        if name in self.open:
            return Settings("args", USUAL).attribute(name, run)
        return Unknown(f"uses the option {name}, which has no default", run.line)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        self.values[name] = value


class Parser(Native):
    """`argparse.ArgumentParser()`."""

    kind = "a parser of arguments"

    def __init__(self) -> None:
        self.arguments = Arguments()

    def attribute(self, name: str, run: Any) -> Any:
        if name == "add_argument":
            return Function("add_argument", None, self._add)
        if name in ("parse_args", "parse_known_args"):
            many = name == "parse_known_args"
            return Function(name, None, lambda run, args, kwargs: (
                (self.arguments, []) if many else self.arguments))  # fmt: skip
        if name in ("add_argument_group", "add_mutually_exclusive_group"):
            return Function(name, None, lambda run, args, kwargs: self)
        return Unknown(f"uses .{name} of a parser", run.line)

    def _add(self, run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        names = [arg for arg in args if isinstance(arg, str)]
        name = next((arg for arg in names if arg.startswith("--")), names[0] if names else "")
        name = kwargs.get("dest", name.lstrip("-").replace("-", "_"))
        flags = {"store_true": False, "store_false": True}
        value = kwargs.get("default", flags.get(kwargs.get("action"), MISSING))
        if value is not MISSING and isinstance(name, str):
            self.arguments.values[name] = value
        elif isinstance(name, str):
            self.arguments.open.add(name)


def _passes(name: str) -> Callable[[str], Any]:
    return lambda word: Function(f"{name}.{word}", None, lambda run, args, kwargs: None)


def _space(name: str, members: dict[str, Any]) -> Namespace:
    return Namespace(name, members)


_COLLECTIONS = {
    "OrderedDict": BUILTINS["dict"],
    "defaultdict": Function("defaultdict", None, lambda run, args, kwargs: {}),
    "namedtuple": Function("namedtuple", None, _named_tuple),
}
MODULES: dict[str, Native] = {
    "math": _space("math", _ARITHMETIC),
    "numpy": _space("numpy", NUMPY),
    "functools": _space(
        "functools",
        {
            "partial": Function("partial", None, _partial),
            "reduce": Function("reduce", None, lambda run, args, kwargs: _reduce(run, *args)),
        },
    ),
    "copy": _space(
        "copy",
        {
            "deepcopy": Function("deepcopy", "value", lambda run, value: copied(value, run)),
            "copy": Function("copy", "value", lambda run, value: copied(value, run)),
        },
    ),
    "itertools": _space(
        "itertools",
        {
            "repeat": Function("repeat", "value times=None", _repeat),
            "chain": Function("chain", "*values", _chain),
            "product": Function("product", "*values **more", _product),
            "pairwise": Function("pairwise", "values", _pairs),
            "accumulate": Function("accumulate", "values", _accumulate),
        },
    ),
    "collections": _space("collections", _COLLECTIONS),
    "dataclasses": _space(
        "dataclasses", {"field": Function("field", "default=None default_factory=None **more",
                                          _field)}
    ),
    "abc": _space("abc", {"ABC": _Base("ABC")}),
    "typing": Namespace(
        "typing",
        {"NamedTuple": _Base("NamedTuple"), "Generic": _Base("Generic"),
         "Protocol": _Base("Protocol"), "TYPE_CHECKING": False},
    ),
    "argparse": _space(
        "argparse",
        {
            "ArgumentParser": Function("ArgumentParser", None, lambda run, args, kwargs: Parser()),
            "Namespace": Function("Namespace", None, lambda run, args, kwargs: _arguments(kwargs)),
        },
    ),
    "types": _space("types", {"SimpleNamespace": Function(
        "SimpleNamespace", None, lambda run, args, kwargs: _arguments(kwargs))}),
    "warnings": Namespace("warnings", {}, _passes("warnings")),
    "logging": Namespace("logging", {}),
}  # fmt: skip


def _arguments(values: dict[str, Any]) -> Arguments:
    made = Arguments()
    made.values.update(values)
    return made


# What stands for itself where the text does not import it.
NAMES: dict[str, Any] = {
    "np": MODULES["numpy"],
    "math": MODULES["math"],
    "copy": MODULES["copy"],
    "OrderedDict": _COLLECTIONS["OrderedDict"],
    "partial": MODULES["functools"].attribute("partial", None),
    "deepcopy": MODULES["copy"].attribute("deepcopy", None),
    "namedtuple": _COLLECTIONS["namedtuple"],
}
