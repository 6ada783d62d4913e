"""A list of layers as a graph: which layers each of them reads.

A layer reads the one before it, or those that its `sources` name. This module does not import
torch; `digitlab.models.network` is the network that runs such a list.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Collection, Sequence
from typing import Any

from digitlab.errors import SpecError
from digitlab.models.layer import INPUT, Layer, Path, under

REUSE = "Reuse"  # the layer type that runs an earlier layer again, with the same weights
WITHOUT_INPUT = ("Parameter", "Constant")  # layer types that read nothing
AT_INPUT = -1  # the index of what reaches the list

# Layer types whose output has the size that this argument says, wherever it is joined or passed on.
_SIZES = {"LSTM": "hidden_size", "GRU": "hidden_size", "RNN": "hidden_size"}
_LAST_GIVES_SIZE = ("MatMul", "ScaledDotProductAttention")  # not all that such a layer reads
_FIRST_GIVES_SIZE = ("MultiheadAttention",)
# Arguments that say an image's size, and layer types that give an image where they read one.
_IMAGE_SIZES = {"Linear": "out_features", "Unflatten": "unflattened_size", "Reshape": "shape"}
_KEEP_IMAGES = (
    *("Sigmoid", "Tanh", "ReLU", "LeakyReLU", "ELU", "GELU", "SiLU", "Hardtanh", "Hardsigmoid"),
    *("Identity", "Flatten", "Dropout", "BatchNorm2d", "Upsample", "Clamp", "Scale"),
)
_ADDS_SIZES = ("Concatenate", "Stack", "Einsum", "DenseBlock")  # no size alone is that of the sum

Reads = tuple[tuple[int, ...], ...]


def is_graph(layers: Sequence[Layer]) -> bool:
    """Whether the list is more than layers one after the other: names, sources, weights reused."""
    return any(
        layer.name or layer.sources or layer.type in (REUSE, *WITHOUT_INPUT) for layer in layers
    )


def resolve(layers: Sequence[Layer]) -> Reads:
    """For each layer the indices of those that it reads, `AT_INPUT` for the list's own input.

    Raises SpecError, whose path begins with the layer's index, for a name that is unknown, comes
    later or is taken twice, and for a layer that nothing reads. The message begins with a verb.
    """
    index_of: dict[str, int] = {INPUT: AT_INPUT}
    reads = []
    for index, layer in enumerate(layers):
        with under(index):
            reads.append(_reads(index, layer, index_of))
            _check_name(layer.name, index_of)
        if layer.name:
            index_of[layer.name] = index
    _check_all_read(layers, reads)
    return tuple(reads)


def reused(layers: Sequence[Layer], index: int) -> int | None:
    """The index of the layer whose weights the Reuse at `index` shares; None without one."""
    name = layers[index].args.get("layer")
    for earlier, layer in enumerate(layers[:index]):
        if layer.name and layer.name == name and layer.type not in (REUSE, *WITHOUT_INPUT):
            return earlier
    return None


def without_names(layers: Sequence[Layer]) -> list[Any]:
    """The layers' YAML form with numbers in place of names, equal for lists that differ in names.

    A list without names is written as it always is.
    """
    index_of = {layer.name: index for index, layer in enumerate(layers) if layer.name}
    return [_without_names(index, layer, index_of) for index, layer in enumerate(layers)]


def image_sizes(layers: Sequence[Layer], shape: Sequence[int]) -> list[tuple[int, str]]:
    """The layers, and their arguments, that make the output an image of `shape` (C, H, W).

    Empty where it is none, as far as the last layers say. Raises SpecError as `resolve` does.
    """
    reads, index = resolve(layers), len(layers) - 1
    sizes: list[tuple[int, str]] = []
    while index != AT_INPUT:
        layer = layers[index]
        name = _IMAGE_SIZES.get(layer.type, "out_channels")
        size, expected = layer.args.get(name), image_size(name, shape)
        if name == "shape" and size and -1 in size:
            size = expected
        if size == expected:
            sizes.append((index, name))
        elif size is not None or layer.type not in _KEEP_IMAGES:
            return []
        if size == expected and name in ("out_features", "out_channels"):
            return sizes
        index = reads[index][0] if reads[index] else AT_INPUT
    return []


def image_size(name: str, shape: Sequence[int]) -> Any:
    """The value of an argument from `image_sizes` for an image of `shape`."""
    if name == "out_channels":
        return shape[0]
    return math.prod(shape) if name == "out_features" else tuple(shape)


def output_sizes(layers: Sequence[Layer]) -> list[tuple[Path, str]]:
    """The layers, and their arguments, that say how many values the list gives.

    Those that lead to its end with none that has a size of its own in between: several where a
    join adds them up; none where they cannot be told. A gate of size 1 is left out. Raises
    SpecError as `resolve` does.
    """
    reads = resolve(layers)
    ends: list[tuple[Path, str]] = []
    visited: set[int] = set()
    queue = [len(layers) - 1]
    while queue:
        index = queue.pop()
        if index == AT_INPUT or index in visited:
            continue
        visited.add(index)
        layer = layers[index]
        sizes = _own_sizes(layer)
        if sizes is not None:
            ends += [((index, *path), name) for path, name in sizes]
        elif layer.type == REUSE:
            queue.append(AT_INPUT if (first := reused(layers, index)) is None else first)
        elif layer.type in _LAST_GIVES_SIZE:
            queue.append(reads[index][-1])
        else:
            queue += reads[index][:1] if layer.type in _FIRST_GIVES_SIZE else reads[index]
    gates = [size for size in ends if _value_at(layers, *size) == 1]
    return ends if len(gates) == len(ends) else [size for size in ends if size not in gates]


def _own_sizes(layer: Layer) -> list[tuple[Path, str]] | None:
    """Where in `layer` its size is said; [] where that cannot be told, None where it passes on
    the size of what it reads."""
    if "/" in layer.type:  # a whole model
        return [((), "num_classes")]
    if layer.type in _ADDS_SIZES or (
        layer.type == "Parallel" and layer.args.get("join", "concat") == "concat"
    ):
        return []
    inside = [((*steps, *path), name) for steps, inner in layer.lists
              for path, name in (output_sizes(inner) if inner else ())]  # fmt: skip
    if inside or layer.type in WITHOUT_INPUT:
        return inside
    names = ("out_features", "out_channels", _SIZES.get(layer.type, "out_features"))
    return next(([((), name)] for name in names if name in layer.args), None)


def _value_at(layers: Sequence[Layer], path: Path, name: str) -> Any:
    node: Any = layers
    for step in path:
        node = node.args[step] if isinstance(node, Layer) else node[step]
    return node.args.get(name)


def _reads(index: int, layer: Layer, index_of: dict[str, int]) -> tuple[int, ...]:
    if layer.type in WITHOUT_INPUT:
        if layer.sources:
            raise SpecError("reads no other layer; leave from out.", path=("from",))
        return ()
    for name in layer.sources:
        if name not in index_of:
            known = ", ".join(list(index_of)[-6:])
            raise SpecError(
                f"reads {name}, which is no earlier layer of this list; the names before it are "
                f"{known}.",
                path=("from",),
            )
    return tuple(index_of[name] for name in layer.sources) or (index - 1,)


def clash(name: str, other: str) -> bool:
    """Whether two layers cannot have these names: equal ones, or one the front of the other."""
    return name == other or name.startswith(f"{other}.") or other.startswith(f"{name}.")


def free_name(name: str, taken: Collection[str], first: int = 2) -> str:
    """`name`, or with a number from `first` on behind it, that clashes with none in `taken`."""
    numbered = (f"{name}_{number}" for number in itertools.count(first))
    names = itertools.chain([name], numbered)
    return next(name for name in names if not any(clash(name, other) for other in taken))


def _check_name(name: str, index_of: dict[str, int]) -> None:
    if not name:
        return
    if name in index_of:
        raise SpecError(f"is called {name} like an earlier layer; rename one.", path=("name",))
    for other in index_of:
        if clash(name, other):
            raise SpecError(
                f"is called {name}, but another layer is called {other}: a name cannot also be "
                f"the front of another. Rename one.",
                path=("name",),
            )


def _check_all_read(layers: Sequence[Layer], reads: Sequence[tuple[int, ...]]) -> None:
    read = {index for indices in reads for index in indices}
    reused_names = {layer.args.get("layer") for layer in layers if layer.type == REUSE}
    for index, layer in enumerate(layers[:-1]):
        if index not in read and not (layer.name and layer.name in reused_names):
            raise SpecError(
                "gives its output to no layer; name it in the from of another one, or remove it.",
                path=(index,),
            )


def _without_names(index: int, layer: Layer, index_of: dict[str, int]) -> Any:
    """`layer` with indices for the names in `index_of`; a name that is unknown stays."""
    data = layer.named("").reading().to_data()
    args: dict[str, Any] = {} if isinstance(data, str) else data[layer.type]
    sources = [index_of.get(name, name) for name in layer.sources]
    if sources and sources != [index - 1]:
        args["from"] = sources
    if layer.type == REUSE:
        args["layer"] = index_of.get(args.get("layer"), args.get("layer"))
    for name, lists in (("layers", without_names), ("branches", _branches_without_names)):
        if name in args:
            args[name] = lists(layer.args[name])
    return {layer.type: args} if args else layer.type


def _branches_without_names(branches: Sequence[Sequence[Layer]]) -> list[Any]:
    return [without_names(branch) for branch in branches]
