"""An architecture as a diagram, in Graphviz's DOT language (for `st.graphviz_chart`).

Layers that keep the shape (activation, normalisation, dropout) are written into the box of the
layer before them where nothing else reads that. Blocks, and layers whose names begin alike, are
frames that can be collapsed into one box. Arrows go from each layer to those that read it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from digitlab.figures.palette import DIGIT_COLORS, MUTED
from digitlab.models.groups import Group, entrances, find_groups

if TYPE_CHECKING:
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec
    from digitlab.models.summary import ModelSummary

KIND_COLORS = {
    "convolution": DIGIT_COLORS[0],
    "linear": DIGIT_COLORS[4],
    "pooling": DIGIT_COLORS[6],
    "normalisation": DIGIT_COLORS[7],
    "activation": DIGIT_COLORS[1],
    "dropout": DIGIT_COLORS[3],
    "shape": DIGIT_COLORS[8],
    "block": DIGIT_COLORS[5],
    "join": DIGIT_COLORS[5],
    "operation": DIGIT_COLORS[8],
    "parameter": DIGIT_COLORS[2],
    "recurrent": DIGIT_COLORS[9],
    "attention": DIGIT_COLORS[9],
    "reuse": DIGIT_COLORS[5],
}
MAX_BOXES = 150  # above this, blocks are drawn as one box each, and a long chain is cut
MANY_BOXES = 45  # above this, groups of layers are collapsed, the innermost first
_REPEATED_ABOVE = 20  # boxes; above, layers that are repeated one after the other are drawn once
_LONGEST_REPEATED = 12  # layers
_JOINS = {"sum": "+", "mean": "mean", "product": "×", "concat": "concat"}
_SIGNS = {
    "Add": "+",
    "Subtract": "−",
    "Multiply": "×",
    "Divide": "÷",
    "Concatenate": "concat",
    "Maximum": "max",
    "Minimum": "min",
    "ScaledDotProductAttention": "attention",
    "Reparameterize": "sample",
    "GridSample": "look up",
}
_ROLES = {  # what each of the layers that are read is there for, where it matters
    "Subtract": ("", "subtracted"),
    "Divide": ("", "divisor"),
    "MultiheadAttention": ("query", "key", "value"),
    "ScaledDotProductAttention": ("query", "key", "value"),
    "Reparameterize": ("mean", "log variance"),
    "GridSample": ("image", "grid"),
}
_JOINED = ("activation", "normalisation", "dropout")
_HEAD = (
    'digraph architecture {\n  bgcolor="transparent"; rankdir="%s"; nodesep=0.3; ranksep=0.3;\n'
    '  node [shape=box, style="filled,rounded", penwidth=0, fontname="sans-serif", fontsize=12, '
    "margin=%s];\n"
    '  edge [color="%s", fontcolor="%s", fontname="sans-serif", fontsize=10, arrowsize=0.7];\n'
)


def architecture_dot(
    model: ModelSummary | ModelSpec,
    *,
    direction: str = "TB",
    collapsed: Collection[str] | None = None,
) -> str:
    """DOT text of a model's layers, shapes and parameters, readable on white and near-black.

    `model` is a summary, or a spec that is summarised first (raises SpecError where it cannot be
    built). `direction` is "TB" (downwards) or "LR" (to the right). `collapsed` are the keys of the
    blocks and groups that are drawn as one box (see `frames`); None for those that make a large
    network too long.
    """
    if direction not in ("TB", "LR"):
        raise ValueError(f"direction must be 'TB' or 'LR'; not {direction!r}")
    model = _summary(model)
    layers = _Layers.of(_trees(model.rows))
    collapsed = _too_many(model.rows, layers) if collapsed is None else frozenset(collapsed)
    boxes = layers.count_boxes(collapsed)
    drawing = _Drawing(collapsed, boxes > MAX_BOXES, boxes > _REPEATED_ABOVE)
    start = drawing.box(["Input", _shape(model.input_shape)], MUTED)
    last = drawing.chain(layers.trees, [(start, "")])
    end = drawing.box(["Output", _shape(model.output_shape)], MUTED)
    drawing.edges(last, end)
    head = _HEAD % (direction, '"0.15,0.07"', MUTED, MUTED)
    body = "".join(f"  {line}\n" for line in [*drawing.lines, *drawing.arrows])
    return f"{head}{body}}}\n"


def frames(model: ModelSummary | ModelSpec) -> dict[str, bool]:
    """The keys of all blocks and groups that can be collapsed, in order, and whether each is
    collapsed where `architecture_dot` is not told which."""
    rows = _summary(model).rows
    layers = _Layers.of(_trees(rows))
    collapsed = _too_many(rows, layers)
    return {key: key in collapsed for key in layers.frames()}


def _summary(model: ModelSummary | ModelSpec) -> ModelSummary:
    if hasattr(model, "rows"):
        return model
    from digitlab.models.build import summarize

    return summarize(model)


@dataclass
class _Tree:
    """A row with the rows under it: by the list they stand in, such as ("branches", 1)."""

    row: Row
    lists: dict[tuple[int | str, ...], list[_Tree]] = field(default_factory=dict)

    @property
    def inner(self) -> Iterator[_Layers]:
        return map(_Layers.of, self.lists.values())


@dataclass
class _Layers:
    """A list of layers: what each reads, by index, and the groups that their names make."""

    front: str  # of the keys of all its layers
    trees: Sequence[_Tree]

    @classmethod
    def of(cls, trees: Sequence[_Tree]) -> _Layers:
        row = trees[0].row if trees else None
        own = (row.name or row.key.rpartition(".")[2]) if row else ""
        return cls(row.key.removesuffix(own) if row else "", trees)

    @cached_property
    def reads(self) -> tuple[tuple[int, ...], ...]:
        places = {tree.row.key: index for index, tree in enumerate(self.trees)} | {"": -1}
        return tuple(
            # layers that a block adds, such as a shortcut's, stand one after the other
            (index - 1,)
            if isinstance(tree.row.path[-1], str)
            else tuple(places.get(key, index - 1) for key in tree.row.sources)
            for index, tree in enumerate(self.trees)
        )

    @cached_property
    def groups(self) -> tuple[Group, ...]:
        names = [tree.row.name for tree in self.trees]
        if not any("." in name for name in names):
            return ()
        return find_groups(names, [tree.row.label for tree in self.trees], self.reads)

    @cached_property
    def readers(self) -> Counter[int]:
        return Counter(read for sources in self.reads for read in sources)

    def key(self, group: Group) -> str:
        return self.front + group.name

    def frames(self) -> Iterator[str]:
        """The keys of all frames in this list, those of groups first."""
        for group in self.groups:
            yield from (self.key(g) for g in group.walk() if g.stop - g.start > 1)
        for tree in self.trees:
            if _is_frame(tree):
                yield tree.row.key
            for inner in tree.inner:
                yield from inner.frames()

    def is_written_before(self, index: int) -> bool:
        """Whether a layer is written into the box of the one before it."""
        return (
            self.trees[index].row.kind in _JOINED
            and index > 0
            and self.reads[index] == (index - 1,)
            and self.readers[index - 1] == 1
        )

    def repeated(self, start: int, stop: int) -> tuple[int, int]:
        """How many layers from `start` on are repeated, and how often they stand there one after
        the other; (0, 1) for none."""
        best = (0, 1)
        for length in range(1, min(_LONGEST_REPEATED, (stop - start) // 3) + 1):
            times = 1
            while start + (times + 1) * length <= stop and all(
                self._is_alike(start + place, start + times * length + place)
                for place in range(length)
            ):
                times += 1
            if times > 2 and (times - 1) * length > (best[1] - 1) * best[0]:
                best = length, times
        return best

    def _is_alike(self, first: int, second: int) -> bool:
        """Whether two layers without names do the same in a chain."""
        rows = self.trees[first].row, self.trees[second].row
        facts = [(r.label, r.arguments, r.input_shape, r.output_shape, r.parameters) for r in rows]
        chained = all(
            self.reads[i] == (i - 1,) and self.readers[i] == 1 and not self.trees[i].row.name
            for i in (first, second)
        )
        return (
            chained
            and facts[0] == facts[1]
            and not any(tree.lists for tree in (self.trees[first], self.trees[second]))
        )

    def count_boxes(self, collapsed: Collection[str]) -> int:
        """How many boxes are drawn for the list."""
        hidden = set()
        for group in (g for outer in self.groups for g in outer.walk()):
            if self.key(group) in collapsed:
                hidden |= set(range(group.start + 1, group.stop))
        count = 0
        for index, tree in enumerate(self.trees):
            if index in hidden or tree.row.kind in _JOINED:
                continue
            count += 1
            if tree.row.key not in collapsed:
                count += sum(inner.count_boxes(collapsed) for inner in tree.inner)
        return count


def _too_many(rows: Sequence[Row], layers: _Layers) -> frozenset[str]:
    """The groups to collapse, level by level from the innermost, until few boxes are left; without
    groups all blocks."""
    if not layers.groups:
        many = sum(row.kind not in _JOINED for row in rows) > MAX_BOXES
        return frozenset(layers.frames()) if many else frozenset()
    levels: dict[int, list[str]] = {}
    for group in (g for outer in layers.groups for g in outer.walk()):
        if group.stop - group.start > 1:
            levels.setdefault(group.name.count("."), []).append(layers.key(group))
    collapsed: frozenset[str] = frozenset()
    for level in sorted(levels, reverse=True):
        if layers.count_boxes(collapsed) <= MANY_BOXES:
            break
        collapsed |= frozenset(levels[level])
    return collapsed


Ends = list[tuple[str, str]]  # where the next edges start, with their labels


@dataclass
class _Drawing:
    """The lines of DOT so far; each method draws something and says where it ends.

    Arrows are kept apart and come last: a box named inside a frame would move into it.
    """

    collapsed: Collection[str]
    fold: bool
    repeats: bool  # whether layers that are repeated are drawn once
    lines: list[str] = field(default_factory=list)
    arrows: list[str] = field(default_factory=list)
    count: int = 0

    def chain(self, trees: Sequence[_Tree], ends: Ends) -> Ends:
        """Draw a list of layers; what reaches it comes from `ends`."""
        layers = _Layers.of(trees)
        outputs = {-1: ends}
        nodes: dict[str, str] = {}  # the boxes of layers that may be used again, by their names
        self.part(layers, range(len(layers.trees)), layers.groups, outputs, nodes)
        return outputs.get(len(layers.trees) - 1, ends)

    def part(
        self,
        layers: _Layers,
        places: range,
        groups: Sequence[Group],
        outputs: dict[int, Ends],
        nodes: dict[str, str],
        within: str = "",
    ) -> None:
        """Draw the layers at `places`, which stand in the group `within`."""
        starts = {group.start: group for group in groups if group.stop - group.start > 1}
        index, drawn, cut = places.start, 0, len(places) - 20
        while index < places.stop:
            if self.fold and drawn == 60 and index < places.start + cut:
                index = self.skip(range(index, places.start + cut), outputs)
                drawn += 1
                continue
            length, times = layers.repeated(index, places.stop) if self.repeats else (0, 1)
            if length and not any(index < begin < index + length * times for begin in starts):
                self.repetition(layers, range(index, index + length), times, outputs, nodes)
                index += length * times
                drawn += 1
                continue
            group, start = starts.get(index), index
            drawn += 1
            if group is not None and layers.key(group) in self.collapsed:
                node = self.collapse(layers, group, within)
                index = group.stop
            elif group is not None:
                self.frame(group.name, sum(t.row.parameters for t in _of(layers, group)))
                inside = range(group.start, group.stop)
                self.part(layers, inside, group.groups, outputs, nodes, f"{group.name}.")
                self.lines.append("}")
                index = group.stop
                continue
            elif self.is_open(layers.trees[index]):
                outputs[index] = self.block(
                    layers.trees[index], self.reached(layers, index, outputs)
                )
                index += 1
                continue
            else:
                index += 1
                followers = range(index, places.stop) if _takes(layers.trees[start]) else ()
                for place in followers:
                    if not layers.is_written_before(place):
                        break
                    index = place + 1
                node = self.layer(layers.trees[start:index], within)
            self.connect(layers, range(start, index), node, outputs, nodes)

    def repetition(
        self,
        layers: _Layers,
        places: range,
        times: int,
        outputs: dict[int, Ends],
        nodes: dict[str, str],
    ) -> None:
        """Draw the layers at `places`, which stand there `times` times in a row, once."""
        parameters = times * sum(layers.trees[place].row.parameters for place in places)
        self.frame(f"{times} times (one is shown)", parameters)
        self.repeats = False
        self.part(layers, places, (), outputs, nodes)
        self.repeats = True
        self.lines.append("}")
        outputs[places.start + times * len(places) - 1] = outputs[places.stop - 1]

    def connect(
        self,
        layers: _Layers,
        places: range,
        node: str,
        outputs: dict[int, Ends],
        nodes: dict[str, str],
    ) -> None:
        """Draw the arrows to the box of the layers at `places`."""
        row = layers.trees[places.start].row
        roles = _ROLES.get(row.label, ())
        ends: dict[str, list[str]] = {}
        reads = layers.reads[places.start] if len(places) == 1 else entrances(places, layers.reads)
        for place, read in enumerate(reads):
            for end, label in outputs[read]:
                role = roles[place] if len(reads) > 1 and place < len(roles) else ""
                ends.setdefault(end, []).extend(filter(None, [label, role]))
        self.edges([(end, ", ".join(dict.fromkeys(labels))) for end, labels in ends.items()], node)
        for place in places:
            outputs[place] = [(node, "")]
            nodes[layers.trees[place].row.name] = node
        again = row.arguments.removeprefix("layer=")
        if row.kind == "reuse" and again in nodes:
            self.arrows.append(
                f"{nodes[again]} -> {node} [style=dotted, arrowhead=none, constraint=false, "
                f'label="same weights"];'
            )

    def reached(self, layers: _Layers, index: int, outputs: dict[int, Ends]) -> Ends:
        return [end for read in layers.reads[index] for end in outputs[read]]

    def skip(self, places: range, outputs: dict[int, Ends]) -> int:
        """One box for many layers; the index after them."""
        skipped = self.box([f"… {len(places)} more …"], MUTED)
        self.edges(outputs[places.start - 1], skipped)
        outputs.update({place: [(skipped, "")] for place in places})
        return places.stop

    def is_open(self, tree: _Tree) -> bool:
        return _is_frame(tree) and not self.fold and tree.row.key not in self.collapsed

    def collapse(self, layers: _Layers, group: Group, within: str) -> str:
        """One box for a group of layers."""
        rows = [tree.row for tree in _of(layers, group)]
        parameters = sum(row.parameters for row in rows)
        cost = f" · {_parameters(parameters)}" if parameters else ""
        lines = [
            group.name,
            f"{len(rows)} layers",
            _shape(rows[-1].output_shape) + cost,
        ]
        tooltip = ", ".join(dict.fromkeys(row.label for row in rows))
        return self.box(lines, KIND_COLORS["block"], tooltip=f"{group.name}: {tooltip}")

    def frame(self, title: str, parameters: int) -> None:
        """Begin a frame; it ends with a closing brace."""
        self.count += 1
        title += f", {_parameters(parameters)}" if parameters else ""
        self.lines.append(
            f'subgraph cluster_{self.count} {{ label={_quoted(title)}; style="rounded,dashed"; '
            f'color="{MUTED}"; fontcolor="{MUTED}"; fontname="sans-serif"; fontsize=11; '
            f'labeljust="l";'
        )

    def block(self, tree: _Tree, ends: Ends) -> Ends:
        """Draw a block as a frame around its layers."""
        row = tree.row
        times = re.search(r"times=(\d+)", row.arguments)
        title = f"{row.label} {times.group(1)} times (one is shown)" if times else row.label
        self.frame(" · ".join(filter(None, [title, row.name])), row.parameters)
        draw = {
            "Residual": self.residual,
            "Parallel": self.parallel,
            "DenseBlock": self.dense,
        }.get(row.label, self.repeat)
        ends = draw(tree, ends)
        self.lines.append("}")
        return ends

    def residual(self, tree: _Tree, ends: Ends) -> Ends:
        last = self.chain(tree.lists[("layers",)], ends)
        plus = self.join("+", tree.row.output_shape)
        self.edges(last, plus)
        projection = tree.lists.get(("shortcut",))
        shortcut = self.chain(projection, ends) if projection else ends
        self.edges([(node, "shortcut") for node, _ in shortcut], plus, "style=bold")
        return [(plus, "")]

    def parallel(self, tree: _Tree, ends: Ends) -> Ends:
        kind = re.search(r"join=(\w+)", tree.row.arguments)
        join = self.join(_JOINS[kind.group(1) if kind else "concat"], tree.row.output_shape)
        branches = re.search(r"branches=(\d+)", tree.row.arguments)
        for branch in range(int(branches.group(1))):
            layers = tree.lists.get(("branches", branch), [])
            last = self.chain(layers, ends) if layers else [(n, "unchanged") for n, _ in ends]
            self.edges(last, join)
        return [(join, "")]

    def dense(self, tree: _Tree, ends: Ends) -> Ends:
        last = self.chain(tree.lists[("layers",)], ends)
        join = self.join("concat", tree.row.output_shape)
        self.edges(last, join)
        self.edges([(node, "unchanged") for node, _ in ends], join, "style=bold")
        return [(join, "")]

    def repeat(self, tree: _Tree, ends: Ends) -> Ends:
        for layers in tree.lists.values():
            ends = self.chain(layers, ends)
        return ends

    def layer(self, group: Sequence[_Tree], within: str) -> str:
        """One box for a layer and those that are written into it; a join is a sign."""
        rows = [tree.row for tree in group]
        first = rows[0]
        name = first.name.removeprefix(within)
        more = ", ".join(row.label for row in rows[1:])
        parameters = sum(row.parameters for row in rows)
        cost = f" · {_parameters(parameters)}" if parameters else ""
        result = _shape(rows[-1].output_shape) + cost
        tooltip = "; ".join(f"{row.label}({row.arguments})" for row in rows)
        if first.kind == "join":
            sign = _SIGNS.get(first.label, first.label)
            style = f"tooltip={_quoted(tooltip)}, shape=ellipse, margin=0.04"
            lines = [" · ".join(filter(None, [sign, name])), *filter(None, [more]), result]
            return self.node(lines, KIND_COLORS["join"], style)
        again = first.arguments.removeprefix("layer=") if first.kind == "reuse" else ""
        title = " ".join(filter(None, [first.label, again, _window(first)]))
        lines = [" · ".join(filter(None, [title, name])), *filter(None, [more]), result]
        return self.box(lines, KIND_COLORS.get(first.kind, MUTED), tooltip=tooltip)

    def box(self, lines: Sequence[str], color: str, *, tooltip: str = "") -> str:
        return self.node(lines, color, f"tooltip={_quoted(tooltip or lines[0])}")

    def join(self, sign: str, shape: Sequence[int]) -> str:
        more = f"tooltip={_quoted('combined: ' + _shape(shape))}, shape=ellipse, margin=0.04"
        return self.node([sign, _shape(shape)], KIND_COLORS["block"], more)

    def node(self, lines: Sequence[str], color: str, more: str) -> str:
        self.count += 1
        name = f"n{self.count}"
        label = '"' + "\\n".join(_quoted(line)[1:-1] for line in lines) + '"'
        colors = f'fillcolor="{color}", fontcolor="{_text_color(color)}"'
        self.lines.append(f"{name} [label={label}, {colors}, {more}];")
        return name

    def edges(self, ends: Ends, to: str, style: str = "") -> None:
        for node, label in ends:
            parts = ([f"label={_quoted(label)}"] if label else []) + ([style] if style else [])
            self.arrows.append(f"{node} -> {to}{' [' + ', '.join(parts) + ']' if parts else ''};")


def _trees(rows: Sequence[Row]) -> list[_Tree]:
    """The flat rows of a summary as trees, a Repeat or DenseBlock with its first turn only."""
    roots: list[_Tree] = []
    above: list[_Tree] = []
    for row in rows:
        tree = _Tree(row)
        del above[row.depth :]
        if not above:
            roots.append(tree)
        else:
            parent = above[-1]
            steps = row.path[len(parent.row.path) :]
            branch = steps if steps == ("shortcut",) else steps[:-1]
            first = {"Repeat": ".0.", "DenseBlock": ".steps.0."}.get(parent.row.label, ".")
            if not row.key.startswith(parent.row.key + first):
                above.append(tree)
                continue
            parent.lists.setdefault(branch, []).append(tree)
        above.append(tree)
    return roots


def _is_frame(tree: _Tree) -> bool:
    """Whether there is something to draw inside: a block of its own kind is one box."""
    return bool(tree.lists) or tree.row.label == "Parallel"


def _takes(tree: _Tree) -> bool:
    """Whether layers that follow are written into its box."""
    return tree.row.kind not in ("block", "parameter")


def _of(layers: _Layers, group: Group) -> Sequence[_Tree]:
    return layers.trees[group.start : group.stop]


def _window(row: Row) -> str:
    """The window of a convolution or pooling, as in "3×3"; else nothing."""
    window = re.search(r"kernel_size=(\(.*?\)|\d+)", row.arguments)
    if not window:
        return ""
    sizes = re.findall(r"\d+", window.group(1))
    axes = len(row.input_shape) - 1
    return "×".join(sizes * axes if len(sizes) == 1 else sizes)


def _shape(shape: Sequence[int]) -> str:
    return "×".join(str(size) for size in shape)


def _parameters(count: int) -> str:
    return f"{count:,} parameter{'s' if count != 1 else ''}"


def _quoted(text: str) -> str:
    """Text as a DOT string: nothing in it is read as an escape, an entity or an end."""
    safe = " ".join(str(text).split())
    for plain, written in (("\\", "\\\\"), ('"', '\\"'), ("&", "&amp;"), ("<", "&lt;")):
        safe = safe.replace(plain, written)
    return f'"{safe}"'


def _text_color(fill: str) -> str:
    """Black or white, whichever stands out more on `fill` (WCAG 2 relative luminance)."""
    channels = [int(fill[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
    return "#000000" if (luminance + 0.05) ** 2 > 0.05 * 1.05 else "#ffffff"
