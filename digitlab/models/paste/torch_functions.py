"""Functions of torch and torch.nn.functional, and the methods of tensors, as layers of a spec.

One table: each entry has torch's parameters in order, and what it adds to the trace. A function
whose first parameter is a tensor is also that tensor's method.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from digitlab.models.parameters import sinusoidal
from digitlab.models.paste.arithmetic import kind
from digitlab.models.paste.comparisons import Positive, compared, places, where
from digitlab.models.paste.native import Function, Native, Unknown
from digitlab.models.paste.tensor import (
    Batch,
    Fresh,
    Tensor,
    in_place,
    permute,
    reshape,
    run_trace,
    select,
    together,
    unsqueeze,
    viewing,
)
from digitlab.models.paste.trace import Trace

Body = Callable[..., Any]


# ---- operands ------------------------------------------------------------------------------------


def as_tensor(value: Any, run: Any) -> Any:
    """A value as a Tensor of the trace; an Unknown stays one. Refuses what is no tensor."""
    if isinstance(value, Tensor | Unknown):
        return value
    to_tensor = getattr(value, "to_tensor", None)  # a parameter of the network
    if to_tensor is not None:
        return to_tensor(run)
    if isinstance(value, Fresh):
        trace = run_trace(run)
        return example(value, run) if trace is None else _constant(value, trace, run)
    if isinstance(value, list | tuple) and value and run_trace(run) is None:
        return Unknown("makes a tensor of numbers, which cannot be read", run.line)
    run.refuse(f"uses {kind(value)} where a tensor is needed")


def example(value: Fresh, run: Any) -> Any:
    """A constructor's own example as the input of a trace that is only asked for shapes."""
    dims = value.dims
    if len(dims) < 2 or not all(type(dim) is int and dim > 0 for dim in dims):
        return Unknown("computes with numbers before the network's input is known", run.line)
    run.charge(math.prod(dims) // 1_000)
    trace = Trace(dims[1:], batch=dims[0], budget=run.budget)
    return Tensor(trace, trace.input)


def _constant(value: Fresh, trace: Trace, run: Any) -> Any:
    """The same number everywhere, as a layer."""
    numbers = value.numbers(run) if value.init == "written" else None
    if numbers is not None:
        return _table(value, numbers, trace, run)
    if value.init != "constant":
        reason = (
            "computes with random numbers"
            if value.init in ("normal", "uniform")
            else ("computes with a table of numbers")
        )
        return Unknown(f"{reason}, which no layer holds", run.line)
    if value.like is not None and value.like.step.batched:
        offset = float(value.args.get("value", 0.0))
        args = {"factor": 0.0, **({"offset": offset} if offset else {})}
        return value.like.then("Scale", args, run)
    axes = [at for at, dim in enumerate(value.dims) if isinstance(dim, Batch)]
    if len(axes) > 1 or (axes and value.dims[axes[0]].factor != 1):
        run.refuse("makes a tensor of several images at once")
    rest = tuple(dim for dim in value.dims if not isinstance(dim, Batch))
    shape = (1, *rest) if axes else rest or (1,)
    if not all(type(size) is int for size in shape):
        run.refuse("makes a tensor by something other than whole numbers")
    args = {"shape": shape, "value": float(value.args.get("value", 0.0))}
    step = trace.add("Constant", args, (), run.line)
    return Tensor(trace, step, axis=axes[0] if axes else None)


def _table(value: Fresh, numbers: np.ndarray, trace: Trace, run: Any) -> Any:
    """A table that the text computed, where a layer Constant can hold it."""
    flat = numbers.reshape(-1, numbers.shape[-1]) if numbers.ndim else numbers.reshape(1, 1)
    args: dict[str, Any] = {"shape": tuple(numbers.shape) or (1,)}
    if np.ptp(flat) == 0:
        args["value"] = float(flat.flat[0])
    elif np.abs(flat - sinusoidal(*flat.shape)).max() < 1e-4:
        args["pattern"] = "sinusoidal"
    else:
        return Unknown("computes with a table of numbers, which no layer holds", run.line)
    step = trace.add("Constant", args, (), run.line)
    return Tensor(trace, step, axis=0 if value.shown else None)


def for_each_image(tensor: Tensor, run: Any) -> Tensor:
    """A parameter that is seen with a batch, as a value of each image: the same for all."""
    if not tensor.expanded:
        return tensor
    trace, line = tensor.trace, run.line
    flat = trace.add("Flatten", {}, (trace.input,), line)
    first = trace.add("Slice", {"dim": 1, "stop": 1}, (flat,), line)
    zero = trace.add("Scale", {"factor": 0.0}, (first,), line)
    shaped = trace.add("Reshape", {"shape": (1,) * len(tensor.rest)}, (zero,), line)
    return tensor.seen(trace.add("Add", {}, (shaped, tensor.step), line))


def operands(values: Sequence[Any], run: Any) -> Any:
    """Several values as Tensors; the Unknown among them, if there is one."""
    tensors = [as_tensor(value, run) for value in values]
    return next((t for t in tensors if isinstance(t, Unknown)), tensors)


def join(type: str, values: Sequence[Any], run: Any, **args: Any) -> Any:
    """A layer of several tensors that broadcasts them as the text sees them."""
    tensors = operands(values, run)
    if isinstance(tensors, Unknown):
        return tensors
    steps, view = together(tensors, run)
    return view.seen(view.trace.add(type, args, steps, run.line))


# ---- operators -----------------------------------------------------------------------------------

_JOINS = {"+": "Add", "-": "Subtract", "*": "Multiply", "/": "Divide"}


class Spread(Native):
    """`std * torch.randn_like(std)`: noise that is still to be added to something."""

    kind = "random numbers"

    def __init__(self, noise: Fresh, std: Any) -> None:
        self.noise, self.std = noise, std

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        if operator == "+":
            return _noisy(other, self.noise, self.std, run)
        return Unknown("computes with random numbers, which no layer holds", run.line)

    def attribute(self, name: str, run: Any) -> Any:
        if name in ("add", "add_"):
            return Function(name, "other", lambda run, other: _noisy(
                other, self.noise, self.std, run))  # fmt: skip
        if name in ("mul", "mul_", "to", "contiguous"):
            return Function(name, None, lambda run, args, kwargs: self)
        return Unknown("computes with random numbers, which no layer holds", run.line)


def binary(operator: str, left: Any, right: Any, reflected: bool, run: Any) -> Any:
    """An operator between a tensor and anything."""
    if reflected:
        left, right = right, left
    if isinstance(left, Unknown) or isinstance(right, Unknown):
        return left if isinstance(left, Unknown) else right
    for positive, other in ((left, right), (right, left)):
        if isinstance(positive, Positive):
            return positive.operate(operator, other, positive is right, run)
    for first, second, swapped in ((left, right, False), (right, left, True)):
        table = first.combined(operator, second, swapped, run) if isinstance(first, Fresh) else None
        if table is not None:
            return table
    if isinstance(left, Fresh) and isinstance(right, Fresh) and run_trace(run) is None:
        return Unknown("computes a table of numbers, which cannot be read", run.line)
    for noise, other in ((left, right), (right, left)):
        if isinstance(noise, Fresh) and noise.init in ("normal", "uniform"):
            return _with_noise(operator, noise, other, run)
        if isinstance(noise, Spread):
            return noise.operate(operator, other, noise is right, run)
    if operator == "@":
        return matmul(run, left, right)
    if operator == "**":
        return _power(run, left, right)
    for number, other, is_left in ((left, right, True), (right, left, False)):
        if isinstance(number, int | float):
            return _scaled(operator, float(number), as_tensor(other, run), is_left, run)
    if operator in ("//", "%") or operator not in _JOINS:
        return Unknown(f"uses {operator} on tensors, which no layer does", run.line)
    return join(_JOINS[operator], [left, right], run)


def _with_noise(operator: str, noise: Fresh, other: Any, run: Any) -> Any:
    if noise.init == "normal" and not noise.args.get("mean"):
        if operator == "*" and not isinstance(other, int | float):
            return Spread(noise, other)
        if operator == "+":
            return _noisy(other, noise, None, run)
    return Unknown("computes with random numbers, which no layer holds", run.line)


def _noisy(mean: Any, noise: Fresh, std: Any, run: Any) -> Any:
    """`mean + std · ε`: a draw by mean and log variance, or noise on a tensor."""
    tensor = as_tensor(mean, run)
    if isinstance(tensor, Unknown):
        return tensor
    if std is None:
        return tensor.then("GaussianNoise", {"std": float(noise.args.get("std", 1.0))}, run)
    spread = as_tensor(std, run)
    if isinstance(spread, Unknown):
        return spread
    log_variance = _log_variance(spread, run)
    steps, view = together([tensor, log_variance], run)
    run.note(
        "The draw by mean and log variance is made in training only; in evaluation it is the mean."
    )
    return view.seen(view.trace.add("Reparameterize", {}, steps, run.line))


def _log_variance(std: Tensor, run: Any) -> Tensor:
    """What `exp(0.5 · x)` was computed from; of another spread, the logarithm of its square."""
    step = std.step
    if step.type == "Exp":
        half = step.sources[0]
        if half.type == "Scale" and half.args.get("factor") == 0.5 and not half.args.get("offset"):
            return std.seen(half.sources[0])
        return std.seen(std.trace.add("Scale", {"factor": 2.0}, (half,), run.line))
    if step.type == "Sqrt" and step.sources[0].type == "Exp":
        return std.seen(step.sources[0].sources[0])
    logged = std.then("Log", {}, run)
    return logged.then("Scale", {"factor": 2.0}, run)


def _scaled(operator: str, number: float, tensor: Any, is_left: bool, run: Any) -> Any:
    if isinstance(tensor, Unknown):
        return tensor
    if operator == "/" and is_left:
        return tensor.then("Power", {"exponent": -1.0}, run).operate("*", number, False, run)
    if operator == "/" and not number:
        run.refuse("divides by zero")
    changes = {
        "+": (1.0, number),
        "*": (number, 0.0),
        "/": (1 / number if number else 0.0, 0.0),
        "-": (-1.0, number) if is_left else (1.0, -number),
    }
    if operator not in changes:
        return Unknown(f"uses {operator} on a tensor, which no layer does", run.line)
    factor, offset = changes[operator]
    if (factor, offset) == (1.0, 0.0):
        return tensor
    if not math.isfinite(factor) or not math.isfinite(offset):
        run.refuse("computes with a number that is not finite")
    args = {**({"factor": factor} if factor != 1 else {}), **({"offset": offset} if offset else {})}
    return tensor.then("Scale", args, run)


def _power(run: Any, base: Any, exponent: Any) -> Any:
    if isinstance(base, int | float):
        tensor = as_tensor(exponent, run)
        if isinstance(tensor, Unknown) or base <= 0:
            return tensor if isinstance(tensor, Unknown) else run.refuse("takes such a power")
        scaled = _scaled("*", math.log(base), tensor, True, run)
        return scaled if isinstance(scaled, Unknown) else scaled.then("Exp", {}, run)
    tensor = as_tensor(base, run)
    if isinstance(tensor, Unknown) or not isinstance(exponent, int | float):
        return (
            tensor
            if isinstance(tensor, Unknown)
            else Unknown("takes a power that is a tensor, which no layer does", run.line)
        )
    return tensor.then("Power", {"exponent": float(exponent)}, run)


def matmul(run: Any, input: Any, other: Any) -> Any:
    """torch.matmul of two tensors; of each image's own, or with a parameter."""
    pair = operands([input, other], run)
    if isinstance(pair, Unknown):
        return pair
    left, right = pair
    for tensor in pair:
        if tensor.rank < 2 and not (tensor is right and tensor.axis is None):
            run.refuse("multiplies a matrix with a vector, which cannot be read; use two matrices")
    if left.axis is None and right.axis is None:
        return left.seen(left.trace.add("MatMul", {}, (left.step, right.step), run.line))
    if right.axis is None and left.axis is not None and right.rank <= 2:
        if left.axis == left.rank - 1:
            run.refuse("multiplies over the images of a batch, which mixes them")
        step = left.trace.add("MatMul", {}, (left.step, right.step), run.line)
        return left.seen(step)
    rank = max(left.rank, right.rank)
    for tensor in pair:
        if tensor.axis is not None and tensor.axis >= tensor.rank - 2:
            run.refuse("multiplies the images of a batch with each other, which mixes them")
    return _matmul_aligned(left, right, rank, run)


def _matmul_aligned(left: Tensor, right: Tensor, rank: int, run: Any) -> Tensor:
    """Matrices in the last two sizes; those before broadcast as the text sees them."""
    pair = []
    for tensor in (left, right):
        while tensor.rank < rank:
            tensor = unsqueeze(tensor, 0, run)
        pair.append(tensor)
    steps, view = together(pair, run)
    return view.seen(view.trace.add("MatMul", {}, steps, run.line))


# ---- one tensor, the same layer ------------------------------------------------------------------

# torch's functions that are a layer of torch.nn: their parameters behind the tensor, the layer.
ELEMENTWISE: dict[str, tuple[str, str]] = {
    "relu": ("inplace=False", "ReLU"),
    "relu6": ("inplace=False", "ReLU6"),
    "leaky_relu": ("negative_slope=0.01 inplace=False", "LeakyReLU"),
    "elu": ("alpha=1.0 inplace=False", "ELU"),
    "selu": ("inplace=False", "SELU"),
    "celu": ("alpha=1.0 inplace=False", "CELU"),
    "gelu": ("approximate=none", "GELU"),
    "silu": ("inplace=False", "SiLU"),
    "mish": ("inplace=False", "Mish"),
    "softplus": ("beta=1.0 threshold=20.0", "Softplus"),
    "hardtanh": ("min_val=-1.0 max_val=1.0 inplace=False", "Hardtanh"),
    "hardswish": ("inplace=False", "Hardswish"),
    "hardsigmoid": ("inplace=False", "Hardsigmoid"),
    "logsigmoid": ("", "LogSigmoid"),
    "softsign": ("", "Softsign"),
    "tanhshrink": ("", "Tanhshrink"),
    "softshrink": ("lambd=0.5", "Softshrink"),
    "hardshrink": ("lambd=0.5", "Hardshrink"),
    "threshold": ("threshold value inplace=False", "Threshold"),
    "rrelu": ("lower=0.125 upper=0.3333333333333333 training=False inplace=False", "RReLU"),
    "sigmoid": ("", "Sigmoid"),
    "tanh": ("", "Tanh"),
    "exp": ("", "Exp"),
    "abs": ("", "Abs"),
    "log": ("", "Log"),
    "sqrt": ("", "Sqrt"),
    "sin": ("", "Sin"),
    "cos": ("", "Cos"),
    "erf": ("", "Erf"),
}
# Those that need channels and sides as a spec has them.
SPATIAL: dict[str, tuple[str, str]] = {
    **{
        f"max_pool{n}d": (
            "kernel_size stride=None padding=0 dilation=1 ceil_mode=False return_indices=False",
            f"MaxPool{n}d",
        )
        for n in (1, 2, 3)
    },
    **{
        f"avg_pool{n}d": (
            "kernel_size stride=None padding=0 ceil_mode=False count_include_pad=True "
            "divisor_override=None",
            f"AvgPool{n}d",
        )
        for n in (1, 2, 3)
    },
    **{f"adaptive_avg_pool{n}d": ("output_size", f"AdaptiveAvgPool{n}d") for n in (1, 2, 3)},
    **{
        f"adaptive_max_pool{n}d": ("output_size return_indices=False", f"AdaptiveMaxPool{n}d")
        for n in (1, 2, 3)
    },
    "lp_pool2d": ("norm_type kernel_size stride=None ceil_mode=False", "LPPool2d"),
    "local_response_norm": ("size alpha=0.0001 beta=0.75 k=1.0", "LocalResponseNorm"),
    "pixel_shuffle": ("upscale_factor", "PixelShuffle"),
    "pixel_unshuffle": ("downscale_factor", "PixelUnshuffle"),
    "channel_shuffle": ("groups", "ChannelShuffle"),
    "unfold": ("kernel_size dilation=1 padding=0 stride=1", "Unfold"),
    "fold": ("output_size kernel_size dilation=1 padding=0 stride=1", "Fold"),
    "instance_norm": (
        "running_mean=None running_var=None weight=None bias=None use_input_stats=True "
        "momentum=0.1 eps=1e-5",
        "InstanceNorm2d",
    ),
}
_NEVER = {"inplace", "training", "running_mean", "running_var", "weight", "bias", "use_input_stats"}
_SAME = {"divisor_override", "return_indices"}


def _layer_function(name: str, parameters: str, type: str, spatial: bool) -> Function:
    function = Function(name, f"input {parameters}", lambda run, **args: None)
    defaults = function.parameters.defaults if function.parameters else {}

    def body(run: Any, input: Any, **args: Any) -> Any:
        known = input.mapped(name, run) if isinstance(input, Fresh) else None
        tensor = known if known is not None else as_tensor(input, run)
        if isinstance(tensor, Unknown | Fresh):
            return tensor
        arguments = {
            key: argument(value, run)
            for key, value in args.items()
            if key not in _NEVER and value != defaults.get(key)
        }
        unknown = next((value for value in arguments.values() if isinstance(value, Unknown)), None)
        if unknown is not None:
            return unknown
        if arguments.pop("return_indices", False):
            run.refuse(f"returns the indices of {name}, which no layer gives")
        if spatial and not tensor.plain:
            run.refuse(f"applies {name} to a tensor whose batch is not its first dimension alone")
        made = tensor.then(type, arguments, run)
        return tensor.become(made, run) if args.get("inplace") is True else made

    return Function(name, f"input {parameters}", body)


def argument(value: Any, run: Any) -> Any:
    """A value as the argument of a layer: a number, a text, a tuple of them."""
    if isinstance(value, list | tuple):
        items = tuple(argument(item, run) for item in value)
        return next((item for item in items if isinstance(item, Unknown)), items)
    if isinstance(value, Unknown) or value is None or isinstance(value, int | float | str):
        return value
    run.refuse(f"passes {kind(value)} to a layer, which takes numbers")


# ---- shapes --------------------------------------------------------------------------------------


def _unary(function: Body) -> Body:
    """A body that is given its input as a Tensor; an Unknown input is the answer."""

    def body(run: Any, input: Any, **args: Any) -> Any:
        tensor = as_tensor(input, run)
        if isinstance(tensor, Unknown):
            return tensor
        unknown = next((value for value in args.values() if isinstance(value, Unknown)), None)
        return unknown if unknown is not None else function(run, tensor, **args)

    return body


def _spread(values: list[Any]) -> list[Any]:
    """Sizes given one by one or as one list."""
    return list(values[0]) if len(values) == 1 and isinstance(values[0], list | tuple) else values


def _view(run: Any, input: Tensor, sizes: list[Any]) -> Any:
    if sizes and isinstance(sizes[0], Native) and not isinstance(sizes[0], Batch):
        return input  # a dtype
    return reshape(input, _spread(sizes), run)


def _flatten(run: Any, input: Tensor, start_dim: Any, end_dim: Any) -> Any:
    first, last = input.position(start_dim, run), input.position(end_dim, run)
    dims = input.dims
    if first >= last:
        return input
    total: Any = 1
    for dim in dims[first : last + 1]:
        total = (
            dim.operate("*", total, False, run)
            if isinstance(dim, Batch)
            else (total.operate("*", dim, False, run) if isinstance(total, Batch) else total * dim)
        )
    if input.plain and first > 0 and last < len(dims):
        args = {} if first == 1 else {"start_dim": first}
        if last != len(dims) - 1:
            args["end_dim"] = last
        return input.then("Flatten", args, run)
    return reshape(input, [*dims[:first], total, *dims[last + 1 :]], run)


def _unflatten(run: Any, input: Tensor, dim: Any, sizes: Any) -> Any:
    at = input.position(dim, run)
    sizes = run.iterate(sizes)
    dims = input.dims
    if input.plain and at > 0 and all(type(size) is int for size in sizes):
        args = {"dim": at, "unflattened_size": tuple(sizes)}
        return input.then("Unflatten", args, run)
    return reshape(input, [*dims[:at], *sizes, *dims[at + 1 :]], run)


def _squeeze(run: Any, input: Tensor, dim: Any) -> Any:
    dims = input.dims
    picked = range(len(dims)) if dim is None else [
        input.position(d, run) for d in (dim if isinstance(dim, list | tuple) else (dim,))
    ]  # fmt: skip
    at = [d for d in picked if type(dims[d]) is int and dims[d] == 1 and d != input.axis]
    if len(at) == len(dims) and input.axis is None:
        at = at[1:]
    sizes = [size for d, size in enumerate(dims) if d not in at]
    if dim is None and input.axis is not None and input.trace.batch is None:
        run.note(
            "squeeze() is read for batches of several images; of a single image it would also "
            "remove the batch."
        )
    return reshape(input, sizes, run) if at and sizes else input


def _unsqueeze(run: Any, input: Tensor, dim: Any) -> Any:
    return unsqueeze(input, input.position(dim, run, extra=1), run)


def _permute(run: Any, input: Tensor, dims: list[Any]) -> Any:
    return permute(input, [input.position(dim, run) for dim in _spread(dims)], run)


def _transpose(run: Any, input: Tensor, dim0: Any, dim1: Any) -> Any:
    a, b = input.position(dim0, run), input.position(dim1, run)
    order = list(range(input.rank))
    order[a], order[b] = b, a
    return permute(input, order, run)


def _t(run: Any, input: Tensor) -> Any:
    return _transpose(run, input, 0, input.rank - 1) if input.rank > 1 else input


def _movedim(run: Any, input: Tensor, source: Any, destination: Any) -> Any:
    a, b = input.position(source, run), input.position(destination, run)
    order = [d for d in range(input.rank) if d != a]
    return permute(input, [*order[:b], a, *order[b:]], run)


def _expand(run: Any, input: Tensor, sizes: list[Any]) -> Any:
    sizes = _spread(sizes)
    extra = len(sizes) - input.rank
    if extra < 0:
        run.refuse("expands a tensor to fewer dimensions than it has")
    for _ in range(extra):
        input = unsqueeze(input, 0, run)
    return _to_sizes(run, input, sizes, "Expand")


def _repeat(run: Any, input: Tensor, sizes: list[Any]) -> Any:
    sizes = _spread(sizes)
    for _ in range(len(sizes) - input.rank):
        input = unsqueeze(input, 0, run)
    if len(sizes) < input.rank:
        run.refuse("repeats a tensor along fewer dimensions than it has")
    target: list[Any] = []
    for size, times in zip(input.dims, sizes, strict=True):
        plain = isinstance(times, int) and times == 1
        target.append(-1 if plain else times if size == 1 else (size, times))
    if all(not isinstance(size, tuple) for size in target):
        return _to_sizes(run, input, target, "Expand")
    repeats = []
    for at, times in enumerate(sizes):
        if type(times) is not int or (at == input.axis and times != 1):
            run.refuse("repeats the images of a batch, which cannot be read")
        repeats.append(times)
    return _tiled(run, input, repeats)


def _tiled(run: Any, input: Tensor, repeats: list[int]) -> Any:
    inner = [times for at, times in enumerate(repeats) if at != input.axis]
    if input.expanded:
        inner = [1, *inner]
    elif input.axis is not None:
        inner = [1] * input.lead + inner
    return input.then("Tile", {"repeats": tuple(inner)}, run)


def _to_sizes(run: Any, input: Tensor, sizes: list[Any], type_: str) -> Any:
    """Sizes of 1 repeated; -1 keeps one. A parameter may be repeated for each image."""
    at = next((i for i, size in enumerate(sizes) if isinstance(size, Batch)), None)
    shown = list(input.dims)
    if at is not None and input.axis is None:
        if sizes[at].factor != 1 or shown[at] != 1:
            run.refuse("expands a parameter by more than the number of images")
        rest = (*shown[:at], *shown[at + 1 :])
        input = input.seen(input.reshaped((1, *rest), run), axis=at)
        shown = list(input.dims)
    target = []
    for have, want in zip(shown, sizes, strict=True):
        keep = isinstance(want, Batch) or (type(want) is int and want == -1)
        if not keep and type(want) is not int:
            run.refuse(f"expands a tensor by {kind(want)}; sizes are whole numbers")
        target.append(have if keep else want)
    if input.axis is not None:
        target.pop(input.axis)
    own = input.step.shape
    front = own[:1] if input.expanded else own[: input.lead]
    shape = (*front, *target)
    return input if shape == own else input.then("Expand", {"shape": shape}, run)


def _size(run: Any, input: Any, dim: Any = None) -> Any:
    """`x.size()`; also of numbers that are no tensor of the trace yet."""
    dims = getattr(input, "dims", None)
    if dims is None:
        tensor = as_tensor(input, run)
        if isinstance(tensor, Unknown):
            return tensor
        dims = tensor.dims
    if dim is None:
        return dims
    if type(dim) is not int or not -len(dims) <= dim < len(dims):
        run.refuse(f"takes the size of dimension {kind(dim)}, of {len(dims)}")
    return dims[dim]


def _numel(run: Any, input: Any) -> Any:
    total: Any = 1
    dims = _size(run, input)
    if isinstance(dims, Unknown):
        return dims
    for dim in dims:
        total = (
            dim.operate("*", total, False, run)
            if isinstance(dim, Batch)
            else (total.operate("*", dim, False, run) if isinstance(total, Batch) else total * dim)
        )
    return total


def _select(run: Any, input: Tensor, dim: Any, index: Any) -> Any:
    if type(index) is not int:
        run.refuse(f"selects by {kind(index)}, which is no whole number")
    return select(input, input.position(dim, run), index, run)


def _narrow(run: Any, input: Tensor, dim: Any, start: Any, length: Any) -> Any:
    if type(start) is not int or type(length) is not int:
        run.refuse("takes a part of a tensor by something other than whole numbers")
    parts = [slice(None)] * input.position(dim, run) + [slice(start, start + length)]
    return input.item(tuple(parts), run)


def _chunk(run: Any, input: Tensor, chunks: Any, dim: Any) -> Any:
    at = input.position(dim, run)
    size = input.dims[at]
    if type(chunks) is not int or not 0 < chunks <= 1_000 or not isinstance(size, int):
        run.refuse("cuts a tensor into chunks by something other than a whole number")
    return _pieces(run, input, at, -(-size // chunks))


def _split(run: Any, input: Tensor, sizes: Any, dim: Any) -> Any:
    at = input.position(dim, run)
    if isinstance(sizes, list | tuple):
        ends = [sum(sizes[: i + 1]) for i in range(len(sizes))]
        pairs = list(zip([0, *ends], ends, strict=False))
    else:
        return _pieces(run, input, at, sizes)
    return tuple(_narrow(run, input, at, start, end - start) for start, end in pairs)


def _pieces(run: Any, input: Tensor, at: int, length: Any) -> Any:
    size = input.dims[at]
    if type(length) is not int or length < 1 or not isinstance(size, int):
        run.refuse("splits a tensor by something other than whole numbers")
    run.charge(size // length + 1)
    return tuple(
        _narrow(run, input, at, start, min(length, size - start))
        for start in range(0, size, length)
    )


def _unbind(run: Any, input: Tensor, dim: Any) -> Any:
    at = input.position(dim, run)
    size = input.dims[at]
    if not isinstance(size, int):
        run.refuse("takes the images of a batch apart, which a network does not")
    run.charge(size)
    return tuple(select(input, at, index, run) for index in range(size))


def _flip(run: Any, input: Tensor, dims: list[Any]) -> Any:
    inner = tuple(input.inner(dim, run, "reverses") for dim in _spread(dims))
    return input.then("Flip", {"dims": inner}, run)


def _roll(run: Any, input: Tensor, shifts: Any, dims: Any) -> Any:
    if dims is None:
        run.refuse("rolls a tensor without dims, which mixes the images of a batch")
    many = isinstance(dims, list | tuple)
    inner = tuple(input.inner(d, run, "rolls") for d in (dims if many else (dims,)))
    args = {"shifts": argument(shifts, run), "dims": inner if many else inner[0]}
    return input.then("Roll", args, run)


def _pad(run: Any, input: Tensor, pad: Any, mode: Any, value: Any) -> Any:
    padding = argument(pad, run)
    if isinstance(padding, Unknown):
        return padding
    if not isinstance(padding, tuple) or len(padding) % 2:
        run.refuse("pads by something other than pairs of whole numbers")
    touched = input.rank - len(padding) // 2
    while len(padding) > 2 and not any(padding[-2:]):
        padding, touched = padding[:-2], touched + 1
    if input.axis is not None and touched <= input.axis:
        run.refuse("pads the batch, which changes the number of images")
    more = {} if mode == "constant" else {"mode": mode}
    if value not in (None, 0, 0.0):
        more["value"] = float(value)
    return input.then("Pad", {"padding": padding, **more}, run)


# ---- over dimensions -----------------------------------------------------------------------------


def _over(type_: str) -> Body:
    """Mean, Sum, …: dimensions that go, or stay as 1."""

    def body(run: Any, input: Tensor, dim: Any, keepdim: Any, **more: Any) -> Any:
        if dim is None:
            if input.axis is not None:
                reason = f"takes the {type_.lower()} over all images of a batch, without a dim"
                return Unknown(reason, run.line)
            dim = tuple(range(input.rank))
        dims = dim if isinstance(dim, list | tuple) else (dim,)
        places = sorted({input.position(d, run) for d in dims})
        inner = tuple(input.inner(d, run, f"takes the {type_.lower()} over") for d in places)
        args: dict[str, Any] = {"dim": inner if len(inner) > 1 else inner[0]}
        if keepdim:
            args["keepdim"] = True
        args |= {name: argument(value, run) for name, value in more.items() if value is not None}
        axis = input.axis
        if axis is not None and not keepdim:
            axis -= sum(place < axis for place in places)
        if len(places) == len(input.step.shape) and not keepdim:
            args["keepdim"] = True  # a number is a tensor of one here
        step = input.trace.add(type_, args, (input.step,), run.line)
        if args.get("keepdim") and not keepdim:
            result = Tensor(input.trace, step, axis=None if axis is None else 0)
            scalar = result.reshaped((1,), run)
            return result.seen(scalar) if axis is None else result.seen(scalar, axis=0, lead=1)
        return input.seen(step, axis=axis)

    return body


class Extremes(tuple):
    """What max and min over a dimension give: values and where they stand, also by name."""

    fields = ("values", "indices")


def _extreme(type_: str) -> Body:
    """max and min: over a dimension (with indices that nobody uses), or of two tensors."""
    reduce, pair = _over(type_), {"Max": "Maximum", "Min": "Minimum"}[type_]

    def body(run: Any, input: Tensor, dim: Any, keepdim: Any) -> Any:
        if isinstance(dim, Native):
            return join(pair, [input, dim], run)
        values = reduce(run, input, dim, keepdim)
        if dim is None:
            return values
        if type_ == "Max":
            return Extremes((values, places(input, dim, run)))
        return Extremes((values, Unknown("uses the places of min values", run.line)))

    return body


def _top(run: Any, input: Tensor, k: Any, dim: Any, largest: Any, sorted: Any) -> Any:
    """topk of the largest value alone."""
    if k != 1 or largest is not True:
        return Unknown("takes several of the largest values by topk, which no layer does", run.line)
    return _extreme("Max")(run, input, dim, True)


def _norm(run: Any, input: Tensor, p: Any, dim: Any, keepdim: Any) -> Any:
    order = 2.0 if p in (None, "fro") else float(p)
    more = {} if order == 2 else {"p": order}
    return _over("Norm")(run, input, dim, keepdim, **more)


def _normalize(run: Any, input: Tensor, p: Any, dim: Any, eps: Any) -> Any:
    args = {"dim": input.inner(dim, run, "normalises")}
    if float(p) != 2:
        args["p"] = float(p)
    if eps != 1e-12:
        args["eps"] = float(eps)
    return input.then("Normalize", args, run)


def _deviation(type_: str) -> Body:
    def body(
        run: Any, input: Tensor, dim: Any, unbiased: Any, keepdim: Any, correction: Any
    ) -> Any:
        if correction is not None:
            unbiased = bool(correction)
        more = {} if unbiased in (True, None) else {"unbiased": False}
        return _over(type_)(run, input, dim, keepdim, **more)

    return body


def _softmax(type_: str) -> Body:
    def body(run: Any, input: Any, dim: Any, **more: Any) -> Any:
        tensor = as_tensor(input, run)
        if isinstance(tensor, Unknown) or isinstance(dim, Unknown):
            return tensor if isinstance(tensor, Unknown) else dim
        if dim is None:  # torch's own choice
            dim = 0 if tensor.rank in (0, 1, 3) else 1
        return tensor.then(type_, {"dim": tensor.inner(dim, run, "takes softmax over")}, run)

    return body


def _clamp(run: Any, input: Tensor, min: Any, max: Any) -> Any:
    ends = {"min": min, "max": max}
    args = {name: float(end) for name, end in ends.items() if isinstance(end, int | float)}
    if not args:
        run.refuse("clamps a tensor by no number")
    return input.then("Clamp", args, run)


def _log_sum_exp(run: Any, input: Tensor, dim: Any, keepdim: Any) -> Any:
    """Without overflow: the largest value is taken off before and added again."""
    if type(dim) is not int:
        run.refuse("takes logsumexp over something other than one dimension")
    largest = _over("Max")(run, input, dim, True)
    powers = join("Subtract", [input, largest], run).then("Exp", {}, run)
    total = _over("Sum")(run, powers, dim, True).then("Log", {}, run)
    result = join("Add", [total, largest], run)
    return result if keepdim else _squeeze(run, result, dim)


def _between(run: Any, input: Any, end: Any, weight: Any) -> Any:
    way = binary("*", binary("-", end, input, False, run), weight, False, run)
    return binary("+", input, way, False, run)


def _add_product(symbol: str) -> Body:
    """addcmul and addcdiv."""

    def body(run: Any, input: Any, tensor1: Any, tensor2: Any, value: Any) -> Any:
        product = binary(symbol, tensor1, tensor2, False, run)
        return binary("+", input, binary("*", product, value, False, run), False, run)

    return body


def _add_matmul(run: Any, input: Any, mat1: Any, mat2: Any, beta: Any, alpha: Any) -> Any:
    product = matmul(run, mat1, mat2)
    if alpha != 1:
        product = binary("*", product, alpha, False, run)
    return binary("+", input if beta == 1 else binary("*", input, beta, False, run), product,
                  False, run)  # fmt: skip


def _elementwise(*steps: tuple[str, dict[str, Any]]) -> Body:
    """A function said by several layers one after the other."""

    def body(run: Any, input: Tensor) -> Any:
        for type_, args in steps:
            input = input.then(type_, dict(args), run)
        return input

    return body


# ---- several tensors -----------------------------------------------------------------------------


def _tables(values: list[Any], dim: Any, how: Callable[..., Any], run: Any) -> Any:
    """Tables of numbers side by side; None where one of the values is no table."""
    if not all(isinstance(value, Fresh) and value.init != "constant" for value in values):
        return None
    numbers = [value.numbers(run) for value in values]
    if not values or any(each is None for each in numbers):
        return None
    try:
        return Fresh.table(how(numbers, axis=dim), run)
    except (ValueError, TypeError, IndexError):
        run.refuse("joins tables of numbers whose sizes do not fit")


def _cat(run: Any, tensors: Any, dim: Any) -> Any:
    listed = run.iterate(tensors)
    table = _tables(listed, dim, np.concatenate, run)
    if table is not None:
        return table
    values = operands(listed, run)
    if isinstance(values, Unknown) or not values:
        return values or run.refuse("concatenates nothing")
    if len(values) == 1:
        return values[0]
    model = max(values, key=lambda t: (t.step.batched, t.axis is not None))
    at = model.position(dim, run)
    for value in values:
        if value.rank != model.rank or value.axis not in (model.axis, None):
            run.refuse("concatenates tensors of different dimensions or batches")
        if value.axis is None and model.axis is not None and value.dims[model.axis] != 1:
            run.refuse("concatenates a parameter to images as if it were images; expand it first")
    inner = model.inner(at, run, "concatenates")
    if any(value.front != model.front for value in values if value.step.batched):
        run.refuse("concatenates tensors whose batches hold different numbers of parts")
    if model.lead and any(not value.step.batched for value in values):
        run.refuse("concatenates a parameter to parts of images, which cannot be read")
    steps = [_placed_as(value, model, run) for value in values]
    return model.seen(model.trace.add("Concatenate", {"dim": inner}, steps, run.line))


def _placed_as(value: Tensor, model: Tensor, run: Any) -> Any:
    """A parameter's step with a leading 1 for the batch, where the model has a batch."""
    if value.axis is None and model.axis:
        return permute_step(value, model.axis, run)
    return value.step


def permute_step(value: Tensor, axis: int, run: Any) -> Any:
    """The step of a parameter whose size 1 at `axis` comes first."""
    shape = value.step.shape
    return value.reshaped((1, *shape[:axis], *shape[axis + 1 :]), run)


def _hstack(run: Any, tensors: Any) -> Any:
    values = operands(run.iterate(tensors), run)
    if isinstance(values, Unknown) or not values:
        return values or run.refuse("concatenates nothing")
    return _cat(run, values, 0 if values[0].rank == 1 else 1)


def _unfold(run: Any, input: Tensor, dimension: Any, size: Any, step: Any) -> Any:
    """`x.unfold(2, 4, 4)`: windows side by side, as one more dimension."""
    at = input.position(dimension, run)
    have = input.dims[at]
    if not all(type(n) is int and n > 0 for n in (have, size, step)) or size != step:
        run.refuse("takes windows that overlap, or windows over the images of a batch")
    count = have // size
    if count * size != have:
        input = _narrow(run, input, at, 0, count * size)
    dims = list(input.dims)
    split = reshape(input, [*dims[:at], count, size, *dims[at + 1 :]], run)
    order = [d for d in range(split.rank) if d != at + 1]
    return permute(split, [*order, at + 1], run)


def _stack(run: Any, tensors: Any, dim: Any) -> Any:
    listed = run.iterate(tensors)
    table = _tables(listed, dim, np.stack, run)
    if table is not None:
        return table
    values = operands(listed, run)
    if isinstance(values, Unknown) or not values:
        return values or run.refuse("stacks nothing")
    at = values[0].position(dim, run, extra=1)
    if len(values) == 1:
        return unsqueeze(values[0], at, run)
    steps, view = together(values, run)
    if view.axis is None:
        return view.seen(view.trace.add("Stack", {"dim": at}, steps, run.line))
    place = at if at <= view.axis else at - 1
    axis = view.axis + (at <= view.axis)
    args = {"dim": 1 + view.lead + place}
    return view.seen(view.trace.add("Stack", args, steps, run.line), axis=axis)


def _einsum(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    if not args or not isinstance(args[0], str) or len(args[0]) > 100:
        run.refuse("calls einsum without an equation")
    equation = args[0].replace(" ", "")
    values = operands(_spread(list(args[1:])), run)
    if isinstance(values, Unknown):
        return values
    inputs, arrow, output = equation.partition("->")
    terms = inputs.split(",")
    if not arrow or len(terms) != len(values) or "." in equation:
        run.refuse(f"uses the equation {equation[:40]!r}; write each input and the output out")
    return _einsum_of(run, terms, output, values)


def _einsum_of(run: Any, terms: list[str], output: str, values: list[Tensor]) -> Any:
    letters = {
        term[value.axis]
        for term, value in zip(terms, values, strict=True)
        if value.axis is not None and value.axis < len(term)
    }
    for term, value in zip(terms, values, strict=True):
        if len(term) != value.rank:
            run.refuse(f"names {len(term)} dimensions of a tensor of {value.rank} in einsum")
    if not letters:
        step = values[0].trace.add(
            "Einsum", {"equation": f"{','.join(terms)}->{output}"}, [v.step for v in values],
            run.line,
        )  # fmt: skip
        return values[0].seen(step)
    if len(letters) > 1 or next(iter(letters)) not in output:
        run.refuse("sums over the images of a batch in einsum, which mixes them")
    batch = next(iter(letters))
    view = max((v for v in values if v.axis is not None), key=lambda v: (v.step.batched, v.lead))
    spare = iter(sorted(set("ABCDEFGHIJKLMNOPQRSTUVWXYZ") - set("".join(terms))))
    lead = "".join(next(spare) for _ in range(view.lead))
    parts = []
    for term, value in zip(terms, values, strict=True):
        if value.axis is None or (value.step.batched and value.front != view.front):
            if batch in term:
                run.refuse("combines different batches in einsum")
            parts.append(term)
        else:
            rest = term.replace(batch, "", 1)
            front = batch + lead if value.step.batched else next(spare)
            parts.append(front + rest)
    ends = batch + lead + output.replace(batch, "", 1)
    args = {"equation": f"{','.join(parts)}->{ends}"}
    step = view.trace.add("Einsum", args, [value.step for value in values], run.line)
    return view.seen(step, axis=output.index(batch))


def _affine_grid(run: Any, theta: Any, size: Any, align_corners: Any) -> Any:
    tensor = as_tensor(theta, run)
    if isinstance(tensor, Unknown) or isinstance(size, Unknown):
        return tensor if isinstance(tensor, Unknown) else size
    sizes = run.iterate(size)[2:]
    if align_corners is True or not tensor.plain or not all(type(n) is int for n in sizes):
        run.refuse("makes a grid with align_corners, or of sizes that are not known")
    return tensor.then("AffineGrid", {"size": tuple(sizes)}, run)


def _grid_sample(
    run: Any, input: Any, grid: Any, mode: Any, padding_mode: Any, align_corners: Any
) -> Any:
    pair = operands([input, grid], run)
    if isinstance(pair, Unknown):
        return pair
    if align_corners is True or not all(tensor.plain for tensor in pair):
        run.refuse("samples a grid with align_corners, which no layer does")
    options = {"mode": (mode, "bilinear"), "padding_mode": (padding_mode, "zeros")}
    args = {name: value for name, (value, usual) in options.items() if value != usual}
    steps = [tensor.step for tensor in pair]
    return pair[0].seen(pair[0].trace.add("GridSample", args, steps, run.line))


def _attention(
    run: Any, query: Any, key: Any, value: Any, attn_mask: Any, dropout_p: Any, is_causal: Any,
    scale: Any,
) -> Any:  # fmt: skip
    values = operands([query, key, value], run)
    if isinstance(values, Unknown):
        return values
    if attn_mask is not None:
        run.refuse("masks attention by a tensor, which no layer does; use is_causal")
    if isinstance(dropout_p, int | float) and dropout_p > 0:
        run.note("The dropout inside scaled_dot_product_attention is left out.")
    steps, view = together(values, run)
    if view.axis is not None and view.axis >= view.rank - 2:
        run.refuse("attends over the images of a batch, which mixes them")
    args = {"is_causal": True} if is_causal is True else {}
    if scale is not None:
        args["scale"] = float(scale)
    return view.seen(view.trace.add("ScaledDotProductAttention", args, steps, run.line))


# ---- torch.nn.functional with weights ------------------------------------------------------------


def _linear(run: Any, input: Tensor, weight: Any, bias: Any) -> Any:
    layer = _layer_of(weight, bias)
    if layer is not None and layer.type == "Linear":
        return layer.call([input], {}, run)
    matrix = as_tensor(weight, run)
    if isinstance(matrix, Unknown):
        return matrix
    product = matmul(run, input, _t(run, matrix))
    return (
        product
        if bias is None or isinstance(product, Unknown)
        else join("Add", [product, bias], run)
    )


def _layer_of(weight: Any, bias: Any) -> Any:
    """The layer whose own weight and bias these are; None of others."""
    layer = getattr(weight, "module", None)
    if getattr(weight, "name", "") != "weight" or layer is None:
        return None
    own = getattr(bias, "module", None) is layer and bias.name == "bias"
    args = getattr(layer, "args", {})
    return layer if own or (bias is None and args.get("bias") is False) else None


def _convolution(sides: int) -> Body:
    """conv1d to conv3d: with the weight and bias of a layer, as that layer does it."""

    def body(run: Any, input: Any, weight: Any, bias: Any, **args: Any) -> Any:
        layer = _layer_of(weight, bias)
        if layer is None or layer.type != f"Conv{sides}d":
            words = f"convolves by conv{sides}d with a weight that is no layer's"
            run.refuse(f"{words}; use nn.Conv{sides}d")
        for name, value in args.items():
            own = layer.attribute(name, run)
            if own != (value if name == "groups" or isinstance(value, tuple | str) else (value,)
                       * sides):  # fmt: skip
                run.refuse(f"convolves with another {name} than the layer whose weight it takes")
        return layer.call([input], {}, run)

    return body


def _layer_norm(
    run: Any, input: Tensor, normalized_shape: Any, weight: Any, bias: Any, eps: Any
) -> Any:
    shape = normalized_shape if isinstance(normalized_shape, list | tuple) else (normalized_shape,)
    shape = tuple(argument(shape, run))
    args: dict[str, Any] = {"normalized_shape": shape, "elementwise_affine": False}
    if eps != 1e-5:
        args["eps"] = eps
    made: Any = input.then("LayerNorm", args, run)
    made = made if weight is None else join("Multiply", [made, weight], run)
    return made if bias is None or isinstance(made, Unknown) else join("Add", [made, bias], run)


def _prelu(run: Any, input: Tensor, weight: Any) -> Any:
    slope = as_tensor(weight, run)
    if isinstance(slope, Unknown):
        return slope
    if slope.rank == 1 and slope.dims[0] != 1 and input.rank > 2:
        slope = reshape(slope, [slope.dims[0], *[1] * (input.rank - 2)], run)
    up = input.then("ReLU", {}, run)
    down = input.then("Scale", {"factor": -1.0}, run).then("ReLU", {}, run)
    return join("Subtract", [up, join("Multiply", [slope, down], run)], run)


def _group_norm(run: Any, input: Tensor, num_groups: Any, weight: Any, bias: Any, eps: Any) -> Any:
    args: dict[str, Any] = {"num_groups": argument(num_groups, run), "affine": False}
    if eps != 1e-5:
        args["eps"] = eps
    if not input.plain:
        run.refuse("applies group_norm to a tensor whose batch is not its first dimension alone")
    made: Any = input.then("GroupNorm", args, run)
    sides = [1] * (input.rank - 2)
    for type_, value in (("Multiply", weight), ("Add", bias)):
        tensor = None if value is None else as_tensor(value, run)
        if isinstance(tensor, Tensor):
            made = join(type_, [made, reshape(tensor, [*tensor.dims, *sides], run)], run)
    return made


class Training(Native):
    """`self.training`, which differs between training and evaluation."""

    kind = "self.training"

    def truth(self, run: Any) -> bool:
        if run.training:
            return True
        run.note(f"Line {run.line} decides by self.training; the network is read as in evaluation.")
        return False


def dropout_type(type_: str, tensor: Tensor, run: Any) -> str:
    """The layer that does what torch's Dropout2d does, also of [N, C] and [N, C, L]."""
    if type_ not in ("Dropout2d", "Dropout3d") or tensor.rank > 2 + (type_ == "Dropout2d"):
        return type_
    if tensor.rank == 2:
        run.note(f"Line {run.line} applies {type_} to vectors; it drops single values there.")
        return "Dropout"
    return "Dropout1d"


def _dropout(type_: str) -> Body:
    def body(run: Any, input: Any, p: Any, training: Any, inplace: Any) -> Any:
        tensor = as_tensor(input, run)
        if isinstance(tensor, Unknown) or isinstance(p, Unknown):
            return tensor if isinstance(tensor, Unknown) else p
        if training is False:
            return tensor
        if training is True:
            run.note(
                f"Line {run.line} drops values in evaluation, too (F.dropout without "
                f"training=self.training); here Dropout is for training alone."
            )
        if type_ != "Dropout" and not tensor.plain:
            run.refuse(f"applies {type_} to a tensor whose batch is not its first dimension alone")
        dropping = dropout_type(type_, tensor, run)
        made = tensor.then(dropping, {} if p == 0.5 else {"p": p}, run)
        return tensor.become(made, run) if inplace is True else made

    return body


def _interpolate(
    run: Any, input: Tensor, size: Any, scale_factor: Any, mode: Any, align_corners: Any,
    recompute_scale_factor: Any, antialias: Any,
) -> Any:  # fmt: skip
    if not input.plain:
        run.refuse("interpolates a tensor whose batch is not its first dimension alone")
    if antialias:
        run.refuse("interpolates with antialias, which no layer does")
    args = {"size": size, "scale_factor": scale_factor, "align_corners": align_corners}
    args = {name: argument(value, run) for name, value in args.items() if value is not None}
    if mode != "nearest":
        args["mode"] = mode
    return input.then("Upsample", args, run)


def _same(run: Any, input: Any, more: dict[str, Any]) -> Any:
    return input


def _keep(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`.to(device)` and the like change nothing; `.type_as(x)` neither."""
    return args[0]


def _detach(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    run.note(f"Line {run.line} stops gradients; here they pass, and what is before it learns, too.")
    return _keep(run, args, kwargs)


def _clone(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """A tensor that changes in place by itself."""
    tensor = args[0]
    if isinstance(tensor, Fresh):
        return Fresh(tensor.dims, tensor.init, tensor.like, **tensor.args)
    return tensor.seen(tensor.step) if isinstance(tensor, Tensor) else tensor


def _gumbel(run: Any, input: Tensor, tau: Any, hard: Any, eps: Any, dim: Any) -> Any:
    return Unknown("draws random numbers by gumbel_softmax, which no layer does", run.line)


def _mask(run: Any, input: Tensor, mask: Any, value: Any) -> Any:
    return mask if isinstance(mask, Unknown) else Unknown("masks a tensor", run.line)


def _fill(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`torch.empty(3).normal_()`: numbers of another kind."""
    return Unknown("fills a tensor in place", run.line)


def _over_text(extra: str = "") -> str:
    return f"input dim=None keepdim=False{' ' + extra if extra else ''} **more"


def _drop_more(body: Body) -> Body:
    return lambda run, input, more, **args: _unary(body)(run, input, **_renamed(args, more))


def _renamed(args: dict[str, Any], more: dict[str, Any]) -> dict[str, Any]:
    """numpy's words for torch's: axis for dim, keepdims for keepdim."""
    words = {"axis": "dim", "keepdims": "keepdim"}
    return {**args, **{words[name]: value for name, value in more.items() if name in words}}


_ENTRIES: list[tuple[str, str | None, Body]] = [
    ("view", "input *sizes", _unary(_view)),
    ("reshape", "input *sizes", _unary(_view)),
    *[(name, "input other", _unary(lambda run, input, other: reshape(input, other.dims, run)))
      for name in ("view_as", "reshape_as")],
    ("flatten", "input start_dim=0 end_dim=-1", _unary(_flatten)),
    ("ravel", "input", _unary(lambda run, input: _flatten(run, input, 0, -1))),
    ("unflatten", "input dim sizes", _unary(_unflatten)),
    ("squeeze", "input dim=None", _unary(_squeeze)),
    ("unsqueeze", "input dim", _unary(_unsqueeze)),
    ("permute", "input *dims", _unary(_permute)),
    ("transpose", "input dim0 dim1", _unary(_transpose)),
    ("swapaxes", "input dim0 dim1", _unary(_transpose)),
    ("t", "input", _unary(_t)),
    ("mT", "input", _unary(lambda run, input: _transpose(run, input, -2, -1))),
    ("movedim", "input source destination", _unary(_movedim)),
    ("moveaxis", "input source destination", _unary(_movedim)),
    ("expand", "input *sizes", _unary(_expand)),
    ("expand_as", "input other", _unary(lambda run, input, other: _expand(
        run, input, list(as_tensor(other, run).dims)))),
    ("repeat", "input *sizes", _unary(_repeat)),
    ("tile", "input *sizes", _unary(_repeat)),
    ("size", "input dim=None", _size),
    ("dim", "input", lambda run, input: len(_size(run, input))),
    ("ndimension", "input", lambda run, input: len(_size(run, input))),
    ("numel", "input", _numel),
    ("nelement", "input", _numel),
    ("select", "input dim index", _unary(_select)),
    ("narrow", "input dim start length", _unary(_narrow)),
    ("chunk", "input chunks dim=0", _unary(_chunk)),
    ("split", "input sizes dim=0", _unary(_split)),
    ("unbind", "input dim=0", _unary(_unbind)),
    ("flip", "input *dims", _unary(_flip)),
    ("roll", "input shifts dims=None", _unary(_roll)),
    ("pad", "input pad mode=constant value=None", _unary(_pad)),
    ("mean", _over_text("dtype=None"), _drop_more(lambda run, input, dtype, **args: _over("Mean")(
        run, input, **args))),
    ("sum", _over_text("dtype=None"), _drop_more(lambda run, input, dtype, **args: _over("Sum")(
        run, input, **args))),
    ("amax", "input dim=None keepdim=False", _unary(_over("Max"))),
    ("amin", "input dim=None keepdim=False", _unary(_over("Min"))),
    ("max", _over_text(), _drop_more(_extreme("Max"))),
    ("min", _over_text(), _drop_more(_extreme("Min"))),
    ("argmax", _over_text(), _drop_more(lambda run, input, dim, keepdim: places(input, dim, run))),
    ("topk", "input k dim=-1 largest=True sorted=True", _unary(_top)),
    *[(name.lower(), "input dim=None unbiased=None keepdim=False correction=None",
       _unary(_deviation(name))) for name in ("Std", "Var")],
    ("norm", "input p=2.0 dim=None keepdim=False", _unary(_norm)),
    ("vector_norm", "input p=2.0 dim=None keepdim=False", _unary(_norm)),
    ("normalize", "input p=2.0 dim=1 eps=1e-12", _unary(_normalize)),
    ("softmax", "input dim=None **more", _softmax("Softmax")),
    ("log_softmax", "input dim=None **more", _softmax("LogSoftmax")),
    ("softmin", "input dim=None **more", _softmax("Softmin")),
    ("glu", "input dim=-1", _softmax("GLU")),
    ("clamp", "input min=None max=None", _unary(_clamp)),
    ("clip", "input min=None max=None", _unary(_clamp)),
    ("clamp_min", "input min", _unary(lambda run, input, min: _clamp(run, input, min, None))),
    ("clamp_max", "input max", _unary(lambda run, input, max: _clamp(run, input, None, max))),
    ("logsumexp", "input dim keepdim=False", _unary(_log_sum_exp)),
    ("lerp", "input end weight", _between),
    ("addcmul", "input tensor1 tensor2 value=1", _add_product("*")),
    ("addcdiv", "input tensor1 tensor2 value=1", _add_product("/")),
    ("addmm", "input mat1 mat2 beta=1 alpha=1", _add_matmul),
    ("baddbmm", "input mat1 mat2 beta=1 alpha=1", _add_matmul),
    ("fliplr", "input", _unary(lambda run, input: _flip(run, input, [1]))),
    ("expm1", "input", _unary(_elementwise(("Exp", {}), ("Scale", {"offset": -1.0})))),
    ("square", "input", _unary(_elementwise(("Power", {"exponent": 2.0})))),
    ("rsqrt", "input", _unary(_elementwise(("Power", {"exponent": -0.5})))),
    ("reciprocal", "input", _unary(_elementwise(("Power", {"exponent": -1.0})))),
    ("neg", "input", _unary(_elementwise(("Scale", {"factor": -1.0})))),
    ("log1p", "input", _unary(_elementwise(("Scale", {"offset": 1.0}), ("Log", {})))),
    ("pow", "input exponent", lambda run, input, exponent: _power(run, input, exponent)),
    ("add", "input other alpha=1", lambda run, input, other, alpha: binary(
        "+", input, other if alpha == 1 else binary("*", other, alpha, False, run), False, run)),
    ("sub", "input other alpha=1", lambda run, input, other, alpha: binary(
        "-", input, other if alpha == 1 else binary("*", other, alpha, False, run), False, run)),
    ("mul", "input other", lambda run, input, other: binary("*", input, other, False, run)),
    ("multiply", "input other", lambda run, input, other: binary("*", input, other, False, run)),
    ("div", "input other", lambda run, input, other: binary("/", input, other, False, run)),
    ("true_divide", "input other", lambda run, input, other: binary(
        "/", input, other, False, run)),
    ("maximum", "input other", lambda run, input, other: join("Maximum", [input, other], run)),
    ("minimum", "input other", lambda run, input, other: join("Minimum", [input, other], run)),
    ("matmul", "input other", matmul),
    ("bmm", "input other", matmul),
    ("mm", "input other", matmul),
    ("dropout", "input p=0.5 training=True inplace=False", _dropout("Dropout")),
    ("dropout1d", "input p=0.5 training=True inplace=False", _dropout("Dropout1d")),
    ("dropout2d", "input p=0.5 training=True inplace=False", _dropout("Dropout2d")),
    ("alpha_dropout", "input p=0.5 training=False inplace=False", _dropout("AlphaDropout")),
    ("feature_dropout", "input p=0.5 training=True inplace=False", _dropout("Dropout2d")),
    ("interpolate", "input size=None scale_factor=None mode=nearest align_corners=None "
     "recompute_scale_factor=None antialias=False", _unary(_interpolate)),
    ("upsample", "input size=None scale_factor=None mode=nearest align_corners=None "
     "recompute_scale_factor=None antialias=False", _unary(_interpolate)),
    ("linear", "input weight bias=None", _unary(_linear)),
    *[(f"conv{n}d", "input weight bias=None stride=1 padding=0 dilation=1 groups=1",
       _convolution(n)) for n in (1, 2, 3)],
    ("layer_norm", "input normalized_shape weight=None bias=None eps=1e-5", _unary(_layer_norm)),
    ("group_norm", "input num_groups weight=None bias=None eps=1e-5", _unary(_group_norm)),
    ("prelu", "input weight", _unary(_prelu)),
    ("masked_fill", "input mask value", _unary(_mask)),
    ("gumbel_softmax", "input tau=1 hard=False eps=1e-10 dim=-1", _unary(_gumbel)),
]  # fmt: skip
_OF_SEVERAL: list[tuple[str, str | None, Body]] = [
    ("cat", "tensors dim=0 **more", lambda run, tensors, dim, more: _cat(
        run, tensors, more.get("axis", dim))),
    ("concat", "tensors dim=0", _cat),
    ("hstack", "tensors", _hstack),
    ("column_stack", "tensors", _hstack),
    ("concatenate", "tensors dim=0", _cat),
    ("stack", "tensors dim=0", _stack),
    ("einsum", None, _einsum),
    ("where", "condition input other", where),
    ("affine_grid", "theta size align_corners=None", _affine_grid),
    ("grid_sample", "input grid mode=bilinear padding_mode=zeros align_corners=None",
     _grid_sample),
    ("scaled_dot_product_attention", "query key value attn_mask=None dropout_p=0.0 "
     "is_causal=False scale=None", _attention),
]  # fmt: skip
_UNCHANGED = (
    *("contiguous", "float", "double", "half", "cuda", "cpu", "to", "type"),
    *("type_as", "requires_grad_", "data", "long", "int", "bool", "retain_grad"),
    *("share_memory_", "pin_memory", "numpy"),
)

FUNCTIONS: dict[str, Function] = {
    **{name: Function(name, parameters, body) for name, parameters, body in _ENTRIES},
    **{name: _layer_function(name, *entry, False) for name, entry in ELEMENTWISE.items()},
    **{name: _layer_function(name, *entry, True) for name, entry in SPATIAL.items()},
}
SEVERAL: dict[str, Function] = {
    name: Function(name, parameters, body) for name, parameters, body in _OF_SEVERAL
}
_SHORT = ("absolute", "swish", "negative", "arctan")
FUNCTIONS |= {"absolute": FUNCTIONS["abs"], "negative": FUNCTIONS["neg"]}
FUNCTIONS |= {"expit": FUNCTIONS["sigmoid"]}
FUNCTIONS |= {
    f"{name}_": in_place(FUNCTIONS[name])
    for name in ("relu", "leaky_relu", "elu", "celu", "selu", "hardtanh", "threshold", "sigmoid",
                 "tanh")
}  # fmt: skip

_VIEWS = (
    *("view", "reshape", "view_as", "reshape_as", "flatten", "ravel", "unflatten", "squeeze"),
    *("unsqueeze", "permute", "transpose", "swapaxes", "t", "mT", "movedim", "moveaxis", "expand"),
)
FUNCTIONS |= {name: viewing(FUNCTIONS[name]) for name in _VIEWS}
_IN_PLACE = (
    *ELEMENTWISE,
    *("add", "sub", "mul", "div", "pow", "clamp", "squeeze", "unsqueeze", "transpose", "square"),
    *("neg", "dropout", "flatten", "t", "softmax", "rsqrt", "reciprocal"),
)
FUNCTIONS |= {f"{name}_": in_place(FUNCTIONS[name]) for name in _IN_PLACE}
Tensor.methods.update(FUNCTIONS)
Tensor.methods.update({name: Function(name, None, _keep) for name in _UNCHANGED})
Tensor.methods |= {name: Function(name, None, _detach) for name in ("detach", "detach_")}
Tensor.methods["clone"] = FUNCTIONS["clone"] = Function("clone", None, _clone)
Tensor.methods["unfold"] = Function("unfold", "input dimension size step", _unary(_unfold))
Tensor.binary, Tensor.compared = staticmethod(binary), staticmethod(compared)
