"""Repairs: for an architecture that cannot be built, one that gets further, and what was changed.

Repairs are not read out of the error's words: the likely ones for the layer and the shape that
reached it are tried. The smallest change after which everything fits is offered, or else the
likeliest that builds further than before.
"""

from __future__ import annotations

import contextlib
import difflib
import itertools
from collections.abc import Iterator, Sequence
from typing import Any

from digitlab.errors import SpecError
from digitlab.models import edit
from digitlab.models.arguments import Argument
from digitlab.models.blocks import BLOCKS, list_blocks
from digitlab.models.build import sketch
from digitlab.models.graph_repair import ANOTHER_MEANING, graph_repairs, wiring
from digitlab.models.layer import INPUT, INPUT_SIZES, Layer, Path
from digitlab.models.layers import list_layers, nearest_names
from digitlab.models.placement import Shape, written
from digitlab.models.sequence_layers import SEQUENCE_LAYERS
from digitlab.models.signatures import USUAL, find_signature, fresh_layer
from digitlab.models.spec import ModelSpec
from digitlab.models.whole_model_names import list_whole_models

_OF_TOKENS = ("TransformerEncoder", "MixerBlock", "ClassToken", "PositionEmbedding", "MeanTokens")
_MAX_TRIALS = 24
_MAX_BORDER = 8  # pixels by which an image may be padded for a network of larger ones
_FARTHEST = 6  # places that a layer is moved by
_WHOLE = (2,)  # the progress of a spec in which everything fits

Repair = tuple[str, ModelSpec]
Change = tuple[str, list[Layer]]  # a label, and the layers to stand in place of the wrong one


def suggest_fix(spec: ModelSpec, error: SpecError, *, classes: int | None = None) -> Repair | None:
    """A button's label and the repaired spec, verified to build further; None without an idea.

    `error` is what `summarize`, `build` or `check_fits` raised for `spec`. With `classes` the
    repair may also end the network in as many values, and must where the rest builds.
    """
    likely = _take(_repairs(spec, error, classes), spec)
    before = _progress(spec, classes)
    steps: dict[str, tuple[int, ...]] = {}  # by the labels of the repairs tried

    def step(repair: Repair) -> tuple[int, ...]:
        label, repaired = repair
        if label not in steps:
            after = _progress(repaired, classes)
            # One that is whole but for other images is not more so, adapted to the data's.
            is_adapted = after == before == _WHOLE and repaired.input != spec.input
            steps[label] = after if after > before or is_adapted else ()
        return steps[label]

    by_size = _by_size(spec, error, likely)
    complete = next((repair for repair in by_size if step(repair) == _WHOLE), None)
    return complete or next(filter(step, likely), None)


def _take(repairs: Iterator[Repair], spec: ModelSpec) -> list[Repair]:
    """The first repairs that change something."""
    taken: list[Repair] = []
    with contextlib.suppress(SpecError):  # no architecture, such as one layer too many
        taken.extend(r for r in itertools.islice(repairs, _MAX_TRIALS) if r[1] != spec)
    return taken


def _by_size(spec: ModelSpec, error: SpecError, likely: Sequence[Repair]) -> Iterator[Repair]:
    """Layers changed, then moved, then inserted: what they tell is kept, so none is removed."""
    count = _count(spec)
    small = [repair for repair in likely if _count(repair[1]) == count]
    yield from (repair for repair in small if repair[0] != ANOTHER_MEANING)
    yield from _take(_moves(spec, error), spec)
    yield from (repair for repair in likely if _count(repair[1]) > count)
    yield from (repair for repair in small if repair[0] == ANOTHER_MEANING)


def _count(spec: ModelSpec) -> int:
    return sum(layer.count for layer in spec.layers)


def _progress(spec: ModelSpec, classes: int | None) -> tuple[int, ...]:
    """How far a spec builds: (layers that fit,), more for one that fits its classes too."""
    try:
        shape = sketch(spec).output_shape
    except SpecError as error:
        return (0, wiring(spec), *_left(spec.layers, error.path or ()))
    if classes is None or shape == (classes,):
        return _WHOLE
    return (1, len(shape) == 1)


def _left(layers: Any, path: Sequence[int | str]) -> Iterator[int]:
    """How many layers still stand from the wrong one on, as negative numbers, outside in.

    Counted from the end: a layer put in before the wrong one is no progress by itself.
    """
    for step in path:
        if isinstance(step, int) and isinstance(layers, tuple):
            yield step - len(layers)
            layers = layers[step]
        elif isinstance(layers, Layer):
            layers = layers.args.get(step, ())


