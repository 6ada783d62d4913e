"""Edits: an architecture in, a changed copy out, at any depth of its blocks.

A path leads to a layer as SpecError's does (`digitlab.models.layer.Path`). What an edit makes is an
architecture in form, in which layers read the ones that they should (`digitlab.models.rewire`);
whether it can be built is found by `digitlab.models.build`. This module does not import torch.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping, Sequence
from typing import Any

from digitlab.errors import SpecError
from digitlab.models import rewire
from digitlab.models.graph import REUSE, WITHOUT_INPUT
from digitlab.models.layer import NESTED, Layer, Path, path_words, put
from digitlab.models.spec import ModelSpec

WRAPPERS = ("Residual", "Parallel", "Repeat", "DenseBlock")  # blocks that hold layers of one's own


def is_branch(path: Path | None) -> bool:
    """Whether a path leads to a branch of a Parallel, (3, "branches", 1), not to a layer."""
    return path is not None and path[-2:-1] == ("branches",)


def layer_at(spec: ModelSpec, path: Path) -> Layer:
    """The layer at a place. Raises SpecError where there is none."""
    layers, index = _list_at(spec, path)
    if not 0 <= index < len(layers):
        raise _no_layer(path)
    return layers[index]


def insert(spec: ModelSpec, path: Path, layer: Layer | str | Mapping[str, Any]) -> ModelSpec:
    """A copy with `layer` (or its YAML form) at `path`, before what stood there and reads it now.

    The index may be one past the last layer. Raises SpecError for another place.
    """
    layers, index = _list_at(spec, path)
    if not 0 <= index <= len(layers):
        raise _no_layer(path)
    added = Layer.from_data(layer)
    return _with_list(spec, path, rewire.insert_before(layers, index, added))


def insert_after(spec: ModelSpec, path: Path, layer: Layer | str | Mapping[str, Any]) -> ModelSpec:
    """A copy with `layer` (or its YAML form) after the one at `path`: what read that one reads it.

    Raises SpecError where there is no layer.
    """
    layer_at(spec, path)
    layers, index = _list_at(spec, path)
    added = Layer.from_data(layer)
    return _with_list(spec, path, rewire.insert_after(layers, index, added))


def reuse(spec: ModelSpec, path: Path, origin: int) -> ModelSpec:
    """A copy with a Reuse, at `path`, of the earlier layer of that index in its list."""
    layers, index = _list_at(spec, path)
    if not 0 <= origin < index <= len(layers):
        raise _no_layer(path)
    return _with_list(spec, path, rewire.reuse(layers, index, origin))


def remove(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy without the layer, or the branch of a Parallel, at `path`. Raises SpecError."""
    if is_branch(path):
        branches = _branches(spec, path)
        return _with_branches(spec, path, (*branches[: path[-1]], *branches[path[-1] + 1 :]))
    return replace(spec, path)


