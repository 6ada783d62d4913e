"""Weights of Keras as PyTorch's: found in the file by the config's layers, turned to torch's order.

Keras keeps convolutions as [height, width, in, out] and Dense as [in, out]; its recurrent layers
order their gates otherwise. Keras 3 calls a layer's arrays by the class of the layer and a count,
Keras 2 by the layer's name.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from digitlab.errors import NetworkFileError
from digitlab.models.layer import Layer
from digitlab.models.paste.keras.config import KerasParts

Arrays = Mapping[str, np.ndarray]
# The order of the arrays in a layer that has others inside.
_INSIDE = ("forward_layer", "backward_layer", "query_dense", "key_dense", "value_dense",
           "output_dense", "cell", "layer")  # fmt: skip
_GATES = {"LSTM": (0, 1, 2, 3), "GRU": (1, 0, 2), "RNN": (0,)}  # torch's among Keras's


def torch_weights(
    config: Mapping[str, Any],
    arrays: Arrays,
    names: Mapping[str, Sequence[str]],
    parts: Sequence[KerasParts],
    layers: Sequence[Layer],
) -> dict[str, np.ndarray]:
    """The weights of the network `layers` by their keys.

    `arrays` are the file's by their place, `names` those of each layer as Keras 2 orders them, and
    `parts` say what each layer of the config became. Raises NetworkFileError.
    """
    places = dict(_places(config, (), "layers"))
    by_name = {layer.name: layer for layer in layers if layer.name}
    weights: dict[str, np.ndarray] = {}
    for part in parts:
        layer_arrays = _arrays_of(part.path, arrays, names, places)
        if not layer_arrays:
            raise NetworkFileError(f"The file has no weights for {'/'.join(part.path)[:80]}.")
        try:
            weights |= _convert(part, layer_arrays, by_name)
        except (ValueError, IndexError, KeyError) as e:
            raise NetworkFileError(
                f"The weights of {'/'.join(part.path)[:80]} ({part.type}) do not fit it."
            ) from e
    return weights


def _places(
    config: Mapping[str, Any], path: tuple[str, ...], place: str
) -> Iterator[tuple[tuple[str, ...], str]]:
    """Where Keras 3 puts each layer's arrays, by the layer's path of names."""
    inner = config.get("config", {})
    layers = inner if isinstance(inner, list) else inner.get("layers", [])
    count: Counter[str] = Counter()
    for layer in layers:
        kind = snake(layer["class_name"])
        own = f"{place}/{kind}" + (f"_{count[kind]}" if count[kind] else "")
        count[kind] += 1
        inside = layer.get("config", {})
        name = layer.get("name") or (inside.get("name", "") if isinstance(inside, dict) else "")
        yield (*path, name), own
        if isinstance(inside, list) or "layers" in inside:
            yield from _places(layer, (*path, name), f"{own}/layers")


def snake(name: str) -> str:
    """A class's name as Keras writes it in files: MaxPooling2D is max_pooling2d."""
    name = re.sub(r"(.)([A-Z][a-z]+)", r"\1_\2", re.sub(r"\W+", "", name))
    return re.sub(r"([a-z])([A-Z])", r"\1_\2", name).lower()


def _arrays_of(
    path: tuple[str, ...],
    arrays: Arrays,
    names: Mapping[str, Sequence[str]],
    places: Mapping[tuple[str, ...], str],
) -> list[np.ndarray]:
    """The arrays of the layer at `path`, in Keras's order."""
    if names:
        own = [
            name for name in names.get(path[0], ()) if len(path) == 1 or path[-1] in _steps(name)
        ]
        return [array for name in own if (array := _named(arrays, name)) is not None]
    front = places.get(path, "") + "/"
    return [arrays[key] for key in sorted((k for k in arrays if k.startswith(front)), key=_order)]


def _steps(name: str) -> list[str]:
    return name.split("/")[:-1]


def _named(arrays: Arrays, name: str) -> np.ndarray | None:
    return arrays.get(name, arrays.get(name.partition(":")[0]))


def _order(place: str) -> tuple[Any, ...]:
    """Sorts the arrays of a layer: those of inner layers in Keras's order, then by number."""
    *steps, last = place.split("/")
    ranks = tuple(_INSIDE.index(step) for step in steps if step in _INSIDE)
    return (ranks, int(last) if last.isdecimal() else 0, place)


