"""Functions of tensors, as `tf`, `keras.ops` and `keras.backend` have them, and Python's operators.

All take Keras's axes, of which 0 is the batch.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

from digitlab.models.layer import INPUT, shown
from digitlab.models.paste.keras.activation import ACTIVATIONS, named, softmax
from digitlab.models.paste.keras.convolution import torch_padding
from digitlab.models.paste.keras.core import Numbers, permuted, resized, resolve_shape, scaled
from digitlab.models.paste.keras.data import Data
from digitlab.models.paste.keras.initializer import FirstValues, Initializer, make_parameter
from digitlab.models.paste.keras.layer import TensorShape, guarded, record
from digitlab.models.paste.keras.merge import average, combine, concatenate
from digitlab.models.paste.keras.pooling import pool
from digitlab.models.paste.keras.tensor import Tensor, written
from digitlab.models.paste.keras.trace import Trace
from digitlab.models.paste.native import Function, Native, Unknown


class BatchSize(Native):
    """The number of images in a batch, which a spec never needs to know."""

    kind = "the number of images in a batch"

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        return Unknown("computes with the number of images in a batch", run.line)


BATCH = BatchSize()


class Noise(Native):
    """Random numbers, or those times a tensor: the ε of a variational autoencoder."""

    kind = "random numbers"

    def __init__(self, shape: Any = None, deviation: Tensor | None = None) -> None:
        self.shape, self.deviation = shape, deviation

    def operate(self, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        if isinstance(other, Tensor):
            return other.operate(operator, self, not reflected, run)
        return Unknown("computes with random numbers", run.line)


class Language:
    """What operators, indices and attributes do with tensors."""

    def attribute(self, x: Tensor, name: str, run: Any) -> Any:
        sizes = (*((None,) if x.batched else ()), *x.shape)
        if name in ("shape", "_keras_shape"):
            return TensorShape(sizes)
        if name == "get_shape":
            return Function(name, "", lambda run: TensorShape(sizes))
        if name in ("ndim", "rank"):
            return len(sizes)
        if name == "dtype":
            return Unknown("uses the dtype of a tensor", run.line)
        if name == "assign":
            return Function(name, None, lambda run, args, kwargs: None)
        return run.refuse(f"uses .{name} of a tensor, which cannot be read")

    def item(self, x: Tensor, index: Any, run: Any) -> Any:
        x.trace.run, x.trace.line = run, run.line
        with guarded(x.trace, "an index"):
            return record(indexed, x, index)

    def operate(self, x: Tensor, operator: str, other: Any, reflected: bool, run: Any) -> Any:
        x.trace.run, x.trace.line = run, run.line
        if isinstance(other, Unknown | Data):
            return _with_unknown(x, other)
        if isinstance(other, Noise):
            return _with_noise(x, operator, other, reflected)
        if isinstance(other, Tensor):
            pair = (other, x) if reflected else (x, other)
            return record(_of_two, operator, *pair)
        if type(other) not in (int, float):
            return NotImplemented
        return record(_with_number, x, operator, float(other), reflected)


def indexed(x: Tensor, index: Any) -> Tensor:
    """`x[:, 0]`, `x[..., None]`, `x[:, :, 2:4]` and the like."""
    parts = list(index) if isinstance(index, tuple | list) else [index]
    if any(isinstance(part, Unknown) for part in parts):
        next(part for part in parts if isinstance(part, Unknown)).refuse()
    new = sum(part is None for part in parts)
    if any(part is Ellipsis for part in parts):
        at = next(i for i, part in enumerate(parts) if part is Ellipsis)
        missing = x.rank + x.batched - (len(parts) - 1 - new)
        parts[at : at + 1] = [slice(None)] * missing
    if x.batched:
        if parts[0] != slice(None):
            x.trace.refuse("takes single images out of the batch; begin the index with a colon")
        parts = parts[1:]
    axis = 0
    for part in parts:
        if part is None:
            x, axis = expanded(x, axis), axis + 1
        elif axis >= x.rank:
            x.trace.refuse(f"takes too many indices of {written(x)}")
        elif type(part) is int:
            x = selected(x, axis, part)
        elif isinstance(part, slice):
            x, axis = sliced(x, axis, part), axis + 1
        else:
            x.trace.refuse(f"takes item {shown(part)} of a tensor, which cannot be read")
    return x


def expanded(x: Tensor, axis: int) -> Tensor:
    """With a new axis of size 1; nothing is made."""
    layout = [a if a is None or a < axis else a + 1 for a in x.layout]
    return x.with_node(x.node, (*x.shape[:axis], 1, *x.shape[axis:]), layout)


def squeezed(x: Tensor, axis: int) -> Tensor:
    """Without an axis of size 1; nothing is made."""
    if x.shape[axis] != 1:
        x.trace.refuse(f"squeezes an axis of {written(x)} that has {x.shape[axis]} values, not 1")
    layout = [None if a == axis else a if a is None or a < axis else a - 1 for a in x.layout]
    return x.with_node(x.node, (*x.shape[:axis], *x.shape[axis + 1 :]), layout)


def selected(x: Tensor, axis: int, index: int) -> Tensor:
    """One element along an axis, which goes."""
    size = x.shape[axis]
    if not -size <= index < size:
        x.trace.refuse(f"takes element {index} of {size}")
    if size == 1:
        return squeezed(x, axis)
    index = -1 if index == size - 1 and size > 1 else index
    dim = x.dim(axis)
    node = x.trace.add("Select", {"dim": dim, "index": index}, x.node)
    layout = [a if a is None or a < axis else a - 1 for a in x.layout if a != axis]
    return x.with_node(node, (*x.shape[:axis], *x.shape[axis + 1 :]), layout)


def sliced(x: Tensor, axis: int, part: slice) -> Tensor:
    """A part along an axis."""
    if any(type(n) is not int and n is not None for n in (part.start, part.stop, part.step)):
        x.trace.refuse("slices a tensor by something other than whole numbers")
    if part.step == -1 and part.start is None and part.stop is None:
        return x.with_node(x.trace.add("Flip", {"dims": (x.dim(axis),)}, x.node), x.shape, x.layout)
    count = len(range(*part.indices(x.shape[axis])))
    if (part.step or 1) < 1 or count < 1:
        x.trace.refuse(f"slices {written(x)} to nothing, or backwards in steps")
    if count == x.shape[axis]:
        return x
    if axis not in x.layout:
        x = x.natural
    args = {"dim": x.dim(axis), "start": part.start, "stop": part.stop, "step": part.step}
    node = x.trace.add("Slice", {k: v for k, v in args.items() if v is not None}, x.node)
    return x.with_node(node, (*x.shape[:axis], count, *x.shape[axis + 1 :]), x.layout)


# ---- operators -----------------------------------------------------------------------------------

_JOINS = {"+": "Add", "-": "Subtract", "*": "Multiply", "/": "Divide"}


def _of_two(operator: str, a: Tensor, b: Tensor) -> Tensor:
    if operator == "@":
        return matmul(a, b)
    if operator not in _JOINS:
        a.trace.refuse(f"uses {operator} on two tensors, which cannot be read")
    return combine(_JOINS[operator], [a, b])


def _with_number(x: Tensor, operator: str, number: float, reflected: bool) -> Tensor:
    number = int(number) if number.is_integer() else number
    if operator in ("+", "-"):
        sign = -1 if operator == "-" else 1
        return scaled(x, sign, number) if reflected else scaled(x, 1, sign * number)
    if operator == "*":
        return scaled(x, number, 0)
    if operator == "/" and reflected:
        x = x.apply("Power", exponent=-1)
        return x if number == 1 else scaled(x, number, 0)
    if operator == "/" and number:
        return scaled(x, 1 / number, 0)
    if operator == "**" and not reflected:
        return x.apply("Sqrt") if number == 0.5 else x.apply("Power", exponent=number)
    x.trace.refuse(f"uses {operator} on a tensor and {number}, which cannot be read")
    return x


def _with_unknown(x: Tensor, other: Unknown | Data) -> Tensor:
    """The image less the mean of the data, and the like: the recipe normalises."""
    start = x.node.sources[0] if x.node.type == "Scale" else x.node
    start = start.reshaped_from[0] if start.reshaped_from else start
    if start.type != INPUT:
        if isinstance(other, Unknown):
            other.refuse()
        x.trace.refuse("computes with the data, which is not at hand")
    x.trace.recipe.setdefault("normalization", "dataset")
    x.trace.note("Scaling of the pixels by numbers of the data is left out: the recipe normalises.")
    return x if x.node.type != "Scale" else x.with_node(x.node.sources[0], x.shape, x.layout)


def _with_noise(x: Tensor, operator: str, noise: Noise, reflected: bool) -> Any:
    """mean + exp(log_variance / 2) · ε, as variational autoencoders draw their code."""
    if operator == "*" and noise.deviation is None:
        return Noise(noise.shape, x)
    deviation = noise.deviation
    if operator != "+" or deviation is None or deviation.node.type != "Exp":
        x.trace.refuse("adds random numbers that stay when the network is used; use GaussianNoise")
    inner = deviation.node.sources[0]
    halved = inner.type == "Scale" and inner.args == {"factor": 0.5}
    variance = deviation.with_node(inner.sources[0] if halved else inner, x.shape, deviation.layout)
    return record(_reparameterized, x, variance if halved else variance.apply("Scale", factor=2))


def _reparameterized(mean: Tensor, log_variance: Tensor) -> Tensor:
    node = mean.trace.add("Reparameterize", {}, mean.node, log_variance.node)
    return mean.with_node(node, mean.shape, mean.layout)


def matmul(a: Tensor, b: Tensor, transpose_a: Any = False, transpose_b: Any = False) -> Tensor:
    """The matrix product of the last two axes."""
    a, b = (_swapped(x) if flip else x for x, flip in ((a, transpose_a), (b, transpose_b)))
    a, b = a.natural, b.natural
    if not a.rank or not b.rank or a.shape[-1] != b.shape[-2 if b.rank > 1 else -1]:
        a.trace.refuse(f"multiplies {written(a)} and {written(b)}, whose sizes do not fit")
    if b.rank == 1:
        a.trace.refuse(f"multiplies by the vector {written(b)}; use a sum of products")
    batch = a if a.rank >= b.rank or not b.batched else b
    shape = (*batch.shape[:-2], *a.shape[-2:-1], b.shape[-1])
    node = a.trace.add("MatMul", {}, a.node, b.node)
    batched = a if a.batched else b
    return batched.with_node(node, shape, range(len(shape)))


def _swapped(x: Tensor) -> Tensor:
    axes = list(range(x.rank))
    if len(axes) > 1:
        axes[-2:] = axes[-1], axes[-2]
    return permuted(x, axes)


# ---- shapes --------------------------------------------------------------------------------------


def shape_of(x: Tensor) -> list[Any]:
    """`tf.shape(x)`: its sizes, the first of which nobody needs."""
    return [*([BATCH] if x.batched else []), *x.shape]


def _without_batch(x: Tensor, sizes: Any) -> list[Any]:
    """Sizes that begin with the batch, without it."""
    sizes = list(getattr(sizes, "sizes", sizes)) if not isinstance(sizes, int) else [sizes]
    for size in sizes:
        if isinstance(size, Unknown):
            size.refuse()
    if not x.batched:
        return sizes
    rest = sizes[1:]
    first_is_batch = isinstance(sizes[0], BatchSize) or sizes[0] in (-1, None)
    if not first_is_batch:
        x.trace.refuse(
            f"reshapes {written(x)} to {shown(tuple(sizes))}, whose first size is not the batch; "
            f"begin with -1"
        )
    return rest


def reshape(x: Tensor, shape: Any) -> Tensor:
    """`tf.reshape`, whose shape begins with the batch."""
    return x.reshape(resolve_shape(x, _without_batch(x, shape), x.trace.refuse))


def expand_dims(x: Any, axis: Any = -1) -> Any:
    """With a new axis. Numbers that are known get a batch of one."""
    return x if isinstance(x, Numbers) else expanded(x, x.axis(axis, extra=1))


def squeeze(x: Tensor, axis: Any = None) -> Tensor:
    """Without axes of size 1."""
    if axis is None:
        axes = [a for a, size in enumerate(x.shape) if size == 1]
    else:
        axes = [x.axis(a) for a in (axis if isinstance(axis, list | tuple) else (axis,))]
    for number in sorted(axes, reverse=True):
        x = squeezed(x, number)
    return x


def transpose(x: Tensor, perm: Any = None) -> Tensor:
    """The axes in another order; the batch stays first."""
    order = list(perm) if perm is not None else list(reversed(range(x.rank + x.batched)))
    if x.batched and order[:1] != [0]:
        x.trace.refuse("moves the images of a batch; leave axis 0 in its place")
    axes = [axis - x.batched for axis in order[x.batched :]]
    if sorted(axes) != list(range(x.rank)):
        x.trace.refuse(f"transposes {written(x)} by {shown(perm)}; name each axis once")
    return permuted(x, axes)


def broadcast_to(x: Tensor, shape: Any) -> Tensor:
    """Sizes of 1 repeated. A learnt tensor with a batch of one stays as it is: joins repeat it."""
    sizes = list(getattr(shape, "sizes", shape))
    if not x.batched and sizes and not isinstance(sizes[0], int) and x.shape[0] == 1:
        return x
    sizes = _without_batch(x, sizes) if x.batched else sizes
    if len(sizes) != x.rank or any(type(n) is not int for n in sizes):
        x.trace.refuse(f"broadcasts {written(x)} to {shown(tuple(sizes))}")
    x = x.natural
    return x.with_node(x.trace.add("Expand", {"shape": tuple(sizes)}, x.node), sizes, x.layout)


def tile(x: Tensor, multiples: Any) -> Tensor:
    """The values repeated along each axis; the batch is not repeated."""
    counts = list(getattr(multiples, "sizes", multiples))
    if isinstance(counts[0], BatchSize) and not x.batched and x.shape[0] == 1:
        counts = counts[1:]
        if all(count == 1 for count in counts):
            return x
        x.trace.refuse("repeats a learnt tensor along more than the batch")
    if x.batched and counts[0] != 1:
        x.trace.refuse("repeats the images of a batch; begin with 1")
    counts = counts[1:] if x.batched else counts
    if len(counts) != x.rank or any(type(n) is not int or n < 1 for n in counts):
        x.trace.refuse(f"tiles {written(x)} by {shown(multiples)}")
    x = x.natural
    shape = [size * count for size, count in zip(x.shape, counts, strict=True)]
    return x.with_node(x.trace.add("Tile", {"repeats": tuple(counts)}, x.node), shape, x.layout)


def stack(values: Any, axis: Any = 0) -> Tensor:
    """Tensors along a new axis."""
    tensors = list(values)
    number = tensors[0].axis(axis, extra=1)
    return concatenate([expanded(x, number) for x in tensors], number + tensors[0].batched)


def split(x: Tensor, num_or_size_splits: Any, axis: Any = 0) -> list[Tensor]:
    """Parts along an axis: a number of equal ones, or their sizes."""
    number = x.axis(axis)
    size, parts = x.shape[number], num_or_size_splits
    if type(parts) is int and parts > 0 and size % parts == 0:
        parts = [size // parts] * parts
    if not isinstance(parts, list | tuple) or sum(parts) != size:
        x.trace.refuse(f"splits {size} values into {shown(parts)}")
    starts = [sum(parts[:at]) for at in range(len(parts))]
    pairs = zip(starts, parts, strict=True)
    return [sliced(x, number, slice(start, start + length)) for start, length in pairs]


def unstack(x: Tensor, num: Any = None, axis: Any = 0) -> list[Tensor]:
    """All elements along an axis."""
    number = x.axis(axis)
    if x.shape[number] > 64:
        x.trace.refuse("takes more than 64 parts of a tensor")
    return [selected(x, number, index) for index in range(x.shape[number])]


def pad(x: Tensor, paddings: Any, mode: Any = "CONSTANT", constant_values: Any = 0) -> Tensor:
    """Values before and after each axis: a pair for each, the batch's first."""
    pairs = [tuple(pair) for pair in paddings]
    modes = {"constant": "constant", "reflect": "reflect"}
    how = modes.get(str(mode).lower())
    wrong = len(pairs) != x.rank + x.batched or any(type(n) is not int for p in pairs for n in p)
    if wrong or how is None or (x.batched and pairs[0] != (0, 0)):
        x.trace.refuse(f"pads {written(x)} by {shown(paddings)} and mode {shown(mode)}")
    pairs = pairs[x.batched :]
    ends = [(0, 0) if axis is None else pairs[axis] for axis in x.layout]
    if set(x.layout) != set(range(x.rank)):
        x, ends = x.natural, pairs
    while ends and ends[0] == (0, 0):
        ends = ends[1:]
    args: dict[str, Any] = {"padding": tuple(torch_padding(ends))}
    args |= {"mode": how} if how != "constant" else {}
    args |= {"value": constant_values} if constant_values else {}
    shape = [size + sum(pair) for size, pair in zip(x.shape, pairs, strict=True)]
    return x.with_node(x.trace.add("Pad", args, x.node), shape, x.layout)


