"""A graph of layers as a class with a `forward`, as a person would write it.

Layers whose names begin alike become a class of their own, or an nn.Sequential where they stand in
a row; classes that differ only in sizes become one. Keys of the state_dict stay.
"""

from __future__ import annotations

import keyword
import math
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

from digitlab.exports.module_code import (
    ModuleWriter,
    alike,
    marked,
    needs_forward,
    plain,
    spread,
    torch_layer,
    with_parameters,
)
from digitlab.exports.tensor_code import (
    Operand,
    expression,
    function_call,
    has_function,
    literal,
)
from digitlab.models.graph import AT_INPUT
from digitlab.models.groups import Group, entrances, exits, find_groups

if TYPE_CHECKING:
    from torch import nn

    from digitlab.models.placement import Row

_ARGUMENTS = ("x", "skip", "other", "more")  # of a forward
_RESERVED = {*keyword.kwlist, "self", "torch", "nn", "F", "math", "hidden", "cell",
             "identity", "inputs", "_"}  # fmt: skip
_WIDTH = 88  # of a line that holds one call inside another
_OF_MODULE_DICT = {"clear", "items", "keys", "pop", "update", "values"}


def module_writer(rows: Mapping[str, Row], taken: str = "") -> ModuleWriter:
    """A writer of modules that writes graphs as classes."""
    return ModuleWriter(rows, lambda *place: GraphWriter(*place).write(), taken)


@dataclass
class _Step:
    """One line of a forward: a layer or a group, what it reads and the value that it gives."""

    start: int
    value: int
    reads: list[int]
    group: Group | None = None


