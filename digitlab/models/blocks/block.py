"""`Block`: what a block is, and what the blocks share in putting themselves together."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from digitlab.models.arguments import Argument, check_arguments
from digitlab.models.layer import Layer
from digitlab.models.measure import measure
from digitlab.models.placement import Part, Placement, Shape, written

MAX_TIMES = 100
LAYERS = Argument("layers", tuple[Layer, ...], required=True, words="a list of layers")


@dataclass(frozen=True)
class Block:
    """What the spec calls `name`; `assemble` makes it from arguments, input shape and placement."""

    name: str
    about: str
    arguments: tuple[Argument, ...]
    assemble: Callable[[Mapping[str, Any], Shape, Placement], Part]


def place(block: Block, layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make a block and all inside it; its own row comes first and counts the rows inside."""
    check_arguments(layer.args, block.arguments, placement)
    part = block.assemble(layer.args, shape, placement)
    arguments = {
        k: len(v) if k == "branches" else v for k, v in layer.args.items() if k != "layers"
    }
    children = [row for row in part.rows if row.depth == placement.depth + 1]
    row = placement.row(
        layer,
        part.output_shape,
        shown=arguments,
        kind="block",
        parameters=sum(parameter.numel() for parameter in part.module.parameters()),
        operations=part.operations + sum(row.operations for row in children),
        values=part.values + sum(row.values for row in children),
    )
    return Part(part.module, part.output_shape, (row, *part.rows))


def whole(
    make: Callable[[], nn.Module], shape: Shape, placement: Placement, *, alike: int = 1
) -> Part:
    """A block that shows as one row: the module that `make` gives, measured without values.

    A chain of `alike` modules of one cost that keep the shape is measured by its first.
    """
    measured = placement.assembly.known.get(placement.key)
    with torch.device(placement.assembly.device):
        module = make()
    if measured:  # measured before, when the shapes were inferred
        return Part(module, measured.output_shape, (), measured.operations, measured.values)
    try:
        cost = measure(module if alike == 1 else module[0], shape)
    except Exception as error:  # torch raises most of Python's errors for shapes
        reason = " ".join(str(error).split())[:160].rstrip(".")
        raise placement.error(
            f"cannot take the {written(shape)} that reaches it (torch: {reason})."
        ) from error
    placement.check_values(cost.output_shape)
    return Part(module, cost.output_shape, (), alike * cost.operations, alike * cost.values)


def check_not_empty(layers: tuple[Layer, ...], placement: Placement) -> None:
    """Raise SpecError for a block without layers inside."""
    if not layers:
        raise placement.error("has no layers inside; add at least one.", argument="layers")


def check_times(args: Mapping[str, Any], name: str, placement: Placement, default: int = 1) -> int:
    """How often a block repeats what it holds. Raises SpecError above `MAX_TIMES`."""
    times = args.get(name, default)
    if times > MAX_TIMES:
        message = f"takes {name} from 1 to {MAX_TIMES}; not {times}."
        raise placement.error(message, argument=name)
    return times


def check_share(args: Mapping[str, Any], name: str, placement: Placement) -> float:
    """A share from 0 to below 1, such as a dropout's. Raises SpecError otherwise."""
    share = args.get(name, 0.0)
    if not 0 <= share < 1:
        message = f"takes {name} from 0 to below 1; not {share}."
        raise placement.error(message, argument=name)
    return float(share)


def check_tokens(shape: Shape, placement: Placement) -> tuple[int, int]:
    """The (tokens, features) that arrive. Raises SpecError for another rank."""
    if len(shape) != 2:
        raise placement.error(
            f"needs tokens, [count, features], but {written(shape)} reaches it; put Patches (of "
            f"an image) or Rows with output: sequence before it."
        )
    return shape[0], shape[1]
