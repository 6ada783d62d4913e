"""`KerasLayer`: a layer that a text has made, its options, and what a call makes of a tensor."""

from __future__ import annotations

import ast
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import INPUT, shown
from digitlab.models.paste.keras.tensor import Tensor, written
from digitlab.models.paste.keras.trace import Made, Node, Trace
from digitlab.models.paste.native import Function, Native, Unknown

# What Keras 1 and 2 called an option.
_OLD_NAMES = {
    "alpha": "negative_slope",
    "atrous_rate": "dilation_rate",
    "batch_input_shape": "batch_shape",
    "bias": "use_bias",
    "border_mode": "padding",
    "dim_ordering": "data_format",
    "init": "kernel_initializer",
    "mode": "merge_mode",
    "nb_filter": "filters",
    "nb_feature": "filters",
    "filter_length": "kernel_size",
    "output_dim": "units",
    "p": "rate",
    "pool_length": "pool_size",
    "subsample": "strides",
    "subsample_length": "strides",
    "stride": "strides",
    "sigma": "stddev",
}
_INPUT = ("input_shape", "batch_shape", "input_dim", "input_length")
_COMMON = (*_INPUT, "data_format", "kernel_initializer")
_PASSED_OVER = {
    *("dtype", "trainable", "seed", "unroll", "mode", "time_major", "implementation", "weights"),
    *("autocast", "stateful", "zero_output_for_mask", "mask_zero", "use_cudnn", "sparse"),
    *("name", "data_format", "force_generator", "noise_shape", "batch_size", "ragged", "tensor"),
}
_TRAINING = ("training", "mask", "attention_mask")
_ZEROS = ("zeros", "Zeros", "zero", None)


@dataclass(frozen=True)
class Kind:
    """A class of Keras's layers: its options in order, and what it makes of tensors.

    `options` is written as in a definition: ``"units activation=None use_bias=True"``.
    """

    name: str
    options: str
    run: Callable[..., Any]

    @cached_property
    def defaults(self) -> dict[str, Any]:
        """The options in order with their defaults; Ellipsis where one is needed."""
        words = (word.partition("=") for word in self.options.split())
        return {name: ast.literal_eval(text) if text else ... for name, _, text in words}