# ---- sums and the like ---------------------------------------------------------------------------


def _reduce(type: str, **options: Any) -> Callable[..., Tensor]:
    def reduce(x: Tensor, axis: Any = None, keepdims: Any = False) -> Tensor:
        if axis is None:
            x.trace.refuse("sums up the whole batch; name the axes, all but 0")
        axes = sorted({x.axis(a) for a in (axis if isinstance(axis, list | tuple) else (axis,))})
        if set(x.layout) != set(range(x.rank)):
            x = x.natural
        if len(axes) == x.rank and not keepdims:
            x.trace.refuse("sums up all axes, which leaves a single number; keep one")
        dims = sorted(x.dim(a) for a in axes)
        args: dict[str, Any] = {"dim": dims[0] if len(dims) == 1 else tuple(dims), **options}
        args |= {"keepdim": True} if keepdims else {}
        return x.reduced(x.trace.add(type, args, x.node), axes, keep=bool(keepdims))

    return reduce


def _plain(type: str, **args: Any) -> Callable[..., Tensor]:
    return lambda x: x.apply(type, **args)


def _l2_normalize(x: Tensor, axis: Any = -1) -> Tensor:
    number = x.axis(axis)
    x = x if number in x.layout else x.natural
    return x.apply("Normalize", dim=x.dim(number))


