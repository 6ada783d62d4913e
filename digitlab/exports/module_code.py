"""Modules as the Python that makes them: calls for layers and blocks, classes for graphs."""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from digitlab.exports.tensor_code import literal

if TYPE_CHECKING:
    from torch import nn

    from digitlab.models.placement import Row

# Whole numbers of a layer, such as ⟦in_channels:8⟧: what classes that are alike may differ in.
_SIZE = re.compile(r"⟦(\w+):(-?\d+)⟧")
_ROOMS_OF_GRAPHS = ("network", "sequence_layers", "parameters")  # written out as plain PyTorch
_WRITTEN_OUT = ("join", "operation", "recurrent", "parameter", "reuse")
_RECURRENT = {"num_layers": 1, "bias": True, "dropout": 0.0, "bidirectional": False,
              "nonlinearity": "tanh"}  # fmt: skip


class ModuleWriter:
    """Writes modules as the calls that make them, and collects the `classes` that these need.

    `rows` are those of the network's summary by their keys; `write_graph` gives the call for a
    list of layers that needs a forward; classes have no names that the text `taken` has.
    """

    def __init__(
        self,
        rows: Mapping[str, Row],
        write_graph: Callable[[ModuleWriter, nn.Module, str], str],
        taken: str = "",
    ) -> None:
        self.rows, self.write_graph = rows, write_graph
        self.classes: dict[str, str] = {}  # from a class's body to its name
        self._taken = {"nn", "torch", *re.findall(r"\b[A-Z]\w*", taken)}

    def module(self, module: nn.Module, key: str, depth: int) -> str:
        """The call that makes a module; `key` is its place in the network."""
        from torch import nn

        row = self.rows.get(key)
        if is_graph(module, key, self.rows):
            return self.write_graph(self, module, key)
        if type(module) is nn.Sequential:
            return self.sequential(module, key, depth)
        if isinstance(module, nn.ModuleList):
            return self.several("[", module, "]", key, depth)
        if row is not None and row.kind != "block" and hasattr(nn, row.label):
            return plain(torch_layer(row))
        if isinstance(module, nn.Identity):
            return "nn.Identity()"
        return self.block(module, key, depth)

    def sequential(self, module: nn.Module, key: str, depth: int) -> str:
        names = [name for name, _ in module.named_children()]
        if names == [str(index) for index in range(len(names))]:
            return self.several("nn.Sequential(", module, ")", key, depth)
        lines = [
            f'("{name}", {self.module(child, f"{key}.{name}", depth + 2)})'
            for name, child in module.named_children()
        ]
        return spread("nn.Sequential(OrderedDict([", lines, "]))", depth)

    def several(self, opening: str, module: nn.Module, closing: str, key: str, depth: int) -> str:
        lines = [
            self.module(child, f"{key}.{name}" if key else name, depth + 1)
            for name, child in module.named_children()
        ]
        return spread(opening, lines, closing, depth)

    def block(self, module: nn.Module, key: str, depth: int) -> str:
        """A block's class, called with the attributes that have its arguments' names."""
        from torch import nn

        lines = []
        for name in _argument_names(type(module)):
            value = getattr(module, name)
            if isinstance(value, nn.Module):
                written = self.module(value, f"{key}.{name}", depth + 1)
            else:
                written = literal(value)
            lines.append(f"{name}={written}")
        if not any("\n" in line for line in lines):
            return f"{type(module).__name__}({', '.join(lines)})"
        return spread(f"{type(module).__name__}(", lines, ")", depth)

    def add_class(self, name: str, body: str) -> str:
        """The name of the class with that body: an earlier one of the same body, or a new one."""
        if body not in self.classes:
            number = 1
            while (unused := f"{name}{number if number > 1 else ''}") in self._taken:
                number += 1
            self._taken.add(unused)
            self.classes[body] = unused
        return self.classes[body]

    def sources(self) -> list[str]:
        """The text of all classes, each after those that it uses."""
        return [f"class {name}(nn.Module):\n{body}" for body, name in self.classes.items()]


def is_graph(module: nn.Module, key: str, rows: Mapping[str, Row]) -> bool:
    """Whether a list of layers needs a forward of its own."""
    from torch import nn

    from digitlab.models.network import GraphNetwork

    if type(module) is nn.Sequential:
        front = f"{key}." if key else ""
        children = [rows.get(f"{front}{name}") for name, _ in module.named_children()]
        return any(row is not None and needs_forward(row) for row in children)
    return isinstance(module, GraphNetwork)