class KerasLayer(Native):
    """A layer with its options. Called again, it uses the weights of the first call again."""

    def __init__(
        self,
        kind: Kind,
        args: Sequence[Any],
        kwargs: Mapping[str, Any],
        trace: Trace,
        line: int | None,
    ) -> None:
        self.type, self.trace, self.line = kind, trace, line
        self.kind = f"a {kind.name}"
        self.nodes: dict[str, Node] = {}  # its weights by their part, once it has been called
        trace.made.append(self.nodes)
        self.three_numbers = len(args) >= 3 and all(type(n) is int for n in args[:3])
        self.path = ""  # where the text keeps it: self.conv1 is "conv1"
        self.name = ""
        self.first_shape: tuple[int | None, ...] | None = None  # the shape that it names as input
        self.last_output: Any = None
        self.last_input: Any = None
        with guarded(trace, kind.name):
            self.options = self._bind(list(args), dict(kwargs))

    # ---- the options

    def _bind(self, args: list[Any], kwargs: dict[str, Any]) -> dict[str, Any]:
        defaults = self.type.defaults
        if len(args) > len(defaults):
            self.refuse(
                f"passes {len(args)} arguments to {self.type.name}; it takes {len(defaults)}"
            )
        options = dict(zip(defaults, args, strict=False))
        for written_name, value in kwargs.items():
            name = written_name
            if name not in defaults:
                newer = _OLD_NAMES.get(name, name)
                name = newer if newer in defaults or newer in _COMMON else name
            if name in defaults:
                if name in options:
                    self.refuse(f"passes {written_name} to {self.type.name} twice")
                options[name] = value
            else:
                self._common_option(name, value)
        missing = [n for n, default in defaults.items() if default is ... and n not in options]
        if missing:
            self.refuse(f"leaves out {missing[0]}, which {self.type.name} needs")
        return {**defaults, **options}

    def _common_option(self, name: str, value: Any) -> None:
        """An option that every layer takes."""
        if name == "name":
            self.name = value if isinstance(value, str) else ""
        elif name == "data_format":
            self.data_format = value
        elif name in _INPUT:
            self._name_input(name, value)
        elif name.endswith("_initializer"):
            if isinstance(value, Unknown):
                value.refuse()
            self._note_init(name, value)
        elif name.endswith(("_regularizer", "_constraint")) or name in _REGULARIZERS:
            if value is not None:
                self.trace.note(
                    f"{name} of {self.type.name} {self.place} is left out; weight decay is "
                    f"part of the recipe here."
                )
        elif name not in _PASSED_OVER:
            self.refuse(
                f"passes {name}={shown(value)} to {self.type.name}, which has no translation to "
                f"PyTorch"
            )

    data_format: Any = None

    def _name_input(self, name: str, value: Any) -> None:
        if name == "input_length" or isinstance(value, Unknown):
            return
        value = value.sizes if isinstance(value, TensorShape) else value
        shape = tuple(value) if isinstance(value, list | tuple) else (value,)
        self.first_shape = shape[1:] if name == "batch_shape" and len(shape) > 1 else shape

    def _note_init(self, name: str, value: Any) -> None:
        word = initializer_name(value)
        if name == "kernel_initializer":
            self.trace.inits.append((word, self.line))
        elif word not in _ZEROS and name != "recurrent_initializer":
            self.trace.note(
                f"{name} of {self.type.name} {self.place} is left out; a spec names one "
                f"init for all layers."
            )

    def refuse(self, problem: str) -> Any:
        """Raise the SpecError of the line in which the layer is made."""
        self.trace.refuse(problem, self.line)

    def __getitem__(self, name: str) -> Any:
        value = self.options[name]
        if isinstance(value, Unknown):
            value.refuse()
        return value.sizes if isinstance(value, TensorShape) else value

    def whole(self, name: str, least: int = 1) -> int:
        """An option that is a whole number."""
        value = self[name]
        if type(value) is float and value.is_integer():
            value = int(value)
        if type(value) is not int or value < least:
            self.refuse(
                f"passes {shown(value)} as {name} of {self.type.name}; it must be a whole number "
                f"of {least} or more"
            )
        return value

    def number(self, name: str) -> float:
        """An option that is a number."""
        value = self[name]
        if type(value) not in (int, float):
            self.refuse(f"passes {shown(value)} as {name} of {self.type.name}; it must be a number")
        return value

    def sizes(self, name: str, count: int, least: int = 1) -> tuple[int, ...]:
        """An option that is one whole number for each side of an image, or one for all."""
        value = self[name]
        sizes = tuple(value) if isinstance(value, list | tuple) else (value,) * count
        if len(sizes) != count or any(type(n) is not int or n < least for n in sizes):
            self.refuse(
                f"passes {shown(value)} as {name} of {self.type.name}; it must be a number or "
                f"{count} whole numbers"
            )
        return sizes

    def choice(self, name: str, *choices: str) -> str:
        """An option that is one of some words."""
        value = self[name]
        word = value.lower() if isinstance(value, str) else value
        if word not in choices:
            self.refuse(f"uses {name}={shown(value)}; it must be {' or '.join(map(repr, choices))}")
        return word

    @property
    def channels_first(self) -> bool:
        """Whether its images are written with their channels before height and width."""
        value = self.options.get("data_format") or self.data_format or self.trace.data_format
        return value in ("channels_first", "th")

    # ---- calling it

    def attribute(self, name: str, run: Any) -> Any:
        if name == "name":
            return self.name or self.path or snake(self.type.name)
        if name in ("output", "input") and self.last_output is not None:
            return self.last_output if name == "output" else self.last_input
        if name in ("trainable", "built"):
            return True
        if name in self.options:
            return self.options[name]
        return super().attribute(name, run)

    def set_attribute(self, name: str, value: Any, run: Any) -> None:
        if name in ("name", "_name") and isinstance(value, str):
            self.name = value

    def call(self, args: list[Any], kwargs: dict[str, Any], run: Any) -> Any:
        self.trace.run, self.trace.line = run, run.line
        kwargs = {name: value for name, value in kwargs.items() if name not in _TRAINING}
        if "inputs" in kwargs:
            args = [kwargs.pop("inputs"), *args]
        return self(*args, **kwargs)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        self.last_input = args[0] if args else None
        self.last_output = record(self._run, *args, **kwargs)
        return self.last_output

    @property
    def place(self) -> str:
        """Where it is made, as a note says it."""
        return f"in line {self.line}" if self.line else f"called {self.name}"

    def _run(self, *args: Any, **kwargs: Any) -> Any:
        if self.line is None and self.name:
            self.trace.where = f"The layer {self.name}"
        before, self.trace.line = self.trace.line, self.line or self.trace.line
        count = len(self.trace.nodes)
        try:
            with guarded(self.trace, self.type.name), self.trace.inside(""):
                return self.type.run(self, *args, **kwargs)
        finally:
            self.trace.line = before
            self._hint(self.trace.nodes[count:])

    def _hint(self, nodes: Sequence[Node]) -> None:
        """Have the nodes that it made called after it, where another layer must name them."""
        own = self.full_name
        if own:
            named = any(node.name for node in nodes)
            for node in nodes:
                node.hint = node.hint or (f"{own}_{node.type.lower()}" if named else own)

    # ---- making nodes

    @property
    def full_name(self) -> str:
        """The name of its main node, with the models in which it stands; "" without one."""
        own = self.path or self.name
        return ".".join([*self.trace.scope, own]) if own else ""

    def weights(self, type: str, args: Mapping[str, Any], *tensors: Tensor, part: str = "") -> Node:
        """A node with weights: of its own at the first call, the same ones afterwards."""
        sources = tuple(tensor.node for tensor in tensors)
        own = self.full_name
        name = f"{own}.{part}" if own and part else own
        node = self.trace.add(type, args, *sources, name=name, shares=self.nodes.get(part))
        node.hint = snake(self.type.name) + (f".{part}" if part else "")
        self.nodes.setdefault(part, node)
        return node

    def parameter(self, shape: Sequence[int], part: str, init: Mapping[str, Any]) -> Tensor:
        """A learnt tensor without a batch, made once."""
        if part not in self.nodes:
            self.weights("Parameter", {"shape": tuple(shape), **init}, part=part)
        node = self.nodes[part]
        return Tensor(self.trace, node, tuple(shape), tuple(range(len(shape))), batched=False)

    def need(self, value: Any, ranks: Sequence[int], example: str) -> Tensor:
        """`value`, if it is a tensor with one of these numbers of axes besides the batch."""
        if isinstance(value, list | tuple) and len(value) == 1:
            value = value[0]
        if isinstance(value, Unknown):
            value.refuse()
        if not isinstance(value, Tensor):
            self.refuse(f"calls {self.type.name} on {shown(value)}, which is not a tensor")
        if ranks and value.rank not in ranks:
            self.refuse(
                f"uses {self.type.name}, which takes {example}, but {written(value)} reaches it; "
                f"{_FIX.get((value.rank, ranks[0]), 'reshape it before')}"
            )
        return value

    def images(self, value: Any, sides: int) -> tuple[Tensor, int, tuple[int, ...]]:
        """A tensor channels first, as torch takes it: itself, its channel's axis, its sides'."""
        example = {1: "(steps, features)", 2: "(height, width, channels)"}.get(sides, "a volume")
        tensor = self.need(value, (sides + 1,), example)
        self._look_for_channels(tensor)
        channel = 0 if self.channels_first else sides
        positions = tuple(axis for axis in range(sides + 1) if axis != channel)
        return tensor.arranged((channel, *positions)), channel, positions

    def _look_for_channels(self, x: Tensor) -> None:
        """An image written as (1, 28, 28) has its channels first, though the text may leave that to
        Keras's settings on the author's machine."""
        data_format = self.options.get("data_format") or self.data_format
        if data_format or x.node.type != INPUT or x.rank != 3 or self.channels_first:
            return
        channels, height, width = x.shape
        if channels in (1, 3) and height == width >= 5:
            self.trace.data_format = "channels_first"
            self.trace.note(
                f"The input {written(x)} has its channels first, and so have all layers here."
            )


