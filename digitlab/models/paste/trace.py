"""`Trace`: what a network does to its input, step after step; it becomes the layers of a spec."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.graph import free_name
from digitlab.models.layer import Layer
from digitlab.models.network import MODULE_WORDS
from digitlab.models.paste.budget import Budget
from digitlab.models.place import place_torch
from digitlab.models.placement import Assembly, Placement, Value

Shape = tuple[int, ...]

_NAME = re.compile(r"[A-Za-z0-9_]{1,60}(\.[A-Za-z0-9_]{1,60}){0,11}")
_TAKEN = {*MODULE_WORDS, "input", "_steps"}  # words that no layer may be called

MAX_STEPS = 1_000  # as many as a spec has layers
_COST = 20  # of a layer, in evaluations of the interpreter
_STATEFUL = ("BatchNorm", "InstanceNorm")  # have buffers even without weights


@dataclass(eq=False, repr=False)
class Step:
    """One layer that is applied, or, without a type, the input of the network.

    `shape` leaves out the batch where it is `batched`. `module` is what the text applied, by
    identity: it gives the layer its name, and twice the same one is the same weights.
    """

    type: str
    args: Mapping[str, Any]
    sources: tuple[Step, ...]
    shape: Shape
    batched: bool
    line: int
    module: Any = None
    weighted: bool = False
    sizes: Mapping[str, Any] = field(default_factory=dict)  # of the input, as torch got them
    owner: Any = None  # the module whose forward applied it
    changed: int | None = None  # the line that changes its memory by another of its names

    def check(self) -> None:
        """Refuse a value that a text changed in place before it reads it by another name."""
        if self.changed is not None:
            raise SpecError(
                f"Line {self.changed} changes in place a tensor that is read later by another "
                f"name; make a copy of it, or use the function that gives a new tensor.",
                line=self.changed,
            )


class Trace:
    """The steps of one reading of a forward. `batch` is None for any number of images; a number
    where a constructor passes an example of its own through its layers."""

    def __init__(
        self, shape: Shape, batch: int | None = None, budget: Budget | None = None
    ) -> None:
        self.batch = batch
        self.budget = budget or Budget()
        self.input = Step("", {}, (), shape, True, 1)
        self.steps: list[Step] = []
        self.inside: list[Any] = []  # the modules whose forward is being read, outside in
        self.made: dict[int, tuple[Any, Step]] = {}  # parameters, by the identity of their module
        self.weights: list[Any] = []  # layers whose weights the text computes with itself

    def add(
        self,
        type: str,
        args: Mapping[str, Any],
        sources: Sequence[Step],
        line: int,
        module: Any = None,
    ) -> Step:
        """Append a layer. Raises SpecError, with the line, where it cannot take what it reads."""
        self.budget.step(line, _COST)
        for source in sources:
            source.check()
        if len(self.steps) >= MAX_STEPS:
            raise SpecError(
                f"Line {line} is reached after {MAX_STEPS:,} layers, and no more fit a network.",
                line=line,
            )
        try:
            layer = Layer(type, args)
            values = tuple(Value(step.shape, step.batched) for step in sources)
            shape, batched, weighted, sizes = _placed(layer, values)
        except SpecError as error:
            if error.path and error.path[-1] in SIZES:  # where the layer is made says it wrong
                line = getattr(module, "line", 0) or line
            raise SpecError(_at_line(error.message, type, line), line=line) from error
        weighted = weighted or type.startswith(_STATEFUL)
        step = Step(
            type, dict(layer.args), tuple(sources), shape, batched, line, module, weighted, sizes
        )
        step.owner = self.inside[-1] if self.inside else None
        self.steps.append(step)
        return step

    def again(self, first: Step, sources: Sequence[Step], line: int) -> Step:
        """The same layer once more, on other values: the sizes of its input are the first's."""
        step = self.add(first.type, {**first.args, **first.sizes}, sources, line, first.module)
        step.args = first.args
        return step

    def first_of(self, module: Any) -> Step | None:
        """The first step that applied a module's weights."""
        return next((step for step in self.steps if step.module is module and step.weighted), None)


@lru_cache(maxsize=4096)
def _placed(layer: Layer, values: tuple[Value, ...]) -> tuple[Shape, bool, bool, dict[str, Any]]:
    placement = Placement(
        assembly=Assembly("meta", place_torch),
        label=layer.type,
        shape=values[0].shape if values else (),
        inputs=values,
        sources=("",) * len(values),
    )
    part = place_torch(layer, placement.shape or (), placement)
    row = part.rows[0]
    sizes = {name: row.made[name] for name in SIZES if name in row.made}
    return part.output_shape, part.batched, row.parameters > 0, sizes


