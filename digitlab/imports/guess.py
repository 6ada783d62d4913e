"""What a state dict says of the network that it belongs to: a plausible list of layers.

Shapes tell the layers that have weights. What has none (activations, pooling, padding) is a guess:
ReLU after each, and of the usual paddings and poolings the first with which the sizes agree.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping
from itertools import product

from digitlab.errors import SpecError
from digitlab.models.build import summarize
from digitlab.models.layer import Layer
from digitlab.models.placement import Shape
from digitlab.models.spec import ModelSpec

MAX_MODULES = 40  # larger networks are no list of layers
_MAX_POOLINGS = 6  # convolutions after which pooling is tried
_GATES = {"LSTM": 4, "GRU": 3, "RNN": 1}


def guess_spec(shapes: Mapping[str, Shape]) -> ModelSpec | None:
    """A network whose weights have these names and shapes, in this order; None without any idea."""
    modules: dict[str, dict[str, Shape]] = defaultdict(dict)
    for key, shape in shapes.items():
        front, _, leaf = key.rpartition(".")
        modules[front][leaf] = shape
    if len(modules) > MAX_MODULES or not all(map(_is_known, modules.values())):
        return None
    for layers in _candidates(list(modules.values())):
        try:
            spec = ModelSpec(name="Guessed from its weights", layers=layers)
            if len(summarize(spec).output_shape) == 1:
                return spec
        except SpecError:
            continue
    return None


def _is_known(tensors: Mapping[str, Shape]) -> bool:
    weight = tensors.get("weight", tensors.get("weight_hh_l0"))
    return weight is not None and len(weight) in (1, 2, 4)


def _candidates(modules: list[Mapping[str, Shape]]) -> Iterator[list[Layer]]:
    convolutions = sum(len(m.get("weight", ())) == 4 for m in modules)
    pooled = product((True, False), repeat=min(convolutions, _MAX_POOLINGS))
    for pooling in pooled:
        for same_size in (True, False):
            for whole in (False, True):
                yield _layers(modules, pooling, same_size, whole)


def _layers(
    modules: list[Mapping[str, Shape]], pooling: tuple[bool, ...], same_size: bool, whole: bool
) -> list[Layer]:
    """Layers with these weights; `whole` averages the image away before the first Linear."""
    layers: list[Layer] = []
    seen, flat, pending = 0, False, False
    for tensors in modules:
        weight = tensors.get("weight", ())
        if len(weight) == 1:
            layers.append(_norm(weight[0], tensors, flat))
            continue
        layers += _between(pending, flat, pooling[seen - 1 : seen] == (True,))
        pending = True
        if len(weight) == 4:
            seen += 1
            layers.append(_convolution(weight, tensors, same_size))
        elif "weight_hh_l0" in tensors:
            layers.append(_recurrent(tensors))
            flat, pending = True, False
        else:
            if not flat:
                layers += [Layer("AdaptiveAvgPool2d", {"output_size": 1})] if whole else []
                layers.append(Layer("Flatten"))
                flat = True
            layers.append(Layer("Linear", {"out_features": weight[0], "in_features": weight[1],
                                           **_bias(tensors)}))  # fmt: skip
    return layers


def _between(pending: bool, flat: bool, pools: bool) -> list[Layer]:
    """What stands between two layers with weights."""
    if not pending:
        return []
    pool = [Layer("MaxPool2d", {"kernel_size": 2})] if pools and not flat else []
    return [Layer("ReLU"), *pool]


def _convolution(weight: Shape, tensors: Mapping[str, Shape], same_size: bool) -> Layer:
    outputs, inputs, height, width = weight
    kernel = height if height == width else (height, width)
    padding = (height // 2, width // 2) if same_size else 0
    padding = padding[0] if padding and height == width else padding
    args = {"out_channels": outputs, "kernel_size": kernel, "in_channels": inputs}
    return Layer("Conv2d", args | ({"padding": padding} if padding else {}) | _bias(tensors))


def _norm(size: int, tensors: Mapping[str, Shape], flat: bool) -> Layer:
    if "running_mean" in tensors:
        return Layer("BatchNorm1d" if flat else "BatchNorm2d")
    return Layer("LayerNorm") if flat else Layer("GroupNorm", {"num_groups": 1})


def _recurrent(tensors: Mapping[str, Shape]) -> Layer:
    gates, hidden = tensors["weight_hh_l0"]
    cell = next((name for name, n in _GATES.items() if gates == n * hidden), "LSTM")
    count = sum(key.startswith("weight_hh_l") and "reverse" not in key for key in tensors)
    args = {"hidden_size": hidden, "cell": cell, "num_layers": count}
    return Layer("Rows", args | {"bidirectional": "weight_hh_l0_reverse" in tensors})


def _bias(tensors: Mapping[str, Shape]) -> dict[str, bool]:
    return {} if "bias" in tensors else {"bias": False}
