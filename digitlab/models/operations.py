"""Operations on tensors as layers: joins of several layers, and what changes one layer's values.

    - Conv2d: {name: a, out_channels: 8, kernel_size: 3, padding: 1}
    - Conv2d: {name: b, out_channels: 8, kernel_size: 3, padding: 1}
    - Add: {from: [a, b]}
    - Mean: {dim: [2, 3]}

Each is PyTorch's function of that meaning. `dim` counts as in PyTorch, where 0 is the batch: it may
not be reduced, moved or joined. Parameters, which have no batch, are broadcast to the others.
"""

from __future__ import annotations

import math
import warnings
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from typing import Any

import torch
import torch.nn.functional as F
from torch import nn

from digitlab.models.arguments import Argument, LayerSignature, check_arguments
from digitlab.models.layer import Layer
from digitlab.models.measure import count_operations
from digitlab.models.placement import Part, Placement, Shape, Value, written

Sizes = int | list[int]
SEVERAL = 99  # sources that a join may have; `MAX_SOURCES` bounds them


@dataclass(frozen=True)
class Operation:
    """What a spec calls `name`: a `function` of `least` to `most` tensors and some arguments.

    `make` gives the module for the arguments and the values that arrive.
    """

    name: str
    about: str
    make: Callable[[Mapping[str, Any], Sequence[Value]], nn.Module]
    arguments: tuple[Argument, ...] = ()
    least: int = 1
    most: int = 1

    @property
    def kind(self) -> str:
        """The kind of layer: "join" of several tensors, or "operation" on one."""
        return "join" if self.most > 1 else "operation"


class TensorFunction(nn.Module):
    """A function of tensors as a module; it has no weights."""

    def __init__(self, name: str, function: Callable[..., torch.Tensor]) -> None:
        super().__init__()
        self.name, self.function = name, function

    def forward(self, *inputs: torch.Tensor) -> torch.Tensor:
        return self.function(*inputs)

    def _get_name(self) -> str:
        return self.name


class Reparameterize(nn.Module):
    """A draw from a normal distribution by its mean and log variance (Kingma & Welling 2013).

    Two tensors of one shape → the same shape: mean + ε·exp(log variance / 2) in training, the mean
    in evaluation. `divergence` [N] is the Kullback-Leibler divergence of the last call from the
    standard normal distribution, in nats.
    """

    divergence: torch.Tensor | None = None

    def forward(self, mean: torch.Tensor, log_variance: torch.Tensor) -> torch.Tensor:
        terms = mean.square() + log_variance.exp() - 1 - log_variance
        self.divergence = 0.5 * terms.flatten(1).sum(1)
        if not self.training:
            return mean
        return mean + torch.randn_like(mean) * (0.5 * log_variance).exp()


class GaussianNoise(nn.Module):
    """Adds normal noise of standard deviation `std` in training, [N, …] → [N, …]."""

    def __init__(self, std: float) -> None:
        super().__init__()
        self.std = std

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return x + self.std * torch.randn_like(x) if self.training else x


# ---- the functions -------------------------------------------------------------------------------


def _joined(function: Callable[..., torch.Tensor], *inputs: torch.Tensor) -> torch.Tensor:
    return reduce(function, inputs)


def _listed(
    function: Callable[..., torch.Tensor], dim: int, constants: Sequence[int], *inputs: torch.Tensor
) -> torch.Tensor:
    """`function` of the list of inputs, those at `constants` repeated for each image."""
    tensors = list(inputs)
    for index in constants:
        batch = next(x.shape[0] for i, x in enumerate(inputs) if i not in constants)
        tensors[index] = tensors[index].expand(batch, *tensors[index].shape[1:])
    return function(tensors, dim)


def _reshape(shape: Sequence[int], x: torch.Tensor) -> torch.Tensor:
    return x.reshape(x.shape[0], *shape)


def _permute(dims: Sequence[int], x: torch.Tensor) -> torch.Tensor:
    return x.permute(0, *dims)