def duplicate(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy with the layer at `path` twice, the second right after it. Raises SpecError."""
    layer_at(spec, path)
    layers, index = _list_at(spec, path)
    return _with_list(spec, path, rewire.duplicate(layers, index))


def move(spec: ModelSpec, path: Path, by: int) -> tuple[ModelSpec, Path]:
    """A copy with the layer at `path` moved by so many places within its list, and its new place.

    Where the list ends before, it stays at the end: moving the first layer up changes nothing.
    Raises SpecError where there is no layer, and for a place where it cannot read what it reads.
    """
    layer_at(spec, path)
    layers, index = _list_at(spec, path)
    goal = min(max(index + by, 0), len(layers) - 1)
    return _with_list(spec, path, rewire.move(layers, index, goal)), (*path[:-1], goal)


def replace(spec: ModelSpec, path: Path, *layers: Layer) -> ModelSpec:
    """A copy with `layers` (none, one or several) in place of the one at `path`."""
    layer_at(spec, path)
    siblings, index = _list_at(spec, path)
    return _with_list(spec, path, rewire.replace(siblings, index, *layers))


def rename_layer(spec: ModelSpec, path: Path, name: str) -> ModelSpec:
    """A copy whose layer at `path` has another name, also where others read it. Raises SpecError
    for a name that is taken."""
    layer_at(spec, path)
    layers, index = _list_at(spec, path)
    return _with_list(spec, path, rewire.rename(layers, index, name))


def connect(spec: ModelSpec, path: Path, sources: Sequence[int]) -> ModelSpec:
    """A copy whose layer at `path` reads the earlier layers of its list at these indices, -1 for
    what reaches the list; without any, the layer before it. Raises SpecError."""
    layer_at(spec, path)
    layers, index = _list_at(spec, path)
    return _with_list(spec, path, rewire.connect(layers, index, sources))


def sources_of(spec: ModelSpec, path: Path) -> tuple[int, ...]:
    """The indices of the layers that the one at `path` reads in its list, -1 for what reaches the
    list. Raises SpecError where there is no layer."""
    layer_at(spec, path)
    layers, index = _list_at(spec, path)
    return rewire.known_reads(layers)[index]


def set_arguments(spec: ModelSpec, path: Path, args: Mapping[str, Any]) -> ModelSpec:
    """A copy whose layer at `path` has these plain arguments alone; what it holds inside stays.

    Raises SpecError for a place without a layer and for values that no argument can have.
    """
    layer = layer_at(spec, path)
    held = {name: layer.args[name] for name in NESTED if name in layer.args}
    return replace(spec, path, dataclasses.replace(layer, args={**args, **held}))


def wrap(spec: ModelSpec, path: Path, block: str) -> ModelSpec:
    """A copy with the layer at `path` inside a new block, one of `WRAPPERS`.

    A Parallel gets a second, empty branch, which passes its input on; a Repeat twice its layer.
    """
    layer = layer_at(spec, path)
    if block not in WRAPPERS:
        raise SpecError(f"{block!r} holds no layers of one's own; use {', '.join(WRAPPERS)}.")
    if layer.type in (REUSE, *WITHOUT_INPUT) or len(layer.sources) > 1:
        raise SpecError(
            f"A block has one input; {_name(path)}, {layer.type}, cannot stand alone in it.",
            path=path,
        )
    inner = layer.named("").reading()
    args: dict[str, Any] = {"layers": [inner]}
    if block == "Parallel":
        args = {"branches": [[inner], []]}
    elif block in ("Repeat", "DenseBlock"):
        args = {"times": 2, **args}
    return replace(spec, path, Layer(block, args, layer.name, layer.sources))


def unwrap(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy with the layers of the block at `path` in its place, of a Parallel one after another.

    Raises SpecError for a layer that holds none.
    """
    layer = layer_at(spec, path)
    if not layer.children:
        raise SpecError(f"{_name(path)}, {layer.type}, holds no layers to take out.", path=path)
    layers, index = _list_at(spec, path)
    return _with_list(spec, path, rewire.unwrap(layers, index))


def add_branch(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy with one more, empty branch in the Parallel at `path`. Raises SpecError."""
    branches = _branches(spec, (*path, "branches", 0), empty=True)
    return _with_branches(spec, (*path, "branches", 0), (*branches, ()))


# ---- finding and rebuilding --------------------------------------------------------------------


def _list_at(spec: ModelSpec, path: Path) -> tuple[tuple[Layer, ...], int]:
    """The list that the last step of `path` counts in, and that step."""
    if not path or type(path[-1]) is not int:
        raise _no_layer(path)
    node: Any = spec.layers
    for step in path[:-1]:
        node = _child(node, step, path)
    if not isinstance(node, tuple) or (node and not isinstance(node[0], Layer)):
        raise _no_layer(path)
    if is_branch(path):
        raise _no_layer(path)
    return node, path[-1]


def _child(node: Any, step: int | str, path: Path) -> Any:
    if isinstance(node, tuple) and type(step) is int and 0 <= step < len(node):
        return node[step]
    if isinstance(node, Layer) and step in NESTED:
        return node.args.get(step, ())
    raise _no_layer(path)


def _with_list(spec: ModelSpec, path: Path, layers: tuple[Layer, ...]) -> ModelSpec:
    return spec.with_layers(put(spec.layers, path[:-1], layers))


def _branches(spec: ModelSpec, path: Path, *, empty: bool = False) -> tuple[Any, ...]:
    """The branches of the Parallel that a path to one of them, (…, "branches", 1), goes through."""
    layer = layer_at(spec, path[:-2])
    branches = layer.args.get("branches", ())
    exists = type(path[-1]) is int and 0 <= path[-1] < len(branches)
    if layer.type != "Parallel" or not (exists or empty):
        raise _no_layer(path)
    return branches


def _with_branches(spec: ModelSpec, path: Path, branches: tuple[Any, ...]) -> ModelSpec:
    return replace(spec, path[:-2], layer_at(spec, path[:-2]).with_args(branches=branches))


def _no_layer(path: Path) -> SpecError:
    return SpecError(f"There is no {_name(path) if path else 'layer'} here.", path=tuple(path))


def _name(path: Path) -> str:
    """A path as a title names it: "layer 4 › branch 1 › layer 2"."""
    return " › ".join(path_words(path))
