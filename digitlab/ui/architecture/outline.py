"""The rows of the list of layers: layers, branches, and groups of names, some of them closed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.models import edit
from digitlab.models.groups import Group, find_groups
from digitlab.models.layer import Path
from digitlab.models.rewire import known_reads

if TYPE_CHECKING:
    from digitlab.models.layer import Layer
    from digitlab.models.placement import Row
    from digitlab.models.spec import ModelSpec

MANY = 40  # rows: with more, blocks and groups are closed at first
_GROUP = "group"  # in the path of a group: ("group", "layer1.0"), after the path of its list
_OPEN = "architecture:open"  # rows that were opened or closed, by key


@dataclass(frozen=True)
class Line:
    """One row: a layer, a branch of a Parallel, or a group of layers (the last two have no layer).

    `around` is the name of the group that it stands in; `is_open` is None for what holds no rows.
    """

    path: Path
    layer: Layer | None
    depth: int
    around: str = ""
    group: Group | None = None
    is_open: bool | None = None

    @property
    def key(self) -> str:
        """The row's path as one word."""
        return key_of(self.path)

    def covers(self, path: Path) -> bool:
        """Whether the layer at `path` is this one, or inside it."""
        if self.group is None:
            return path[: len(self.path)] == self.path
        place = len(self.path) - 2
        is_here = path[:place] == self.path[:place] and len(path) > place
        start, stop = self.group.start, self.group.stop
        return is_here and isinstance(path[place], int) and start <= path[place] < stop


def key_of(path: Path | None) -> str:
    """A path as one word: (3, "layers", 0) is "3.layers.0"."""
    return ".".join(map(str, path or ()))


def is_group(path: Path | None) -> bool:
    """Whether a path leads to a group of layers, not to a layer."""
    return path is not None and path[-2:-1] == (_GROUP,)


def all_lines(spec: ModelSpec) -> list[Line]:
    """Every row, those in closed rows too."""
    return list(_lines(spec.layers, (), 0, {}, True))


def shown_lines(spec: ModelSpec) -> list[Line]:
    """The rows that are not inside a closed one."""
    rows = all_lines(spec)
    opened = st.session_state.get(_OPEN, {})
    return _visible(_lines(spec.layers, (), 0, opened, len(rows) <= MANY))


def _visible(rows: Iterator[Line]) -> list[Line]:
    visible: list[Line] = []
    hidden_below: int | None = None
    for line in rows:
        if hidden_below is not None and line.depth > hidden_below:
            continue
        hidden_below = line.depth if line.is_open is False else None
        visible.append(line)
    return visible


def collapsed(lines: Sequence[Line], rows: Mapping[Path, Row]) -> frozenset[str]:
    """The keys that the diagram has for the rows that are closed."""
    return frozenset(filter(None, (_frame(line, rows) for line in lines if line.is_open is False)))


def _frame(line: Line, rows: Mapping[Path, Row]) -> str | None:
    if line.group is None:
        return rows[line.path].key if line.path in rows else None
    row = rows.get((*line.path[:-2], line.group.start))
    own = (row.name or str(line.group.start)) if row else ""
    return row.key.removesuffix(own) + line.group.name if row else None


def set_open(keys: Sequence[str], is_open: bool) -> None:
    """Open or close the rows of these keys."""
    st.session_state.setdefault(_OPEN, {}).update(dict.fromkeys(keys, is_open))


def set_open_all(spec: ModelSpec, is_open: bool) -> None:
    """Open or close every row that holds others."""
    set_open([line.key for line in all_lines(spec) if line.is_open is not None], is_open)


def reveal(spec: ModelSpec, path: Path) -> None:
    """Open every row around `path`."""
    around = [line for line in all_lines(spec) if line.is_open is not None and line.covers(path)]
    set_open([line.key for line in around if line.path != path], True)


def nearest(lines: Sequence[Line], path: Path | None) -> Line | None:
    """The row of `path`, or the one that it is hidden in; None where there is neither."""
    covering = [line for line in lines if path and (line.path == path or line.covers(path))]
    exact = [line for line in covering if line.path == path]
    return (exact or covering[-1:] or [None])[0]


def _lines(
    layers: Sequence[Layer], path: Path, depth: int, opened: dict[str, bool], default: bool
) -> Iterator[Line]:
    starts = _starts(_groups(layers))
    ends: list[Group] = []  # the groups around, outside in
    for index, layer in enumerate(layers):
        ends = [group for group in ends if index < group.stop]
        for group in starts.get(index, ()):
            place = (*path, _GROUP, group.name)
            around = ends[-1].name if ends else ""
            is_open = opened.get(key_of(place), default)
            yield Line(place, None, depth + len(ends), around, group, is_open)
            ends.append(group)
        here, level = (*path, index), depth + len(ends)
        is_open = opened.get(key_of(here), default) if layer.children else None
        yield Line(here, layer, level, ends[-1].name if ends else "", None, is_open)
        for steps, inner in layer.lists:
            inside = (*here, *steps)
            if edit.is_branch(inside):
                yield Line(inside, None, level + 1)
            yield from _lines(inner, inside, level + 1 + edit.is_branch(inside), opened, default)


def _groups(layers: Sequence[Layer]) -> tuple[Group, ...]:
    names = [layer.name for layer in layers]
    if not any("." in name for name in names):
        return ()
    return find_groups(names, [layer.type for layer in layers], known_reads(layers))


def _starts(groups: Sequence[Group]) -> dict[int, list[Group]]:
    """The groups of several layers that begin at each index, outside in."""
    starts: dict[int, list[Group]] = {}
    for group in (group for outer in groups for group in outer.walk()):
        if group.stop - group.start > 1:
            starts.setdefault(group.start, []).append(group)
    return starts