class GraphWriter:
    """Writes the list of layers whose module is `module` and whose keys begin with `key`."""

    def __init__(self, writer: ModuleWriter, module: nn.Module, key: str) -> None:
        self.writer, self.module, self.key = writer, module, key
        front = f"{key}." if key else ""
        inside = [row for name, row in writer.rows.items() if name.startswith(front)]
        self.rows = [row for row in inside if row.depth == inside[0].depth]
        places = {row.key: index for index, row in enumerate(self.rows)} | {"": AT_INPUT}
        self.keys = [row.key.removeprefix(front) for row in self.rows]
        self.names = [row.name for row in self.rows]
        self.parts = {part for name in self.names for part in name.split(".")}
        self.reads = tuple(tuple(places[key] for key in row.sources) for row in self.rows)
        self.origins = [self._origin(index) for index in range(len(self.rows))]
        self.batched: list[bool] = []
        for row, reads in zip(self.rows, self.reads, strict=True):
            free = [read != AT_INPUT and not self.batched[read] for read in reads]
            self.batched.append(row.kind != "parameter" and not all(free))
        self.groups = find_groups(self.names, [row.label for row in self.rows], self.reads)
        self.forms = {group.name: "" for outer in self.groups for group in outer.walk()}
        self.calls: dict[str, str] = {}  # of the groups that are classes, by their names

    def write(self) -> str:
        """The call that makes the network; its classes are added to the writer."""
        every = [group for outer in self.groups for group in outer.walk()]
        depths = sorted({group.name.count(".") for group in every}, reverse=True)
        for depth in depths:
            level = [group for group in every if group.name.count(".") == depth]
            for group in level:
                self.forms[group.name] = self._form(group)
            self._write_classes([g for g in level if self.forms[g.name] == "class"])
        body = plain(self._class(range(len(self.rows)), "", self.groups).replace("⟪⟫", ""))
        return f"{self.writer.add_class(self._title(), body)}()"

    def _title(self) -> str:
        if not self.key:
            return "Net"
        words = [word for word in self.key.split(".") if not word.isdigit()]
        return _class_name(".".join(words)) if words else "Part"

    def _write_classes(self, groups: Sequence[Group]) -> None:
        """Add the classes of groups whose inner ones are written, one for all that are alike."""
        kinds: dict[str, list[tuple[Group, str]]] = {}
        for group in groups:
            span = range(group.start, group.stop)
            text = self._class(span, f"{group.name}.", group.groups)
            kinds.setdefault(alike(text), []).append((group, text))
        for same in kinds.values():
            text, names, calls = with_parameters([text for _, text in same])
            body = text.replace("⟪⟫", "".join(f", {name}: int" for name in names))
            titles = {_class_name(group.name) for group, _ in same}
            stem = min(titles).rstrip("0123456789") if len(titles) > 1 else ""
            alike_but_numbered = stem and all(
                title.rstrip("0123456789") == stem for title in titles
            )
            title = stem if alike_but_numbered else _class_name(same[0][0].name)
            title = self.writer.add_class(title, body)
            for (group, _), sizes in zip(same, calls, strict=True):
                self.calls[group.name] = f"{title}({', '.join(sizes)})"

    # ---- which groups become what

    def _origin(self, index: int) -> int:
        """The layer whose weights the one at `index` has: its own, but for a Reuse."""
        row = self.rows[index]
        if row.kind != "reuse":
            return index
        return self.names.index(row.arguments.removeprefix("layer="))

    def _form(self, group: Group) -> str:
        """ "class", "sequential", or "" where the group is no module that is called."""
        span = range(group.start, group.stop)
        front = f"{group.name}."
        names = filter(None, self.names[span.start : span.stop])
        keys = {name.removeprefix(front).partition(".")[0] for name in names}
        foreign = any(
            not self.names[i] and (self._has_state(i) or self.rows[i].kind == "parameter")
            for i in span
            if self.origins[i] == i
        )
        crossing = any((self.origins[i] in span) != (i in span) for i in range(len(self.rows)))
        if foreign or crossing or len(exits(span, self.reads)) != 1:
            return ""
        enters = entrances(span, self.reads)
        if keys and all(key.isdigit() for key in keys):
            return "sequential" if self._items(group) else ""
        fits = 1 <= len(enters) <= len(_ARGUMENTS) and len(span) > 1
        named = all(_is_attribute(key) for key in keys)
        return "class" if fits and named and all(self._is_batched(i) for i in enters) else ""

    def _is_batched(self, index: int) -> bool:
        return index == AT_INPUT or self.batched[index]

    def _has_state(self, index: int) -> bool:
        module = self._module(index)
        return any(True for _ in module.parameters()) or any(True for _ in module.buffers())

    def _module(self, index: int) -> Any:
        if self.rows[index].kind == "parameter":
            return self.module  # which has state; the parameter itself is written by its row
        return self.module.get_submodule(self.keys[self.origins[index]])

    def _items(self, group: Group) -> list[str]:
        """The modules of a group whose layers stand in a row and are numbered; else nothing."""
        inner = {g.start: g for g in group.groups if self.forms[g.name]}
        items: list[str] = []
        index = group.start
        while index < group.stop:
            part = inner.get(index)
            reads = entrances(part, self.reads) if part else list(self.reads[index])
            name = part.name if part else self.names[index]
            number = name.removeprefix(f"{group.name}.")
            chained = reads == [index - 1] or (index == group.start and len(reads) == 1)
            if not chained or (name and number != str(len(items))):
                return []
            if part is None and not self._is_plain(index):
                return []
            items.append(self._group(part) if part else self._made(index))
            index = part.stop if part else index + 1
        return items

    def _is_plain(self, index: int) -> bool:
        """Whether a module of a layer takes one tensor and gives one."""
        row = self.rows[index]
        return not needs_forward(row) and self.origins[index] == index

    def _group(self, group: Group) -> str:
        """The call that makes a group."""
        if self.forms[group.name] == "class":
            return self.calls[group.name]
        items = [item.replace("\n", "\n    ") for item in self._items(group)]
        return _short("nn.Sequential(", items, ")")

    def _made(self, index: int) -> str:
        """The call that makes the module of a layer."""
        from torch import nn

        row = self.rows[index]
        if row.kind == "parameter":
            return _parameter(row)
        if row.kind == "recurrent" or (row.kind != "block" and hasattr(nn, row.label)):
            made = {k: v[0] if _is_single(k, v) else v for k, v in row.made.items()}
            return torch_layer(replace(row, made=made))
        return self.writer.module(self._module(index), row.key, 0)

    # ---- one class

    def _class(self, span: range, front: str, groups: Sequence[Group]) -> str:
        """The body of the class of the layers at `span`, with ⟪⟫ for its arguments."""
        steps = self._steps(span, groups)
        made: dict[str, Any] = {}
        weights: dict[str, Row] = {}
        self.added: dict[int, str] = {}  # attributes of layers without weights and names
        for step in steps:
            name = self._attribute(step, front, made)
            if name:
                text = self._group(step.group) if step.group else self._made(step.start)
                _put(made, name.split("."), text)
                if not step.group and self.rows[step.start].kind == "parameter":
                    weights[name] = self.rows[step.start]
        lines = [
            line
            for name, value in made.items()
            for line in _assigned("self", name, value, self.writer)
        ]
        for name, row in weights.items():
            lines += _initial(_access(made, name), row)
        forward = _Forward(self, span, steps, front, made)
        init = "".join(f"        {line}\n" for line in _lined(lines))
        start = "        super().__init__()\n"
        code = "".join(f"        {line}\n" for line in forward.lines())
        words = ", ".join(f"{name}: torch.Tensor" for name in forward.arguments)
        return (
            f"    def __init__(self⟪⟫) -> None:\n{start}{init}\n"
            f"    def forward(self, {words}) -> torch.Tensor:\n{code}"
        )

    def _steps(self, span: range, groups: Sequence[Group]) -> list[_Step]:
        starts = {group.start: group for group in self._called(groups)}
        steps, index = [], span.start
        while index < span.stop:
            group = starts.get(index)
            if group:
                reads = entrances(group, self.reads)
                steps.append(_Step(index, group.stop - 1, reads, group))
            else:
                steps.append(_Step(index, index, list(self.reads[index])))
            index = group.stop if group else index + 1
        return steps

    def _called(self, groups: Sequence[Group]) -> Iterator[Group]:
        """The outermost groups that are modules."""
        for group in groups:
            if self.forms[group.name]:
                yield group
            else:
                yield from self._called(group.groups)

    def _attribute(self, step: _Step, front: str, made: Mapping[str, Any]) -> str:
        """The name of what a class keeps for a step; "" for one that needs nothing kept."""
        if step.group:
            return step.group.name.removeprefix(front)
        index = step.start
        row = self.rows[index]
        if row.kind == "reuse" or (row.kind in ("join", "operation") and not self._is_ours(row)):
            return ""
        if row.name:
            return row.name.removeprefix(front)
        if row.kind == "parameter" and row.label == "Constant":
            self.added[index] = _unused("constant", {*made, *self.parts})
        elif row.kind == "parameter" or self._has_state(index):
            return self.keys[index]
        elif not has_function(row):
            self.added[index] = _unused(_snake(row.label), {*made, *self.parts})
        return self.added.get(index, "")

    @staticmethod
    def _is_ours(row: Row) -> bool:
        """Whether a class of digitlab's own does the operation."""
        return row.label in ("Reparameterize", "GaussianNoise")