def _clip(x: Tensor, low: Any = None, high: Any = None) -> Tensor:
    args = {"min": low, "max": high}
    return x.apply("Clamp", **{name: value for name, value in args.items() if value is not None})


def _power(x: Tensor, y: Any) -> Tensor:
    if type(y) not in (int, float):
        x.trace.refuse("raises a tensor to a power that is no number")
    return x.apply("Power", exponent=y)


def _leaky(x: Tensor, negative_slope: Any = 0.2) -> Tensor:
    return x.apply("LeakyReLU", negative_slope=negative_slope)


def _relu(x: Tensor, negative_slope: Any = 0, max_value: Any = None, threshold: Any = 0) -> Tensor:
    if max_value == 6:
        return x.apply("ReLU6")
    if max_value is not None or threshold:
        x.trace.refuse("uses relu with a max_value or threshold; use the layer ReLU")
    return (
        x.apply("LeakyReLU", negative_slope=negative_slope) if negative_slope else x.apply("ReLU")
    )


def _gelu(approximate_by_default: bool) -> Callable[..., Tensor]:
    def gelu(x: Tensor, approximate: Any = approximate_by_default) -> Tensor:
        return x.apply("GELU", **({"approximate": "tanh"} if approximate else {}))

    return gelu


def _join(kind: str) -> Callable[..., Any]:
    """A function of two or more tensors, or of a tensor and a number."""

    def join(*values: Any) -> Any:
        items = values[0] if len(values) == 1 and isinstance(values[0], list | tuple) else values
        numbers = [item for item in items if type(item) in (int, float)]
        tensors = [item for item in items if isinstance(item, Tensor)]
        if not tensors:
            return Unknown(f"computes {kind} of no tensors", 1)
        if not numbers:
            return combine(kind, list(items)) if len(items) > 1 else items[0]
        if kind in ("Maximum", "Minimum"):
            low, high = (numbers[0], None) if kind == "Maximum" else (None, numbers[0])
            return _clip(tensors[0], low, high)
        symbol = next(symbol for symbol, name in _JOINS.items() if name == kind)
        return _with_number(tensors[0], symbol, float(numbers[0]), items[0] is not tensors[0])

    return join


