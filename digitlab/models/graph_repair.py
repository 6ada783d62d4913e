"""Repairs of graphs: names that are wrong, layers that nothing reads, joins that do not fit.

As in `digitlab.models.repair`, the likely ones are given and the caller tries which help.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.build import sketch
from digitlab.models.graph import AT_INPUT, REUSE, WITHOUT_INPUT, free_name, resolve
from digitlab.models.layer import INPUT, Layer, Path, put
from digitlab.models.network import check_names
from digitlab.models.operations import OPERATIONS
from digitlab.models.placement import Shape
from digitlab.models.spec import ModelSpec

Repair = tuple[str, ModelSpec]
ANOTHER_MEANING = "Use Concatenate"  # in place of a sum: the last that is offered
_SEVERAL = 3  # names or layers that are tried where one is looked for


def wiring(spec: ModelSpec) -> int:
    """How far the names hold: 0 where one is wrong, 1 where a layer is read by none, 2."""
    lists = [spec.layers, *(layers for _, layer in spec.walk() for _, layers in layer.lists)]
    return min(map(_wiring, lists))


def _wiring(layers: Sequence[Layer]) -> int:
    try:
        resolve(layers)
        check_names(layers)
    except SpecError as error:
        return 0 if error.path[-1] in ("from", "name") else 1
    return 2


def graph_repairs(spec: ModelSpec, path: Path, argument: Any) -> Iterator[Repair]:
    """Likely repairs for the layer at `path`, if what is wrong with it has to do with others."""
    layers, index = _list_at(spec, path), path[-1]
    layer = layers[index]
    if wiring(spec) < 2:
        yield from _names(spec, path, layers, argument)
        yield from _unread(spec, path, layers)
        return
    if layer.type == REUSE and argument == "layer":
        names = [other.name for other in layers[:index] if other.name]
        for name in _near(str(layer.args.get("layer")), names):
            yield f"Reuse {name}", edit.replace(spec, path, layer.with_args(layer=name))
    yield from _several(spec, path, layers)
    if layer.type in OPERATIONS and OPERATIONS[layer.type].kind == "join":
        yield from _joins(spec, path, layers)


def _list_at(spec: ModelSpec, path: Path) -> tuple[Layer, ...]:
    node: Any = spec.layers
    for step in path[:-1]:
        node = node.args[step] if isinstance(node, Layer) else node[step]
    return node


def _with(spec: ModelSpec, path: Path, layers: Sequence[Layer]) -> ModelSpec:
    return spec.with_layers(put(spec.layers, path[:-1], tuple(layers)))


def _near(name: str, names: Sequence[str]) -> list[str]:
    """The likeliest of the names first, then the latest."""
    close = difflib.get_close_matches(name, names, _SEVERAL, 0.4)
    return list(dict.fromkeys([*close, *reversed(names[-_SEVERAL:])]))


# ---- names -----------------------------------------------------------------------------------


def _names(spec: ModelSpec, path: Path, layers: Sequence[Layer], argument: Any) -> Iterator[Repair]:
    index, layer = path[-1], layers[path[-1]]
    if argument == "from":
        if layer.type in WITHOUT_INPUT:
            yield "Leave from out", _changed(spec, path, layers, layer.reading())
            return
        known = [other.name for other in layers[:index] if other.name]
        for name in (name for name in layer.sources if name not in (INPUT, *known)):
            for near in _near(name, [INPUT, *known]):
                sources = [near if source == name else source for source in layer.sources]
                label = f"Read {near} instead of {name}"
                yield label, _changed(spec, path, layers, layer.reading(*sources))
        yield "Read the layer before", _changed(spec, path, layers, layer.reading())
    if argument == "name":
        new = _free(layer.name, {other.name for other in layers})
        renamed = [*layers]
        renamed[index] = layer.named(new)
        if sum(other.name == layer.name for other in layers) == 1:
            renamed[index + 1 :] = [
                _calling(other, layer.name, new) for other in layers[index + 1 :]
            ]
        yield f"Call it {new}", _with(spec, path, renamed)


def _changed(spec: ModelSpec, path: Path, layers: Sequence[Layer], layer: Layer) -> ModelSpec:
    return _with(spec, path, [*layers[: path[-1]], layer, *layers[path[-1] + 1 :]])


def _calling(layer: Layer, old: str, new: str) -> Layer:
    """The layer, which reads or reuses one under its new name."""
    if layer.type == REUSE and layer.args.get("layer") == old:
        layer = layer.with_args(layer=new)
    return replace(layer, sources=tuple(new if name == old else name for name in layer.sources))


def _free(name: str, taken: set[str]) -> str:
    """A name like another one, which no layer has and which no name begins with."""
    stem = name.replace(".", "_")
    stem = stem if not stem.isdigit() else f"layer_{stem}"
    return free_name(stem, {stem, *taken})


def _unread(spec: ModelSpec, path: Path, layers: Sequence[Layer]) -> Iterator[Repair]:
    """A layer that nothing reads: read by a join, by the layer after it, or removed."""
    index, layer = path[-1], layers[path[-1]]
    here = layer.name or _free(layer.type.lower(), {other.name for other in layers})
    named = [*layers]
    named[index] = layer.named(here)
    for place, other in enumerate(layers[index + 1 :], index + 1):
        takes = OPERATIONS.get(other.type)
        if takes and takes.kind == "join" and 1 <= len(other.sources) < takes.most:
            joined = [*named]
            joined[place] = other.reading(*other.sources, here)
            yield f"Let layer {place + 1}, {other.type}, read it too", _with(spec, path, joined)
            break
    after = layers[index + 1 : index + 2]
    if after and after[0].type in WITHOUT_INPUT:
        if index + 2 == len(layers):
            yield f"Remove layer {index + 2}, {after[0].type}", _with(spec, path, layers[:-1])
            return
        if not layers[index + 2].sources:
            read, place = (index, index + 1), (*path[:-1], index + 2)
            for join in ("Add", "Concatenate", "Multiply"):
                label = f"Insert {join} before layer {index + 3}"
                yield label, _joined(spec, place, layers, join, read)
    if after and len(after[0].sources) == 1:
        chained = [*layers]
        chained[index + 1] = after[0].reading()
        yield f"Let layer {index + 2}, {after[0].type}, read it", _with(spec, path, chained)
    rest = [*layers[:index], *layers[index + 1 :]]
    if after and not after[0].sources and after[0].type not in WITHOUT_INPUT:
        return  # which reads it
    yield f"Remove layer {index + 1}, {layer.type}", _with(spec, path, rest)


# ---- how many are read -----------------------------------------------------------------------


def _several(spec: ModelSpec, path: Path, layers: Sequence[Layer]) -> Iterator[Repair]:
    """One layer to read where several are named, several where a join needs them."""
    index, layer = path[-1], layers[path[-1]]
    sources = edit.sources_of(spec, path)
    operation = OPERATIONS.get(layer.type)
    least, most = (operation.least, operation.most) if operation else (1, 1)
    if layer.type in WITHOUT_INPUT or layer.type == "MultiheadAttention":
        return
    if len(sources) < least:
        for other in range(index - 1, AT_INPUT - 1, -1):
            if other not in sources and (other < 0 or layers[other].type not in WITHOUT_INPUT):
                what = f"layer {other + 1}, {layers[other].type}," if other >= 0 else "the input"
                connected = edit.connect(spec, path, [*sources, other])
                yield f"Let it read {what} too", connected
        yield f"Remove layer {index + 1}, {layer.type}", edit.replace(spec, path)
    if len(sources) > most > 1:
        yield f"Read {most} layers", edit.connect(spec, path, sources[:most])
    is_fixed = [i >= 0 and layers[i].type in WITHOUT_INPUT for i in sources]
    if most == 1 and (len(sources) > 1 or any(is_fixed)):
        for join in ("Add", "Concatenate", "Multiply"):
            read = sources if len(sources) > 1 else (*sources, _flowing(layers, sources[0]))
            yield f"Insert {join} before layer {index + 1}", _joined(spec, path, layers, join, read)


def _flowing(layers: Sequence[Layer], index: int) -> int:
    """The last layer up to `index` that sees the images, or the input."""
    return next((i for i in range(index, -1, -1) if layers[i].type not in WITHOUT_INPUT), AT_INPUT)


def _joined(
    spec: ModelSpec, path: Path, layers: Sequence[Layer], join: str, sources: Sequence[int]
) -> ModelSpec:
    """With a join of `sources` before the layer at `path`, which reads it."""
    index = path[-1]
    added = _with(spec, path, [*layers[:index], Layer(join), *layers[index:]])
    after = (*path[:-1], index + 1)
    return edit.connect(edit.connect(added, path, sources), after, [index])


# ---- joins of shapes that do not fit ---------------------------------------------------------


def _joins(spec: ModelSpec, path: Path, layers: Sequence[Layer]) -> Iterator[Repair]:
    """Padding before it, a layer on one of its sources, or Concatenate in its place."""
    index, layer = path[-1], layers[path[-1]]
    sources = edit.sources_of(spec, path)
    if len(path) > 1 or len(sources) < 2:
        return
    yield from _padded(spec, path, layers, sources)
    shapes = [_shape_of(spec, source) for source in sources]
    if None not in shapes:
        for place in reversed(range(len(sources))):
            others = [shape for i, shape in enumerate(shapes) if i != place]
            for added in _adapters(shapes[place], others[0], layer.type):
                words = f"{added.type}: {{{', '.join(f'{k}: {v}' for k, v in added.args.items())}}}"
                label = f"Insert {words} before layer {index + 1}, on layer {sources[place] + 1}"
                label = label.replace("on layer 0", "on the input")
                yield label, _adapted(spec, path, layers, place, added)
    if layer.type in ("Add", "Subtract", "Multiply", "Maximum", "Minimum"):
        yield ANOTHER_MEANING, edit.replace(spec, path, replace(layer, type="Concatenate"))


def _padded(
    spec: ModelSpec, path: Path, layers: Sequence[Layer], sources: Sequence[int]
) -> Iterator[Repair]:
    """The convolutions on only one of the ways to a join, with a padding that keeps the size."""
    reads = resolve(layers)
    ways = [_ancestors(reads, source) for source in sources]
    own = set.union(*ways) - set.intersection(*ways)
    padded = [*layers]
    for i in sorted(own):
        kernel = layers[i].args.get("kernel_size")
        if layers[i].type.startswith("Conv2d") and type(kernel) is int and kernel % 2:
            padded[i] = layers[i].with_args(padding=kernel // 2)
    changed = [i + 1 for i, layer in enumerate(padded) if layer != layers[i]]
    if changed:
        which = f"layer {changed[0]}" if len(changed) == 1 else f"layers {changed[0]}…{changed[-1]}"
        yield f"Pad {which}", _with(spec, path, padded)


def _ancestors(reads: Sequence[Sequence[int]], index: int) -> set[int]:
    seen: set[int] = set()
    queue = [index]
    while queue:
        index = queue.pop()
        if index != AT_INPUT and index not in seen:
            seen.add(index)
            queue += reads[index]
    return seen


def _shape_of(spec: ModelSpec, index: int) -> Shape | None:
    """What the layer at `index` gives; None where it cannot be told."""
    if index == AT_INPUT:
        return spec.input
    if spec.layers[index].type in WITHOUT_INPUT:
        return None
    upstream = sorted(_ancestors(resolve(spec.layers), index))
    try:
        return sketch(spec.with_layers([spec.layers[i] for i in upstream])).output_shape
    except SpecError:
        return None


def _adapters(shape: Shape, goal: Shape, join: str) -> Iterator[Layer]:
    """Layers that may make `goal` of `shape`; for Concatenate all but the channels."""
    if len(shape) != len(goal) or shape == goal:
        return
    if len(shape) == 1 or (len(shape) == 2 and shape[0] == goal[0]):
        yield Layer("Linear", {"out_features": goal[-1]})
        return
    if len(shape) != 3:
        return
    smaller = all(a >= b for a, b in zip(shape[1:], goal[1:], strict=True))
    stride = tuple(-(-a // b) for a, b in zip(shape[1:], goal[1:], strict=True))
    strided = {"stride": stride[0] if len(set(stride)) == 1 else stride} if max(stride) > 1 else {}
    if join != "Concatenate" and smaller:
        yield Layer("Conv2d", {"out_channels": goal[0], "kernel_size": 1, **strided})
    if join == "Concatenate" or shape[0] == goal[0]:
        kind = "AdaptiveAvgPool2d" if smaller else "Upsample"
        yield Layer(kind, {"output_size" if smaller else "size": goal[1:]})


def _adapted(
    spec: ModelSpec, path: Path, layers: Sequence[Layer], place: int, added: Layer
) -> ModelSpec:
    """With `added` between the join at `path` and the source at `place` of those it reads."""
    index = path[-1]
    sources = list(edit.sources_of(spec, path))
    longer = _with(spec, path, [*layers[:index], added, *layers[index:]])
    longer = edit.connect(longer, path, [sources[place]])
    sources[place] = index
    return edit.connect(longer, (*path[:-1], index + 1), sources)
