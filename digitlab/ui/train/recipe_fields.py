"""A field of a recipe on a form: its type, bounds and titles give widget, label and URL parameter.

No field is named here: one that is new in `TrainConfig` appears on the form by itself.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, get_args, get_origin

from digitlab.errors import ConfigError
from digitlab.training.config import Augmentation, TrainConfig, form_of, param
from digitlab.ui import url

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

_EACH = "each model's own"
_FAR = 2**53 - 1  # the largest whole number that a browser holds exactly


def is_asked(field: FieldInfo) -> bool:
    """Whether there is a widget for a field of this type."""
    return bool(_choices(field)) or _type(field)[0] in (int, float, bool)


def params(recipe: type[TrainConfig | Augmentation]) -> list[str]:
    """The names in the URL of all fields that are asked for."""
    names: list[str] = []
    for name, field in recipe.model_fields.items():
        if field.annotation is Augmentation:
            names += params(Augmentation)
        elif is_asked(field):
            names.append(param(name, field))
    return names


def ask(name: str, field: FieldInfo, start: Any, **arguments: Any) -> Any:
    """Draw the field's widget, which begins with the value `start`; the visitor's value.

    `arguments` are those of every widget, such as `disabled`, and `shown` of `ui/url.py`.
    """
    common = {**_common(name, field), **arguments}
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


def _common(name: str, field: FieldInfo) -> dict[str, Any]:
    text = " ".join((field.description or "").split())
    return {"param": param(name, field), "help": text or None}


def ask_several(name: str, field: FieldInfo, starts: Sequence[Any], **arguments: Any) -> list[Any]:
    """Draw a widget that takes several values of the field; those that the visitor chose.

    `starts` are the values that the chosen models' recipes have. Where they differ, the widget
    begins empty, and an empty list means to each model its own; `arguments` as in `ask`. Raises
    ConfigError for a text that is no number.
    """
    common = {**_common(name, field), **arguments}
    same = starts[0] if len(set(starts)) == 1 else None
    choices = _choices(field)
    if not choices and _type(field)[0] is bool:
        choices = {"1": (True, "On"), "0": (False, "Off")}
    if choices:
        titles = {text: title for text, (_, title) in choices.items()}
        default = [_text(same, choices) or next(iter(choices))] if len(set(starts)) == 1 else []
        chosen = url.choose_several(
            field.title, titles, default=default, placeholder=_EACH, **common
        )
        return [choices[text][0] for text in chosen]
    title = field.title
    if _zero_is_none(field):
        title = f"{title} (0: {form_of(field).none or 'none'})"
    default = "" if len(set(starts)) > 1 else f"{same if same is not None else 0:g}"
    if same is None and not _zero_is_none(field):
        default = ""  # such as the dataset's own validation share
    written = url.text(title, default=default, placeholder=_EACH, **common)
    return [] if written == default == "" else _numbers(written, field)


def _numbers(written: str, field: FieldInfo) -> list[Any]:
    """The numbers in "0.1, 0.01", which a semicolon or a space may separate, too."""
    kind, numbers = _type(field)[0], []
    for part in url.split_list(written):
        number = _number(part)
        if not math.isfinite(number):
            raise ConfigError(
                f"{field.title}: {part[:40]!r} is no number. Write numbers, as in 0.1, 0.01.",
                field=field.title,
            )
        whole = kind is int and number == int(number)
        numbers.append(None if not number and _zero_is_none(field) else int(number) if whole
                       else number)  # fmt: skip
    return list(dict.fromkeys(numbers))


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return math.nan


def describe(
    values: Mapping[str, Any], recipe: type[TrainConfig | Augmentation] = TrainConfig
) -> list[str]:
    """Some fields of a recipe as the form names them: "Rotation 10°", "Loss Cross-entropy".

    The augmentation's may come together or each by a dotted name.
    """
    words: list[str] = []
    for name, value in values.items():
        if "." in name:
            words += describe({name.partition(".")[2]: value}, Augmentation)
            continue
        field = recipe.model_fields[name]
        if field.annotation is Augmentation:
            words += describe(dict(value), Augmentation)
            continue
        title, _, unit = field.title.partition(" (")
        titles = dict(_choices(field).values())
        shown = titles.get(value) or (f"{value:g}" if isinstance(value, float) else str(value))
        if value is None:
            shown = titles.get(None) or form_of(field).none or "none"
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