_REGULARIZERS = ("W_regularizer", "b_regularizer", "W_constraint", "b_constraint")
_FIX = {
    (2, 3): "add Reshape((28, 28, 1)) or the like before it",
    (1, 3): "put it before Flatten",
    (1, 2): "put it before Flatten",
    (3, 2): "add Reshape before it",
}


class TensorShape(Native):
    """A shape as Keras gives it: (None, 28, 28, 1), with its few methods."""

    kind = "the shape of a tensor"

    def __init__(self, sizes: Sequence[int | None]) -> None:
        self.sizes = tuple(sizes)

    def attribute(self, name: str, run: Any) -> Any:
        if name in ("as_list", "num_elements"):
            value = list(self.sizes) if name == "as_list" else math.prod(n or 1 for n in self.sizes)
            return Function(name, "", lambda run: value)
        if name in ("rank", "ndims"):
            return len(self.sizes)
        if name == "dims":
            return list(self.sizes)
        return super().attribute(name, run)

    def item(self, index: Any, run: Any) -> Any:
        try:
            return self.sizes[index]
        except (IndexError, TypeError):
            run.refuse(f"takes item {shown(index)} of the shape {self.sizes}")

    def iterate(self, run: Any) -> Any:
        return self.sizes

    def length(self, run: Any) -> int:
        return len(self.sizes)

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        other = other.sizes if isinstance(other, TensorShape) else other
        if operator != "+" or not isinstance(other, list | tuple):
            return NotImplemented
        both = (tuple(other), self.sizes) if reflected else (self.sizes, tuple(other))
        return (*both[0], *both[1])

    def compare(self, operator: str, other: Any, run: Any) -> Any:
        same = self.sizes == (other.sizes if isinstance(other, TensorShape) else other)
        return same if operator == "==" else not same

    def text(self, run: Any) -> str:
        return str(self.sizes)


