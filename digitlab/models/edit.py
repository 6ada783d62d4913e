"""Edits: an architecture in, a changed copy out, at any depth of its blocks.

A place is a path as SpecError gives it: ``(2,)`` is the third layer, ``(4, "layers", 0)`` the first
one inside the fifth, ``(3, "branches", 1, 0)`` the first of the fourth's second branch. What an
edit makes is an architecture in form; whether it can be built is found by `digitlab.models.build`.
This module does not import torch.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import Layer
from digitlab.models.spec import ModelSpec

Path = tuple[int | str, ...]
WRAPPERS = ("Residual", "Parallel", "Repeat", "DenseBlock")  # blocks that hold layers of one's own


def walk(spec: ModelSpec) -> Iterator[tuple[Path, Layer]]:
    """Every layer written in the spec with its place, a block before what is inside it."""
    return _walk(spec.layers, ())


def layer_at(spec: ModelSpec, path: Path) -> Layer:
    """The layer at a place. Raises SpecError where there is none."""
    layers, index = _list_at(spec, path)
    if not 0 <= index < len(layers):
        raise _no_layer(path)
    return layers[index]


def insert(spec: ModelSpec, path: Path, layer: Layer | str | Mapping[str, Any]) -> ModelSpec:
    """A copy with `layer` (or its YAML form) at `path`; what stood there and after moves down.

    The index may be one past the last layer. Raises SpecError for another place.
    """
    layers, index = _list_at(spec, path)
    if not 0 <= index <= len(layers):
        raise _no_layer(path)
    return _with_list(spec, path, (*layers[:index], Layer.from_data(layer), *layers[index:]))


def remove(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy without the layer, or the branch of a Parallel, at `path`. Raises SpecError."""
    if len(path) > 1 and path[-2] == "branches":
        branches = _branches(spec, path)
        return _with_branches(spec, path, (*branches[: path[-1]], *branches[path[-1] + 1 :]))
    return replace(spec, path)


