"""Shape checks: whether a layer can take the shape that reaches it, and in words why not."""

from __future__ import annotations

import math
import re
from typing import Any

from digitlab.models.layer import Layer
from digitlab.models.placement import Placement, Shape, written

_AXES = {
    1: "[features]",
    2: "[channels, length]",
    3: "[channels, height, width]",
    4: "[channels, depth, height, width]",
}
# Ranks, without the batch, that a layer takes where its name does not end with them, as in Conv2d.
_RANKS = {
    "BatchNorm1d": (1, 2),
    "ChannelShuffle": (2, 3, 4),
    "Fold": (2,),
    "LocalResponseNorm": (2, 3, 4),
    "PixelShuffle": (3,),
    "PixelUnshuffle": (3,),
    "Unfold": (3,),
    "Upsample": (2, 3, 4),
}


def check_shape(layer: Layer, shape: Shape, placement: Placement) -> None:
    """Raise SpecError where `layer` (arguments checked) cannot take `shape` (without batch).

    torch would take some of these and mean something else: a Conv1d that is given [N, 784] reads
    N channels.
    """
    ranks = _ranks(layer.type)
    if ranks and len(shape) not in ranks:
        needs = " or ".join(_AXES[rank] for rank in ranks)
        arrives = f"{'a flat ' if len(shape) == 1 else ''}{written(shape)} reaches it"
        raise placement.error(f"needs {needs}, but {arrives}; {_rank_fix(layer.type, shape)}.")
    _check_dims(layer, shape, placement)
    _check_window(layer, shape, placement)


def explain(args: dict[str, Any], shape: Shape, error: Exception) -> str:
    """What a person should know when torch refuses a layer for a shape (a message's end)."""
    groups = args.get("groups") or args.get("num_groups")
    if isinstance(groups, int) and (shape[0] % groups or args.get("out_channels", groups) % groups):
        return (
            f"splits channels into {groups} groups, but {written(shape)} reaches it: choose "
            f"a number that divides {shape[0]} and its out_channels."
        )
    if "more than 1 " in str(error):
        return (
            f"would normalise single values of the {written(shape)} that reaches it, which leaves "
            f"nothing of them; use fewer groups, keep running statistics, or put it where the "
            f"image is larger."
        )
    reason = re.sub(r"\s+", " ", str(error)).strip().rstrip(".")
    reason = reason if len(reason) <= 160 else f"{reason[:160]}…"
    return (
        f"cannot take the {written(shape)} that reaches it with these arguments "
        f"(torch: {reason or type(error).__name__}); change them or the layers before it."
    )


def _ranks(name: str) -> tuple[int, ...]:
    if name in _RANKS:
        return _RANKS[name]
    digit = re.search(r"([123])d$", name)
    return (int(digit.group(1)) + 1,) if digit else ()


def _rank_fix(name: str, shape: Shape) -> str:
    if name == "BatchNorm1d" or (name == "Dropout1d" and len(shape) == 1):
        return f"use {name[:-2]}{len(shape) - 1}d" if len(shape) > 1 else "use Dropout"
    if len(shape) == 1:
        plain = {"Dropout2d": "Dropout", "Dropout3d": "Dropout"} | {
            f"BatchNorm{n}d": "BatchNorm1d" for n in (2, 3)
        }
        if name in plain:
            return f"use {plain[name]} for a flat shape, or put it before Flatten"
        return f"put it before Flatten, or insert {_unflatten(name, shape[0])} before it"
    if re.search(r"[123]d$", name) and len(shape) in (2, 3, 4):
        return f"use {name[:-2]}{len(shape) - 1}d"
    return "move it to another position among the layers"


def _unflatten(name: str, size: int) -> str:
    """The Unflatten that makes [channels, …] of a flat size again; a square image where it can."""
    axes = _ranks(name)[0]
    side = math.isqrt(size)
    sizes = [1, side, side] if axes == 3 and side**2 == size else [size, *[1] * (axes - 1)]
    return f"Unflatten: {{dim: 1, unflattened_size: {[1, size] if axes == 2 else sizes}}}"


def _check_dims(layer: Layer, shape: Shape, placement: Placement) -> None:
    """Dimension 0 is the images of a batch: a layer that mixes or merges them is refused."""
    rank = len(shape) + 1
    for name in ("dim", "start_dim", "end_dim"):
        dim = layer.args.get(name)
        if dim is None:
            continue
        if not -rank < dim < rank or dim % rank == 0:
            raise placement.error(
                f"takes a {name} from 1 to {rank - 1}, or from -{rank - 1} to -1, where "
                f"{written(shape)} reaches it (0 is the images of a batch); not {dim}.",
                argument=name,
            )


def _check_window(layer: Layer, shape: Shape, placement: Placement) -> None:
    kernel = layer.args.get("kernel_size")
    if kernel is None or layer.type.startswith("ConvTranspose") or layer.type == "Fold":
        return
    sides = shape[1:]
    window = _spread(kernel, len(sides))
    dilation = _spread(layer.args.get("dilation", 1), len(sides))
    padding = layer.args.get("padding", 0)
    if padding == "same":
        return
    around = _spread(0 if isinstance(padding, str) else padding, len(sides))
    if not len(window) == len(dilation) == len(around) == len(sides):
        return  # torch says what it wants
    reach = tuple(d * (k - 1) + 1 for k, d in zip(window, dilation, strict=True))
    if any(r > side + 2 * pad for r, side, pad in zip(reach, sides, around, strict=True)):
        raise placement.error(
            f"has a window of {written(reach)}, larger than the {written(sides)} that reach it "
            f"(shape {written(shape)}); use padding or a smaller kernel_size, or shrink the image "
            f"less before it.",
            argument="kernel_size",
        )


def _spread(value: Any, count: int) -> tuple[int, ...]:
    return value if isinstance(value, tuple) else (value,) * count
