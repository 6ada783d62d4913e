"""Blocks that put layers together: around them a shortcut, beside each other, several times."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument
from digitlab.models.blocks.block import LAYERS, Block, check_not_empty, check_times
from digitlab.models.layer import Layer
from digitlab.models.layers import place_layer
from digitlab.models.placement import Part, Placement, Shape, written

# ---- Residual ----------------------------------------------------------------------------------


class ResidualBlock(nn.Module):
    """`layers(x) + shortcut(x)` (He et al. 2015, "Deep Residual Learning"), [N, …] → [N, …]."""

    def __init__(self, layers: nn.Sequential, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) + self.shortcut(x)


def _residual(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    check_not_empty(args["layers"], placement)
    inner = placement.chain(args["layers"], shape, "layers", key="layers")
    if inner.output_shape == shape:
        return Part(ResidualBlock(inner.module, nn.Identity()), shape, inner.rows)
    projection = _projection(shape, inner.output_shape, placement)
    shortcut = place_layer(projection, shape, placement.inside("shortcut", shape))
    module = ResidualBlock(inner.module, shortcut.module)
    return Part(module, inner.output_shape, (*inner.rows, *shortcut.rows))


def _projection(shape: Shape, target: Shape, placement: Placement) -> Layer:
    """The cheapest linear map from `shape` to `target`: a 1×1 convolution, or a Linear."""
    if len(shape) == len(target) == 1:
        return Layer("Linear", {"out_features": target[0], "bias": False})
    # a stride s leaves ceil(side / s), so ceil(side / goal) is the only one that may reach the goal
    stride = tuple(-(-side // goal) for side, goal in zip(shape[1:], target[1:], strict=False))
    reached = tuple(-(-side // step) for side, step in zip(shape[1:], stride, strict=False))
    if len(shape) != len(target) or reached != target[1:] or len(shape) > 4:
        raise placement.error(
            f"adds its input, {written(shape)}, to what its layers give, {written(target)}, and no "
            f"1×1 convolution maps one to the other; keep the size (padding), or halve it."
        )
    args = {"out_channels": target[0], "kernel_size": 1, "stride": stride, "bias": False}
    return Layer(f"Conv{len(shape) - 1}d", args)


# ---- Parallel ----------------------------------------------------------------------------------


class ParallelBlock(nn.Module):
    """The same input through several branches, joined (Szegedy et al. 2014), [N, …] → [N, …]."""

    def __init__(self, branches: list[nn.Sequential], join: str) -> None:
        super().__init__()
        self.branches = nn.ModuleList(branches)
        self.join = join

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        outputs = [branch(x) for branch in self.branches]
        if self.join == "concat":
            return torch.cat(outputs, dim=1)
        total = outputs[0]
        for output in outputs[1:]:
            total = total * output if self.join == "product" else total + output
        return total / len(outputs) if self.join == "mean" else total

    def extra_repr(self) -> str:
        return f"join={self.join!r}"


def _parallel(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    join = args.get("join", "concat")
    branches = args["branches"]
    if len(branches) < 2:
        raise placement.error("needs at least two branches; an empty one, [], passes its input on.")
    parts = [
        placement.chain(branch, shape, "branches", i, key=f"branches.{i}", note=f"branch {i + 1}")
        for i, branch in enumerate(branches)
    ]
    output_shape = _joined([part.output_shape for part in parts], join, placement)
    module = ParallelBlock([part.module for part in parts], join)
    return Part(module, output_shape, tuple(row for part in parts for row in part.rows))


def _joined(shapes: list[Shape], join: str, placement: Placement) -> Shape:
    concat = join == "concat"
    alike = {shape[1:] if concat else shape for shape in shapes}
    ranks = {len(shape) for shape in shapes}
    if len(alike) > 1 or len(ranks) > 1:
        rule = "the same size but for the channels" if concat else "the same shape"
        outputs = ", ".join(written(shape) for shape in shapes)
        raise placement.error(
            f"joins its branches by {join}, so they must give {rule}; they give {outputs}. "
            f"Use padding or the same strides in each.",
            argument="branches",
        )
    return (sum(shape[0] for shape in shapes), *shapes[0][1:]) if concat else shapes[0]


# ---- Repeat ------------------------------------------------------------------------------------


def _repeat(args: Mapping[str, Any], shape: Shape, placement: Placement) -> Part:
    check_not_empty(args["layers"], placement)
    check_times(args, "times", placement)
    module, rows = nn.Sequential(), []
    for turn in range(args["times"]):
        note = f"repetition {turn + 1}"
        part = placement.chain(args["layers"], shape, "layers", key=str(turn), note=note)
        module.append(part.module)
        rows += part.rows
        shape = part.output_shape
    return Part(module, shape, tuple(rows))


COMPOSITION = (
    Block(
        "Residual",
        "Adds its input to the output of its layers; where shapes differ, a 1×1 convolution (or "
        "Linear) adapts the input.",
        (LAYERS,),
        _residual,
    ),
    Block(
        "Parallel",
        "Passes its input through several branches and combines their outputs.",
        (
            Argument(
                "branches",
                tuple[tuple[Layer, ...], ...],
                required=True,
                words="a list of lists of layers",
            ),
            Argument("join", str, default="concat", choices=("concat", "sum", "mean", "product")),
        ),
        _parallel,
    ),
    Block(
        "Repeat",
        "Repeats its layers, each time with weights of their own.",
        (Argument("times", int, required=True, least=1), LAYERS),
        _repeat,
    ),
)