def _repairs(spec: ModelSpec, error: SpecError, classes: int | None) -> Iterator[Repair]:
    path = tuple(error.path or ())
    if not spec.layers:
        yield "Start with Flatten and Linear", spec.with_layers(_head([], classes or 10))
        return
    if path[:1] == ("input",) and error.shape and len(error.shape) == 3:
        adapted = spec.for_data(error.shape, classes) if classes else spec.with_input(error.shape)
        yield f"Adapt it to {written(error.shape)} images", adapted
        if all(there < here for there, here in zip(error.shape[1:], spec.input[1:], strict=True)):
            yield f"Enlarge {written(error.shape)} images for it", _enlarging(spec, adapted)
        return
    alone = [layer for layer in spec.layers if layer.type.startswith("sklearn/")]
    if alone and len(spec.layers) > 1:
        yield f"Keep {alone[0].type} alone", spec.with_layers(alone[:1])
        return
    layer_path = _wrong_layer(spec, error)
    if layer_path is None:
        return
    argument = path[-1] if isinstance(path[-1], str) else None
    if error.shape is not None and _progress(spec, None) != _WHOLE:
        yield from graph_repairs(spec, layer_path, argument)
        if wiring(spec) < 2:
            return
        layer = edit.layer_at(spec, layer_path)
        for label, changed in _changes(layer, argument, error.shape, layer_path[-1]):
            yield label, edit.replace(spec, layer_path, *changed)
    elif classes is not None:
        yield from _ends(spec, classes)