def _at_line(message: str, type: str, line: int) -> str:
    return f"Line {line}, {message}" if message.startswith(type) else f"Line {line}: {message}"


# ---- from steps to layers ------------------------------------------------------------------------

# Arguments that follow from what reaches a layer.
SIZES = (
    *("in_channels", "in_features", "num_features", "num_channels", "normalized_shape"),
    *("input_size", "embed_dim", "kdim", "vdim", "d_model"),
)


def live(steps: Iterable[Step], output: Step) -> list[Step]:
    """The steps on which the output depends, in order."""
    needed = {id(output)}
    live_steps = []
    for step in reversed(list(steps)):
        if id(step) in needed:
            live_steps.append(step)
            needed.update(id(source) for source in step.sources)
    return live_steps[::-1]


def simplified(steps: list[Step], output: Step) -> list[Step]:
    """The same network with fewer layers: what recurrent layers give twice, rows of an image."""
    steps = _one_output(steps)
    _last_of_rows(steps)
    return live(steps, output)


def _readers(steps: list[Step]) -> dict[int, list[Step]]:
    readers: dict[int, list[Step]] = {}
    for step in steps:
        for source in step.sources:
            readers.setdefault(id(source), []).append(step)
    return readers


def _one_output(steps: list[Step]) -> list[Step]:
    """A recurrent layer gives one tensor: the last hidden states are taken from the sequence
    where both are used."""
    calls: dict[tuple[int, int], dict[str, Step]] = {}
    for step in steps:
        if step.type in ("LSTM", "GRU", "RNN"):
            key = (id(step.module), id(step.sources[0]))
            calls.setdefault(key, {})[step.args.get("output", "sequence")] = step
    readers = _readers(steps)
    for outputs in calls.values():
        sequence, hidden = outputs.get("sequence"), outputs.get("hidden")
        if len(outputs) == 1:
            continue
        if sequence is None or hidden is None or len(outputs) > 2:
            step = next(iter(outputs.values()))
            raise SpecError(
                f"Line {step.line} uses the cell states of {step.type} beside its other outputs; "
                f"a layer gives one tensor. Use one of them.",
                line=step.line,
            )
        if hidden.args.get("bidirectional"):
            for reader in readers.get(id(hidden), []):
                _one_direction(steps, sequence, hidden, reader)
            continue
        if hidden.args.get("num_layers", 1) == 1:
            hidden.type, hidden.args = "Slice", {"dim": 1, "start": -1}
            hidden.sources, hidden.module, hidden.weighted = (sequence,), None, False
            continue
        for reader in readers.get(id(hidden), []):
            if reader.type != "Select" or reader.args != {"dim": 1, "index": -1}:
                raise SpecError(
                    f"Line {reader.line} uses the sequence and the states of inner layers of "
                    f"{hidden.type}; a layer gives one tensor. Use h_n[-1] or the sequence.",
                    line=reader.line,
                )
            reader.sources = (sequence,)
    return steps


def _one_direction(steps: list[Step], sequence: Step, hidden: Step, reader: Step) -> None:
    """The last state of one direction as a part of the sequence: forward at its end, backward at
    its beginning."""
    directions = 2 * hidden.args.get("num_layers", 1)
    index = reader.args.get("index", 0) % directions if reader.type == "Select" else 0
    if reader.type != "Select" or reader.args["dim"] != 1 or index < directions - 2:
        raise SpecError(
            f"Line {reader.line} uses the sequence and the states of inner layers of "
            f"{hidden.type}; a layer gives one tensor. Use h_n[-1] and h_n[-2], or the sequence.",
            line=reader.line,
        )
    back, size = index % 2, hidden.shape[-1]
    args = {"dim": 1, "index": 0 if back else -1}
    end = Step("Select", args, (sequence,), (2 * size,), True, reader.line)
    steps.insert(steps.index(reader), end)
    reader.type, reader.sources = "Slice", (end,)
    reader.args = {"dim": 1, "start": size} if back else {"dim": 1, "stop": size}


