"""Search spaces: which fields of a recipe and which arguments of layers take which values.

    learning_rate: 0.0001 to 0.1 log        a range, drawn evenly on a logarithmic scale
    batch_size: 32, 64, 128                 a list, also written [32, 64, 128]
    augmentation.rotation: 0 to 20 step 5
    layers.1.out_channels: 8 to 32          an argument of the first layer
    layers.conv1.kernel_size: [3, 5]        of the layer of that name

A range may be a mapping, too: {low: 0.0001, high: 0.1, log: true}.
"""

from __future__ import annotations

import difflib
import json
import math
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import ConfigError, SpecError
from digitlab.models.arguments import matches
from digitlab.models.classical.arguments import takes
from digitlab.models.classical.catalog import PREFIX
from digitlab.models.layer import NESTED, Layer, Path, path_words, put, shown
from digitlab.models.text import MAX_NUMBER
from digitlab.training.config import (
    LOSS_FIELDS,
    Augmentation,
    TrainConfig,
    form_of,
    parse_value,
)

if TYPE_CHECKING:
    from pydantic.fields import FieldInfo

    from digitlab.models.arguments import Argument
    from digitlab.models.spec import ModelSpec

LAYERS = "layers."
_AUGMENTATION = "augmentation."
MOST_DIMENSIONS = 20
MOST_CHOICES = 100
NEVER_SEARCHED = ("val_fraction", "test_curve")  # of a recipe: what trials are compared by
_FORMS = "a list such as [0.1, 0.01], or a range such as 0.001 to 0.1 log, or 0 to 20 step 5"
_RANGE = re.compile(r"\s*(\S+)\s+to\s+(\S+?)(?:\s+(log)|\s+step\s+(\S+))?\s*")
_KEYS = ("low", "high", "step", "log")


@dataclass(frozen=True)
class Dimension:
    """What is searched for one field: some `choices`, or numbers from `low` to `high`.

    `name` is a field of TrainConfig, "augmentation.rotation" for one of the augmentation, or
    "layers.PLACE.ARGUMENT". `whole` numbers are drawn where both ends are; `log` draws them evenly
    on a logarithmic scale, `step` in steps from the lower end.
    """

    name: str
    choices: tuple[Any, ...] = ()
    low: float | None = None
    high: float | None = None
    step: float | None = None
    log: bool = False

    @property
    def whole(self) -> bool:
        """Whether it is a range of whole numbers."""
        return type(self.low) is int and type(self.high) is int

    @property
    def of_layer(self) -> bool:
        """Whether it is an argument of a layer."""
        return self.name.startswith(LAYERS)

    @property
    def values(self) -> tuple[Any, ...] | None:
        """All its values, in their order; None for a range that has no end of them."""
        if self.choices:
            return self.choices
        step = self.step or (1 if self.whole and not self.log else None)
        if step is None:
            return None
        steps = (self.high - self.low) / step + 1e-9
        if steps >= MOST_CHOICES:
            return None
        return tuple(self.low + i * step for i in range(math.floor(steps) + 1))

    def to_data(self) -> Any:
        """Plain data, from which `read_dimension` makes an equal one."""
        if self.choices:
            return list(self.choices)
        ends = {"low": self.low, "high": self.high}
        return ends | ({"log": True} if self.log else {"step": self.step} if self.step else {})

    def __str__(self) -> str:
        if self.choices:
            return ", ".join(map(_in_words, self.choices))
        how = " log" if self.log else f" step {self.step:g}" if self.step else ""
        return f"{self.low:g} to {self.high:g}{how}"


def _in_words(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value)


# ---- reading ------------------------------------------------------------------------------------


