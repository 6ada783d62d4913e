"""`Trace`: the layers that a text's calls make, as nodes of a graph, and the list they become."""

from __future__ import annotations

import itertools
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from digitlab.errors import SpecError
from digitlab.models.graph import REUSE, free_name
from digitlab.models.layer import INPUT, Layer

MAX_NODES = 5_000
MAX_DEPTH = 16  # of models and layers that call each other


@dataclass(eq=False, repr=False)
class Node:
    """One layer of the graph: its type and arguments, the nodes that it reads, the text's line.

    `shares` is the node whose weights it uses again. `hint` is what it is called where it needs a
    name and the author gave none.
    """

    type: str
    args: dict[str, Any] = field(default_factory=dict)
    sources: tuple[Node, ...] = ()
    name: str = ""
    line: int | None = None
    shares: Node | None = None
    hint: str = ""
    reshaped_from: tuple[Node, tuple[int, ...]] | None = None  # what it holds in another shape


@dataclass(eq=False, repr=False)
class Made:
    """A call that made tensors, so that it can be made again with others."""

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    number: int = field(default_factory=itertools.count().__next__)  # in the order of the calls


@dataclass(eq=False, repr=False)
class Trace:
    """What a text has made so far, in the order in which it was made."""

    nodes: list[Node] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    recipe: dict[str, Any] = field(default_factory=dict)
    losses: set[str] = field(default_factory=set)  # of the text, by the recipe's words for them
    line: int | None = None
    run: Any = None  # the interpreter, for functions of the text
    language: Any = None  # what operators, indices and attributes do with tensors
    paths: dict[Any, str] = field(default_factory=dict)  # where the text keeps its own layers
    scope: tuple[str, ...] = ()  # names of the models inside which layers are called
    depth: int = 0  # of models and layers that call each other
    exact: bool = False  # values in Keras's order everywhere, as its weights need them
    made: list[dict[str, Node]] = field(default_factory=list)  # the weights of each layer
    built: dict[Any, int] = field(default_factory=dict)  # the text's own layers, when they were
    makers: dict[Node, Node] = field(default_factory=dict)  # of weights, in the last list of layers
    where: str = ""  # the layer of a config that is read, which has no lines
    arranged: dict[Any, Node] = field(default_factory=dict)
    inits: list[tuple[Any, int | None]] = field(default_factory=list)
    data_format: str = "channels_last"

    def add(
        self,
        type: str,
        args: Mapping[str, Any] | None = None,
        *sources: Node,
        name: str = "",
        shares: Node | None = None,
    ) -> Node:
        """A new node at the current line."""
        if len(self.nodes) >= MAX_NODES:
            self.refuse(f"makes more than {MAX_NODES:,} layers")
        node = Node(type, dict(args or {}), sources, name, self.line, shares)
        self.nodes.append(node)
        return node

    @contextmanager
    def inside(self, name: str) -> Iterator[None]:
        """Call what stands in a model or layer of that name; "" is the network itself."""
        scope, self.scope = self.scope, (*self.scope, name) if name else self.scope
        self.depth += 1
        try:
            if self.depth > MAX_DEPTH:
                self.refuse(f"calls models inside each other more than {MAX_DEPTH} deep")
            yield
        finally:
            self.scope, self.depth = scope, self.depth - 1

    def fresh_path(self, name: str) -> str:
        """A name for a layer of the text's own that it keeps nowhere: block, block_1, …"""
        taken = set(self.paths.values())
        names = (name if count == 0 else f"{name}_{count}" for count in range(MAX_NODES))
        return next(name for name in names if name not in taken)

    def note(self, text: str) -> None:
        """Say something about the translation, once."""
        if text not in self.notes:
            self.notes.append(text)

    def mark(self) -> tuple[int, ...]:
        """How far the trace has come, for `forget`."""
        return tuple(len(items) for items in (self.nodes, self.notes, self.inits))

    def forget(self, mark: tuple[int, ...]) -> None:
        """Take back what was made since `mark`, as if no layer had been called since."""
        for items, count in zip((self.nodes, self.notes, self.inits), mark, strict=True):
            del items[count:]
        current = set(self.nodes)
        self.arranged = {key: node for key, node in self.arranged.items() if node in current}
        for nodes in self.made:
            for part in [part for part, node in nodes.items() if node not in current]:
                del nodes[part]
        for instance, node_count in list(self.built.items()):
            if node_count >= mark[0]:
                del self.built[instance]

    def refuse(self, problem: str, line: int | None = None) -> NoReturn:
        """Raise the SpecError of a line that cannot be translated; `problem` begins with a verb."""
        raise self.error(problem, line)

    def error(self, problem: str, line: int | None = None) -> SpecError:
        """The SpecError that `refuse` raises."""
        line = line or self.line
        if line is None and self.where:
            return SpecError(f"{self.where} {problem}.")
        return SpecError(f"Line {line or 1} {problem}.", line=line or 1)

    def layers(self, output: Node) -> list[tuple[Layer, int | None]]:
        """The layers that lead to `output`, which stands last, each with its line."""
        nodes = self.leading_to(output)
        _name(nodes)
        layers: list[tuple[Layer, int | None]] = []
        before: Node | None = None
        for node in nodes:
            sources = () if _is_next(node, before) else node.sources
            names = tuple(INPUT if s.type == INPUT else s.name for s in sources)
            layers.append((Layer(node.type, node.args, node.name, names), node.line))
            before = node
        return layers

    def leading_to(self, output: Node) -> list[Node]:
        """The nodes that `output` needs, in order. Of those that share weights the first makes
        them."""
        needed, waiting = {output}, [output]
        while waiting:
            for source in waiting.pop().sources:
                if source not in needed:
                    needed.add(source)
                    waiting.append(source)
        makers = self.makers = {}
        nodes: list[Node] = []
        for node in self._ordered(needed):
            origin = node.shares or node
            if origin in makers:
                maker = makers[origin]
                node.type, node.args, node.name = REUSE, {"layer": maker}, ""
            elif node is not origin:
                node.type, node.args = origin.type, dict(origin.args)
                node.name = node.name or origin.name
            makers.setdefault(origin, node)
            nodes.append(node)
        return nodes

    def _ordered(self, needed: set[Node]) -> Iterator[Node]:
        """The nodes in the order in which they were made, what reads nothing before its reader."""
        placed: set[Node] = set()
        for node in self.nodes:
            if node in needed and node.sources:
                for source in node.sources:
                    if not source.sources and source.type != INPUT and source not in placed:
                        placed.add(source)
                        yield source
                yield node


