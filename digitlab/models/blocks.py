"""Blocks: layers that hold layers. Each is one entry of `BLOCKS` and nests freely in the others.

A block is a name, what it is about, its arguments, and one function that is given the checked
arguments, the shape that arrives and a Site, puts its inner layers by `site.chain`, and returns
the module with the shape it gives. To add one, write that function and its entry.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument, LayerSignature, check_arguments
from digitlab.models.entry import Layer
from digitlab.models.layers import place_layer
from digitlab.models.site import Part, Row, Shape, Site, join_key, written

MAX_TIMES = 100


@dataclass(frozen=True)
class Block:
    """What the spec calls `name`; `assemble` makes it from (arguments, arriving shape, site)."""

    name: str
    about: str
    arguments: tuple[Argument, ...]
    assemble: Callable[[Mapping[str, Any], Shape, Site], Part]


def list_blocks() -> tuple[str, ...]:
    """The names of all blocks."""
    return tuple(BLOCKS)


def block_signature(name: str) -> LayerSignature:
    """What a block takes. Raises KeyError for a name that `list_blocks` does not have."""
    block = BLOCKS[name]
    return LayerSignature(block.name, "block", block.about, block.arguments)


def place_block(layer: Layer, shape: Shape, site: Site) -> Part:
    """Make a block and all inside it; its own row comes first and counts what is under it."""
    block = BLOCKS[layer.type]
    check_arguments(layer.args, block.arguments, site)
    part = block.assemble(layer.args, shape, site)
    plain = {k: len(v) if k == "branches" else v for k, v in layer.args.items() if k != "layers"}
    row = Row(
        path=site.path,
        key=site.key,
        depth=site.depth,
        label=layer.type,
        kind="block",
        arguments=", ".join(f"{name}={value}" for name, value in plain.items()),
        input_shape=shape,
        output_shape=part.output_shape,
        parameters=sum(parameter.numel() for parameter in part.module.parameters()),
        operations=sum(r.operations for r in part.rows if r.depth == site.depth + 1),
    )
    return Part(part.module, part.output_shape, (row, *part.rows))


# ---- Residual ----------------------------------------------------------------------------------


class ResidualBlock(nn.Module):
    """`layers(x) + shortcut(x)` (He et al. 2015, "Deep Residual Learning"), [N, …] → [N, …]."""

    def __init__(self, layers: nn.Sequential, shortcut: nn.Module) -> None:
        super().__init__()
        self.layers = layers
        self.shortcut = shortcut

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.layers(x) + self.shortcut(x)


def _residual(args: Mapping[str, Any], shape: Shape, site: Site) -> Part:
    _check_not_empty(args["layers"], site)
    inner = site.chain(args["layers"], shape, "layers", key="layers")
    if inner.output_shape == shape:
        return Part(ResidualBlock(inner.module, nn.Identity()), shape, inner.rows)
    projection = _projection(shape, inner.output_shape, site)
    place = Site(
        walk=site.walk,
        label=f"{site.label} › shortcut",
        path=(*site.path, "shortcut"),
        key=join_key(site.key, "shortcut"),
        depth=site.depth + 1,
        shape=shape,
    )
    shortcut = place_layer(projection, shape, place)
    module = ResidualBlock(inner.module, shortcut.module)
    return Part(module, inner.output_shape, (*inner.rows, *shortcut.rows))


def _projection(shape: Shape, wanted: Shape, site: Site) -> Layer:
    """The cheapest linear map from `shape` to `wanted`: a 1×1 convolution, or a Linear."""
    if len(shape) == len(wanted) == 1:
        return Layer("Linear", {"out_features": wanted[0], "bias": False})
    # a stride s leaves ceil(side / s), so ceil(side / goal) is the only one that may reach the goal
    stride = tuple(-(-side // goal) for side, goal in zip(shape[1:], wanted[1:], strict=False))
    reached = tuple(-(-side // step) for side, step in zip(shape[1:], stride, strict=False))
    if len(shape) != len(wanted) or reached != wanted[1:] or len(shape) > 4:
        raise site.error(
            f"adds its input, {written(shape)}, to what its layers give, {written(wanted)}, and no "
            f"1×1 convolution leads from one to the other; keep the size (padding), or halve it."
        )
    args = {"out_channels": wanted[0], "kernel_size": 1, "stride": stride, "bias": False}
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


def _parallel(args: Mapping[str, Any], shape: Shape, site: Site) -> Part:
    join = args.get("join", "concat")
    branches = args["branches"]
    if len(branches) < 2:
        raise site.error("needs at least two branches; an empty one, [], passes its input on.")
    parts = [
        site.chain(branch, shape, "branches", i, key=f"branches.{i}", note=f"branch {i + 1}")
        for i, branch in enumerate(branches)
    ]
    output_shape = _joined([part.output_shape for part in parts], join, site)
    module = ParallelBlock([part.module for part in parts], join)
    return Part(module, output_shape, tuple(row for part in parts for row in part.rows))


def _joined(shapes: list[Shape], join: str, site: Site) -> Shape:
    concat = join == "concat"
    alike = {shape[1:] if concat else shape for shape in shapes}
    ranks = {len(shape) for shape in shapes}
    if len(alike) > 1 or len(ranks) > 1:
        rule = "the same size but for the channels" if concat else "the same shape"
        given = ", ".join(written(shape) for shape in shapes)
        raise site.error(
            f"joins its branches by {join}, so they must give {rule}; they give {given}. "
            f"Use padding or the same strides in each.",
            argument="branches",
        )
    return (sum(shape[0] for shape in shapes), *shapes[0][1:]) if concat else shapes[0]


# ---- Repeat ------------------------------------------------------------------------------------


def _repeat(args: Mapping[str, Any], shape: Shape, site: Site) -> Part:
    _check_not_empty(args["layers"], site)
    if args["times"] > MAX_TIMES:
        message = f"takes times from 1 to {MAX_TIMES}; not {args['times']}."
        raise site.error(message, argument="times")
    module, rows = nn.Sequential(), []
    for turn in range(args["times"]):
        note = f"repetition {turn + 1}"
        part = site.chain(args["layers"], shape, "layers", key=str(turn), note=note)
        module.append(part.module)
        rows += part.rows
        shape = part.output_shape
    return Part(module, shape, tuple(rows))


def _check_not_empty(layers: tuple[Layer, ...], site: Site) -> None:
    if not layers:
        raise site.error("has no layers inside; add at least one.", argument="layers")


_LAYERS = Argument("layers", tuple[Layer, ...], required=True, words="a list of layers")

BLOCKS = {
    block.name: block
    for block in (
        Block(
            "Residual",
            "Adds its input to what its layers give; where shapes differ, a 1×1 convolution (or "
            "Linear) adapts the input.",
            (_LAYERS,),
            _residual,
        ),
        Block(
            "Parallel",
            "Sends its input through several branches and joins what they give.",
            (
                Argument(
                    "branches",
                    tuple[tuple[Layer, ...], ...],
                    required=True,
                    words="a list of lists of layers",
                ),
                Argument(
                    "join", str, default="concat", choices=("concat", "sum", "mean", "product")
                ),
            ),
            _parallel,
        ),
        Block(
            "Repeat",
            "Its layers several times over, each time with new weights.",
            (Argument("times", int, required=True, least=1), _LAYERS),
            _repeat,
        ),
    )
}
