"""Adding a layer: which kind, and where it is put."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

import streamlit as st

from digitlab.jobs.compute import requests
from digitlab.models import edit
from digitlab.models.graph import REUSE
from digitlab.ui import cached
from digitlab.ui.architecture import state
from digitlab.ui.architecture.layers import button, change
from digitlab.ui.compute import compute

if TYPE_CHECKING:
    from digitlab.models.layer import Path
    from digitlab.models.placement import Row, Shape
    from digitlab.models.spec import ModelSpec

_ALL = "All kinds"


def show_adding(spec: ModelSpec, path: Path | None, rows: Mapping[Path, Row]) -> None:
    """A searchable menu of all layers, operations and blocks, and buttons that add one.

    `path` leads to the selected layer or branch.
    """
    kinds = dict(cached.list_kinds())
    columns = st.columns([2, 3])
    kind = columns[0].selectbox(
        "Kind of layer",
        [_ALL, *dict.fromkeys(kinds.values())],
        key="architecture-kind",
        format_func=lambda kind: f"{kind[0].upper()}{kind[1:]}",
        help="Shows only the layers of one kind in the list of layers to add.",
    )
    names = [name for name in kinds if kind in (_ALL, kinds[name])]
    name = columns[1].selectbox(
        "Add a layer",
        names,
        key="architecture-add",
        format_func=lambda name: f"{name} ({kinds[name]})",
        help="All layers of torch.nn, operations on tensors, blocks, and models of torchvision. "
        "Type to search.",
    )
    with st.container(horizontal=True, gap="xsmall"):
        if path is None:
            button("Add it", "add", lambda: _add(spec, (0,), name, rows))
        elif not edit.is_branch(path):
            after = (*path[:-1], path[-1] + 1)
            button("Add before", "add_row_above", lambda: _add(spec, path, name, rows))
            button(
                "Add after", "add_row_below", lambda: _add(spec, after, name, rows, is_after=True)
            )
            button("Replace", "swap_horiz", lambda: _replace(spec, path, name, rows))
        inside = _inside(spec, path)
        if inside is not None:
            button(
                "Add inside",
                "subdirectory_arrow_right",
                lambda: _add(spec, inside, name, rows),
            )


def _inside(spec: ModelSpec, path: Path | None) -> Path | None:
    """The path after the last layer in the selected block or branch; None for other layers."""
    if path is None:
        return None
    if edit.is_branch(path):
        inner = edit.layer_at(spec, path[:-2]).args["branches"][path[-1]]
        return (*path, len(inner))
    layer = edit.layer_at(spec, path)
    if layer.type not in edit.WRAPPERS or layer.type == "Parallel":
        return None
    return (*path, "layers", len(layer.args.get("layers", ())))


def _add(
    spec: ModelSpec, target: Path, name: str, rows: Mapping[Path, Row], *, is_after: bool = False
) -> None:
    """Add a layer at `target`; with `is_after` in the place of all that read the layer before."""
    shape = _input_shape(spec, target, rows)
    if name == REUSE:
        _add_reuse(spec, target, shape, rows)
        return
    layer = compute(requests.fresh_layer, name, shape)

    def insert(before: ModelSpec) -> ModelSpec:
        if is_after:
            added = edit.insert_after(before, (*target[:-1], target[-1] - 1), layer)
        else:
            added = edit.insert(before, target, layer)
        return _connected(added, target, rows)

    change(insert, spec, select=target)


def _add_reuse(
    spec: ModelSpec, target: Path, shape: Shape | None, rows: Mapping[Path, Row]
) -> None:
    """Add the nearest earlier layer that takes `shape` once more, with the same weights."""
    for index in range(target[-1] - 1, -1, -1):
        row = rows.get((*target[:-1], index))
        if row and row.parameters and row.input_shape == shape and row.kind != "parameter":
            change(edit.reuse, spec, target, index, select=target)
            return
    state.report(
        "No earlier layer with weights takes the shape that arrives here, so none can be used "
        "again; choose another place."
    )


def _connected(spec: ModelSpec, path: Path, rows: Mapping[Path, Row]) -> ModelSpec:
    """A copy in which a join that was added at `path` has as many sources as it needs."""
    missing = compute(requests.count_sources, edit.layer_at(spec, path).type) - 1
    if not missing:
        return spec
    (first,) = edit.sources_of(spec, path)
    second = _of_equal_shape(spec, (*path[:-1], first), rows) if missing == 1 else first
    return edit.connect(spec, path, [first, *[second] * missing])


def _of_equal_shape(spec: ModelSpec, path: Path, rows: Mapping[Path, Row]) -> int:
    """The index of the nearest layer before `path` that gives the same shape, -1 for the input of
    the list, or of the layer itself."""
    if path not in rows:
        return path[-1]
    shape = rows[path].output_shape
    for index in range(path[-1] - 1, -1, -1):
        row = rows.get((*path[:-1], index))
        if row and row.output_shape == shape and row.kind not in ("activation", "normalisation"):
            return index
    first = rows.get((*path[:-1], 0))
    return -1 if first and first.input_shape == shape else path[-1]


def _replace(spec: ModelSpec, path: Path, name: str, rows: Mapping[Path, Row]) -> None:
    old = edit.layer_at(spec, path)
    shape = rows[path].input_shape if path in rows else None
    layer = compute(requests.fresh_layer, name, shape)
    change(edit.replace, spec, path, layer.named(old.name).reading(*old.sources), select=path)


def _input_shape(spec: ModelSpec, target: Path, rows: Mapping[Path, Row]) -> Shape | None:
    """The shape that reaches a path: the output of the layer before, or the block's input."""
    before = (*target[:-1], target[-1] - 1)
    if target == (0,):
        return spec.input
    if target[-1] > 0 and before in rows:
        return rows[before].output_shape
    block = rows.get(target[:-2]) or rows.get(target[:-3])
    return block.input_shape if target[-1] == 0 and block else None