# ---- images --------------------------------------------------------------------------------------


def _channels_front(x: Tensor) -> Tensor:
    if x.rank != 3:
        x.trace.refuse(f"takes images (height, width, channels), but {written(x)} reaches it")
    return x.arranged((2, 0, 1))


def resize(x: Tensor, size: Any, method: Any = "bilinear") -> Tensor:
    """`tf.image.resize`."""
    how = str(method).rpartition(".")[2].lower().replace("nearest_neighbor", "nearest")
    if how not in ("nearest", "bilinear", "bicubic") or any(type(n) is not int for n in size):
        x.trace.refuse(f"resizes to {shown(size)} by {shown(method)}")
    return resized(_channels_front(x), tuple(size), (0, 1), how)


def extract_patches(x: Tensor, size: Any, strides: Any = None, padding: Any = "valid") -> Tensor:
    """Squares cut out of an image, each as a row of its values, (rows, columns, values)."""
    pair = tuple(size)[1:3] if isinstance(size, list | tuple) and len(size) == 4 else size
    pair = tuple(pair) if isinstance(pair, list | tuple) else (pair, pair)
    if isinstance(strides, list | tuple):
        strides = tuple(strides)[1:3] if len(strides) == 4 else tuple(strides)
    high, wide = pair
    even = x.rank == 3 and not (x.shape[0] % high or x.shape[1] % wide)
    steps = (strides, strides) if isinstance(strides, int) else strides
    if not even or steps not in (None, pair):
        x.trace.refuse(f"cuts {written(x)} into patches of {shown(pair)} that do not tile it")
    rows, columns, channels = x.shape[0] // high, x.shape[1] // wide, x.shape[2]
    if channels == 1:
        x = _channels_front(x)
        args = {"kernel_size": high if high == wide else pair}
        node = x.trace.add("Unfold", {**args, "stride": args["kernel_size"]}, x.node)
        patches = x.with_node(node, (rows * columns, high * wide), (1, 0))
        return patches.reshape((rows, columns, high * wide))
    x = x.reshape((rows, high, columns, wide, channels))
    return permuted(x, (0, 2, 1, 3, 4)).reshape((rows, columns, high * wide * channels))


