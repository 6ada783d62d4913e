"""A field of a recipe on a form: its type, bounds and titles give widget, label and URL parameter.

No field is named here: one that is new in `TrainConfig` appears on the form by itself.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from digitlab.training.config import Augmentation, Form, TrainConfig
from digitlab.ui import url

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_FAR = 2**53 - 1  # the largest whole number that a browser holds exactly


def form_of(field: FieldInfo) -> Form:
    """What the field says of the form that asks for it."""
    return next((mark for mark in field.metadata if isinstance(mark, Form)), Form())


def is_asked(field: FieldInfo) -> bool:
    """Whether there is a widget for a field of this type."""
    return bool(_choices(field)) or _type(field)[0] in (int, float, bool)


def param(name: str, field: FieldInfo) -> str:
    """The field's name in the URL."""
    return form_of(field).param or name


def params(recipe: type[TrainConfig | Augmentation]) -> list[str]:
    """The names in the URL of all fields that are asked for."""
    names: list[str] = []
    for name, field in recipe.model_fields.items():
        if field.annotation is Augmentation:
            names += params(Augmentation)
        elif is_asked(field):
            names.append(param(name, field))
    return names


def ask(name: str, field: FieldInfo, start: Any, *, disabled: bool = False) -> Any:
    """Draw the field's widget, which begins with the value `start`; the visitor's value."""
    common = {
        "param": param(name, field),
        "help": " ".join((field.description or "").split()) or None,
        "disabled": disabled,
    }
    if choices := _choices(field):
        titles = {text: title for text, (_, title) in choices.items()}
        default = _text(start, choices) or next(iter(choices))
        return choices[url.choose(field.title, titles, default=default, **common)][0]
    if _type(field)[0] is bool:
        return url.switch(field.title, default=start, **common)
    return _ask_number(field, start, common)


def _ask_number(field: FieldInfo, start: float | None, common: dict[str, Any]) -> float | None:
    form, title, zero_is_none = form_of(field), field.title, _zero_is_none(field)
    if zero_is_none:
        title = f"{title} (0: {form.none or 'none'})"
    if start is None:
        start = form.start or 0
    least = _bound(field, "ge", "gt", otherwise=-_FAR)
    low = 0 if zero_is_none else least if form.low is None else form.low
    high = _bound(field, "le", "lt", otherwise=_FAR) if form.high is None else form.high
    if _type(field)[0] is int:
        value = url.number(title, default=start, low=int(low), high=int(high), **common)
    else:
        step = float(form.step or start / 2 or 0.01)
        value = url.real(title, default=start, low=low, high=high, step=step, **common)
    if zero_is_none:
        return max(value, least) if value else None
    return value


def describe(
    values: Mapping[str, Any], recipe: type[TrainConfig | Augmentation] = TrainConfig
) -> list[str]:
    """Some fields of a recipe as the form names them: "Rotation 10°", "Loss Cross-entropy"."""
    words: list[str] = []
    for name, value in values.items():
        field = recipe.model_fields[name]
        if field.annotation is Augmentation:
            words += describe(dict(value), Augmentation)
            continue
        title, _, unit = field.title.partition(" (")
        titles = dict(_choices(field).values())
        shown = titles.get(value) or (f"{value:g}" if isinstance(value, float) else str(value))
        if isinstance(value, bool):
            shown = "on" if value else "off"
        mark = "°" if "degrees" in unit else " pixels" if "pixels" in unit else ""
        words.append(f"{title} {shown}{mark}")
    return words


def to_params(recipe: TrainConfig | Augmentation) -> Iterator[tuple[str, object]]:
    """The parameters of the URL that make the form show this recipe."""
    for name, field in type(recipe).model_fields.items():
        value = getattr(recipe, name)
        if isinstance(value, Augmentation):
            yield from to_params(value)
        elif choices := _choices(field):
            yield param(name, field), _text(value, choices)
        elif is_asked(field) and (value is not None or _zero_is_none(field)):
            yield param(name, field), value or 0


def _choices(field: FieldInfo) -> dict[str, tuple[Any, str]]:
    """Text in the URL → value and title, where the field is a choice among a few."""
    (kind, values), form = _type(field), form_of(field)
    if kind is bool and None in values:
        choices = {"1": (True, "Yes"), "0": (False, "No")}
    else:
        options = form.options or {value: value for value in values if value is not None}
        choices = {str(value): (value, str(title)) for value, title in options.items()}
    if choices and None in values:
        choices = {"auto": (None, form.none.capitalize() or "None"), **choices}
    return choices


def _text(value: Any, choices: dict[str, tuple[Any, str]]) -> str | None:
    return next((text for text, (known, _) in choices.items() if known == value), None)


def _type(field: FieldInfo) -> tuple[Any, tuple[Any, ...]]:
    """The field's type without None, and single values that it takes: a Literal's, and None."""
    annotation = field.annotation
    members = get_args(annotation) if isinstance(annotation, UnionType) else (annotation,)
    (kind,) = (member for member in members if member is not NoneType)
    none = (None,) if NoneType in members else ()
    if get_origin(kind) is Literal:
        return Literal, (*none, *get_args(kind))
    return get_origin(kind) or kind, none


def _bound(field: FieldInfo, *names: str, otherwise: float) -> float:
    """The first bound of these names, such as ge, that the field has."""
    bounds = (getattr(mark, name, None) for name in names for mark in field.metadata)
    return next((bound for bound in bounds if bound is not None), otherwise)


def _zero_is_none(field: FieldInfo) -> bool:
    """Whether 0 stands for None on the form: it is a number that may be None, but not 0."""
    excludes = _bound(field, "ge", otherwise=0) > 0 or _bound(field, "gt", otherwise=-1) >= 0
    return None in _type(field)[1] and excludes
