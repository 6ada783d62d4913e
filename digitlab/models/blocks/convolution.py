"""Blocks of convolutions: dense concatenation, channel gates, depthwise separable convolution."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument
from digitlab.models.blocks.block import (
    LAYERS,
    Block,
    check_not_empty,
    check_times,
    whole,
)
from digitlab.models.layer import Layer
from digitlab.models.layers import place_layer
from digitlab.models.placement import Part, Placement, Shape, written

# ---- DenseBlock --------------------------------------------------------------------------------


class DenseBlock(nn.Module):
    """x ← [x, step(x)] along the channels, step after step (Huang et al. 2016, "DenseNet")."""

    def __init__(self, steps: list[nn.Module]) -> None:
        super().__init__()
        self.steps = nn.ModuleList(steps)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        for step in self.steps:
            x = torch.cat([x, step(x)], dim=1)
        return x


def _dense(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    times = check_times(args, "times", placement)
    layers = _dense_layers(args, shape, placement)
    steps, rows = [], []
    for turn in range(times):
        note = f"step {turn + 1}"
        part = placement.chain(layers, shape, "layers", key=f"steps.{turn}", note=note)
        output_shape = part.output_shape
        if len(output_shape) != len(shape) or output_shape[1:] != shape[1:]:
            raise placement.error(
                f"concatenates the output of its layers, {written(output_shape)}, with their "
                f"input, {written(shape)}, so both need the same size except for the channels; use "
                f"padding and no stride inside."
            )
        steps.append(part.module)
        rows += part.rows
        shape = (shape[0] + output_shape[0], *shape[1:])
        placement.check_values(shape)
    return Part(DenseBlock(steps), shape, tuple(rows))


def _dense_layers(args: Mapping[str, Any], shape: Shape, placement: Placement) -> tuple[Layer, ...]:
    """The layers of one step: those given, or DenseNet's own for this rank."""
    if ("layers" in args) == ("growth" in args):
        raise placement.error(
            "needs either growth, the channels that each step adds, or layers of your own."
        )
    if "layers" in args:
        check_not_empty(args["layers"], placement)
        return args["layers"]
    growth, rank = args["growth"], len(shape) - 1
    if rank == 0:
        return (Layer("Linear", {"out_features": growth}), Layer("ReLU"))
    _check_channels(shape, placement)
    convolution = {"out_channels": growth, "kernel_size": 3, "padding": 1, "bias": False}
    return Layer(f"BatchNorm{rank}d"), Layer("ReLU"), Layer(f"Conv{rank}d", convolution)


# ---- SqueezeExcite -----------------------------------------------------------------------------


class SqueezeExcite(nn.Module):
    """Each channel times a gate found from the means of all (Hu et al. 2017), [N, C, …]."""

    def __init__(self, channels: int, hidden: int) -> None:
        super().__init__()
        self.channels, self.hidden = channels, hidden
        self.squeeze = nn.Linear(channels, hidden)
        self.excite = nn.Linear(hidden, channels)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        gate = torch.relu(self.squeeze(x.flatten(2).mean(2)))
        gate = torch.sigmoid(self.excite(gate))
        return x * gate.view(*gate.shape, *[1] * (x.dim() - 2))


def _squeeze_excite(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    _check_channels(shape, placement)
    hidden = max(1, shape[0] // args.get("reduction", 4))
    return whole(lambda: SqueezeExcite(shape[0], hidden), shape, placement)


# ---- DepthwiseSeparable ------------------------------------------------------------------------


def _depthwise_separable(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    _check_channels(shape, placement)
    kernel, bias = args.get("kernel_size", 3), args.get("bias", True)
    around = tuple(k // 2 for k in kernel) if isinstance(kernel, tuple) else kernel // 2
    depthwise = {
        "out_channels": shape[0],
        "kernel_size": kernel,
        "stride": args.get("stride", 1),
        "padding": args.get("padding", around),
        "groups": shape[0],
        "bias": bias,
    }
    pointwise = {"out_channels": args["out_channels"], "kernel_size": 1, "bias": bias}
    module, rows = nn.Sequential(), []
    for name, layer_args in (("depthwise", depthwise), ("pointwise", pointwise)):
        layer = Layer(f"Conv{len(shape) - 1}d", layer_args)
        part = place_layer(layer, shape, placement.inside(name, shape))
        module.add_module(name, part.module)
        rows += part.rows
        shape = part.output_shape
    return Part(module, shape, tuple(rows))


def _check_channels(shape: Shape, placement: Placement) -> None:
    if not 2 <= len(shape) <= 4:
        raise placement.error(
            f"needs [channels, height, width], but {written(shape)} reaches it; put it before "
            f"Flatten."
        )


_WINDOW = int | tuple[int, int]

CONVOLUTION = (
    Block(
        "DenseBlock",
        "Each step computes new channels from all channels before it and keeps those too "
        "(DenseNet). A step is BatchNorm, ReLU and a 3×3 convolution, or layers of your own.",
        (
            Argument("times", int, required=True, least=1),
            Argument("growth", int, least=1),
            Argument(LAYERS.name, LAYERS.annotation, words=LAYERS.words),
        ),
        _dense,
    ),
    Block(
        "SqueezeExcite",
        "Multiplies each channel by a weight from 0 to 1, computed from the means of all channels.",
        (Argument("reduction", int, default=4, least=1),),
        _squeeze_excite,
    ),
    Block(
        "DepthwiseSeparable",
        "A convolution in two cheap steps: each channel on its own, then 1×1 across channels "
        "(MobileNet). Padding keeps the size unless it is given.",
        (
            Argument("out_channels", int, required=True, least=1),
            Argument("kernel_size", _WINDOW, default=3, least=1),
            Argument("stride", _WINDOW, default=1, least=1),
            Argument("padding", _WINDOW, default=None, inferred=True, least=0),
            Argument("bias", bool, default=True),
        ),
        _depthwise_separable,
    ),
)
