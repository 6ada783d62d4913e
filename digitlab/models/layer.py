"""`Layer`: one entry of an architecture, the name of a `torch.nn` class or block and its arguments.

What is checked here is the form only: that names are names and values are plain, finite and short.
Whether torch knows the layer and takes the arguments is found by `digitlab.models.build`.
"""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.text import MAX_NUMBER, check_plain

LAYER_FORM = "a layer is a name such as ReLU, or {Conv2d: {out_channels: 8, kernel_size: 3}}"
MAX_NESTING = 5  # blocks inside each other
NESTED = ("layers", "branches")  # the arguments that hold layers
INPUT = "input"  # what reaches a list of layers, as its layers name it
MAX_SOURCES = 64  # layers that one layer may read
# Sizes of the input, which may be left out: they follow from the shape that arrives.
INPUT_SIZES = ("in_channels", "in_features", "num_features", "num_channels", "normalized_shape")

# Where a layer is written in a spec: (2,) is the third layer, (4, "layers", 0) the first one inside
# the fifth, (3, "branches", 1, 0) the first of the fourth's second branch.
Path = tuple[int | str, ...]

_NAME = re.compile(r"(?:(?:torchvision|timm|sklearn)/)?[A-Za-z_][\w.]{0,63}")
_LAYER_NAME = re.compile(r"\w{1,60}(?:\.\w{1,60}){0,11}", re.ASCII)


class Arguments(dict[str, Any]):
    """A layer's arguments: a dict that cannot be changed, so that a spec can be a key or shared."""

    def _refuse(self, *args: Any, **kwargs: Any) -> Any:
        raise TypeError("a layer's arguments are frozen; make a new Layer instead")

    __setitem__ = __delitem__ = __ior__ = clear = pop = popitem = setdefault = update = _refuse

    def __hash__(self) -> int:  # type: ignore[override]
        return hash(frozenset(self.items()))

    def __reduce__(self) -> tuple[Any, ...]:
        return Arguments, (dict(self),)


