"""Checking an estimator's arguments by its own signature and its own constraints."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from functools import cache
from numbers import Integral
from typing import Any

from digitlab.models.arguments import Argument, LayerSignature
from digitlab.models.classical.catalog import (
    CHOICES,
    KEPT,
    KINDS,
    MAX_HIDDEN,
    MAX_ROUNDS,
    MAX_WIDTH,
    MOST,
    NEVER,
    PREFIX,
    Kind,
    default,
    defaults,
)
from digitlab.models.layer import shown
from digitlab.models.placement import Placement

_LAYERS_OF_UNITS = (
    f"a whole number or a list of up to {MAX_HIDDEN} whole numbers from 1 to {MAX_WIDTH:,}"
)


def estimator_signature(name: str) -> LayerSignature:
    """What an estimator takes. Raises KeyError for a name that `list_estimators` does not have."""
    kind = KINDS[name.removeprefix(PREFIX)]
    default_values = defaults(kind.name)
    arguments = [
        Argument(
            argument,
            _annotation(kind, argument),
            default=kind.fixed.get(argument, default_values[argument]),
            choices=_choices(kind, argument),
            words=_words(kind, argument),
        )
        for argument in _rules(kind.name)
    ]
    arguments.append(Argument("num_classes", int, default=10, least=2))
    return LayerSignature(name, "block", kind.about, tuple(arguments))


def check_estimator(kind: Kind, args: Mapping[str, Any], placement: Placement) -> None:
    """Raise SpecError for an argument that is unknown, not for a spec, or out of bounds."""
    for name, value in args.items():
        if name == "num_classes":
            if type(value) is not int or not 2 <= value <= 1_000:
                raise placement.error(
                    f"takes num_classes from 2 to 1,000; not {shown(value)}.", argument=name
                )
        elif name not in _rules(kind.name):
            raise placement.error(_why_not(kind, name), argument=name)
        elif not _fits(kind, name, value):
            hint = _nearest_word(kind, name, value)
            raise placement.error(
                f"takes as {name} {_words(kind, name)}; not {shown(value)}.{hint}", argument=name
            )


def takes(layer_type: str, name: str, value: Any) -> bool:
    """Whether an estimator, named as a layer's type, takes the value as an argument of its own."""
    return _fits(KINDS[layer_type.removeprefix(PREFIX)], name, value)


def _why_not(kind: Kind, name: str) -> str:
    if name in NEVER and name in defaults(kind.name):
        return f"does not take {name} from a spec: {NEVER[name]}. Leave it out."
    near = difflib.get_close_matches(name, _rules(kind.name), 1)
    hint = f"did you mean {near[0]}? Its" if near else "its"
    return f"has no argument {name!r}; {hint} arguments are {', '.join(_rules(kind.name))}."


@cache
def _rules(name: str) -> Mapping[str, tuple[Any, ...]]:
    """The constraints of every argument that a spec may give: intervals, words, truth, null."""
    from sklearn.utils._param_validation import Hidden, Interval, Options, make_constraint

    cls = KINDS[name].estimator_class()
    allowed = defaults(name)
    rules: dict[str, tuple[Any, ...]] = {}
    for argument, constraints in cls._parameter_constraints.items():
        if argument not in allowed or (argument in NEVER and (name, argument) not in KEPT):
            continue
        plain = [make_constraint(c) for c in constraints if not isinstance(c, Hidden)]
        supported = tuple(
            c
            for c in plain
            if isinstance(c, Interval | Options)
            or type(c).__name__ in ("_Booleans", "_NoneConstraint")
        )
        if supported or argument == "hidden_layer_sizes":
            rules[argument] = supported
    return rules


def _choices(kind: Kind, name: str) -> tuple[Any, ...]:
    """The words of an argument that is a choice among words only."""
    from sklearn.utils._param_validation import Options

    if (kind.name, name) in CHOICES:
        return tuple(CHOICES[kind.name, name])
    rules = _rules(kind.name)[name]
    if rules and all(isinstance(rule, Options) for rule in rules):
        return tuple(sorted(option for rule in rules for option in rule.options))
    return ()


def _annotation(kind: Kind, name: str) -> Any:
    """The Python type of an argument that has only one: a form then has the field for it."""
    rules = _rules(kind.name)[name]
    if len(rules) == 1 and type(rules[0]).__name__ == "_Booleans":
        return bool
    if len(rules) == 1 and getattr(rules[0], "type", None) is Integral:
        return int
    return Any


def _most(kind: Kind, name: str) -> int | None:
    return MAX_ROUNDS if name == "max_iter" and kind.stages == name else MOST.get(name)


def _words(kind: Kind, name: str) -> str:
    """What an argument takes, in words."""
    if name == "hidden_layer_sizes":
        return _LAYERS_OF_UNITS
    choices = _choices(kind, name)
    if choices:
        return "one of " + ", ".join(repr(choice) for choice in choices)
    texts = [_rule_words(rule) for rule in _rules(kind.name)[name]]
    most = _most(kind, name)
    return " or ".join(texts) + (f", at most {most:,}" if most else "")


def _rule_words(rule: Any) -> str:
    if type(rule).__name__ == "_Booleans":
        return "true or false"
    if type(rule).__name__ == "_NoneConstraint":
        return "null"
    if hasattr(rule, "options"):
        return " or ".join(repr(option) for option in sorted(rule.options))
    return str(rule).replace("an int ", "a whole number ").replace("a float ", "a number ")


def _nearest_word(kind: Kind, name: str, value: Any) -> str:
    options = [
        option
        for rule in _rules(kind.name)[name]
        for option in getattr(rule, "options", ())
        if isinstance(option, str)
    ]
    options = [option for option in options if option in (_choices(kind, name) or options)]
    near = difflib.get_close_matches(value, options, 1) if isinstance(value, str) else []
    return f" Did you mean {near[0]!r}?" if near else ""


def _fits(kind: Kind, name: str, value: Any) -> bool:
    if name == "hidden_layer_sizes":
        sizes = value if isinstance(value, tuple) else (value,)
        return len(sizes) <= MAX_HIDDEN and all(
            type(size) is int and 1 <= size <= MAX_WIDTH for size in sizes
        )
    if (kind.name, name) in CHOICES:
        return type(value) is not bool and value in CHOICES[kind.name, name]
    if value is None and default(kind, name) is not None:
        return False
    rules = _rules(kind.name)[name]
    if isinstance(value, bool):  # Python takes True for 1
        return any(type(rule).__name__ == "_Booleans" for rule in rules)
    most = _most(kind, name)
    if most is not None and isinstance(value, int | float) and value > most:
        return False
    return any(rule.is_satisfied_by(value) for rule in rules)