class _Forward:
    """The forward of one class: names for values, and a line for each step."""

    def __init__(
        self, graph: GraphWriter, span: range, steps: Sequence[_Step], front: str,
        made: Mapping[str, Any],
    ) -> None:  # fmt: skip
        self.graph, self.steps, self.front, self.made = graph, steps, front, made
        self.entrances = entrances(span, graph.reads)
        if not self.entrances:
            self.entrances = [AT_INPUT]
        self.arguments = _ARGUMENTS[: len(self.entrances)]
        self.readers: dict[int, list[int]] = {}
        for place, step in enumerate(steps):
            for read in step.reads:
                self.readers.setdefault(read, []).append(place)
        self.words: dict[int, str] = {}
        self.code: list[tuple[str, str]] = []  # what is assigned to, and the expression
        self.pending: dict[int, str] = {}  # expressions of steps that are said by an earlier one

    def lines(self) -> list[str]:
        """All lines, the last of which returns."""
        used = {*_RESERVED, *self.arguments}
        for place, step in enumerate(self.steps):
            self.words[step.value] = self._word(place, step, used)
        alias = self._name_arguments()
        for place, step in enumerate(self.steps):
            self._write(place, step, alias)
        *rest, (target, text) = self.code
        lines = [f"{target} = {text}" for target, text in rest]
        lines = [f"{alias} = x", *lines] if alias else lines
        if target == "x":
            return [*lines, f"return {text}"]
        return [*lines, f"{target} = {text}", "return x"]

    def _word(self, place: int, step: _Step, used: set[str]) -> str:
        """What the value of a step is called: x where the next step alone reads it."""
        row = self.graph.rows[step.start]
        if step.group is None and row.kind == "parameter":
            return _access(self.made, self._attribute_name(step))
        if set(self.readers.get(step.value, [])) <= {place + 1}:
            return "x"
        name = step.group.name if step.group else self.graph.names[step.value]
        parts = [part for part in name.split(".") if part] or ["x"]
        word = parts[-1] if not parts[-1][0].isdigit() else "_".join(parts[-2:])
        word = re.sub(r"\W", "_", word)
        word = word if not word[0].isdigit() else f"x{word}"
        word = _unused(word, used)
        used.add(word)
        return word

    def _name_arguments(self) -> str:
        """Name what the forward takes; the name that the first one needs beside x, if any."""
        first = self.entrances[0]
        for index, word in zip(self.entrances, self.arguments, strict=True):
            self.words[index] = word
        writes = [p for p, s in enumerate(self.steps) if self.words[s.value] == "x"]
        self.first_write = min(writes, default=len(self.steps))
        late = [place for place in self.readers.get(first, []) if place > self.first_write]
        if not late:
            return ""
        labels = [self.graph.rows[step.start].label for step in self.steps if not step.group]
        return "identity" if "Add" in labels else "inputs"

    def _read(self, index: int, place: int, alias: str) -> str:
        if alias and index == self.entrances[0] and place > self.first_write:
            return alias
        return self.words[index]

    def _attribute_name(self, step: _Step) -> str:
        if step.group:
            return step.group.name.removeprefix(self.front)
        origin = self.graph.origins[step.start]
        name = self.graph.added.get(origin) or self.graph.keys[origin]
        return name.removeprefix(self.front)

    def _write(self, place: int, step: _Step, alias: str) -> None:
        origin = self.graph.rows[self.graph.origins[step.start]]
        row = self.graph.rows[step.start]
        if step.group is None and row.kind == "parameter":
            return
        texts = [self._read(index, place, alias) for index in step.reads]
        target = self.words[step.value]
        if step.group is not None:
            self.code.append((target, f"{self._self(step)}({', '.join(texts)})"))
        elif place in self.pending:
            self.code.append((target, self.pending[place]))
        elif origin.kind == "recurrent":
            self._recurrent(place, step, origin, texts[0])
        elif origin.label == "MultiheadAttention":
            query, key, value = (*texts, *[texts[-1]] * 3)[:3]
            call = f"{self._self(step)}({query}, {key}, {value}, need_weights=False)"
            self.code.append((f"{target}, _", call))
        elif origin.kind in ("join", "operation") and not self.graph._is_ours(origin):
            self.code.append((target, expression(origin, self._operands(step, texts))))
        elif self._is_function(step, origin):
            self._call(
                target,
                origin,
                texts[0],
                nested=place > 0 and step.reads == [self.steps[place - 1].value],
            )
        else:
            self.code.append((target, f"{self._self(step)}({', '.join(texts)})"))

    def _is_function(self, step: _Step, row: Row) -> bool:
        return not row.name and has_function(row) and step.start not in self.graph.added

    def _self(self, step: _Step) -> str:
        return _access(self.made, self._attribute_name(step))

    def _operands(self, step: _Step, texts: Sequence[str]) -> list[Operand]:
        operands = []
        for index, text, shape in zip(
            step.reads, texts, self.graph.rows[step.start].input_shapes, strict=True
        ):
            batched = self.graph._is_batched(index)
            operands.append(Operand(text, len(shape) + batched, batched))
        return operands

    def _call(self, target: str, row: Row, x: str, *, nested: bool) -> None:
        """A function of torch; around the line before it, where that is short."""
        if nested and x == "x" and row.kind in ("activation", "pooling") and self.code:
            before, text = self.code[-1]
            whole = function_call(row, text)
            if before == "x" and whole.count("(") <= 5 and len(whole) <= _WIDTH:
                self.code[-1] = (target, whole)
                return
        self.code.append((target, function_call(row, x)))

    def _recurrent(self, place: int, step: _Step, row: Row, x: str) -> None:
        target, call = self.words[step.value], f"{self._self(step)}({x})"
        output = row.made.get("output", "sequence")
        if output == "sequence":
            self.code.append((f"{target}, _", call))
            return
        pair = "(hidden, _)" if output == "hidden" else "(_, cell)"
        state = "hidden" if output == "hidden" else "cell"
        self.code.append((f"_, {pair if row.label == 'LSTM' else 'hidden'}", call))
        following = self.steps[place + 1] if place + 1 < len(self.steps) else None
        if following and following.group is None and target == "x":
            after = self.graph.rows[following.start]
            if after.label == "Select" and after.made["dim"] in (1, -2):
                self.pending[place + 1] = f"{state}[{after.made['index']}]"
                return
        self.code.append((target, f"{state}.transpose(0, 1)"))


