"""An architecture as a diagram, in Graphviz's DOT language (for `st.graphviz_chart`).

Layers that keep the shape (activation, normalisation, dropout) are written into the box of the
layer before them; blocks are frames, with shortcuts and branches drawn as the lines they are.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from digitlab.figures.palette import DIGIT_COLORS, MUTED

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
}
MAX_BOXES = 150  # above this, blocks are drawn as one box each, and a long chain is cut
_JOINS = {"sum": "+", "mean": "mean", "product": "×", "concat": "concat"}
_JOINED = ("activation", "normalisation", "dropout")
_HEAD = (
    'digraph architecture {\n  bgcolor="transparent"; rankdir="%s"; nodesep=0.3; ranksep=0.3;\n'
    '  node [shape=box, style="filled,rounded", penwidth=0, fontname="sans-serif", fontsize=12, '
    "margin=%s];\n"
    '  edge [color="%s", fontcolor="%s", fontname="sans-serif", fontsize=10, arrowsize=0.7];\n'
)


def architecture_dot(model: ModelSummary | ModelSpec, *, direction: str = "TB") -> str:
    """DOT text of a model's layers, shapes and parameters, readable on white and near-black.

    `model` is a summary, or a spec that is summarised first (raises SpecError where it cannot be
    built). `direction` is "TB" (downwards) or "LR" (to the right).
    """
    if direction not in ("TB", "LR"):
        raise ValueError(f"direction must be 'TB' or 'LR'; not {direction!r}")
    if not hasattr(model, "rows"):
        from digitlab.models.build import summarize

        model = summarize(model)
    drawing = _Drawing(fold=sum(row.kind not in _JOINED for row in model.rows) > MAX_BOXES)
    start = drawing.box(["Input", _shape(model.input_shape)], MUTED)
    last = drawing.chain(_trees(model.rows), [(start, "")])
    end = drawing.box(["Output", _shape(model.output_shape)], MUTED)
    drawing.edges(last, end)
    head = _HEAD % (direction, '"0.15,0.07"', MUTED, MUTED)
    body = "".join(f"  {line}\n" for line in [*drawing.lines, *drawing.arrows])
    return f"{head}{body}}}\n"


@dataclass
class _Tree:
    """A row with the rows under it: by the list they stand in, such as ("branches", 1)."""

    row: Row
    lists: dict[tuple[int | str, ...], list[_Tree]] = field(default_factory=dict)


Ends = list[tuple[str, str]]  # where the next edges start, with their labels


@dataclass
class _Drawing:
    """The lines of DOT so far; each method draws something and says where it ends.

    Arrows are kept apart and come last: a box named inside a frame would move into it.
    """

    fold: bool
    lines: list[str] = field(default_factory=list)
    arrows: list[str] = field(default_factory=list)
    count: int = 0

    def chain(self, trees: Sequence[_Tree], ends: Ends) -> Ends:
        """Draw layers one after the other, from `ends` on."""
        groups = list(_groups(trees))
        for index, group in enumerate(groups):
            if self.fold and 60 <= index < len(groups) - 20:
                if index == 60:
                    skipped = self.box([f"… {len(groups) - 80} more …"], MUTED)
                    self.edges(ends, skipped)
                    ends = [(skipped, "")]
                continue
            first = group[0]
            if _is_frame(first) and not self.fold:
                ends = self.block(first, ends)
            else:
                node = self.layer(group)
                self.edges(ends, node)
                ends = [(node, "")]
        return ends

    def block(self, tree: _Tree, ends: Ends) -> Ends:
        """Draw a block as a frame around its layers."""
        row = tree.row
        self.count += 1
        times = re.search(r"times=(\d+)", row.arguments)
        title = f"{row.label} {times.group(1)} times (one is shown)" if times else row.label
        title += f", {_parameters(row.parameters)}" if row.parameters else ""
        self.lines.append(
            f'subgraph cluster_{self.count} {{ label={_quoted(title)}; style="rounded,dashed"; '
            f'color="{MUTED}"; fontcolor="{MUTED}"; fontname="sans-serif"; fontsize=11; '
            f'labeljust="l";'
        )
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

    def layer(self, group: Sequence[_Tree]) -> str:
        """One box for a layer and those that are written into it."""
        rows = [tree.row for tree in group]
        lines = [" ".join(filter(None, [rows[0].label, _window(rows[0])]))]
        if len(rows) > 1:
            lines.append(", ".join(row.label for row in rows[1:]))
        parameters = sum(row.parameters for row in rows)
        cost = f" · {_parameters(parameters)}" if parameters else ""
        lines.append(_shape(rows[-1].output_shape) + cost)
        tooltip = "; ".join(f"{row.label}({row.arguments})" for row in rows)
        return self.box(lines, KIND_COLORS.get(rows[0].kind, MUTED), tooltip=tooltip)

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


def _groups(trees: Sequence[_Tree]) -> Iterator[list[_Tree]]:
    """Layers that share a box: one, and those after it that only change its values."""
    group: list[_Tree] = []
    for tree in trees:
        if group and group[0].row.kind != "block" and tree.row.kind in _JOINED:
            group.append(tree)
            continue
        if group:
            yield group
        group = [tree]
    if group:
        yield group


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