def needs_forward(row: Row) -> bool:
    return row.label == "MultiheadAttention" or (
        row.kind in _WRITTEN_OUT and row.label != "GaussianNoise"
    )


def block_classes(network: nn.Module) -> list[str]:
    """The source of every block's class in the network, in the order in which they come."""
    kinds = dict.fromkeys(type(module) for module in network.modules())
    return [inspect.getsource(kind) for kind in kinds if _is_ours(kind)]


def _is_ours(kind: type) -> bool:
    room = kind.__module__.rpartition(".")[2]
    written_out = room in _ROOMS_OF_GRAPHS or kind.__name__ == "TensorFunction"
    return kind.__module__.startswith("digitlab.") and not written_out


def _argument_names(kind: type) -> list[str]:
    """The names of the arguments of a block's class."""
    parameters = list(inspect.signature(kind.__init__).parameters.values())[1:]
    return [p.name for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]


def spread(opening: str, lines: Sequence[str], closing: str, depth: int) -> str:
    """A call with one line for each argument."""
    if not lines:
        return opening + closing
    indent = "    " * (depth + 1)
    inside = "".join(f"{indent}{line},\n" for line in lines)
    return f"{opening}\n{inside}{'    ' * depth}{closing}"


def torch_layer(row: Row) -> str:
    """`nn.Conv2d(1, 8, 3, padding=1)`: required arguments by position, others by name.

    Whole numbers are marked with their argument; `plain` takes the marks away.
    """
    from torch import nn

    if row.kind == "recurrent":
        return _recurrent(row)
    arguments = []
    made = dict(row.made)
    signature = inspect.signature(getattr(nn, row.label).__init__).parameters
    if "batch_first" in signature:
        made["batch_first"] = True
    for name, parameter in signature.items():
        if name not in made:
            continue
        value = marked(name, made[name])
        if parameter.default is parameter.empty:
            arguments.append(value)
        elif made[name] != parameter.default:
            arguments.append(f"{name}={value}")
    return f"nn.{row.label}({', '.join(arguments)})"


def _recurrent(row: Row) -> str:
    arguments = [marked(name, row.made[name]) for name in ("input_size", "hidden_size")]
    arguments += [
        f"{name}={marked(name, row.made[name])}"
        for name, default in _RECURRENT.items()
        if row.made.get(name, default) != default
    ]
    return f"nn.{row.label}({', '.join([*arguments, 'batch_first=True'])})"


def marked(name: str, value: Any) -> str:
    """The value of an argument, its whole numbers marked with the argument's name."""
    if type(value) is int:
        return f"⟦{name}:{value}⟧"
    if isinstance(value, tuple):
        inside = ", ".join(marked(name, item) for item in value)
        return f"({inside}{',' * (len(value) == 1)})"
    return literal(value)


def plain(text: str) -> str:
    """The text with its numbers as they are."""
    return _SIZE.sub(r"\2", text)


def alike(text: str) -> str:
    """The text without its sizes: the same for classes that may be one."""
    return _SIZE.sub("⟦⟧", text)


def with_parameters(texts: Sequence[str]) -> tuple[str, list[str], list[list[str]]]:
    """One text for several that are alike: with names for the sizes that differ, these names, and
    for each of the texts the marked sizes to call it with."""
    columns = list(zip(*(_SIZE.findall(text) for text in texts), strict=True))
    names: dict[tuple[str, ...], str] = {}  # by the sizes that it has in the texts
    words_of: dict[tuple[str, ...], set[str]] = {}
    for column in columns:
        values = tuple(value for _, value in column)
        if len(set(values)) > 1:
            words_of.setdefault(values, set()).add(column[0][0])
            names.setdefault(values, column[0][0])
    taken: set[str] = set()
    for values, word in names.items():
        both = {f"in_{(stem := word.removeprefix('in_'))}", f"out_{stem}"} <= words_of[values]
        names[values] = _unused(stem if both else word, taken)
        taken.add(names[values])
    words = iter(
        names.get(values := tuple(value for _, value in column), values[0]) for column in columns
    )
    text = _SIZE.sub(lambda match: next(words), texts[0])
    calls = [
        [f"⟦{name}:{values[index]}⟧" for values, name in names.items()]
        for index in range(len(texts))
    ]
    return text, list(names.values()), calls


def _unused(name: str, taken: set[str]) -> str:
    number = 1
    while (unused := f"{name}{'_' * (number > 1)}{number if number > 1 else ''}") in taken:
        number += 1
    return unused