# ---- attributes ----------------------------------------------------------------------------------


def _is_attribute(name: str) -> bool:
    return name.isidentifier() and not keyword.iskeyword(name) and not name.startswith("__")


def _put(made: dict[str, Any], names: Sequence[str], text: str) -> None:
    for name in names[:-1]:
        made = made.setdefault(name, {})
    made[names[-1]] = text


def _container(inside: Mapping[str, Any]) -> str:
    """What holds modules that no module calls: "list", "dict", or "module" where something
    inside is no module."""
    texts = [value for value in inside.values() if isinstance(value, str)]
    free = any(text.startswith(("nn.Parameter(", "torch.")) for text in texts)
    if not free and [*inside] == [str(index) for index in range(len(inside))]:
        return "list"
    return "module" if free or _OF_MODULE_DICT & set(inside) else "dict"


def _assigned(owner: str, name: str, value: Any, writer: ModuleWriter) -> list[str]:
    """The lines that make `owner` keep a value, a text or a mapping of more values."""
    text = _held(name, value, writer)
    if text.startswith("torch."):
        return [f"{owner}.register_buffer({literal(name)}, {text}, persistent=False)"]
    if _is_attribute(name):
        return [f"{owner}.{name} = {text}"]
    method = "register_parameter" if text.startswith("nn.Parameter(") else "add_module"
    return [f"{owner}.{method}({literal(name)}, {text})"]