def _is_next(node: Node, before: Node | None) -> bool:
    """Whether a node reads nothing, or what a list without names has before it."""
    if not node.sources or len(node.sources) > 1:
        return not node.sources
    return node.sources[0].type == INPUT if before is None else node.sources[0] is before


def _name(nodes: list[Node]) -> None:
    """Give a name to every node that another one must name."""
    taken: set[str] = {INPUT}
    for node in nodes:
        node.name = _free(_cleaned(node.name), taken) if node.name else ""
    before: Node | None = None
    for node in nodes:
        apart = () if _is_next(node, before) else node.sources
        named = [source for source in apart if source.type != INPUT]
        named += [node] if node.type == "Parameter" else []
        named += [node.args["layer"]] if node.type == REUSE else []
        for source in named:
            if not source.name:
                source.name = _free(_cleaned(source.hint or source.type.lower()), taken)
        before = node
    for node in nodes:
        if node.type == REUSE:
            node.args = {"layer": node.args["layer"].name}


def _free(name: str, taken: set[str]) -> str:
    """`name`, with a number where it is taken or would be the front of another one."""
    free = free_name(name, taken, first=1)
    taken.add(free)
    return free


def _cleaned(name: str) -> str:
    """A name as a layer may have it: letters, digits, _ and dots between."""
    parts = [re.sub(r"\W", "_", part, flags=re.ASCII)[:60] for part in re.split(r"[./]", name)]
    return ".".join([part for part in parts if part][:12]) or "layer"