def read_space(data: Any) -> tuple[Dimension, ...]:
    """The dimensions of a mapping from names to values, or of texts such as "seed=0,1".

    Fields of the recipe come first, in its order: whether one has an effect depends on earlier
    ones. Raises ConfigError for what is no search space.
    """
    if isinstance(data, Sequence) and not isinstance(data, str):
        data = dict(_split(text) for text in data)
    if not isinstance(data, Mapping) or not data:
        raise ConfigError(
            "A search space is a mapping from fields to their values, such as {learning_rate: "
            f"[0.1, 0.01]}}; not {shown(data)}.",
            field="search",
        )
    if len(data) > MOST_DIMENSIONS:
        raise ConfigError(
            f"{len(data)} fields are searched; at most {MOST_DIMENSIONS} can be.", field="search"
        )
    order = list(TrainConfig.model_fields)

    def place(dimension: Dimension) -> int:
        outer = dimension.name.partition(".")[0]
        return order.index(outer) if outer in order else len(order)

    return tuple(sorted((read_dimension(str(k), v) for k, v in data.items()), key=place))


def _split(text: Any) -> tuple[str, str]:
    name, separator, values = str(text).partition("=")
    if not separator or not name.strip():
        raise ConfigError(
            f"A field to search is written name=values, as in learning_rate=0.1,0.01; not {text!r}."
        )
    return name.strip(), values


def read_dimension(name: str, value: Any) -> Dimension:
    """The values of one field, in any of the forms that the module names. Raises ConfigError."""
    name = name.strip() if name.startswith(LAYERS) else name.strip().replace("-", "_")
    if isinstance(value, str):
        matched = _RANGE.fullmatch(value)
        if matched is None:
            value = [parse_value(part.strip()) for part in value.split(",") if part.strip()]
        else:
            low, high, log, step = matched.groups()
            value = {"low": parse_value(low), "high": parse_value(high), "log": bool(log)}
            value |= {"step": parse_value(step)} if step else {}
    if isinstance(value, Mapping):
        return _read_range(name, value)
    listed = [_plain(choice) for choice in value] if isinstance(value, list | tuple) else []
    try:
        choices = list(
            {(type(choice), choice): choice for choice in listed}.values()
        )  # True is no 1
    except TypeError:  # of a mapping among them
        choices = []
    if not choices:
        raise ConfigError(f"{name} takes {_FORMS}; not {shown(value)}.", field=name)
    if len(choices) > MOST_CHOICES:
        raise ConfigError(
            f"{name} has {len(choices)} values; at most {MOST_CHOICES} can be listed. Give a "
            "range, such as 0.001 to 0.1 log.",
            field=name,
        )
    return Dimension(name, tuple(choices))


def _plain(value: Any) -> Any:
    """A value as a spec holds it: lists as tuples; YAML takes 1e-4 for a text."""
    if isinstance(value, list):
        return tuple(map(_plain, value))
    return parse_value(value) if isinstance(value, str) else value


def _read_range(name: str, value: Mapping[str, Any]) -> Dimension:
    value = {key: _plain(item) for key, item in value.items()}
    wrong = [str(key) for key in value if key not in _KEYS]
    missing = [key for key in ("low", "high") if key not in value]
    if wrong or missing:
        problem = f"has no {wrong[0]!r}" if wrong else f"needs {missing[0]}"
        raise ConfigError(
            f"The range of {name} {problem}: it is made of low, high and, if need be, step or "
            "log: true.",
            field=name,
        )
    for key in ("low", "high", "step"):
        number = value.get(key)
        if not (number is None and key == "step") and not _is_number(number):
            message = f"{key} of {name} must be a number of ordinary size; not {shown(number)}."
            raise ConfigError(message, field=name)
    dimension = Dimension(
        name,
        low=value["low"],
        high=value["high"],
        step=value.get("step"),
        log=value.get("log") is True,
    )
    _check_range(dimension)
    return dimension


def _is_number(value: Any) -> bool:
    return type(value) in (int, float) and abs(value) <= MAX_NUMBER


