"""`Graph`: the layers that calls become, with where the batch lies in each traced tensor.

In a spec the batch comes first. In a module it may lie elsewhere ([steps, batch, features]) or be
merged with the dimension after it ([batch · heads, ...]), for a while. A `Place` says where it is,
found by comparing the shapes of two runs with batches of two and of three images.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.graph import REUSE, free_name
from digitlab.models.layer import INPUT, Layer

BATCHES = (2, 3)
AT_INPUT = -1
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Place:
    """Where the batch lies in a tensor of the module, and the tensor's `shape` in a spec.

    `axis` is the batch's dimension there, None without one; `merged` with the dimension after it.
    `shape` is without the batch, except where there is none.
    """

    shape: Shape
    axis: int | None = None
    merged: bool = False

    @property
    def plain(self) -> bool:
        """Whether the batch comes first and alone, as in a spec."""
        return self.axis == 0 and not self.merged

    def dim(self, dim: int, rank: int) -> int:
        """The dimension in a spec of the module's `dim`, of `rank` dimensions; 0 is the batch."""
        if self.axis is None or self.plain:
            return dim
        dim %= rank
        if dim == self.axis:
            return 0
        return dim + (self.merged or dim < self.axis)


def find_place(small: Shape, large: Shape) -> Place:
    """The place of the batch by the shapes of one tensor in the two runs. Raises SpecError."""
    different = [i for i, pair in enumerate(zip(small, large, strict=True)) if pair[0] != pair[1]]
    if not different:
        return Place(small)
    (axis, *more) = different
    if more or small[axis] * BATCHES[1] != large[axis] * BATCHES[0]:
        raise SpecError("mixes the images of a batch")
    times, rest = small[axis] // BATCHES[0], small[:axis] + small[axis + 1 :]
    if times == 1:
        return Place(rest, axis)
    if axis:
        raise SpecError("merges the batch with a dimension before it")
    return Place((times, *rest), 0, merged=True)


@dataclass
class Node:
    """A layer to be: what it reads are numbers of other nodes, `AT_INPUT` for the images.

    `name` is what it must be called because of its weights, `hint` what it may be called.
    """

    type: str
    args: dict[str, Any]
    inputs: tuple[int, ...]
    name: str = ""
    hint: str = ""


@dataclass(frozen=True)
class Value:
    """A traced tensor in a spec: what node gives it, where its batch lies. Without `batched` it is
    made of parameters alone: a batch in its place is repetition."""

    node: int
    place: Place
    batched: bool = True


@dataclass
class Graph:
    """Nodes in order; a node is added once and read by any number of others."""

    nodes: list[Node] = field(default_factory=list)

    def add(
        self,
        kind: str,
        args: Mapping[str, Any],
        inputs: Sequence[int],
        *,
        name: str = "",
        hint: str = "",
    ) -> int:
        """Add a layer and give its number."""
        self.nodes.append(Node(kind, dict(args), tuple(inputs), name, hint))
        return len(self.nodes) - 1

    def layers(self, output: int) -> list[Layer]:
        """The layers that `output` needs, in order, with names where they are needed."""
        if output == AT_INPUT:
            return [Layer("Identity")]
        needed = self._needed(output)
        self._share_weights(needed)
        names = self._names(needed)
        layers, before = [], AT_INPUT
        for index in needed:
            node = self.nodes[index]
            read = () if node.inputs in ((before,), ()) else node.inputs
            sources = tuple(INPUT if i == AT_INPUT else names[i] for i in read)
            layers.append(Layer(node.type, node.args, names[index], sources))
            before = index
        return layers

    def _needed(self, output: int) -> list[int]:
        needed, todo = set(), [output]
        while todo:
            index = todo.pop()
            if index != AT_INPUT and index not in needed:
                needed.add(index)
                todo += self.nodes[index].inputs
        return sorted(needed)

    def _share_weights(self, needed: Sequence[int]) -> None:
        """Make the later ones of nodes with the same weights a Reuse of the first."""
        first: dict[str, int] = {}
        for index in needed:
            node = self.nodes[index]
            if node.name in first and node.type != "Parameter":
                node.type, node.hint = REUSE, f"{node.name}_again"
                node.args, node.name = {"layer": node.name}, ""
            elif node.name:
                first[node.name] = index

    def _names(self, needed: Sequence[int]) -> dict[int, str]:
        """The name of each node; "" where it needs none."""
        nodes = self.nodes
        shared = {nodes[i].args.get("layer") for i in needed if nodes[i].type == REUSE}
        read, before = set(), AT_INPUT
        for index in needed:
            if nodes[index].inputs != (before,):
                read |= set(nodes[index].inputs)
            before = index
        names = {index: nodes[index].name for index in needed}
        for place, index in enumerate(needed):
            if names[index] == str(place) and index not in read and names[index] not in shared:
                names[index] = ""  # its number is its name
        numbers = {name.partition(".")[0] for name in names.values()}
        for place, index in enumerate(needed):
            fixed = bool(nodes[index].name)
            if names[index] or fixed or not (index in read or str(place) in numbers):
                continue
            names[index] = _free(nodes[index].hint, set(names.values()) | {str(place)})
        return names


def _free(hint: str, taken: set[str]) -> str:
    """A name like `hint` that is not taken, nor the front of one that is, nor behind one."""
    taken = (taken - {""}) | {INPUT}
    if any(hint.startswith(f"{other}.") for other in taken):
        hint = hint.replace(".", "_")
    return free_name(hint, taken)


def count(shape: Shape) -> int:
    """The numbers in a shape."""
    return math.prod(shape)