def _pool_function(kind: str) -> Callable[..., Tensor]:
    def run(x: Tensor, ksize: Any, strides: Any = None, padding: Any = "valid") -> Tensor:
        sizes = [tuple(n)[1:3] if isinstance(n, list | tuple) and len(n) == 4 else n
                 for n in (ksize, strides)]  # fmt: skip
        return pool(x, kind, sizes[0], sizes[1], str(padding).lower())

    return run


# ---- making the functions ------------------------------------------------------------------------


def tensor_functions(trace: Trace) -> dict[str, Function]:
    """Every function by its name, with its parameters in TensorFlow's order."""
    made = {}
    for names, parameters, body in _FUNCTIONS:
        for name in names.split():
            made[name] = _recorded(trace, name, parameters, body)
    for word in ACTIVATIONS:
        made.setdefault(
            word, _recorded(trace, word, "x name=None", lambda x, w=word: named(x, w, trace))
        )
    return made


def _recorded(trace: Trace, name: str, parameters: str, body: Callable[..., Any]) -> Function:
    renamed = {
        old: new for old, new in _SAME.items() if new in parameters.replace("=", " ").split()
    }

    def call(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        trace.run, trace.line = run, run.line
        kwargs = {renamed.get(k, k): v for k, v in kwargs.items() if k not in _IGNORED}
        bound = binder.parameters.bind(args, kwargs, run)
        bound.pop("name", None)
        for value in bound.values():
            items = value if isinstance(value, list | tuple) else (value,)
            unknown = next((item for item in items if isinstance(item, Unknown)), None)
            if unknown is not None:
                return unknown
        if name in _OF_NUMBERS and type(bound.get("x")) in (int, float):
            with guarded(trace, name):
                return _OF_NUMBERS[name](bound["x"], *([bound["y"]] if "y" in bound else []))
        if not any(_has_tensor(value) for value in bound.values()) and name not in _WITHOUT:
            return Unknown(f"calls {name} on something that is no tensor of the network", run.line)
        star = bound.pop("values", ()) if "*values" in parameters.split() else ()
        with guarded(trace, name):
            return record(lambda *items, **options: body(*items, **options), *star, **bound)

    binder = Function(name, parameters, body)
    made = Function(name, None, call)
    made.word = name
    return made


def gelu_of_ops(trace: Trace) -> Function:
    """keras.ops.gelu, which is approximate unless it is told otherwise; tf.nn.gelu is not."""
    return _recorded(trace, "gelu", "x approximate=True", _gelu(True))


def _has_tensor(value: Any) -> bool:
    if isinstance(value, list | tuple):
        return any(_has_tensor(item) for item in value)
    return isinstance(value, Tensor | Numbers | Noise)


_IGNORED = ("name", "dtype", "seed", "antialias", "rates", "dilation_rate", "data_format", "num",
            "training")  # fmt: skip
# TensorFlow's and Keras's words for the same parameter.
_SAME = {
    **dict.fromkeys(("input", "inputs", "tensor", "images", "features", "input_tensor"), "x"),
    **dict.fromkeys(("logits", "a", "image", "arrays", "value_or_x", "tensors"), "x"),
    "axes": "axis",
    "keep_dims": "keepdims",
    "alpha": "negative_slope",
    "pattern": "perm",
    "sizes": "size",
    "interpolation": "method",
    "clip_value_min": "low",
    "clip_value_max": "high",
    "x_min": "low",
    "x_max": "high",
    "x1": "x",
    "x2": "y",
    "newshape": "shape",
    "pool_size": "ksize",
    "pad_width": "paddings",
    "indices_or_sections": "num_or_size_splits",
    "repeats": "multiples",
}
_WITHOUT = ("concat", "concatenate")
_OF_NUMBERS: dict[str, Callable[..., float]] = {  # of sizes: tf.sqrt(tf.cast(depth, tf.float32))
    **{name: getattr(math, name) for name in ("sqrt", "exp", "log", "sin", "cos", "pow")},
    **dict.fromkeys(("cast", "convert_to_tensor", "identity"), lambda x: x),
    "rsqrt": lambda x: 1 / math.sqrt(x),
    "square": lambda x: x * x,
    "abs": abs,
}
_REDUCE = "x axis=None keepdims=False name=None"
_ONE = "x name=None"

_FUNCTIONS: tuple[tuple[str, str, Callable[..., Any]], ...] = (
    ("relu", "x negative_slope=0 max_value=None threshold=0 name=None", _relu),
    ("leaky_relu", "x negative_slope=0.2 name=None", _leaky),
    ("gelu", "x approximate=False name=None", _gelu(False)),
    ("softmax", "x axis=-1 name=None", lambda x, axis=-1: softmax(x, axis=axis)),
    ("log_softmax", "x axis=-1 name=None", lambda x, axis=-1: softmax(x, "log_softmax", axis)),
    ("dropout", "x rate=0.5 noise_shape=None name=None",
     lambda x, rate=0.5, noise_shape=None: x.apply("Dropout", p=rate)),
    ("add", "*values", _join("Add")),
    ("add_n", "x", _join("Add")),
    ("subtract", "*values", _join("Subtract")),
    ("multiply", "*values", _join("Multiply")),
    ("divide true_divide", "*values", _join("Divide")),
    ("maximum", "*values", _join("Maximum")),
    ("minimum", "*values", _join("Minimum")),
    ("average", "x", average),
    ("matmul", "x y transpose_a=False transpose_b=False name=None",
     lambda x, y, transpose_a=False, transpose_b=False: matmul(x, y, transpose_a, transpose_b)),
    ("dot", "x y", matmul),
    ("concat concatenate", "x axis=-1 name=None", lambda x, axis=-1: concatenate(x, axis)),
    ("stack", "x axis=0 name=None", lambda x, axis=0: stack(x, axis)),
    ("split", "x num_or_size_splits axis=0 name=None", split),
    ("unstack", "x num=None axis=0 name=None", unstack),
    ("get_item", "x index", indexed),
    ("reshape", "x shape name=None", reshape),
    ("expand_dims", "x axis=-1 name=None", expand_dims),
    ("squeeze", "x axis=None name=None", squeeze),
    ("transpose permute_dimensions", "x perm=None conjugate=False name=None",
     lambda x, perm=None, conjugate=False: transpose(x, perm)),
    ("broadcast_to", "x shape name=None", broadcast_to),
    ("tile", "x multiples name=None", tile),
    ("pad", "x paddings mode=CONSTANT constant_values=0 name=None", pad),
    ("flatten batch_flatten", "x", lambda x: x.reshape((math.prod(x.shape),)).flat()),
    ("shape", _ONE, shape_of),
    ("int_shape", _ONE, lambda x: (*((None,) if x.batched else ()), *x.shape)),
    ("reduce_mean mean", _REDUCE, _reduce("Mean")),
    ("reduce_sum sum", _REDUCE, _reduce("Sum")),
    ("reduce_max max amax", _REDUCE, _reduce("Max")),
    ("reduce_min min amin", _REDUCE, _reduce("Min")),
    ("reduce_std std", _REDUCE, _reduce("Std", unbiased=False)),
    ("reduce_variance var", _REDUCE, _reduce("Var", unbiased=False)),
    ("abs absolute", _ONE, _plain("Abs")),
    ("exp", _ONE, _plain("Exp")),
    ("log", _ONE, _plain("Log")),
    ("sqrt", _ONE, _plain("Sqrt")),
    ("rsqrt", _ONE, _plain("Power", exponent=-0.5)),
    ("square", _ONE, _plain("Power", exponent=2)),
    ("sin", _ONE, _plain("Sin")),
    ("cos", _ONE, _plain("Cos")),
    ("erf", _ONE, _plain("Erf")),
    ("negative", _ONE, lambda x: scaled(x, -1, 0)),
    ("pow power", "x y name=None", _power),
    ("clip_by_value clip", "x low=None high=None name=None", _clip),
    ("l2_normalize", "x axis=-1 epsilon=1e-12 name=None",
     lambda x, axis=-1, epsilon=1e-12: _l2_normalize(x, axis)),
    ("normalize", "x axis=-1 order=2 epsilon=1e-12 name=None",
     lambda x, axis=-1, order=2, epsilon=1e-12: _l2_normalize(x, axis)),
    ("cast convert_to_tensor identity", "x dtype=None name=None", lambda x, dtype=None: x),
    ("extract_patches", "x size strides=None rates=None padding=valid name=None",
     lambda x, size, strides=None, rates=None, padding="valid": extract_patches(
         x, size, strides, padding)),
    ("resize", "x size method=bilinear preserve_aspect_ratio=False antialias=False name=None",
     lambda x, size, method="bilinear", preserve_aspect_ratio=False, antialias=False: resize(
         x, size, method)),
    ("max_pool max_pool2d", "x ksize strides=None padding=valid data_format=None name=None",
     lambda x, ksize, strides=None, padding="valid", data_format=None: _pool_function("Max")(
         x, ksize, strides, padding)),
    ("avg_pool avg_pool2d average_pool",
     "x ksize strides=None padding=valid data_format=None name=None",
     lambda x, ksize, strides=None, padding="valid", data_format=None: _pool_function("Avg")(
         x, ksize, strides, padding)),
)  # fmt: skip


# ---- functions that make values ------------------------------------------------------------------


def numbers(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`tf.range(start, limit, delta)`."""
    start, limit, delta = (*args, *(None,) * 3)[:3]
    start, limit = kwargs.get("start", start), kwargs.get("limit", kwargs.get("stop", limit))
    delta = kwargs.get("delta", kwargs.get("step", delta))
    if limit is None:
        start, limit = 0, start
    bounds = (start or 0, limit, delta or 1)
    if any(type(n) is not int for n in bounds) or bounds[2] < 1:
        return Unknown("makes a range of numbers that are not known", run.line)
    known = range(*bounds)
    run.charge(len(known))
    return Numbers(known)


def noise(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
    """`tf.random.normal(shape)`, standard normal."""
    arguments = {**dict(zip(("shape", "mean", "stddev"), args, strict=False)), **kwargs}
    if arguments.get("mean", 0) or arguments.get("stddev", 1) != 1:
        shape = arguments.get("shape")
        options = {name: arguments[name] for name in ("mean", "stddev") if name in arguments}
        return FirstValues(shape, Initializer("RandomNormal", options))
    return Noise(arguments.get("shape"))


def first_values(word: str) -> Callable[..., Any]:
    """`tf.zeros(shape)` and the like, from which variables are made."""

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        shape = kwargs.get("shape", args[0] if args else None)
        if isinstance(shape, Tensor) or shape is None:
            return Unknown(f"makes {word.lower()} that the network does not learn", run.line)
        return FirstValues(shape, Initializer(word, {}))

    return make


def variable(trace: Trace) -> Function:
    """`tf.Variable(first values)`: a learnt tensor."""

    def make(run: Any, args: list[Any], kwargs: dict[str, Any]) -> Any:
        trace.run, trace.line = run, run.line
        value = kwargs.get("initial_value", kwargs.get("initializer", args[0] if args else None))
        if isinstance(value, Noise):
            value = FirstValues(value.shape, Initializer("RandomNormal", {"stddev": 1.0}))
        if isinstance(value, Initializer):
            value = FirstValues(kwargs.get("shape", args[1] if len(args) > 1 else None), value)
        if not isinstance(value, FirstValues):
            return Unknown("makes a variable of values that are not known", run.line)
        return make_parameter(trace, value.shape, value.initializer)

    return Function("Variable", None, make)