def _convert(
    part: KerasParts, arrays: list[np.ndarray], by_name: Mapping[str, Layer]
) -> dict[str, np.ndarray]:
    """torch's weights by key of all layers that a layer of Keras became."""
    if "query" in part.layers:
        return _projections(part, arrays)
    if part.type.startswith("Separable"):
        depthwise, *rest = arrays
        first, second = part.layers["depthwise"], part.layers["pointwise"]
        return {
            f"{first}.weight": _depthwise(depthwise),
            **_front(second, _weight_and_bias(_convolution, rest)),
        }
    if "gamma" in part.layers or "beta" in part.layers:
        return _half_normalisation(part, arrays)
    (name,) = part.layers.values()
    layer = by_name[name]
    if layer.type == "Parameter":
        return {name: arrays[0].reshape(layer.args["shape"])}
    return _front(name, _of_layer(layer, part, arrays))


def _front(name: str, weights: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    return {f"{name}.{leaf}": array for leaf, array in weights.items()}


def _of_layer(layer: Layer, part: KerasParts, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    kind = layer.type
    if kind == "Linear":
        return _weight_and_bias(np.transpose, arrays)
    if kind.startswith("ConvTranspose"):
        return _weight_and_bias(_convolution, arrays)  # [height, width, out, in] there
    if kind.startswith("Conv"):
        turn = _depthwise if part.type.startswith("Depthwise") else _convolution
        return _weight_and_bias(turn, arrays)
    if kind.startswith("BatchNorm"):
        names = ["weight", "bias"] if layer.args.get("affine", True) else []
        return dict(zip([*names, "running_mean", "running_var"], arrays, strict=True))
    if kind in _GATES:
        return _recurrent(layer, part, arrays)
    if kind == "MultiheadAttention":
        return _attention(arrays, bool(layer.args.get("bias", True)))
    if kind == "PReLU":
        return {"weight": arrays[0].reshape(-1)}
    return dict(zip(("weight", "bias"), arrays, strict=False))


def _weight_and_bias(
    turn: Callable[[np.ndarray], np.ndarray], arrays: Sequence[np.ndarray]
) -> dict[str, np.ndarray]:
    weight, *bias = arrays
    return {"weight": turn(weight), **({"bias": bias[0]} if bias else {})}


def _convolution(kernel: np.ndarray) -> np.ndarray:
    """[*sides, in, out] → [out, in, *sides]."""
    return np.moveaxis(kernel, (-1, -2), (0, 1))


def _depthwise(kernel: np.ndarray) -> np.ndarray:
    """[*sides, channels, multiplier] → [channels · multiplier, 1, *sides]."""
    moved = np.moveaxis(kernel, (-2, -1), (0, 1))
    return moved.reshape(-1, 1, *kernel.shape[:-2])


def _recurrent(layer: Layer, part: KerasParts, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    options = part.options
    cell = options.get("layer", options.get("cell"))
    inner = getattr(cell, "options", {}) if cell is not None else {}
    if layer.type == "GRU" and not {**options, **inner}.get("reset_after", True):
        raise NetworkFileError(
            f"{'/'.join(part.path)[:80]} is a GRU with reset_after=False, which PyTorch computes "
            "otherwise: its weights cannot be used. Train it with reset_after=True."
        )
    directions = 2 if layer.args.get("bidirectional") else 1
    size = len(arrays) // directions
    weights: dict[str, np.ndarray] = {}
    for direction, end in enumerate(("_l0", "_l0_reverse")[:directions]):
        kernel, recurrent, *bias = arrays[direction * size : (direction + 1) * size]
        weights[f"weight_ih{end}"] = _gates(layer.type, kernel.T)
        weights[f"weight_hh{end}"] = _gates(layer.type, recurrent.T)
        if bias:
            first, *second = bias[0] if bias[0].ndim == 2 else [bias[0]]
            weights[f"bias_ih{end}"] = _gates(layer.type, first)
            zeros = np.zeros_like(first)
            weights[f"bias_hh{end}"] = _gates(layer.type, second[0] if second else zeros)
    return weights


def _gates(cell: str, array: np.ndarray) -> np.ndarray:
    gates = array.reshape(len(_GATES[cell]), -1, *array.shape[1:])
    return gates[list(_GATES[cell])].reshape(array.shape)


def _attention(arrays: Sequence[np.ndarray], bias: bool) -> dict[str, np.ndarray]:
    """Queries, keys, values [features, heads, size] and the output [heads, size, features]."""
    kernels, biases = (arrays[::2], arrays[1::2]) if bias else (arrays, ())
    *three, last = kernels
    weights = {
        "in_proj_weight": np.concatenate([k.reshape(len(k), -1).T for k in three]),
        "out_proj.weight": last.reshape(-1, last.shape[-1]).T,
    }
    if bias:
        *three, last = biases
        weights["in_proj_bias"] = np.concatenate([b.reshape(-1) for b in three])
        weights["out_proj.bias"] = last
    return weights


def _projections(part: KerasParts, arrays: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
    """The four Linear of an attention that torch's has not."""
    size = len(arrays) // 4
    weights = {}
    for index, name in enumerate(("query", "key", "value", "output")):
        kernel, *bias = arrays[index * size : (index + 1) * size]
        inputs = kernel.shape[0] if name != "output" else kernel.shape[0] * kernel.shape[1]
        weights[f"{part.layers[name]}.weight"] = kernel.reshape(inputs, -1).T
        if bias:
            weights[f"{part.layers[name]}.bias"] = bias[0].reshape(-1)
    return weights


def _half_normalisation(part: KerasParts, arrays: list[np.ndarray]) -> dict[str, np.ndarray]:
    """A normalisation with a scale or a shift alone, each a Parameter."""
    own = [p for p in ("gamma", "beta") if p in part.layers]
    weights = {part.layers[p]: array for p, array in zip(own, arrays, strict=False)}
    rest = arrays[len(own) :]
    if rest:
        front = part.layers["norm"]
        weights |= {f"{front}.running_mean": rest[0], f"{front}.running_var": rest[1]}
    return weights


# ---- weights without a config -------------------------------------------------------------------


def loose_weights(arrays: Arrays, names: Mapping[str, Sequence[str]]) -> dict[str, np.ndarray]:
    """The arrays of a file as torch's, layer by layer, to be fitted to an architecture.

    `names` are those of each layer where Keras 2 wrote the file.
    """
    if names:
        listed = {
            layer: [array for name in own if (array := _named(arrays, name)) is not None]
            for layer, own in names.items()
        }
        fronts = {layer: re.sub(r"\W", "_", layer) for layer, values in listed.items() if values}
        loose = [_front(front, _loose(front, listed[layer])) for layer, front in fronts.items()]
        return {key: array for weights in loose for key, array in weights.items()}
    groups: dict[str, list[str]] = {}
    for key in sorted(arrays, key=lambda key: (_natural(key.split("/vars/")[0]), _order(key))):
        groups.setdefault(re.sub(r"/(cell/)?vars/\d+$", "", key), []).append(key)
    weights = {}
    for front, keys in groups.items():
        values = [arrays[key] for key in keys]
        name = front.removeprefix("layers/").replace("/layers/", ".").replace("/", ".")
        weights |= _front(name or "layer", _loose(name, values))
    return weights


def _natural(key: str) -> list[tuple[int, str]]:
    return [(int(p), "") if p.isdecimal() else (-1, p) for p in re.split(r"(\d+)$|_(?=\d+)|/", key)
            if p]  # fmt: skip


def _loose(name: str, values: list[np.ndarray]) -> dict[str, np.ndarray]:
    kind = name.rpartition(".")[2]
    for cell, keras in (("LSTM", "lstm"), ("GRU", "gru"), ("RNN", "simple_rnn")):
        if kind.startswith(keras):
            part = KerasParts((name,), keras, {}, {"": name})
            return _recurrent(Layer(cell, {"hidden_size": 1}), part, values)
    if values[0].ndim == 1:
        names = ("weight", "bias", "running_mean", "running_var")
        return dict(zip(names, values, strict=False))
    turn = _depthwise if kind.startswith("depthwise") else _convolution
    return _weight_and_bias(turn if values[0].ndim > 2 else np.transpose, values)