def _check_range(dimension: Dimension) -> None:
    name, low, high, step = dimension.name, dimension.low, dimension.high, dimension.step
    problem = ""
    if low >= high:
        problem = f"low ({low:g}) must be below high ({high:g})"
    elif dimension.log and low <= 0:
        problem = f"a logarithmic range begins above 0; not at {low:g}"
    elif dimension.log and step is not None:
        problem = "it has a step or a logarithmic scale, not both"
    elif step is not None and not 0 < step <= high - low:
        problem = f"a step must be above 0 and at most {high - low:g}; not {step:g}"
    if problem:
        raise ConfigError(f"The range of {name} cannot be: {problem}.", field=name)


# ---- what it fits -------------------------------------------------------------------------------


def check_space(
    space: Sequence[Dimension], spec: ModelSpec, config: TrainConfig
) -> tuple[Dimension, ...]:
    """The dimensions, after checking that the recipe and the layers of `spec` take their values.

    Whole ends of a range become fractions where the field takes these. Raises ConfigError for the
    recipe's and SpecError for a layer's. That values fit together is seen when they are drawn.
    """
    return tuple(
        _check_argument(dimension, spec) if dimension.of_layer else _check_field(dimension, config)
        for dimension in space
    )


def _check_field(dimension: Dimension, config: TrainConfig) -> Dimension:
    name = dimension.name
    if name == "val_fraction":
        raise ConfigError(
            "val_fraction cannot be searched: trials are compared on the validation images, which "
            "must be the same for all.",
            field=name,
        )
    if name in LOSS_FIELDS and config.task == "reconstruct":
        raise ConfigError(
            f"{name} cannot be searched for an autoencoder: trials are compared by their loss, "
            "which must mean the same for all.",
            field=name,
        )
    if name in ("augmentation", "restarts"):
        hint = "name one of its fields, such as augmentation.rotation"
        hint = hint if name == "augmentation" else "search the schedule instead"
        raise ConfigError(f"{name} cannot be searched; {hint}.", field=name)
    for value in dimension.choices or (dimension.low, dimension.high):
        try:
            change(config, {name: value})
        except ConfigError as e:
            if e.field:  # else it is another field that does not agree with it
                raise
    if not dimension.choices and not _takes_whole(_field(name)):
        return replace(dimension, low=float(dimension.low), high=float(dimension.high))
    if not dimension.choices and not dimension.whole:
        raise ConfigError(
            f"{name} takes whole numbers; not {dimension.low:g} to {dimension.high:g}.", field=name
        )
    return dimension


def _takes_whole(field: FieldInfo) -> bool:
    return field.annotation in (int, int | None)


def _field(name: str) -> FieldInfo:
    outer, _, inner = name.partition(".")
    return Augmentation.model_fields[inner] if inner else TrainConfig.model_fields[outer]


def _check_argument(dimension: Dimension, spec: ModelSpec) -> Dimension:
    from digitlab.models.signatures import find_signature

    path, argument_name = find_argument(spec, dimension.name)
    layer = dict(spec.walk())[path]
    where = f"{', '.join(path_words(path))}, {layer.type},"
    signature = find_signature(layer.type)
    arguments = {each.name: each for each in signature.arguments} if signature else {}
    if argument_name not in arguments or argument_name in NESTED:
        known = [name for name in arguments if name not in NESTED]
        near = difflib.get_close_matches(argument_name, known, 1)
        hint = f"did you mean {near[0]}? " if near else ""
        raise SpecError(
            f"{dimension.name}: {where} has no argument {argument_name!r}; {hint}"
            f"its arguments are {', '.join(known) or 'none'}.",
            path=path,
        )
    argument = arguments[argument_name]
    # A fraction between the ends, also between 0 and 1.
    if not dimension.choices and _takes(
        layer, argument, (dimension.low + dimension.high) / 2 + 0.25
    ):
        dimension = replace(dimension, low=float(dimension.low), high=float(dimension.high))
    for value in dimension.choices or (dimension.low, dimension.high):
        if not _takes(layer, argument, value) and not (value is None and argument.default is None):
            raise SpecError(
                f"{dimension.name}: {where} takes as {argument_name} {argument.accepts}; not "
                f"{shown(value)}.",
                path=path,
            )
    return dimension