def _enlarging(spec: ModelSpec, adapted: ModelSpec) -> ModelSpec:
    """`adapted` with a first layer that makes its images as high and wide as those of `spec`.

    A narrow border of zeros, as LeNet-5 has it, or else an enlargement.
    """
    borders = [here - there for here, there in zip(spec.input[1:], adapted.input[1:], strict=True)]
    if len(set(borders)) == 1 and borders[0] % 2 == 0 and borders[0] <= _MAX_BORDER:
        first = Layer("ZeroPad2d", {"padding": borders[0] // 2})
    else:
        first = Layer("Upsample", {"size": spec.input[1:], "mode": "bilinear"})
    layers = list(adapted.layers)
    if any(INPUT in layer.sources for layer in layers):
        first = first.named("enlarged")
        for index, layer in enumerate(layers):
            sources = ("enlarged" if name == INPUT else name for name in layer.sources)
            layers[index] = layer.reading(*sources)
    return adapted.with_layers([first, *layers])


def _wrong_layer(spec: ModelSpec, error: SpecError) -> Path | None:
    """The path of the layer that an error is about; it may lead on to one of its arguments."""
    paths = {path for path, _ in spec.walk()}
    path = tuple(error.path or ())
    return next((path[:n] for n in range(len(path), 0, -1) if path[:n] in paths), None)


def _moves(spec: ModelSpec, error: SpecError) -> Iterator[Repair]:
    """The wrong layer, or the block around it, moved within its list; or the last Flatten or
    Unflatten before it moved down. The nearest places come first."""
    path = _wrong_layer(spec, error)
    if path is None or edit.layer_at(spec, path).type in BLOCKS:  # it fits nowhere
        return
    if path == (len(spec.layers) - 1,) and spec.layers[-1].type == "Linear":
        return  # the end of a network is at its place
    for place in (path, *((path[:1],) if len(path) > 1 else ())):
        for by in (sign * places for places in range(1, _FARTHEST + 1) for sign in (-1, 1)):
            yield from _move(spec, place, by)
        for index in range(place[-1] - 1, -1, -1):
            before = (*place[:-1], index)
            if edit.layer_at(spec, before).type in ("Flatten", "Unflatten"):
                for by in range(place[-1] - index, place[-1] - index + _FARTHEST):
                    yield from _move(spec, before, by)
                break


def _move(spec: ModelSpec, path: Path, by: int) -> Iterator[Repair]:
    try:
        moved, place = edit.move(spec, path, by)
    except SpecError:  # before what it reads, say
        return
    layer = f"Move layer {path[-1] + 1}, {edit.layer_at(spec, path).type},"
    yield f"{layer} {'before' if by < 0 else 'after'} layer {place[-1] + 1}", moved


# ---- likely repairs of one layer ---------------------------------------------------------------


def _changes(layer: Layer, argument: str | None, shape: Shape, index: int) -> Iterator[Change]:
    name = f"layer {index + 1}"
    signature = find_signature(layer.type)
    if signature is None:
        models = list_whole_models() if "/" in layer.type else ()
        near = difflib.get_close_matches(layer.type, models, 3, 0.5)
        for word in near or nearest_names(layer.type, list_blocks()):
            yield f"Use {word}", [_retyped(layer, word)]
        yield f"Remove {name}, {layer.type}", []
        return
    by_name = {argument.name: argument for argument in signature.arguments}
    yield from _known_arguments(layer, by_name, shape)
    sizes = [name for name in INPUT_SIZES if name in layer.args]
    if "in_features" in sizes and len(shape) > 1:
        yield f"Insert Flatten before {name}", [Layer("Flatten"), layer]
    if "in_features" in sizes and len(shape) == 3:  # an image, not tokens
        inferred = [Layer("Flatten"), layer.without_args("in_features")]
        yield f"Insert Flatten before {name}, and infer in_features", inferred
    for size in sizes:
        yield f"Leave {size} to be inferred", [layer.without_args(size)]
    yield from _neighbours(layer, shape, name)
    if argument in by_name:
        yield from _other_values(layer, by_name[argument], shape)
    yield from _paddings(layer, name)
    yield f"Remove {name}, {layer.type}", []


def _retyped(layer: Layer, name: str) -> Layer:
    """The layer under another name, with the arguments that it takes there."""
    signature = find_signature(name)
    accepted = {argument.name for argument in signature.arguments}
    args = {key: value for key, value in layer.args.items() if key in accepted}
    for argument in signature.arguments:
        if argument.required and argument.name not in args and argument.name in USUAL:
            args[argument.name] = USUAL[argument.name]
    return Layer(name, args)


def _known_arguments(layer: Layer, by_name: dict[str, Argument], shape: Shape) -> Iterator[Change]:
    """Misspelt arguments renamed or left out, missing ones set."""
    unknown = [key for key in layer.args if key not in by_name]
    for key in unknown:
        unused = [name for name in by_name if name not in layer.args]
        near = difflib.get_close_matches(key, unused, 1)
        if near:
            args = {near[0] if k == key else k: value for k, value in layer.args.items()}
            yield f"Rename {key} to {near[0]}", [Layer(layer.type, args)]
        yield f"Remove {key}", [layer.without_args(key)]
    usual = fresh_layer(layer.type).args
    missing = {
        key: usual[key]
        for key, argument in by_name.items()
        if argument.required and key not in layer.args and key in usual
    }
    if "dim" in missing and len(shape) == 3 and by_name["dim"].annotation is not int:
        missing["dim"] = (2, 3)  # height and width
    if missing:
        changes = ", ".join(f"{key} to {value}" for key, value in missing.items())
        yield f"Set {changes}", [layer.with_args(**missing)]


def _neighbours(layer: Layer, shape: Shape, name: str) -> Iterator[Change]:
    """What another rank needs: a layer in between, or the layer's sister for this rank."""
    if layer.type[-2:] in ("1d", "2d", "3d") and len(shape) != int(layer.type[-2]) + 1:
        stem = layer.type[:-2]
        for sister in (f"{stem}{len(shape) - 1}d", f"{stem}1d", stem):
            if sister != layer.type and sister in list_layers():
                yield f"Use {sister}", [_retyped(layer, sister)]
    if layer.type in SEQUENCE_LAYERS and len(shape) in (1, 3):
        yield from _as_sequence(layer, shape, name)
    if len(shape) == 3 and layer.type in _OF_TOKENS:
        patches = Layer("Patches", {"patch_size": _divisor(shape[1:], 4), "dim": 64})
        yield f"Insert Patches before {name}", [patches, layer]
    if len(shape) == 1 and layer.type not in BLOCKS:
        side = round(shape[0] ** 0.5)
        if side * side == shape[0]:
            image = Layer("Unflatten", {"dim": 1, "unflattened_size": (1, side, side)})
            yield f"Insert Unflatten before {name}", [image, layer]


def _as_sequence(layer: Layer, shape: Shape, name: str) -> Iterator[Change]:
    """An image of one channel as its rows, of several as its pixels; a flat one as it was."""
    if len(shape) == 3 and shape[0] > 1:
        pixels = [Layer("Flatten", {"start_dim": 2}), Layer("Transpose", {"dim0": 1, "dim1": 2})]
        yield f"Insert Flatten and Transpose before {name}", [*pixels, layer]
        return
    side = round(shape[0] ** 0.5)
    flat = (side, side) if side * side == shape[0] else (1, shape[0])
    steps = shape[1:] if len(shape) == 3 else flat
    sizes = ", ".join(map(str, steps))
    label = f"Insert Reshape: {{shape: [{sizes}]}} before {name}"
    yield label, [Layer("Reshape", {"shape": steps}), layer]


def _other_values(layer: Layer, argument: Argument, shape: Shape) -> Iterator[Change]:
    """Other values of the argument that is wrong: a near word, the limit, a divisor, the size."""
    name, value = argument.name, layer.args.get(argument.name)
    values: list[Any] = []
    if argument.choices:
        values += difflib.get_close_matches(str(value).lower(), argument.choices, 1, 0.3)
    if argument.least is not None and type(value) is int and value < argument.least:
        values.append(argument.least)
    if type(value) is float and value == int(value):
        values.append(int(value))
    if name == "patch_size":
        values.append(_divisor(shape[1:], value if type(value) is int else 4))
    if name in ("heads", "num_heads", "nhead") and len(shape) == 2 and type(value) is int:
        values.append(_divisor(shape[1:], value))
    if name == "dim" and len(shape) == 3:
        values.append((2, 3))
    if name in ("dim", "dim0", "dim1", "start_dim"):
        values.append(1)
    if name == "shape":
        values.append((-1,))
    if name == "kernel_size" and len(shape) > 1:
        values.append(min(shape[1:]))
    if name == "times" and type(value) is int:
        values += [value - 1, value // 2, 1]
    if argument.required is False:
        values.append(argument.default)
    for new in values:
        changed = layer.with_args(**{name: new})
        if new is None or new == argument.default:
            changed = layer.without_args(name)
        yield f"Leave out {name}" if new is None else f"Set {name} to {new}", [changed]


def _paddings(layer: Layer, name: str) -> Iterator[Change]:
    """Sizes kept by padding (inside a block too), groups that divide, and a smaller window."""
    if "kernel_size" in layer.args and type(layer.args["kernel_size"]) is int:
        around = layer.args["kernel_size"] // 2
        yield f"Set padding to {around}", [layer.with_args(padding=around)]
    for groups in ("groups", "num_groups"):
        if groups in layer.args:
            yield f"Set {groups} to 1", [layer.with_args(**{groups: 1})]
    padded = layer.map(_padded)
    if padded != layer:
        yield f"Pad the convolutions of {name}", [padded]


def _padded(layer: Layer) -> Layer:
    """The layer with a padding that keeps the size, if its window is odd."""
    kernel = layer.args.get("kernel_size")
    odd = type(kernel) is int and kernel % 2 and layer.type not in BLOCKS
    return layer.with_args(padding=kernel // 2) if odd else layer


def _divisor(sizes: Sequence[int], target: int) -> int:
    """The number nearest to `target` that divides all `sizes`."""
    fitting = [n for n in range(1, min(sizes) + 1) if all(size % n == 0 for size in sizes)]
    return min(fitting, key=lambda n: (abs(n - target), n))


# ---- the end of a network ----------------------------------------------------------------------


def _ends(spec: ModelSpec, classes: int) -> Iterator[Repair]:
    """Ends that give `classes` values: the last Linear changed, Flatten inserted, a head added."""
    changed = spec.for_data(spec.input, classes)
    yield f"Let it end with {classes} values", changed
    linear = [index for index, layer in enumerate(changed.layers) if layer.type == "Linear"]
    if linear:
        flattened = edit.insert(changed, linear[-1:], "Flatten")
        yield f"Insert Flatten before layer {linear[-1] + 1}", flattened
    flat = len(sketch(spec).output_shape) == 1
    label = "Add a Linear head" if flat else "Add Flatten and a Linear head"
    yield label, spec.with_layers(_head(spec.layers, classes, flat))


def _head(layers: Sequence[Layer], classes: int, flat: bool = False) -> list[Layer]:
    linear = Layer("Linear", {"out_features": classes})
    return [*layers, *([] if flat else [Layer("Flatten")]), linear]