def _held(name: str, value: Any, writer: ModuleWriter) -> str:
    """A module, or a container of several, as a call."""
    if isinstance(value, str):
        return value
    kind = _container(value)
    if kind == "module":
        lines = [
            line for key, inner in value.items() for line in _assigned("self", key, inner, writer)
        ]
        code = "".join(f"        {plain(line)}\n" for line in _lined(lines))
        start = "    def __init__(self) -> None:\n        super().__init__()\n"
        return f"{writer.add_class(_class_name(name), start + code)}()"
    items = {key: _held(key, inner, writer).replace("\n", "\n    ") for key, inner in value.items()}
    if kind == "list":
        return _short("nn.ModuleList([", [*items.values()], "])")
    return _short("nn.ModuleDict({", [f"{literal(k)}: {text}" for k, text in items.items()], "})")


def _short(opening: str, items: Sequence[str], closing: str) -> str:
    """A call on one line, or with one for each argument where that is too long."""
    text = f"{opening}{', '.join(items)}{closing}"
    fits = "\n" not in text and len(plain(text)) <= 60
    return text if fits else spread(opening, items, closing, 0)


def _access(made: Mapping[str, Any], name: str) -> str:
    """How a forward names what is kept under a dotted name."""
    text, kind, inside = "self", "module", made
    for part in name.split("."):
        text = _step(text, part, kind)
        inside = inside[part]
        if not isinstance(inside, str):
            kind = _container(inside)
    return text