@dataclass(frozen=True)
class Layer:
    """A `torch.nn` class, an operation on tensors or a block, with its arguments.

    Argument values are numbers, text, true, false, null or lists of them (held as tuples);
    `layers` and `branches` hold nested Layers (see `lists`). `name` is what other layers of its
    list call it and the front of its weights' keys, such as "layer1.0.conv1"; "" for its number.
    `sources` are the names of the earlier layers that it reads, "input" for what reaches the list;
    () for the layer before it. Raises SpecError for anything else.
    """

    type: str
    args: Mapping[str, Any] = field(default_factory=dict)
    name: str = ""
    sources: tuple[str, ...] = ()
    count: int = field(init=False, repr=False, compare=False)  # layers written, this one included
    nesting: int = field(init=False, repr=False, compare=False)  # blocks inside each other

    def __post_init__(self) -> None:
        if not isinstance(self.type, str) or not _NAME.fullmatch(self.type):
            raise SpecError(f"{shown(self.type)} is not the name of a layer; {LAYER_FORM}.")
        if not isinstance(self.args, Mapping):
            raise SpecError(
                f"The arguments of {self.type} must be a mapping such as {{kernel_size: 3}}; "
                f"not {shown(self.args)}."
            )
        frozen = Arguments((name, _argument(name, value)) for name, value in self.args.items())
        object.__setattr__(self, "args", frozen)
        object.__setattr__(self, "name", _layer_name(self.name))
        object.__setattr__(self, "sources", _source_names(self.sources))
        nesting = max((child.nesting + 1 for _, child in self.children), default=0)
        if nesting > MAX_NESTING:
            raise SpecError(f"Blocks may be nested at most {MAX_NESTING} deep.")
        object.__setattr__(self, "count", 1 + sum(child.count for _, child in self.children))
        object.__setattr__(self, "nesting", nesting)

    @property
    def lists(self) -> tuple[tuple[Path, tuple[Layer, ...]], ...]:
        """The lists of layers in this block, each with the steps of its path: ("layers",) or
        ("branches", 1)."""
        branches = enumerate(self.args.get("branches", ()))
        layers = [(("layers",), self.args["layers"])] if "layers" in self.args else []
        return (*layers, *((("branches", index), branch) for index, branch in branches))

    @property
    def children(self) -> tuple[tuple[Path, Layer], ...]:
        """The layers directly inside this block, each with the steps of its path: ("layers", 0)."""
        return tuple(
            ((*steps, index), layer)
            for steps, layers in self.lists
            for index, layer in enumerate(layers)
        )

    @property
    def plain_args(self) -> dict[str, Any]:
        """The arguments that hold no layers."""
        return {name: value for name, value in self.args.items() if name not in NESTED}

    def walk(self, path: Path = ()) -> Iterator[tuple[Path, Layer]]:
        """(path, layer) of this layer, which stands at `path`, and of every one inside it."""
        yield path, self
        for steps, child in self.children:
            yield from child.walk((*path, *steps))

    @classmethod
    def from_data(cls, data: Any) -> Layer:
        """A layer from its YAML form: ``"ReLU"`` or ``{"Conv2d": {"out_channels": 8, …}}``."""
        if isinstance(data, Layer):
            return data
        if isinstance(data, str):
            return cls(data)
        check_plain(data)
        if not isinstance(data, Mapping) or not data:
            raise SpecError(f"{shown(data)} is not a layer; {LAYER_FORM}.")
        if len(data) > 1:
            names = ", ".join(str(name) for name in list(data)[:4])
            raise SpecError(
                f"A layer has one name, but {names} are given together; indent the arguments "
                f"deeper than the name, or start each layer with a dash."
            )
        ((kind, args),) = data.items()
        if not isinstance(args, Mapping):
            return cls(kind, {} if args is None else args)
        rest = {key: value for key, value in args.items() if key not in ("name", "from")}
        sources = args.get("from") or ()
        sources = (sources,) if isinstance(sources, str) else sources
        return cls(kind, rest, args.get("name") or "", sources)

    def to_data(self) -> str | dict[str, Any]:
        """The YAML form: a name, or a mapping from the name to the arguments."""
        data: dict[str, Any] = {"name": self.name} if self.name else {}
        if self.sources:
            data["from"] = self.sources[0] if len(self.sources) == 1 else list(self.sources)
        data |= {key: _thawed(value) for key, value in self.args.items()}
        return {self.type: data} if data else self.type

    def with_args(self, /, **args: Any) -> Layer:
        """A copy with these arguments set."""
        return replace(self, args={**self.args, **args})

    def without_args(self, *names: str) -> Layer:
        """A copy without the arguments of these names."""
        return replace(self, args={k: v for k, v in self.args.items() if k not in names})

    def named(self, name: str) -> Layer:
        """A copy of that name."""
        return replace(self, name=name)

    def reading(self, *sources: str) -> Layer:
        """A copy that reads the layers of these names; without any, the layer before it."""
        return replace(self, sources=sources)

    def map(self, function: Callable[[Layer], Layer]) -> Layer:
        """A copy in which `function` has replaced every layer: those inside first, itself last."""

        def mapped(value: Any) -> Any:
            if isinstance(value, Layer):
                return value.map(function)
            return tuple(map(mapped, value)) if isinstance(value, tuple) else value

        return function(self.with_args(**{k: mapped(value) for k, value in self.args.items()}))


def put(node: Any, path: Path, value: Any) -> Any:
    """A copy of `inside` (a layer, or a list of layers or branches) with `value` at `path`."""
    if not path:
        return value
    step, rest = path[0], path[1:]
    if isinstance(node, Layer):
        return node.with_args(**{step: put(node.args.get(step, ()), rest, value)})
    return (*node[:step], put(node[step], rest, value), *node[step + 1 :])