def _takes(layer: Layer, argument: Argument, value: Any) -> bool:
    if argument.choices:
        return value in argument.choices
    if argument.annotation is Any and layer.type.startswith(PREFIX):  # several types are taken
        return takes(layer.type, argument.name, value)
    return matches(argument.annotation, value)


def find_argument(spec: ModelSpec, name: str) -> tuple[Path, str]:
    """The path of the layer that a dimension's name means, and the argument's name.

    A layer is meant by its name, else by its place, counted from 1: "layers.2.kernel_size", inside
    a block "layers.4.layers.1.kernel_size" or "layers.4.branches.2.1.kernel_size". SpecError where
    there is none, or several of that name.
    """
    place, _, argument = name.removeprefix(LAYERS).rpartition(".")
    layers = dict(spec.walk())
    named = [path for path, layer in layers.items() if layer.name and layer.name == place]
    if len(named) == 1:
        return named[0], argument
    if named:
        raise SpecError(
            f"{name}: {len(named)} layers are called {place}; name one by its place, such as "
            f"{LAYERS}{_place(named[0])}.{argument}."
        )
    steps = tuple(int(step) - 1 if step.isdecimal() else step for step in place.split("."))
    if steps in layers:
        return steps, argument
    known = [f"{layer.name or _place(path)} ({layer.type})" for path, layer in layers.items()]
    more = ", …" if len(known) > 12 else ""
    raise SpecError(
        f"{name}: there is no layer {place!r}. Write layers.PLACE.ARGUMENT, as in "
        f"layers.1.out_channels; the layers are {', '.join(known[:12])}{more}."
    )


def place_in_words(path: Path) -> str:
    """Where a layer stands, in words: "layer 4, layer 1"."""
    return ", ".join(path_words(path))


def _place(path: Path) -> str:
    return ".".join(str(step + 1) if isinstance(step, int) else step for step in path)


# ---- what it changes ----------------------------------------------------------------------------


def change(config: TrainConfig, values: Mapping[str, Any]) -> TrainConfig:
    """A copy of a recipe with other values; those of the augmentation by their dotted names."""
    fields = dict(values)
    dotted = [name for name in fields if name.startswith(_AUGMENTATION)]
    inner = {name.removeprefix(_AUGMENTATION): fields.pop(name) for name in dotted}
    if inner:
        fields["augmentation"] = {**config.augmentation.model_dump(), **inner}
    return config.changed(**fields)


def change_layers(spec: ModelSpec, values: Mapping[str, Any]) -> ModelSpec:
    """A copy of an architecture with other arguments of its layers, by the dimensions' names."""
    layers: Sequence[Layer] = spec.layers
    for name, value in values.items():
        path, argument = find_argument(spec, name)
        layers = put(layers, (*path, argument), value)
    return spec.with_layers(layers) if values else spec


def is_used(name: str, recipe: Mapping[str, Any]) -> bool:
    """Whether a dimension has an effect on a recipe with these fields: momentum has none on Adam's.

    An argument of a layer always has.
    """
    return name.startswith(LAYERS) or form_of(_field(name)).used(recipe)


def without_effect(base: TrainConfig, recipe: Mapping[str, Any]) -> dict[str, Any]:
    """Defaults for the fields that have an effect in `base`, and none in the changed `recipe`."""
    before, after = base.model_dump(), dict(recipe)
    for name, field in TrainConfig.model_fields.items():
        used = form_of(field).used
        if used(before) and not used(after):
            after[name] = field.default
    return {name: value for name, value in after.items() if value != recipe[name]}


def read_value(dimension: Dimension, spec: ModelSpec, config: TrainConfig) -> Any:
    """The value that a dimension has in an architecture and a recipe."""
    if dimension.of_layer:
        path, argument = find_argument(spec, dimension.name)
        return dict(spec.walk())[path].args.get(argument)
    outer, _, inner = dimension.name.partition(".")
    return getattr(getattr(config, outer), inner) if inner else getattr(config, outer)