def _step(owner: str, name: str, kind: str) -> str:
    if kind == "list":
        return f"{owner}[{name}]"
    if kind == "dict":
        return f"{owner}[{literal(name)}]"
    return f"{owner}.{name}" if _is_attribute(name) else f"getattr({owner}, {literal(name)})"


def _parameter(row: Row) -> str:
    sizes = ", ".join(marked("size", size) for size in row.made["shape"]) or "()"
    shape = f"({sizes}{',' * (len(row.made['shape']) == 1)})" if row.made["shape"] else sizes
    if row.label == "Constant" and row.made.get("pattern") == "sinusoidal":
        *rows, columns = row.made["shape"]
        count = math.prod(rows)
        rates = f"10000 ** (torch.arange(0, {columns}, 2) / {columns})"
        waves = f"torch.arange({count})[:, None] / {rates}"
        pairs = f"torch.stack([torch.sin({waves}), torch.cos({waves})], 2).flatten(1)"
        return f"{pairs}[:, :{columns}].reshape{shape}"
    if row.label == "Constant":
        return f"torch.full({shape}, {float(row.made.get('value', 0.0))})"
    init, made = row.made.get("init", "zeros"), row.made
    if init == "constant":
        return f"nn.Parameter(torch.full({shape}, {float(made.get('value', 0.0))}))"
    if init == "normal" and not made.get("mean"):
        scale = f" * {made['std']}" if made.get("std", 1.0) != 1.0 else ""
        return f"nn.Parameter(torch.randn({sizes}){scale})"
    function = init if init in ("zeros", "ones") else "empty"
    return f"nn.Parameter(torch.{function}({sizes}))"


def _initial(text: str, row: Row) -> list[str]:
    """The line that draws the first values of a parameter, where `_parameter` does not."""
    init, made = row.made.get("init", "zeros"), row.made
    if row.label == "Constant" or init in ("zeros", "ones", "constant"):
        return []
    if init == "normal" and not made.get("mean"):
        return []
    names = {"normal": ("mean", "std"), "trunc_normal": ("mean", "std"),
             "uniform": ("low", "high")}.get(init, ())  # fmt: skip
    keys = {"low": "a", "high": "b"}
    more = "".join(f", {keys.get(name, name)}={made[name]}" for name in names if name in made)
    more = ", a=math.sqrt(5)" if init == "kaiming_uniform" else more
    return [f"nn.init.{init}_({text}{more})"]


def _lined(lines: Sequence[str]) -> Iterator[str]:
    for line in lines:
        yield line.replace("\n", "\n        ")


def _is_single(name: str, value: Any) -> bool:
    """Whether an argument is one number, given as a tuple of one."""
    return name == "normalized_shape" and isinstance(value, tuple) and len(value) == 1


# ---- names ---------------------------------------------------------------------------------------


def _class_name(name: str) -> str:
    """ "layer1.0" → Layer1Block, "blocks.0" → Block, "encoder.self_attn" → SelfAttn."""
    parts = name.split(".")
    words = [part for part in parts if not part.isdigit()] or ["part"]
    word = words[-1]
    if parts[-1].isdigit():
        word = word[:-1] if word.endswith("s") and len(word) > 3 else f"{word}_block"
    camel = "".join(piece[:1].upper() + piece[1:] for piece in re.split(r"\W|_", word) if piece)
    return camel if camel.isidentifier() and camel[:1].isalpha() else f"Part{camel}"


def _snake(label: str) -> str:
    return re.sub(r"(?<=[a-z])(?=[A-Z])", "_", label).lower()


def _unused(name: str, taken: Any) -> str:
    number = 1
    while (unused := f"{name}{f'_{number}' if number > 1 else ''}") in taken or (
        keyword.iskeyword(unused)
    ):
        number += 1
    return unused