def path_words(path: Path) -> list[str]:
    """A path in words: (3, "branches", 0, 1) is "layer 4", "branch 1", "layer 2"."""
    names = []
    for before, step in zip((None, *path), path, strict=False):
        if isinstance(step, int):
            names.append(f"{'branch' if before == 'branches' else 'layer'} {step + 1}")
        elif step not in NESTED:
            names.append(str(step))
    return names


def read_layers(value: Any) -> tuple[Layer, ...]:
    """The layers of a list of Layers or YAML forms. Raises SpecError with the path in the list."""
    if not isinstance(value, list | tuple):
        raise SpecError(f"layers must be a list, one dash a layer; not {shown(value)}.")
    layers = []
    for index, data in enumerate(value):
        with under(index):
            layers.append(Layer.from_data(data))
    return tuple(layers)


def _layer_name(value: Any) -> str:
    if value == "":
        return ""
    if not isinstance(value, str) or not _LAYER_NAME.fullmatch(value) or value == INPUT:
        raise SpecError(
            f"A layer's name is made of letters, digits, _ and dots, such as conv1 or layer1.0, "
            f"and is not {INPUT}; not {shown(value)}.",
            path=("name",),
        )
    return value


def _source_names(value: Any) -> tuple[str, ...]:
    names = tuple(value) if isinstance(value, list | tuple) else (None,)
    known = all(isinstance(n, str) and (n == INPUT or _LAYER_NAME.fullmatch(n)) for n in names)
    if not known or len(names) > MAX_SOURCES:
        raise SpecError(
            f"from takes the name of an earlier layer or {INPUT}, or a list of up to "
            f"{MAX_SOURCES} of them; not {shown(value)}.",
            path=("from",),
        )
    return names


def _argument(name: Any, value: Any) -> Any:
    reserved = name in ("name", "from")
    if not isinstance(name, str) or not re.fullmatch(r"[A-Za-z_]\w{0,63}", name) or reserved:
        raise SpecError(f"{shown(name)} is not the name of an argument, such as kernel_size.")
    with under(name):
        if name == "layers":
            return read_layers(value)
        if name != "branches":
            return _value(value)
        if not isinstance(value, list | tuple):
            raise SpecError(f"branches must be a list of lists of layers; not {shown(value)}.")
        branches = []
        for index, branch in enumerate(value):
            with under(index):
                branches.append(read_layers(branch))
        return tuple(branches)


def _value(value: Any, depth: int = 0) -> Any:
    if isinstance(value, list | tuple) and len(value) <= 16 and depth < 3:
        return tuple(_value(item, depth + 1) for item in value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return check_text(value)
    number = type(value) in (int, float)
    if number and abs(value) <= MAX_NUMBER and math.isfinite(value):
        return value
    limits = f"a finite number of at most {MAX_NUMBER:,}, text, true, false, null or a short list"
    raise SpecError(f"An argument is {limits}; not {shown(value)}.")


def check_text(value: str) -> str:
    """`value` itself, if it is one short line that YAML can hold; SpecError otherwise."""
    forbidden = {"Cc", "Cs", "Cn", "Co", "Zl", "Zp"}
    if len(value) > 200 or any(
        unicodedata.category(c) in forbidden or c == "\ufeff" for c in value
    ):
        raise SpecError(f"Text is at most 200 visible characters on one line; not {shown(value)}.")
    return value


def _thawed(value: Any) -> Any:
    if isinstance(value, Layer):
        return value.to_data()
    return [_thawed(item) for item in value] if isinstance(value, tuple) else value


@contextmanager
def under(*steps: int | str) -> Iterator[None]:
    """Put `steps` before the path of a SpecError raised within."""
    try:
        yield
    except SpecError as error:
        error.path = (*steps, *(error.path or ()))
        raise


def shown(value: Any) -> str:
    """A wrong value as an error message quotes it: on one line and short."""
    try:
        text = repr(value)
    except Exception:  # a value so large or odd that Python will not write it
        text = type(value).__name__
    return text if len(text) <= 60 else f"{text[:60]}…"