def _expand(shape: Sequence[int], x: torch.Tensor) -> torch.Tensor:
    return x.expand(x.shape[0], *shape)


def _tile(repeats: Sequence[int], x: torch.Tensor) -> torch.Tensor:
    return x.repeat(1, *repeats)


def _slice(dim: int, part: slice, x: torch.Tensor) -> torch.Tensor:
    return x[(slice(None),) * (dim % x.dim()) + (part,)]


def _scale(factor: float, offset: float, x: torch.Tensor) -> torch.Tensor:
    scaled = x if factor == 1 else -x if factor == -1 else x * factor
    return scaled if offset == 0 else scaled + offset


# ---- how each is made of its arguments -----------------------------------------------------------

Make = Callable[[Mapping[str, Any], Sequence[Value]], nn.Module]


def _join(name: str, function: Callable[..., torch.Tensor]) -> Make:
    return lambda args, values: TensorFunction(name, partial(_joined, function))


def _list(name: str, function: Callable[..., torch.Tensor]) -> Make:
    def make(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
        constants = [index for index, value in enumerate(values) if not value.batched]
        constants = constants if len(constants) < len(values) else []
        return TensorFunction(name, partial(_listed, function, args.get("dim", 1), constants))

    return make


def _call(name: str, function: Callable[..., torch.Tensor], **defaults: Any) -> Make:
    """`function(*tensors, **args)`, with the layer's arguments under torch's names."""
    return lambda args, values: TensorFunction(name, partial(function, **{**defaults, **args}))


def _over(name: str, function: Callable[..., torch.Tensor]) -> Make:
    """A function that sums up over dimensions."""

    def make(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
        options = {"unbiased": args["unbiased"]} if "unbiased" in args else {}
        keepdim = args.get("keepdim", False)
        return TensorFunction(name, partial(function, dim=args["dim"], keepdim=keepdim, **options))

    return make


def _by_sizes(
    name: str,
    argument: str,
    batched: Callable[..., torch.Tensor],
    constant: Callable[..., torch.Tensor],
) -> Make:
    """A function of the sizes in `argument`, which leave out the batch where there is one."""

    def make(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
        if values[0].batched:
            return TensorFunction(name, partial(batched, args[argument]))
        return TensorFunction(name, lambda x, sizes=args[argument]: constant(x, sizes))

    return make


def _norm(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
    options = {"ord": args.get("p", 2.0), "dim": args["dim"], "keepdim": args.get("keepdim", False)}
    return TensorFunction("Norm", partial(torch.linalg.vector_norm, **options))


def _select(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
    return TensorFunction("Select", partial(torch.select, dim=args["dim"], index=args["index"]))


def _part(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
    part = slice(args.get("start"), args.get("stop"), args.get("step"))
    return TensorFunction("Slice", partial(_slice, args["dim"], part))


def _scaled(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
    return TensorFunction("Scale", partial(_scale, args.get("factor", 1), args.get("offset", 0)))


def _pad(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
    options = {"pad": list(args["padding"]), "mode": args.get("mode", "constant")}
    if options["mode"] == "constant":
        options["value"] = args.get("value", 0.0)
    return TensorFunction("Pad", partial(F.pad, **options))


def _affine_grid(size: Sequence[int], theta: torch.Tensor) -> torch.Tensor:
    return F.affine_grid(theta, [theta.shape[0], 1, *size], align_corners=False)


def _grid(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
    return TensorFunction("AffineGrid", partial(_affine_grid, args["size"]))


def _einsum(args: Mapping[str, Any], values: Sequence[Value]) -> nn.Module:
    return TensorFunction("Einsum", partial(torch.einsum, args["equation"]))


_DIM = Argument("dim", int, required=True)
_DIMS = Argument("dim", Sizes, required=True)
_KEEP = Argument("keepdim", bool, default=False)
_JOIN_DIM = Argument("dim", int, default=1)


def _reduction(name: str, about: str, function: Any, *more: Argument) -> Operation:
    return Operation(name, about, _over(name, function), (_DIMS, _KEEP, *more))


def _plain(name: str, about: str, function: Callable[..., torch.Tensor]) -> Operation:
    return Operation(name, about, _call(name, function))


_UNBIASED = Argument("unbiased", bool, default=True)

JOINS = (
    Operation("Add", "The sum of the layers.", _join("Add", torch.add), (), 2, SEVERAL),
    Operation("Multiply", "The product.", _join("Multiply", torch.mul), (), 2, SEVERAL),
    Operation("Subtract", "The first less the second.", _call("Subtract", torch.sub), (), 2, 2),
    Operation("Divide", "The first over the second.", _call("Divide", torch.div), (), 2, 2),
    Operation(
        "Maximum", "The larger of the values.", _join("Maximum", torch.maximum), (), 2, SEVERAL
    ),
    Operation(
        "Minimum", "The smaller of the values.", _join("Minimum", torch.minimum), (), 2, SEVERAL
    ),
    Operation(
        "MatMul",
        "The matrix product of the last two sizes.",
        _call("MatMul", torch.matmul),
        (),
        2,
        2,
    ),
    Operation(
        "Einsum",
        "Sums of products by Einstein's notation, such as bij,bjk->bik.",
        _einsum,
        (Argument("equation", str, required=True),),
        1,
        SEVERAL,
    ),
    Operation(
        "Concatenate",
        "The layers beside each other along dim, such as their channels.",
        _list("Concatenate", torch.cat),
        (_JOIN_DIM,),
        2,
        SEVERAL,
    ),
    Operation(
        "Stack",
        "The layers along a new dimension.",
        _list("Stack", torch.stack),
        (_JOIN_DIM,),
        2,
        SEVERAL,
    ),
    Operation(
        "ScaledDotProductAttention",
        "Values, weighted by how well queries match keys: from [queries, keys, values].",
        _call("ScaledDotProductAttention", F.scaled_dot_product_attention),
        (Argument("is_causal", bool, default=False), Argument("scale", float)),
        3,
        3,
    ),
    Operation(
        "GridSample",
        "An image looked up at the places of a grid: from [image, grid].",
        _call("GridSample", F.grid_sample, align_corners=False),
        (
            Argument("mode", str, default="bilinear", choices=("bilinear", "nearest", "bicubic")),
            Argument(
                "padding_mode", str, default="zeros", choices=("zeros", "border", "reflection")
            ),
            Argument("align_corners", bool, default=False),
        ),
        2,
        2,
    ),
    Operation(
        "Reparameterize",
        "A draw by a mean and a log variance; the mean itself in evaluation.",
        lambda args, values: Reparameterize(),
        (),
        2,
        2,
    ),
)

ON_ONE = (
    _reduction("Mean", "The mean over dimensions.", torch.mean),
    _reduction("Sum", "The sum over dimensions.", torch.sum),
    _reduction("Max", "The largest value over dimensions.", torch.amax),
    _reduction("Min", "The smallest value over dimensions.", torch.amin),
    _reduction("Std", "The standard deviation over dimensions.", torch.std, _UNBIASED),
    _reduction("Var", "The variance over dimensions.", torch.var, _UNBIASED),
    Operation(
        "Norm",
        "The length of the vectors along dim.",
        _norm,
        (_DIMS, Argument("p", float, default=2.0), _KEEP),
    ),
    Operation(
        "Normalize",
        "Vectors along dim, divided by their length.",
        _call("Normalize", F.normalize),
        (_JOIN_DIM, Argument("p", float, default=2.0), Argument("eps", float, default=1e-12)),
    ),
    Operation(
        "Select",
        "One element along a dimension, which goes; -1 is the last.",
        _select,
        (_DIM, Argument("index", int, required=True)),
    ),
    Operation(
        "Slice",
        "A part along a dimension, from start up to stop.",
        _part,
        (_DIM, Argument("start", int), Argument("stop", int), Argument("step", int, least=1)),
    ),
    Operation(
        "Reshape",
        "The same values in another shape, without the batch; one size may be -1.",
        _by_sizes("Reshape", "shape", _reshape, torch.reshape),
        (Argument("shape", list[int], required=True),),
    ),
    Operation(
        "Permute",
        "The dimensions in another order; the batch, 0, stays and is left out.",
        _by_sizes("Permute", "dims", _permute, torch.permute),
        (Argument("dims", list[int], required=True),),
    ),
    Operation(
        "Transpose",
        "Two dimensions exchanged.",
        _call("Transpose", torch.transpose),
        (Argument("dim0", int, required=True), Argument("dim1", int, required=True)),
    ),
    Operation(
        "Expand",
        "Sizes of 1 repeated without copying; -1 keeps a size.",
        _by_sizes("Expand", "shape", _expand, torch.Tensor.expand),
        (Argument("shape", list[int], required=True),),
    ),
    Operation(
        "Tile",
        "The values repeated along each dimension but the batch.",
        _by_sizes("Tile", "repeats", _tile, torch.tile),
        (Argument("repeats", list[int], required=True, least=1),),
    ),
    Operation(
        "Flip",
        "The values in reverse order along dimensions.",
        _call("Flip", torch.flip),
        (Argument("dims", list[int], required=True),),
    ),
    Operation(
        "Roll",
        "The values moved along dimensions, round to the other end.",
        _call("Roll", torch.roll),
        (Argument("shifts", Sizes, required=True), Argument("dims", Sizes, required=True)),
    ),
    Operation(
        "Pad",
        "Values added at both ends, of the last dimension first: [left, right, top, bottom].",
        _pad,
        (
            Argument("padding", list[int], required=True),
            Argument(
                "mode",
                str,
                default="constant",
                choices=("constant", "reflect", "replicate", "circular"),
            ),
            Argument("value", float, default=0.0),
        ),
    ),
    Operation(
        "Scale",
        "The values times factor, plus offset: numbers that are not learnt.",
        _scaled,
        (Argument("factor", float, default=1.0), Argument("offset", float, default=0.0)),
    ),
    Operation(
        "Power",
        "The values to a power.",
        lambda args, values: TensorFunction("Power", partial(torch.pow, exponent=args["exponent"])),
        (Argument("exponent", float, required=True),),
    ),
    Operation(
        "Clamp",
        "The values, none below min or above max.",
        _call("Clamp", torch.clamp),
        (Argument("min", float), Argument("max", float)),
    ),
    Operation(
        "AffineGrid",
        "The places [height, width, 2] that an affine map, [2, 3], of an image looks at.",
        _grid,
        (Argument("size", list[int], required=True, least=1),),
    ),
    _plain("Abs", "The absolute values.", torch.abs),
    _plain("Exp", "e to the power of the values.", torch.exp),
    _plain("Log", "The natural logarithm.", torch.log),
    _plain("Sqrt", "The square root.", torch.sqrt),
    _plain("Sin", "The sine.", torch.sin),
    _plain("Cos", "The cosine.", torch.cos),
    _plain("Erf", "The error function.", torch.erf),
    Operation(
        "GaussianNoise",
        "Normal noise added during training.",
        lambda args, values: GaussianNoise(args["std"]),
        (Argument("std", float, required=True),),
    ),
)
OPERATIONS: dict[str, Operation] = {operation.name: operation for operation in (*JOINS, *ON_ONE)}


def operation_signature(name: str) -> LayerSignature:
    """What an operation takes. Raises KeyError for another name."""
    operation = OPERATIONS[name]
    return LayerSignature(name, operation.kind, operation.about, operation.arguments)


def place_operation(layer: Layer, shape: Shape, placement: Placement) -> Part:
    """Make an operation for the values that reach it, and find what it gives by a trial.

    Raises SpecError where it takes no such arguments, reads too few layers or cannot take them.
    """
    operation = OPERATIONS[layer.type]
    check_arguments(layer.args, operation.arguments, placement)
    values = placement.inputs
    if not operation.least <= len(values) <= operation.most:
        counts = f"{operation.least}" if operation.least == operation.most else "two or more"
        raise placement.error(
            f"joins {counts} layers, but reads {len(values)}; name them in from.", argument="from"
        )
    _check_batch(layer, values, placement)
    _check_spread(layer, values[0], placement)
    module = operation.make(layer.args, values)
    measured = placement.assembly.known.get(placement.key)
    if measured is not None:
        value, operations = Value(measured.output_shape, any(v.batched for v in values)), 0
        operations = measured.operations
    else:
        value, operations = try_out(module, values, placement)
    row = placement.row(
        layer,
        value.shape,
        shown=layer.args,
        kind=operation.kind,
        parameters=0,
        operations=operations,
        values=count_values(value),
        made=layer.args,
    )
    return Part(module, value.shape, (row,), batched=value.batched)


def try_out(module: nn.Module, values: Sequence[Value], placement: Placement) -> tuple[Value, int]:
    """What `module` gives for such values, and its multiply-adds for one image.

    Found without memory, for batches of two and of three images. Raises SpecError where it cannot
    take them or mixes the images of a batch.
    """
    outputs = []
    try:
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            for batch in (2, 3):
                tensors = [_empty(value, batch) for value in values]
                output, operations = count_operations(module, tensors)
                outputs.append(output)
    except Exception as error:  # torch raises most of Python's errors for shapes
        raise placement.error(_explain(values, error)) from error
    batched = any(value.batched for value in values)
    shape = tuple(outputs[0].shape)
    if batched and [x.shape[:1] for x in outputs] != [(2,), (3,)]:
        raise placement.error("mixes the images of a batch; keep the first dimension as it is.")
    if batched and outputs[0].shape[1:] != outputs[1].shape[1:]:
        raise placement.error("gives a shape that depends on the batch; use other sizes.")
    shape = shape[1:] if batched else shape
    if (batched and not shape) or 0 in shape:
        raise placement.error(f"leaves nothing of {_shapes(values)}, which reach it.")
    placement.check_values(shape)
    return Value(shape, batched), operations // 3 if batched else operations


def count_values(value: Value) -> int:
    """The numbers that are kept of a value for one image."""
    return torch.Size(value.shape).numel() if value.batched else 0


def _empty(value: Value, batch: int) -> torch.Tensor:
    sizes = (*([batch] if value.batched else []), *value.shape)
    return torch.empty(sizes, device="meta")


def _check_batch(layer: Layer, values: Sequence[Value], placement: Placement) -> None:
    """Raise SpecError for a dimension that is the batch or that is not there."""
    if not any(value.batched for value in values):
        return
    rank = max(len(value.shape) for value in values) + 1 + (layer.type == "Stack")
    for name in ("dim", "dims", "dim0", "dim1"):
        dims = layer.args.get(name)
        for dim in dims if isinstance(dims, tuple) else () if dims is None else (dims,):
            if not -rank < dim < rank or dim % rank == 0:
                raise placement.error(
                    f"takes {name} from 1 to {rank - 1}, or from -{rank - 1} to -1, where "
                    f"{_shapes(values)} reach it (0 is the images of a batch); not {dim}.",
                    argument=name,
                )


def _check_spread(layer: Layer, value: Value, placement: Placement) -> None:
    """Raise SpecError for the unbiased spread of single values, which is no number."""
    if layer.type not in ("Std", "Var") or not layer.args.get("unbiased", True):
        return
    sizes = (*([2] if value.batched else []), *value.shape)
    dims = layer.args["dim"]
    if math.prod(sizes[dim] for dim in (dims if isinstance(dims, tuple) else (dims,))) == 1:
        raise placement.error(
            "would divide by zero: it takes the spread of single values; set unbiased: false or "
            "choose other dimensions.",
            argument="dim",
        )


def _explain(values: Sequence[Value], error: Exception) -> str:
    reason = " ".join(str(error).split())[:160].rstrip(".")
    return (
        f"cannot take {_shapes(values)}, which reach it (torch: {reason}); change its arguments or "
        f"the layers that it reads."
    )


def _shapes(values: Sequence[Value]) -> str:
    return " and ".join(written(value.shape) or "single values" for value in values)