@contextmanager
def guarded(trace: Trace, what: str) -> Iterator[None]:
    """Refuse a call whose arguments Python cannot handle, such as a size that is a word."""
    try:
        yield
    except SpecError:
        raise
    except (TypeError, ValueError, LookupError, AttributeError, ArithmeticError) as error:
        raise trace.error(f"calls {what} in a way that cannot be read") from error


def record(function: Callable[..., Any], *args: Any, **kwargs: Any) -> Any:
    """What a call gives, with each tensor knowing the call, so that it can be made again."""
    made = Made(function, args, kwargs)
    result = function(*args, **kwargs)
    if isinstance(result, Tensor):
        return replace(result, origin=(made, None))
    if isinstance(result, list | tuple):
        marked = [
            replace(item, origin=(made, index)) if isinstance(item, Tensor) else item
            for index, item in enumerate(result)
        ]
        return marked if isinstance(result, list) else tuple(marked)
    return result


def rerun(value: Any, known: dict[Any, Any]) -> Any:
    """`value` made anew from the tensors in `known`, which gives for old tensors the new ones."""
    calls, waiting = set(), list(_tensors(value))
    while waiting:
        tensor = waiting.pop()
        if tensor not in known and tensor.origin is not None and tensor.origin[0] not in calls:
            made = tensor.origin[0]
            calls.add(made)
            waiting += [*_tensors(made.args), *_tensors(made.kwargs)]
    for made in sorted(calls, key=lambda made: made.number):
        args, kwargs = _replaced(made.args, known), _replaced(made.kwargs, known)
        known[made] = record(made.function, *args, **kwargs)
    return _replaced(value, known)


def _tensors(value: Any) -> Iterator[Tensor]:
    if isinstance(value, Tensor):
        yield value
    elif isinstance(value, list | tuple | dict):
        for item in value.values() if isinstance(value, dict) else value:
            yield from _tensors(item)


def _replaced(value: Any, known: dict[Any, Any]) -> Any:
    if isinstance(value, list | tuple):
        return type(value)(_replaced(item, known) for item in value)
    if isinstance(value, dict):
        return {key: _replaced(item, known) for key, item in value.items()}
    if not isinstance(value, Tensor) or value in known or value.origin is None:
        return known.get(value, value) if isinstance(value, Tensor) else value
    made, index = value.origin
    return known[made] if index is None else known[made][index]


def initializer_name(value: Any) -> Any:
    """The name of an initializer that is given by name, as an object or in a config."""
    if isinstance(value, dict):
        value = value.get("class_name")
    return value if isinstance(value, str) or value is None else getattr(value, "word", None)


def snake(name: str) -> str:
    """ "Conv2D" is conv2d, "BatchNormalization" batch_normalization, as Keras names layers."""
    name = re.sub(r"(.)([A-Z][a-z0-9]+)", r"\1_\2", name)
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()
