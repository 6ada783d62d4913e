"""Edits of one list of layers that keep its graph whole: who reads whom follows every change.

A list is taken apart into nodes that know which nodes they read, changed, and written again: a
layer gets a name by itself where another one has to name it. This module does not import torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Sequence
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.graph import AT_INPUT, REUSE, WITHOUT_INPUT, Reads, clash
from digitlab.models.layer import INPUT, Layer

_HERE = ""  # read by a node that is added: what flows at its place

Layers = tuple[Layer, ...]


@dataclasses.dataclass(eq=False)
class _Node:
    """A layer and what it reads: other nodes, `INPUT`, or a name that no layer has."""

    layer: Layer
    reads: list[_Node | str] = dataclasses.field(default_factory=list)
    reuses: _Node | None = None

    @property
    def is_chained(self) -> bool:
        """Whether it reads one layer, so that it can be put between two others."""
        return len(self.reads) == 1


# ---- the edits ---------------------------------------------------------------------------------


def insert_before(layers: Sequence[Layer], index: int, *added: Layer) -> Layers:
    """`added`, one after the other, between the layer at `index` and the first that it reads."""
    nodes = _apart(layers)
    if index == len(nodes):
        _put_after(nodes, index - 1, _new(added, nodes))
    else:
        _put_before(nodes, index, _new(added, nodes[:index]))
    return _written(nodes)


def insert_after(layers: Sequence[Layer], index: int, *added: Layer) -> Layers:
    """`added`, one after the other, between the layer at `index` and all that read it."""
    nodes = _apart(layers)
    _put_after(nodes, index, _new(added, nodes[: index + 1]))
    return _written(nodes)


def reuse(layers: Sequence[Layer], index: int, origin: int) -> Layers:
    """A Reuse of the layer at `origin` inserted before the one at `index`."""
    nodes = _apart(layers)
    added = [_Node(Layer(REUSE), [_HERE], nodes[origin])]
    if index == len(nodes):
        _put_after(nodes, index - 1, added)
    else:
        _put_before(nodes, index, added)
    return _written(nodes)


def remove(layers: Sequence[Layer], index: int) -> Layers:
    """Without the layer at `index`: what read it reads its first source. Layers that only it read
    go with it, as does a join that is left with one source."""
    nodes = _apart(layers)
    needed = _needed(nodes, nodes[-1])
    output = _delete(nodes, nodes[index], nodes[-1])
    still = _needed(nodes, output)
    return _written([node for node in nodes if node in still or node not in needed])


def duplicate(layers: Sequence[Layer], index: int) -> Layers:
    """The layer at `index` twice, the second reading the first. Raises SpecError for one that reads
    nothing, whose copy nothing would read."""
    nodes = _apart(layers)
    node = nodes[index]
    if node.layer.type in WITHOUT_INPUT:
        raise SpecError(
            f"Nothing would read a copy of layer {index + 1}, {node.layer.type}; add another one "
            f"and name it in the from of the layer that reads it.",
            path=(index,),
        )
    copy = _Node(node.layer.named(""), [node, *node.reads[1:]], node.reuses)
    _put_after(nodes, index, [copy])
    if node.layer.name:
        copy.layer = copy.layer.named(_free_name(node.layer.name, nodes))
    return _written(nodes)


def move(layers: Sequence[Layer], index: int, goal: int) -> Layers:
    """The layer at `index` at the place `goal`.

    A layer that reads one other is taken out of its chain and put into the one at its new place; a
    join or a Parameter keeps what it reads and is read by. Raises SpecError where it would stand
    before what it reads or after what reads it.
    """
    nodes = _apart(layers)
    node, at_goal = nodes[index], nodes[goal]
    if goal == index:
        return tuple(layers)
    nodes.remove(node)
    if node.is_chained and at_goal.reads:
        source = node.reads[0]
        _pass_on(nodes, node, source)
        node.reads = [_HERE]
        (_put_before if goal < index else _put_after)(nodes, nodes.index(at_goal), [node])
        if isinstance(source, _Node) and source.layer == node.layer.named(""):
            # of two that do the same, the one that is read in its place is called by its name
            source.layer, node.layer = node.layer, source.layer
    else:
        nodes.insert(goal, node)
    _check_order(nodes, node, index)
    return _written(nodes)


def replace(layers: Sequence[Layer], index: int, *others: Layer) -> Layers:
    """`others`, one after the other, in the place of the layer at `index`; without any, `remove`.

    The first reads what that layer read, and the last is read by what read it and has its name,
    unless one of `others` has it. Raises SpecError where a layer would take the place of one that
    reads nothing, or the other way round.
    """
    if not others:
        return remove(layers, index)
    kinds = {layer.type in WITHOUT_INPUT for layer in (layers[index], *others)}
    if True in kinds and (len(kinds) > 1 or len(others) > 1):
        raise SpecError(
            f"Of layer {index + 1}, {layers[index].type}, and what would replace it, one reads "
            f"nothing; remove it and add the other.",
            path=(index,),
        )
    nodes = _apart(layers)
    old, news = nodes[index], [_Node(layer) for layer in others]
    for before, new in zip([None, *news], news, strict=False):
        of_old = new.layer.sources == old.layer.sources or not new.layer.sources
        reads = list(old.reads) if of_old else _sources(new.layer, nodes[:index])
        new.reads = reads if before is None else [before, *(reads[1:] if new.layer.sources else [])]
        new.reuses = old.reuses if new.layer.type == REUSE else None
    if old.layer.name and all(new.layer.name != old.layer.name for new in news):
        news[-1].layer = news[-1].layer.named(old.layer.name)
    reused = next((new for new in news if new.layer.type == old.layer.type), news[-1])
    _pass_on(nodes, old, news[-1])
    for node in nodes:
        node.reuses = reused if node.reuses is old else node.reuses
    nodes[index : index + 1] = news
    return _written(nodes)


def rename(layers: Sequence[Layer], index: int, name: str) -> Layers:
    """The layer at `index` under another name, by which those that read it then call it.

    Without one it gets a name by itself if another layer has to call it. Raises SpecError for a
    name that is taken, or is the front of another one.
    """
    nodes = _apart(layers)
    taken = [node.layer.name for node in nodes if node.layer.name and node is not nodes[index]]
    if name and not _is_free(name, taken):
        raise SpecError(
            f"{name} is the name of another layer of this list, or the front of one; choose "
            f"another name.",
            path=(index, "name"),
        )
    nodes[index].layer = nodes[index].layer.named(name)
    return _written(nodes)


def connect(layers: Sequence[Layer], index: int, sources: Sequence[int]) -> Layers:
    """The layer at `index` reading the earlier layers at `sources`, -1 for the list's input; the
    one before it where there are none.

    A layer that nothing reads then stays, for a person to connect. Raises SpecError for a layer
    that is not earlier, and for one that reads nothing.
    """
    if layers[index].type in WITHOUT_INPUT:
        raise SpecError(
            f"Layer {index + 1}, {layers[index].type}, reads no other layer; connect the layer "
            f"that reads it.",
            path=(index, "from"),
        )
    if any(not -1 <= source < index for source in sources):
        raise SpecError(
            f"Layer {index + 1} reads only layers before it; choose among those.",
            path=(index, "from"),
        )
    nodes = _apart(layers)
    nodes[index].layer = nodes[index].layer.reading()
    before = nodes[index - 1] if index else INPUT
    nodes[index].reads = [nodes[n] if n >= 0 else INPUT for n in sources] or [before]
    return _written(nodes)


def unwrap(layers: Sequence[Layer], index: int) -> Layers:
    """The layers of the block at `index` in its place, its lists one after the other. Raises
    SpecError for a block whose weights are used again."""
    nodes = _apart(layers)
    block = nodes.pop(index)
    if any(node.reuses is block for node in nodes):
        raise SpecError(
            f"A Reuse shares the weights of layer {index + 1}, {block.layer.type}; remove that "
            f"first.",
            path=(index,),
        )
    source, inner = block.reads[0], []
    for _, held in block.layer.lists:
        part = _apart(held)
        for node in part:
            node.reads = [source if _is(read, INPUT) else read for read in node.reads]
            if node.layer.name:
                name = _free_name(node.layer.name, [*nodes, *inner])
                node.layer = node.layer.named(name)
        inner += part
        source = part[-1] if part else source
    if inner and block.layer.name and not inner[-1].layer.name:
        inner[-1].layer = inner[-1].layer.named(_free_name(block.layer.name, [*nodes, *inner]))
    _pass_on(nodes, block, source)
    nodes[index:index] = inner
    return _written(nodes)


def known_reads(layers: Sequence[Layer]) -> Reads:
    """As `graph.resolve`, of a list that may be no graph yet: names that no earlier layer has are
    left out."""
    nodes = _apart(layers)
    place = {id(node): number for number, node in enumerate(nodes)} | {id(INPUT): AT_INPUT}
    return tuple(
        tuple(place[id(read)] for read in node.reads if id(read) in place) for node in nodes
    )


# ---- nodes -------------------------------------------------------------------------------------


def _apart(layers: Sequence[Layer]) -> list[_Node]:
    nodes: list[_Node] = []
    for layer in layers:
        node = _Node(layer, _sources(layer, nodes))
        if layer.type == REUSE:
            node.reuses = _by_name(nodes, layer.args.get("layer"))
        nodes.append(node)
    return nodes


def _sources(layer: Layer, before: Sequence[_Node]) -> list[_Node | str]:
    if layer.type in WITHOUT_INPUT:
        return []
    if layer.sources:
        return [INPUT if n == INPUT else _by_name(before, n) or n for n in layer.sources]
    return [before[-1]] if before else [INPUT]


def _by_name(nodes: Sequence[_Node], name: Any) -> _Node | None:
    named = (node for node in reversed(nodes) if node.layer.name and node.layer.name == name)
    return next(named, None)


def _new(layers: Sequence[Layer], before: Sequence[_Node]) -> list[_Node]:
    """Nodes for layers that are added; those with sources of their own keep them.

    What reads nothing comes with an Add, which adds it to what flows at its place.
    """
    nodes: list[_Node] = []
    for layer in layers:
        node = _Node(layer, _sources(layer, before) if layer.sources else [_HERE])
        nodes.append(node)
        if layer.type == REUSE:
            node.reuses = _by_name(before, layer.args.get("layer"))
        elif layer.type in WITHOUT_INPUT:
            node.reads = []
            nodes.append(_Node(Layer("Add"), [_HERE, node]))
    return nodes


def _put_before(nodes: list[_Node], index: int, added: list[_Node]) -> None:
    """Put nodes between the one at `index` and the first that it reads."""
    node = nodes[index]
    if not node.reads:  # nothing flows into it: they come after the layer before, if it is read
        before = nodes[index - 1] if index else INPUT
        is_read = any(_is(read, before) for other in nodes for read in other.reads)
        _put_after(nodes, index - 1 if is_read else index, added)
        return
    _chain(added, node.reads[0])
    node.reads[0] = added[-1]
    nodes[index:index] = added


def _put_after(nodes: list[_Node], index: int, added: list[_Node]) -> None:
    """Put nodes between the one at `index` (-1: the input) and all that read it."""
    source = nodes[index] if index >= 0 else INPUT
    for node in nodes:
        if node not in added:
            node.reads = [added[-1] if _is(read, source) else read for read in node.reads]
    _chain(added, source)
    nodes[index + 1 : index + 1] = added


def _chain(added: Sequence[_Node], source: _Node | str) -> None:
    """Let nodes read each other where they read what is `_HERE`, and the first of them `source`."""
    for node in added:
        node.reads = [source if _is(read, _HERE) else read for read in node.reads]
        source = node if node.reads else source


def _pass_on(nodes: Sequence[_Node], node: _Node, source: _Node | str) -> None:
    """Let what reads `node` read `source`."""
    for other in nodes:
        other.reads = [source if read is node else read for read in other.reads]


def _delete(nodes: list[_Node], node: _Node, output: _Node | str | None) -> _Node | str | None:
    """Delete `node`: what reads it reads its first source. Returns the output of what is left."""
    nodes.remove(node)
    _bequeath(nodes, node)
    if node.reads:
        _pass_on(nodes, node, node.reads[0])
        return node.reads[0] if output is node else output
    readers = [other for other in nodes if node in other.reads]
    for other in readers:  # they lose a source, for which there is no other
        other.reads = [read for read in other.reads if read is not node]
        if len(other.reads) < 2 and other in nodes:
            output = _delete(nodes, other, output)
    return None if output is node else output


def _bequeath(nodes: Sequence[_Node], node: _Node) -> None:
    """Give the weights of `node` to the first Reuse of it."""
    heirs = [other for other in nodes if other.reuses is node]
    for other in heirs:
        other.reuses = heirs[0] if other is not heirs[0] else node.reuses
    if heirs:
        name = heirs[0].layer.name or node.layer.name
        heirs[0].layer = dataclasses.replace(node.layer, name=name, sources=heirs[0].layer.sources)


def _needed(nodes: Sequence[_Node], output: _Node | str | None) -> set[_Node]:
    """The nodes that the output depends on."""
    needed: set[_Node] = set()
    waiting = [output]
    while waiting:
        node = waiting.pop()
        if isinstance(node, _Node) and node not in needed:
            needed.add(node)
            waiting += [*node.reads, node.reuses]
    return needed


def _check_order(nodes: Sequence[_Node], node: _Node, index: int) -> None:
    """Raise SpecError where a node stands before what it reads or shares weights with."""
    place = {id(other): number for number, other in enumerate(nodes)}
    for other in nodes:
        for read in (*other.reads, other.reuses):
            if isinstance(read, _Node) and place[id(read)] >= place[id(other)]:
                verb = (
                    "after a layer that reads it" if other is not node else "before what it reads"
                )
                raise SpecError(
                    f"Layer {index + 1}, {node.layer.type}, cannot stand {verb}.", path=(index,)
                )


def _is(read: _Node | str, source: _Node | str) -> bool:
    return read is source or (isinstance(read, str) and read == source)


# ---- writing a list ----------------------------------------------------------------------------


def _written(nodes: Sequence[_Node]) -> Layers:
    """The layers of `nodes`, with the names and sources that say what they read."""
    for index, node in enumerate(nodes):
        needed = [read for read in node.reads if isinstance(read, _Node)]
        for read in [*(needed if not _is_plain(nodes, index) else ()), node.reuses]:
            if isinstance(read, _Node) and not read.layer.name:
                read.layer = read.layer.named(_free_name(_first_name(nodes, read), nodes))
    return tuple(_layer(nodes, index) for index in range(len(nodes)))


def _is_plain(nodes: Sequence[_Node], index: int) -> bool:
    """Whether a node reads the one before it, which needs no words."""
    node = nodes[index]
    before = nodes[index - 1] if index else INPUT
    plain = len(node.reads) == 1 and _is(node.reads[0], before)
    return not node.reads or plain


def _layer(nodes: Sequence[_Node], index: int) -> Layer:
    node = nodes[index]
    names = tuple(read.layer.name if isinstance(read, _Node) else read for read in node.reads)
    if names != node.layer.sources:
        node.layer = node.layer.reading(*(() if _is_plain(nodes, index) else names))
    if node.reuses is not None:
        node.layer = node.layer.with_args(layer=node.reuses.layer.name)
    return node.layer


def _first_name(nodes: Sequence[_Node], node: _Node) -> str:
    """A name after the type, in the group that the named layers around it are of."""
    index = nodes.index(node)
    around = (
        next((other.layer.name for other in side if other.layer.name), "")
        for side in (reversed(nodes[:index]), nodes[index + 1 :])
    )
    group = []
    for before, after in zip(*(name.split(".")[:-1] for name in around), strict=False):
        if before != after:
            break
        group.append(before)
    kind = node.layer.type.rsplit("/", 1)[-1].lower()
    return ".".join([*group, kind])


def _free_name(name: str, nodes: Iterable[_Node]) -> str:
    """`name`, or with the first number behind it that makes it a layer's own."""
    taken = [node.layer.name for node in nodes if node.layer.name]
    stem, _, number = name.rpartition("_")
    stem, first = (stem, int(number)) if stem and number.isdecimal() else (name, 1)
    numbered = (name if n == first else f"{stem}_{n}" for n in range(first, first + 10_000))
    return next(name for name in numbered if _is_free(name, taken))


def _is_free(name: str, taken: Iterable[str]) -> bool:
    return name != INPUT and not any(clash(name, other) for other in taken)