def _last_of_rows(steps: list[Step]) -> None:
    """An image as rows, a recurrent layer and its last state are the block Rows."""
    readers = _readers(steps)
    for last in steps:
        if last.type != "Select" or last.args != {"dim": 1, "index": -1}:
            continue
        cell = last.sources[0]
        rows = cell.sources[0] if cell.type in ("LSTM", "GRU", "RNN") else None
        if rows is None or rows.type != "Reshape" or not rows.sources:
            continue
        image = rows.sources[0]
        plain = set(cell.args) <= {"hidden_size", "num_layers", "dropout", "input_size"}
        alone = len(readers[id(cell)]) == len(readers[id(rows)]) == 1
        if plain and alone and image.batched and image.shape == (1, *rows.shape):
            args = {name: value for name, value in cell.args.items() if name != "input_size"}
            kind = {} if cell.type == "LSTM" else {"cell": cell.type}
            last.type, last.args, last.sources = "Rows", {**kind, **args}, (image,)
            last.module, last.weighted, last.line = cell.module, True, cell.line


def to_layers(
    steps: Sequence[Step], source: Step, names: Mapping[int, str]
) -> list[tuple[Layer, int]]:
    """The layers of a list, with their lines. `names` gives modules' names by identity."""
    labels = _labels(steps, source, names)
    layers: list[tuple[Layer, int]] = []
    first: dict[int, Step] = {}
    before = source
    for step in steps:
        args = {name: value for name, value in step.args.items() if not _follows(name, step)}
        type_ = step.type
        if step.weighted and step.module is not None and type_ != "Parameter":
            origin = first.setdefault(id(step.module), step)
            if origin is not step:
                if origin.args.get("output") != step.args.get("output"):
                    raise SpecError(
                        f"Line {step.line} uses {type_} twice for different outputs, which no "
                        f"layer gives.",
                        line=step.line,
                    )
                type_, args = "Reuse", {"layer": labels[id(origin)]}
        chained = step.sources == (before,) or not step.sources
        sources = () if chained else tuple(labels[id(read)] for read in step.sources)
        line = step.line if type_ == "Reuse" else getattr(step.module, "line", 0) or step.line
        layers.append((Layer(type_, args, labels.get(id(step), ""), sources), line))
        before = step
    return layers


def _follows(name: str, step: Step) -> bool:
    if name == "normalized_shape":
        sizes = step.args[name]
        sizes = (sizes,) if isinstance(sizes, int) else tuple(sizes)
        return bool(step.sources) and sizes == step.sources[0].shape
    return name in SIZES


def _labels(steps: Sequence[Step], source: Step, names: Mapping[int, str]) -> dict[int, str]:
    """The names of the steps that need one: with weights of their own, or read by name."""
    before: Step = source
    read: set[int] = set()
    for step in steps:
        if step.sources and step.sources != (before,):
            read.update(id(each) for each in step.sources)
        before = step
    owners: dict[int, Step] = {}
    labels: dict[int, str] = {id(source): "input"}
    shifted = False  # whether the author's numbers differ from the layers' places
    for index, step in enumerate(steps):
        if step.weighted and id(step.module) not in owners:
            owners[id(step.module)] = step
            name = _usable(names.get(id(step.module), ""))
            shifted |= bool(name) and name != str(index)
            if name:
                labels[id(step)] = name
        elif step.weighted:
            read.add(id(owners[id(step.module)]))
    if not shifted:
        labels = {id(source): "input"}
    taken = set(labels.values())
    for step in steps:
        if id(step) in read and id(step) not in labels:
            name = _usable(names.get(id(step.module), ""))
            name = "" if name.replace(".", "").isdigit() and not shifted else name
            group = _usable(names.get(id(step.owner), "")) if shifted else ""
            name = name or ".".join(filter(None, [group, _word(step.type)]))
            labels[id(step)] = _fresh(name, step.type, taken)
    if any(label[:1].isdigit() for label in labels.values()):  # may be another layer's number
        for step in steps:
            if id(step) not in labels:
                labels[id(step)] = _fresh("", step.type, taken)
    return labels


def _usable(name: str) -> str:
    """An author's name as a layer may have it; "" for one that it may not."""
    if not _NAME.fullmatch(name):
        return ""
    return ".".join(f"{part}_" if part in _TAKEN else part for part in name.split("."))


def _fresh(name: str, type_: str, taken: set[str]) -> str:
    """A name that no layer has, and that is not the front of another's."""
    label = free_name(name or _word(type_), taken)
    taken.add(label)
    return label


def _word(type_: str) -> str:
    return type_.rpartition("/")[2].lower()


def numel(shape: Iterable[int]) -> int:
    """The product of sizes."""
    return math.prod(shape)
