"""Normalisations over the batch, a layer, groups of channels or a vector's length."""

from __future__ import annotations

from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.tensor import Tensor


def _affine(layer: KerasLayer, x: Tensor, sizes: tuple[int, ...]) -> Tensor:
    """A learnt scale or shift alone, which torch's normalisations do not have."""
    for option, init, join in (("scale", "ones", "Multiply"), ("center", "zeros", "Add")):
        if layer[option]:
            part = "gamma" if option == "scale" else "beta"
            weight = layer.parameter(sizes, part, {"init": init})
            node = layer.trace.add(join, {}, x.node, weight.node)
            x = x.with_node(node, x.shape, x.layout)
    return x


def _normalise(
    layer: KerasLayer, x: Tensor, type: str, args: dict[str, Any], sizes: tuple[int, ...], no: str
) -> Tensor:
    """A normalisation with both weights, as torch has it, or without and with one of them.

    `no` is torch's argument that leaves the weights out, `sizes` are the weights' own.
    """
    both = bool(layer["center"]) and bool(layer["scale"])
    part = "" if both or not (layer["center"] or layer["scale"]) else "norm"
    args = args if both else {**args, no: False}
    x = x.with_node(layer.weights(type, args, x, part=part), x.shape, x.layout)
    return x if both else _affine(layer, x, sizes)


def _one_axis(layer: KerasLayer, x: Tensor) -> int:
    axis = layer["axis"]
    axis = axis[0] if isinstance(axis, list | tuple) and len(axis) == 1 else axis
    if type(axis) is not int:
        layer.refuse(f"normalises the axes {shown(axis)}; PyTorch normalises one")
    return x.axis(axis)


def _channels_front(layer: KerasLayer, value: Any) -> tuple[Tensor, int]:
    """The tensor with the axis that is normalised first, and its size."""
    x = layer.need(value, (1, 2, 3, 4), "a vector or an image")
    axis = _one_axis(layer, x)
    return x.arranged((axis, *(a for a in range(x.rank) if a != axis))), x.shape[axis]


def _batch_norm(layer: KerasLayer, value: Any) -> Tensor:
    x, channels = _channels_front(layer, value)
    args: dict[str, Any] = {"eps": layer.number("epsilon")}
    args["momentum"] = round(1 - layer.number("momentum"), 6)
    args = {name: value for name, value in args.items() if (name, value) not in _TORCHS_OWN}
    sides = max(x.rank - 1, 1)
    sizes = (channels, *(1 for _ in range(x.rank - 1)))
    return _normalise(layer, x, f"BatchNorm{sides}d", args, sizes, "affine")


_TORCHS_OWN = (("eps", 1e-5), ("momentum", 0.1))


def _layer_norm(layer: KerasLayer, value: Any) -> Tensor:
    x = layer.need(value, (), "")
    axes = layer["axis"]
    axes = sorted(x.axis(a) for a in (axes if isinstance(axes, list | tuple) else (axes,)))
    x = x.arranged((*(a for a in range(x.rank) if a not in axes), *axes))
    sizes = tuple(x.shape[axis] for axis in axes)
    args: dict[str, Any] = {"eps": layer.number("epsilon")}
    args = {} if args["eps"] == 1e-5 else args
    if len(axes) < x.rank:
        args = {"normalized_shape": sizes, **args}
    return _normalise(layer, x, "LayerNorm", args, sizes, "elementwise_affine")


def _rms_norm(layer: KerasLayer, value: Any) -> Tensor:
    x = layer.need(value, (), "")
    axis = _one_axis(layer, x)
    x = x.arranged((*(a for a in range(x.rank) if a != axis), axis))
    args: dict[str, Any] = {"eps": layer.number("epsilon")}
    args = {"normalized_shape": (x.shape[axis],), **args} if x.rank > 1 else args
    return x.with_node(layer.weights("RMSNorm", args, x), x.shape, x.layout)


def _group_norm(layer: KerasLayer, value: Any) -> Tensor:
    x, channels = _channels_front(layer, value)
    groups = channels if layer["groups"] == -1 else layer.whole("groups")
    if channels % groups:
        layer.refuse(f"splits {channels} channels into {groups} groups, unevenly")
    args = {"num_groups": groups, "eps": layer.number("epsilon")}
    sizes = (channels, *(1 for _ in range(x.rank - 1)))
    return _normalise(layer, x, "GroupNorm", args, sizes, "affine")


def _unit_norm(layer: KerasLayer, value: Any) -> Tensor:
    x = layer.need(value, (), "").natural
    return x.apply("Normalize", dim=x.dim(_one_axis(layer, x)))


def _spectral(layer: KerasLayer, value: Any) -> Any:
    layer.trace.note(f"SpectralNormalization {layer.place} is left out; its layer stays.")
    return layer["layer"](value)


KINDS = (
    Kind("BatchNormalization", "axis=-1 momentum=0.99 epsilon=0.001 center=True scale=True "
         "beta_initializer=None gamma_initializer=None moving_mean_initializer=None "
         "moving_variance_initializer=None renorm=False fused=None virtual_batch_size=None "
         "synchronized=False",
         _batch_norm),
    Kind("LayerNormalization", "axis=-1 epsilon=0.001 center=True scale=True", _layer_norm),
    Kind("RMSNormalization", "axis=-1 epsilon=1e-06", _rms_norm),
    Kind("GroupNormalization", "groups=32 axis=-1 epsilon=0.001 center=True scale=True",
         _group_norm),
    Kind("UnitNormalization", "axis=-1", _unit_norm),
    Kind("SpectralNormalization", "layer power_iterations=1", _spectral),
)  # fmt: skip