def duplicate(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy with the layer at `path` twice, the second right after it. Raises SpecError."""
    layer = layer_at(spec, path)
    return replace(spec, path, layer, layer)


def move(spec: ModelSpec, path: Path, by: int) -> tuple[ModelSpec, Path]:
    """A copy with the layer at `path` moved by so many places within its list, and its new place.

    Where the list ends before, it stays at the end: moving the first layer up changes nothing.
    Raises SpecError where there is no layer.
    """
    layer = layer_at(spec, path)
    layers, index = _list_at(spec, path)
    goal = min(max(index + by, 0), len(layers) - 1)
    others = (*layers[:index], *layers[index + 1 :])
    return _with_list(spec, path, (*others[:goal], layer, *others[goal:])), (*path[:-1], goal)


def replace(spec: ModelSpec, path: Path, *layers: Layer) -> ModelSpec:
    """A copy with `layers` (none, one or several) in place of the one at `path`."""
    layer_at(spec, path)
    inside, index = _list_at(spec, path)
    return _with_list(spec, path, (*inside[:index], *layers, *inside[index + 1 :]))


def set_arguments(spec: ModelSpec, path: Path, args: Mapping[str, Any]) -> ModelSpec:
    """A copy whose layer at `path` has these plain arguments alone; what it holds inside stays.

    Raises SpecError for a place without a layer and for values that no argument can have.
    """
    layer = layer_at(spec, path)
    inner = {key: layer.args[key] for key in ("layers", "branches") if key in layer.args}
    return replace(spec, path, Layer(layer.type, {**args, **inner}))


def wrap(spec: ModelSpec, path: Path, block: str) -> ModelSpec:
    """A copy with the layer at `path` inside a new block, one of `WRAPPERS`.

    A Parallel gets a second, empty branch, which passes its input on; a Repeat twice its layer.
    """
    layer = layer_at(spec, path)
    if block not in WRAPPERS:
        raise SpecError(f"{block!r} holds no layers of one's own; use {', '.join(WRAPPERS)}.")
    args: dict[str, Any] = {"layers": [layer]}
    if block == "Parallel":
        args = {"branches": [[layer], []]}
    elif block in ("Repeat", "DenseBlock"):
        args = {"times": 2, **args}
    return replace(spec, path, Layer(block, args))


def unwrap(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy with the layers of the block at `path` in its place, of a Parallel one after another.

    Raises SpecError for a layer that holds none.
    """
    layer = layer_at(spec, path)
    inner = (*layer.args.get("layers", ()), *sum(layer.args.get("branches", ()), ()))
    if not inner:
        raise SpecError(f"{_name(path)}, {layer.type}, holds no layers to take out.", path=path)
    return replace(spec, path, *inner)


def add_branch(spec: ModelSpec, path: Path) -> ModelSpec:
    """A copy with one more, empty branch in the Parallel at `path`. Raises SpecError."""
    branches = _branches(spec, (*path, "branches", 0), empty=True)
    return _with_branches(spec, (*path, "branches", 0), (*branches, ()))


# ---- finding and rebuilding --------------------------------------------------------------------


def _walk(layers: Sequence[Layer], path: Path) -> Iterator[tuple[Path, Layer]]:
    for index, layer in enumerate(layers):
        yield (*path, index), layer
        yield from _walk(layer.args.get("layers", ()), (*path, index, "layers"))
        for number, branch in enumerate(layer.args.get("branches", ())):
            yield from _walk(branch, (*path, index, "branches", number))


def _list_at(spec: ModelSpec, path: Path) -> tuple[tuple[Layer, ...], int]:
    """The list that the last step of `path` counts in, and that step."""
    if not path or type(path[-1]) is not int:
        raise _no_layer(path)
    inside: Any = spec.layers
    for step in path[:-1]:
        inside = _child(inside, step, path)
    if not isinstance(inside, tuple) or (inside and not isinstance(inside[0], Layer)):
        raise _no_layer(path)
    if len(path) > 1 and path[-2] == "branches":  # a branch, not a layer
        raise _no_layer(path)
    return inside, path[-1]


def _child(inside: Any, step: int | str, path: Path) -> Any:
    if isinstance(inside, tuple) and type(step) is int and 0 <= step < len(inside):
        return inside[step]
    if isinstance(inside, Layer) and step in ("layers", "branches"):
        return inside.args.get(step, ())
    raise _no_layer(path)


def _with_list(spec: ModelSpec, path: Path, layers: tuple[Layer, ...]) -> ModelSpec:
    return spec.with_layers(_rebuilt(spec.layers, path[:-1], layers))


def _rebuilt(inside: Any, steps: Path, new: Any) -> Any:
    """`inside` (a list of layers or branches, or a layer) with `new` where `steps` lead."""
    if not steps:
        return new
    step, rest = steps[0], steps[1:]
    if isinstance(inside, Layer):
        return inside.with_args(**{step: _rebuilt(inside.args.get(step, ()), rest, new)})
    return (*inside[:step], _rebuilt(inside[step], rest, new), *inside[step + 1 :])


def _branches(spec: ModelSpec, path: Path, *, empty: bool = False) -> tuple[Any, ...]:
    """The branches of the Parallel that a path to one of them, (…, "branches", 1), goes through."""
    layer = layer_at(spec, path[:-2])
    branches = layer.args.get("branches", ())
    known = type(path[-1]) is int and 0 <= path[-1] < len(branches)
    if layer.type != "Parallel" or not (known or empty):
        raise _no_layer(path)
    return branches


def _with_branches(spec: ModelSpec, path: Path, branches: tuple[Any, ...]) -> ModelSpec:
    return replace(spec, path[:-2], layer_at(spec, path[:-2]).with_args(branches=branches))


def _no_layer(path: Path) -> SpecError:
    return SpecError(f"There is no {_name(path) if path else 'layer'} here.", path=tuple(path))


def _name(path: Path) -> str:
    """A place in a person's words: (3, "branches", 0, 1) is "layer 4 › branch 1 › layer 2"."""
    words = []
    for before, step in zip((None, *path), path, strict=False):
        if isinstance(step, int):
            words.append(f"{'branch' if before == 'branches' else 'layer'} {step + 1}")
        elif step not in ("layers", "branches"):
            words.append(str(step))
    return " › ".join(words)
