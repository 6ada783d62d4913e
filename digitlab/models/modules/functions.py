"""What torch's functions and methods become: one table, `FUNCTIONS`, by their names.

Methods, functions of torch and of torch.nn.functional, operators and versions in place share a
row: `x.relu()`, `torch.relu(x)`, `F.relu(x, inplace=True)` and `x.relu_()` are all "relu".
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from typing import Any

import torch

from digitlab.models.layers import layer_signature
from digitlab.models.modules.graph import Place, Value, count
from digitlab.models.modules.reader import Batch, Reader, constant_shape, shortest
from digitlab.models.modules.trace import Call, Ref

Function = Callable[[Reader, Call], None]

# Functions that are a layer of torch.nn, with the names of the arguments after the tensor.
_LAYERS: dict[str, tuple[str, tuple[str, ...]]] = {
    "relu": ("ReLU", ("inplace",)),
    "relu6": ("ReLU6", ("inplace",)),
    "leaky_relu": ("LeakyReLU", ("negative_slope", "inplace")),
    "elu": ("ELU", ("alpha", "inplace")),
    "celu": ("CELU", ("alpha", "inplace")),
    "selu": ("SELU", ("inplace",)),
    "gelu": ("GELU", ("approximate",)),
    "silu": ("SiLU", ("inplace",)),
    "mish": ("Mish", ("inplace",)),
    "tanh": ("Tanh", ()),
    "sigmoid": ("Sigmoid", ()),
    "expit": ("Sigmoid", ()),
    "hardswish": ("Hardswish", ("inplace",)),
    "hardsigmoid": ("Hardsigmoid", ("inplace",)),
    "hardtanh": ("Hardtanh", ("min_val", "max_val", "inplace")),
    "hardshrink": ("Hardshrink", ("lambd",)),
    "softshrink": ("Softshrink", ("lambd",)),
    "tanhshrink": ("Tanhshrink", ()),
    "softplus": ("Softplus", ("beta", "threshold")),
    "softsign": ("Softsign", ()),
    "logsigmoid": ("LogSigmoid", ()),
    "threshold": ("Threshold", ("threshold", "value", "inplace")),
    "rrelu": ("RReLU", ("lower", "upper", "training", "inplace")),
    "softmax": ("Softmax", ("dim",)),
    "log_softmax": ("LogSoftmax", ("dim",)),
    "softmin": ("Softmin", ("dim",)),
    "glu": ("GLU", ("dim",)),
    "dropout": ("Dropout", ("p", "training", "inplace")),
    "alpha_dropout": ("AlphaDropout", ("p", "training", "inplace")),
    "feature_alpha_dropout": ("FeatureAlphaDropout", ("p", "training", "inplace")),
    "local_response_norm": ("LocalResponseNorm", ("size", "alpha", "beta", "k")),
    "pixel_shuffle": ("PixelShuffle", ("upscale_factor",)),
    "pixel_unshuffle": ("PixelUnshuffle", ("downscale_factor",)),
    "channel_shuffle": ("ChannelShuffle", ("groups",)),
    "fold": ("Fold", ("output_size", "kernel_size", "dilation", "padding", "stride")),
    "im2col": ("Unfold", ("kernel_size", "dilation", "padding", "stride")),
}
_WINDOW = ("kernel_size", "stride", "padding")
for _n in (1, 2, 3):
    _LAYERS |= {
        f"max_pool{_n}d": (f"MaxPool{_n}d", (*_WINDOW, "dilation", "ceil_mode")),
        f"avg_pool{_n}d": (
            f"AvgPool{_n}d",
            (*_WINDOW, "ceil_mode", "count_include_pad", "divisor_override"),
        ),
        f"adaptive_avg_pool{_n}d": (f"AdaptiveAvgPool{_n}d", ("output_size",)),
        f"adaptive_max_pool{_n}d": (f"AdaptiveMaxPool{_n}d", ("output_size",)),
        f"lp_pool{_n}d": (f"LPPool{_n}d", ("norm_type", "kernel_size", "stride", "ceil_mode")),
        f"dropout{_n}d": (f"Dropout{_n}d", ("p", "training", "inplace")),
    }
# Layers that treat every number, or every last dimension, by itself: the batch may lie anywhere.
ANYWHERE = {
    *("Dropout", "AlphaDropout", "Linear", "LayerNorm", "RMSNorm", "PReLU"),
    *("Softmax", "LogSoftmax", "Softmin", "GLU"),
}
# These change nothing that a spec speaks of.
_IDENTITIES = (
    *("contiguous", "clone", "float", "to", "type_as", "type", "cpu", "cuda", "alias", "double"),
    "requires_grad_",
)


def layer_node(reader: Reader, call: Call, kind: str, args: dict[str, Any], path: str = "") -> None:
    """A layer of torch.nn on the call's first tensor; `path` where it has weights."""
    signature = layer_signature(kind)
    value = reader.value(call.args[0] if call.args else call.kwargs["input"], call)
    rank = len(reader.shape(call.args[0])) if call.args else 0
    everywhere = kind in ANYWHERE or signature.kind == "activation"
    if not everywhere and value.batched and not value.place.plain:
        raise reader.error(call, "takes a tensor whose first dimension is not the images")
    args = dict(args)
    for name in ("dim", "start_dim", "end_dim"):
        if type(args.get(name)) is int and name != "end_dim":
            args[name] = value.place.dim(args[name], rank)
    if args.get("dim", 1) == 0 or args.get("start_dim", 1) == 0:
        raise reader.error(call, "goes over the images of a batch")
    short = shortest(signature, args)
    sizes = args.get("normalized_shape")
    if sizes is not None and tuple(sizes) != value.place.shape:
        short["normalized_shape"] = tuple(sizes)
    if path:
        node = reader.weighted(path, kind, short, [value])
    else:
        node = reader.add(call, kind, short, [value])
    reader.give(call, node, batched=value.batched)


def _torch_layer(reader: Reader, call: Call) -> None:
    """A function that is a layer without weights."""
    kind, names = _LAYERS[base_name(call)]
    args = bound(call, names)
    training = args.pop("training", None)
    if kind.endswith("Dropout") or kind.startswith("Dropout"):
        args.setdefault("p", 0.5)
        default = not kind.startswith("Dropout") or kind == "Dropout1d"
        if training is False or (training is None and kind == "AlphaDropout" and default):
            return reader.same(call, reader.value(call.args[0], call))
    if kind in ("Softmax", "LogSoftmax", "Softmin") and args.get("dim") is None:
        args["dim"] = 0 if len(reader.shape(call.args[0])) in (0, 1, 3) else 1
    if kind == "GLU":
        args.setdefault("dim", -1)
    if args.get("return_indices"):
        raise reader.error(call, "gives indices")
    return layer_node(reader, call, kind, args)


def bound(call: Call, names: Sequence[str]) -> dict[str, Any]:
    """A function's arguments by name, without the tensor that comes first."""
    named = dict(zip(names, call.args[1:], strict=False))
    known = {name: value for name, value in call.kwargs.items() if name != "input"}
    return {**named, **known}


# ---- weights in functions


def _weight_path(reader: Reader, call: Call, **tensors: Any) -> str | None:
    """The path of the layer whose `weight`, `bias`, … these are; None where they are no layer's."""
    paths = set()
    for name, ref in tensors.items():
        if ref is None:
            continue
        if not isinstance(ref, Ref) or reader.traced(ref).kind not in ("parameter", "buffer"):
            return None
        path, _, last = reader.traced(ref).name.rpartition(".")
        if last != name or not path:
            return None
        paths.add(path)
    return paths.pop() if len(paths) == 1 else None


def _linear(reader: Reader, call: Call) -> None:
    args = bound(call, ("weight", "bias"))
    weight, bias = args["weight"], args.get("bias")
    path = _weight_path(reader, call, weight=weight, bias=bias)
    if path is not None:
        out = {"out_features": reader.shape(weight)[0], "bias": bias is not None}
        return layer_node(reader, call, "Linear", out, path)
    value, matrix = reader.value(call.args[0], call), reader.value(weight, call)
    turned = reader.add(call, "Transpose", {"dim0": 0, "dim1": 1}, [matrix])
    flipped = Value(turned, Place(matrix.place.shape[::-1]), batched=False)
    product = reader.add(call, "MatMul", {}, [value, flipped])
    if bias is not None:
        added = reader.value(bias, call)
        product = reader.add(call, "Add", {}, [Value(product, value.place), added])
    return reader.give(call, product)


def _convolution(reader: Reader, call: Call) -> None:
    name = base_name(call)
    transposed = "transpose" in name
    names = (
        ("weight", "bias", "stride", "padding", "output_padding", "groups", "dilation")
        if transposed
        else ("weight", "bias", "stride", "padding", "dilation", "groups")
    )
    args = bound(call, names)
    weight, bias = args.pop("weight"), args.pop("bias", None)
    path = _weight_path(reader, call, weight=weight, bias=bias)
    if path is None:
        raise reader.error(call, "has weights that are no layer's own; use an nn.Conv layer")
    shape = reader.shape(weight)
    args["kernel_size"], args["bias"] = shape[2:], bias is not None
    args["out_channels"] = shape[1] * args.get("groups", 1) if transposed else shape[0]
    kind = f"Conv{'Transpose' if transposed else ''}{name[-2:]}"
    layer_node(reader, call, kind, args, path)


def _normalisation(reader: Reader, call: Call) -> None:
    """batch_norm, instance_norm, layer_norm, group_norm and rms_norm with a layer's weights."""
    name = base_name(call)
    names = {
        "batch_norm": ("running_mean", "running_var", "weight", "bias", "training", "momentum"),
        "instance_norm": ("running_mean", "running_var", "weight", "bias", "use_input_stats"),
        "layer_norm": ("normalized_shape", "weight", "bias", "eps"),
        "rms_norm": ("normalized_shape", "weight", "eps"),
        "group_norm": ("num_groups", "weight", "bias", "eps"),
    }[name]
    names += ("eps",) if name == "batch_norm" else ("momentum", "eps")
    args = bound(call, names)
    tensors = {
        key: args.pop(key, None) for key in ("running_mean", "running_var", "weight", "bias")
    }
    held = any(tensor is not None for tensor in tensors.values())
    path = _weight_path(reader, call, **tensors)
    if held and path is None:
        raise reader.error(call, "has weights that are no layer's own; use an nn.…Norm layer")
    affine = tensors["weight"] is not None
    rank = len(reader.shape(call.args[0]))
    kind = {"layer_norm": "LayerNorm", "rms_norm": "RMSNorm", "group_norm": "GroupNorm"}.get(name)
    if kind is None:
        kind = ("BatchNorm" if name == "batch_norm" else "InstanceNorm") + (f"{max(rank - 2, 1)}d")
        args["affine"] = affine
        args["track_running_stats"] = tensors["running_mean"] is not None
    elif kind == "GroupNorm":
        args["affine"] = affine
    else:
        args["elementwise_affine"] = affine
        args["bias"] = tensors["bias"] is not None or not affine
    layer_node(reader, call, kind, args, path or "")


def _prelu(reader: Reader, call: Call) -> None:
    weight = bound(call, ("weight",))["weight"]
    path = _weight_path(reader, call, weight=weight)
    if path is None:
        raise reader.error(call, "has weights that are no layer's own; use nn.PReLU")
    layer_node(reader, call, "PReLU", {"num_parameters": count(reader.shape(weight))}, path)


def _embedding(reader: Reader, call: Call) -> None:
    """Rows of a table for numbers that are always the same, as for positions."""
    indices, table = call.args[0], call.args[1]
    if reader.traced(indices).kind not in ("constant", "buffer"):
        raise reader.error(call, "looks up what depends on the image")
    place = reader.place(indices.index, call)
    tensor = reader.traced(indices).tensor
    tensor = tensor.select(place.axis, 0) if place.axis is not None else tensor
    _rows(reader, call, table, tensor)


def _rows(reader: Reader, call: Call, table: Ref, indices: torch.Tensor) -> None:
    rows = indices.flatten().tolist()
    start = rows[0] if rows else 0
    if rows != list(range(start, start + len(rows))):
        raise reader.error(call, "takes numbers of a table in an order that no layer takes")
    value, size = reader.value(table, call), reader.shape(table)[0]
    node = value.node
    if len(rows) != size:
        node = reader.add(call, "Slice", _range(0, start, start + len(rows), size), [value])
    shape = constant_shape(reader.output_place(call))
    if shape != (len(rows), *reader.shape(table)[1:]):
        sliced = Value(node, Place(shape), batched=False)
        node = reader.add(call, "Reshape", {"shape": shape}, [sliced])
    reader.give(call, node, batched=False)


# ---- arithmetic


def _scale(reader: Reader, call: Call, value: Value, factor: float, offset: float) -> Value:
    if factor == 1 and offset == 0:
        return value
    args = {"factor": factor} if factor != 1 else {}
    args |= {"offset": offset} if offset else {}
    return Value(reader.add(call, "Scale", args, [value]), value.place, value.batched)


def _arithmetic(kind: str, reverse: bool = False) -> Function:
    """Add, Subtract, Multiply or Divide, of two tensors or of one and a number."""

    def read(reader: Reader, call: Call) -> None:
        first, second = call.args[0], call.args[1] if len(call.args) > 1 else call.kwargs["other"]
        if reverse:
            first, second = second, first
        shapes = [reader.shape(item) for item in (first, second) if isinstance(item, Ref)]
        numbers = (reader.number(first, shapes[-1]), reader.number(second, shapes[0]))
        alpha = call.kwargs.get("alpha", 1)
        if call.kwargs.get("rounding_mode"):
            raise reader.error(call, "rounds, so that nothing can be learnt through it")
        if numbers[1] is not None:
            value = reader.value(first, call)
            number = numbers[1] * alpha
            factor = {"Multiply": number, "Divide": 1 / number if number else math.inf}
            offset = {"Add": number, "Subtract": -number}
            result = _scale(reader, call, value, factor.get(kind, 1), offset.get(kind, 0))
        elif numbers[0] is not None:
            result = _number_first(reader, call, kind, numbers[0], reader.value(second, call))
        else:
            result = _joined(reader, call, kind, first, second, alpha)
        reader.give(call, result.node, batched=result.batched)

    return read


def _number_first(reader: Reader, call: Call, kind: str, number: float, value: Value) -> Value:
    if kind == "Divide":
        power = Value(
            reader.add(call, "Power", {"exponent": -1}, [value]), value.place, value.batched
        )
        return _scale(reader, call, power, number, 0)
    if kind == "Multiply":
        return _scale(reader, call, value, number, 0)
    return _scale(reader, call, value, -1 if kind == "Subtract" else 1, number)


def _joined(
    reader: Reader, call: Call, kind: str, first: Any, second: Any, alpha: float = 1
) -> Value:
    values = aligned(reader, call, (first, second))
    if alpha != 1:
        values[1] = _scale(reader, call, values[1], alpha, 0)
    node = reader.add(call, kind, {}, values)
    return Value(node, reader.output_place(call), any(value.batched for value in values))


def aligned(reader: Reader, call: Call, items: Sequence[Any]) -> list[Value]:
    """The tensors that torch broadcasts to each other, so that a spec's join does the same."""
    values = [reader.value(item, call) for item in items]
    ranks = [len(reader.shape(item)) for item in items]
    rank = max(ranks)
    ends = {  # where the batch lies, counted from the last dimension
        (value.place.axis - own, value.place.merged)
        for value, own in zip(values, ranks, strict=True)
        if value.batched
    }
    if len(ends) > 1:
        raise reader.error(call, "joins tensors whose images lie in different dimensions")
    for end, merged in ends:
        values = [
            _widened(reader, call, value, own, rank, end + rank, merged)
            for value, own in zip(values, ranks, strict=True)
        ]
    return values


def _widened(
    reader: Reader, call: Call, value: Value, own: int, rank: int, axis: int, merged: bool
) -> Value:
    """`value` with sizes of 1 where the join has dimensions that it lacks."""
    if value.batched:
        missing = rank - own
        if not missing:
            return value
        shape = (1,) * missing + value.place.shape
        return Value(reader.add(call, "Reshape", {"shape": shape}, [value]), value.place)
    shape = (1,) * (rank - own) + constant_shape(value.place)
    if shape[axis] != 1:
        raise reader.error(call, "joins parameters with each image of a batch in another way")
    if all(size == 1 for size in shape[: axis + 1]) and own <= rank - axis - (axis > 0):
        return value
    moved = (1, *shape[:axis], *shape[axis + 1 :]) if not merged else (1, *shape)
    if moved == constant_shape(value.place):
        return value
    return Value(reader.add(call, "Reshape", {"shape": moved}, [value]), Place(moved), False)


def _join(kind: str) -> Function:
    def read(reader: Reader, call: Call) -> None:
        args = bound(call, ("other",))
        if not isinstance(args.get("other"), Ref):
            return _reduction({"Maximum": "Max", "Minimum": "Min"}[kind])(reader, call)
        result = _joined(reader, call, kind, call.args[0], args["other"])
        return reader.give(call, result.node, batched=result.batched)

    return read


def _matmul(reader: Reader, call: Call) -> None:
    first, second = call.args[0], bound(call, ("other",)).get("other", call.kwargs.get("mat2"))
    ranks = [len(reader.shape(item)) for item in (first, second)]
    if min(ranks) < 2:
        raise reader.error(call, "multiplies by a vector; use matrices of two dimensions")
    values = [reader.value(first, call), reader.value(second, call)]
    for value, rank in zip(values, ranks, strict=True):
        if value.batched and rank > 2 and value.place.axis >= rank - 2:
            raise reader.error(call, "mixes the images of a batch")
    if values[0].batched and ranks[0] == 2 and not values[1].batched and ranks[1] == 2:
        pass  # features by a matrix of parameters
    elif any(value.batched and rank == 2 for value, rank in zip(values, ranks, strict=True)):
        raise reader.error(call, "mixes the images of a batch")
    elif all(value.batched for value in values) or ranks[0] == ranks[1]:
        values = aligned(reader, call, (first, second))
    node = reader.add(call, "MatMul", {}, values)
    reader.give(call, node, batched=any(value.batched for value in values))


def _addmm(reader: Reader, call: Call) -> None:
    bias, first, second = (reader.value(item, call) for item in call.args[:3])
    product = reader.add(call, "MatMul", {}, [first, second])
    place = reader.output_place(call)
    node = reader.add(call, "Add", {}, [Value(product, place), bias])
    reader.give(call, node)


def _einsum(reader: Reader, call: Call) -> None:
    equation, *items = call.args
    if len(items) == 1 and isinstance(items[0], tuple):
        items = list(items[0])
    values = [reader.value(item, call) for item in items]
    if any(value.batched and not value.place.plain for value in values):
        raise reader.error(call, "takes tensors whose first dimension is not the images")
    node = reader.add(call, "Einsum", {"equation": equation.replace(" ", "")}, values)
    reader.give(call, node, batched=any(value.batched for value in values))


def _attention(reader: Reader, call: Call) -> None:
    args = bound(call, ("key", "value", "attn_mask", "dropout_p", "is_causal", "scale"))
    if args.get("attn_mask") is not None:
        raise reader.error(call, "has a mask of its own; is_causal is the one a layer has")
    if args.get("dropout_p"):
        raise reader.error(call, "drops attention weights; set dropout_p to 0")
    query = call.args[0] if call.args else call.kwargs["query"]
    values = [reader.value(item, call) for item in (query, args["key"], args["value"])]
    if len({(value.place.axis, value.place.merged) for value in values}) > 1:
        raise reader.error(call, "joins tensors whose images lie in different dimensions")
    options = {key: args[key] for key in ("is_causal", "scale") if args.get(key)}
    reader.give(call, reader.add(call, "ScaledDotProductAttention", options, values))


def _unary(kind: str, *names: str, **fixed: Any) -> Function:
    """An operation on every number by itself."""

    def read(reader: Reader, call: Call) -> None:
        value = reader.value(call.args[0], call)
        args = {name: item for name, item in bound(call, names).items() if name in names}
        args = {name: reader.number(item) for name, item in args.items() if item is not None}
        if None in args.values():
            raise reader.error(call, "takes a tensor where a layer takes a number")
        node = reader.add(call, kind, {**fixed, **args}, [value])
        reader.give(call, node, batched=value.batched)

    return read


def _power(reader: Reader, call: Call) -> None:
    base, exponent = call.args[0], bound(call, ("exponent",))["exponent"]
    if base_name(call) == "rpow":
        base, exponent = exponent, base
    number, power = reader.number(base), reader.number(exponent)
    if power is not None:
        value = reader.value(base, call)
        node = reader.add(call, "Power", {"exponent": power}, [value])
    elif number is not None and number > 0:
        value = reader.value(exponent, call)
        scaled = _scale(reader, call, value, math.log(number), 0)
        node = reader.add(call, "Exp", {}, [scaled])
    else:
        raise reader.error(call, "raises a tensor to a tensor")
    reader.give(call, node, batched=value.batched)


# ---- shapes


def _reshape(reader: Reader, call: Call) -> None:
    """Any change of shape that keeps the order of the numbers."""
    value, place = reader.value(call.args[0], call), reader.output_place(call)
    if not value.batched:
        shape = constant_shape(place)
        if shape == constant_shape(value.place):
            return reader.same(call, value)
        node = reader.add(call, "Reshape", {"shape": shape}, [value])
        return reader.give(call, node, batched=False)
    if place.axis is None:
        raise reader.error(call, "mixes the images of a batch")
    if (value.place.axis or place.axis) and not _only_ones_move(value.place, place):
        raise reader.error(call, "takes images apart that do not lie in the first dimension")
    if place.shape == value.place.shape or not place.shape:
        return reader.same(call, value)
    if len(place.shape) == 1:
        return reader.give(call, reader.add(call, "Flatten", {}, [value]))
    return reader.give(call, reader.add(call, "Reshape", {"shape": place.shape}, [value]))


def _only_ones_move(before: Place, after: Place) -> bool:
    """Whether the batch keeps its place among the dimensions that are larger than 1."""
    places = []
    for place in (before, after):
        assert place.axis is not None
        front = [size for size in place.shape[: place.axis] if size != 1]
        back = [size for size in place.shape[place.axis :] if size != 1]
        places.append((front, count(tuple(back)), place.merged))
    return places[0] == places[1]


def _permute(reader: Reader, call: Call) -> None:
    """Any change of the order of dimensions."""
    rank = len(reader.shape(call.args[0]))
    _reorder(reader, call, [dim % rank for dim in _order(reader, call, rank)])


def _order(reader: Reader, call: Call, rank: int) -> list[int]:
    name, order = base_name(call), list(range(rank))
    if name in ("T", "mT", "t", "numpy_T", "adjoint", "mH", "H"):
        last = order[-2:] if name in ("mT", "adjoint", "mH") else order
        return order[: rank - len(last)] + last[::-1]
    if name == "permute":
        dims = call.kwargs.get("dims", call.args[1:])
        return list(dims[0] if len(dims) == 1 and isinstance(dims[0], tuple) else dims)
    args = bound(call, ("dim0", "dim1"))
    first, second = list(args.values())[:2]
    if name in ("movedim", "moveaxis"):
        return _moved(rank, first, second)
    order[first], order[second] = order[second], order[first]
    return order


def _moved(rank: int, source: Any, target: Any) -> list[int]:
    sizes = torch.empty(*range(1, rank + 1), device="meta")
    return [size - 1 for size in sizes.movedim(source, target).shape]


def _reorder(reader: Reader, call: Call, order: list[int]) -> None:
    value = reader.value(call.args[0], call)
    place = value.place
    if not value.batched:
        return _reordered(reader, call, value, order, order)
    if place.merged:
        if order[0] != 0:
            raise reader.error(call, "moves a dimension that images are merged into")
        return _reordered(reader, call, value, [1, *(dim + 1 for dim in order[1:])], order)
    axis = place.axis or 0
    rest = [dim - (dim > axis) + 1 for dim in order if dim != axis]
    return _reordered(reader, call, value, rest, order)


def _reordered(reader: Reader, call: Call, value: Value, dims: list[int], order: list[int]) -> None:
    plain = sorted(dims)
    if dims == plain:
        return reader.same(call, value)
    moved = [i for i, (dim, own) in enumerate(zip(dims, plain, strict=True)) if dim != own]
    if len(moved) == 2:
        args = {"dim0": plain[moved[0]], "dim1": plain[moved[1]]}
        node = reader.add(call, "Transpose", args, [value])
    else:
        node = reader.add(call, "Permute", {"dims": tuple(dims)}, [value])
    return reader.give(call, node, batched=value.batched)


def _expand(reader: Reader, call: Call) -> None:
    """Sizes of 1 that are repeated, by expand or by repeat."""
    value, place = reader.value(call.args[0], call), reader.output_place(call)
    before = value.place.shape if value.batched else constant_shape(value.place)
    after = place.shape if value.batched else constant_shape(place)
    if value.batched and place.axis is None:
        raise reader.error(call, "mixes the images of a batch")
    if len(after) > len(before):
        before = (1,) * (len(after) - len(before)) + before
        node = reader.add(call, "Reshape", {"shape": before}, [value])
        value = Value(node, Place(before), value.batched)
    if before == after:
        return reader.give(call, value.node, batched=value.batched)
    if all(old in (1, new) for old, new in zip(before, after, strict=True)):
        node = reader.add(call, "Expand", {"shape": after}, [value])
    else:
        repeats = tuple(new // old for old, new in zip(before, after, strict=True))
        node = reader.add(call, "Tile", {"repeats": repeats}, [value])
    return reader.give(call, node, batched=value.batched)


def _list_join(kind: str) -> Function:
    """cat and stack: tensors beside each other along a dimension, or along a new one."""

    def read(reader: Reader, call: Call) -> None:
        items = call.args[0] if call.args else call.kwargs["tensors"]
        dim = bound(call, ("dim",)).get("dim", call.kwargs.get("axis", 0))
        place = reader.output_place(call)
        rank = len(reader.small.values[call.outputs[0]].shape)
        values = [reader.value(item, call) for item in items]
        if len(values) == 1 and kind == "Concatenate":
            return reader.same(call, values[0])
        batched = any(value.batched for value in values)
        if batched and place.axis is None:
            raise reader.error(call, "mixes the images of a batch")
        where = place.dim(dim, rank) if batched else dim
        if batched and where % (rank + place.merged) == 0:
            raise reader.error(call, "puts more images into a batch")
        if batched and not all(v.batched or place.axis == 0 for v in values):
            raise reader.error(call, "joins parameters with images that lie in another dimension")
        node = reader.add(call, kind, {} if where == 1 else {"dim": where}, values)
        return reader.give(call, node, batched=batched)

    return read


def _range(dim: int, start: int, stop: int, size: int, step: int = 1) -> dict[str, Any]:
    args = {"dim": dim} | ({"start": start} if start else {})
    args |= {"stop": stop} if stop < size else {}
    return args | ({"step": step} if step != 1 else {})


def _split(reader: Reader, call: Call) -> None:
    """chunk, split, tensor_split and unbind: several parts, each as a Slice or Select."""
    value, shape = reader.value(call.args[0], call), reader.shape(call.args[0])
    unbind = base_name(call) == "unbind"
    dim = bound(call, ("dim",) if unbind else ("sizes", "dim")).get("dim", 0)
    where = value.place.dim(dim, len(shape)) if value.batched else dim
    if value.batched and where % (len(value.place.shape) + 1) == 0:
        raise reader.error(call, "takes the images of a batch apart")
    start = 0
    for output, index in enumerate(call.outputs):
        length = 1 if unbind else reader.small.values[index].shape[dim]
        if index in reader.used:
            if unbind:
                node = reader.add(call, "Select", {"dim": where, "index": output}, [value])
            else:
                args = _range(where, start, start + length, shape[dim])
                node = reader.add(call, "Slice", args, [value])
            reader.give(call, node, output=output, batched=value.batched)
        start += length


def _index(reader: Reader, call: Call) -> None:
    """`x[…]` with numbers, slices, None and ..."""
    items = call.args[1] if isinstance(call.args[1], tuple) else (call.args[1],)
    value, shape = reader.value(call.args[0], call), reader.shape(call.args[0])
    if any(isinstance(item, Ref) for item in items):
        ref = items[0]
        if len(items) == 1 and isinstance(ref, Ref) and not value.batched:
            return _embedding(reader, _with(call, (ref, call.args[0])))
        raise reader.error(call, "takes elements by a tensor of indices")
    items = _without_dots(items, len(shape))
    selected, dim = [], 0
    for item in items:
        if item is None:
            continue
        if isinstance(item, slice):
            value = _sliced(reader, call, value, item, dim, shape)
        elif isinstance(item, int) and not isinstance(item, Batch | bool):
            selected.append((dim, item))
        else:
            raise reader.error(call, f"takes elements by {item!r}")
        dim += 1
    for where, item in reversed(selected):
        target = value.place.dim(where, len(shape)) if value.batched else where
        if value.batched and target % (len(value.place.shape) + 1) == 0:
            raise reader.error(call, "takes one image of a batch")
        node = reader.add(call, "Select", {"dim": target, "index": item}, [value])
        value = Value(node, value.place, value.batched)
    return _finish_index(reader, call, value, None in items)


def _with(call: Call, args: tuple[Any, ...]) -> Call:
    return Call(call.name, call.path, args, {}, call.outputs)


def _without_dots(items: tuple[Any, ...], rank: int) -> tuple[Any, ...]:
    if Ellipsis not in items:
        return items
    at = items.index(Ellipsis)
    named = sum(item is not None and item is not Ellipsis for item in items)
    return (*items[:at], *[slice(None)] * (rank - named), *items[at + 1 :])


def _sliced(
    reader: Reader, call: Call, value: Value, item: slice, dim: int, shape: tuple[int, ...]
) -> Value:
    if item == slice(None):
        return value
    parts = (item.start, item.stop, item.step)
    if any(isinstance(part, Batch | Ref) for part in parts):
        raise reader.error(call, "takes a part that depends on the number of images")
    start, stop, step = item.indices(shape[dim])
    if (start, stop, step) == (0, shape[dim], 1):
        return value
    where = value.place.dim(dim, len(shape)) if value.batched else dim
    if value.batched and where % (len(value.place.shape) + 1) == 0:
        raise reader.error(call, "takes some images of a batch")
    args = _range(where, start, stop, shape[dim], step)
    return Value(reader.add(call, "Slice", args, [value]), value.place, value.batched)


def _finish_index(reader: Reader, call: Call, value: Value, widened: bool) -> None:
    place = reader.output_place(call)
    if widened:
        shape = place.shape if value.batched else constant_shape(place)
        node = reader.add(call, "Reshape", {"shape": shape}, [value])
        return reader.give(call, node, batched=value.batched)
    return reader.give(call, value.node, batched=value.batched)


def _select(reader: Reader, call: Call) -> None:
    args = bound(call, ("dim", "index"))
    items = [slice(None)] * len(reader.shape(call.args[0]))
    items[args["dim"]] = args["index"]
    _index(reader, _with(call, (call.args[0], tuple(items))))


def _narrow(reader: Reader, call: Call) -> None:
    args = bound(call, ("dim", "start", "length"))
    items: list[Any] = [slice(None)] * len(reader.shape(call.args[0]))
    items[args["dim"]] = slice(args["start"], args["start"] + args["length"])
    _index(reader, _with(call, (call.args[0], tuple(items))))


def _reduction(kind: str) -> Function:
    """mean, sum, amax, … over dimensions."""

    def read(reader: Reader, call: Call) -> None:
        names = ("p", "dim", "keepdim") if kind == "Norm" else ("dim", "keepdim")
        args = bound(call, names)
        args["p"] = args.pop("ord", args.get("p", 2.0))
        value, rank = reader.value(call.args[0], call), len(reader.shape(call.args[0]))
        dim = args.get("dim", call.kwargs.get("axis"))
        if isinstance(dim, bool) or dim is None or dim == ():
            if value.batched:
                raise reader.error(call, "goes over all images of a batch; name dim")
            dim = tuple(range(rank))
        dims = dim if isinstance(dim, tuple) else (dim,)
        dims = tuple(value.place.dim(d, rank) for d in dims) if value.batched else dims
        if value.batched and any(d % (len(value.place.shape) + 1) == 0 for d in dims):
            raise reader.error(call, "goes over the images of a batch")
        options: dict[str, Any] = {"dim": dims if len(dims) > 1 else dims[0]}
        if args.get("keepdim", call.kwargs.get("keepdims")):
            options["keepdim"] = True
        if kind in ("Std", "Var") and args.get("unbiased", args.get("correction", 1)) in (False, 0):
            options["unbiased"] = False
        if kind == "Norm" and args["p"] not in (2, "fro", None):
            options["p"] = float(args["p"])
        node = reader.add(call, kind, options, [value])
        reader.give(call, node, batched=value.batched)

    return read


def _normalize(reader: Reader, call: Call) -> None:
    args = bound(call, ("p", "dim", "eps"))
    value, rank = reader.value(call.args[0], call), len(reader.shape(call.args[0]))
    dim = args.get("dim", 1)
    options = {"dim": value.place.dim(dim, rank) if value.batched else dim}
    options |= {key: args[key] for key in ("p", "eps") if key in args}
    node = reader.add(call, "Normalize", options, [value])
    reader.give(call, node, batched=value.batched)


def _over_dims(kind: str, *names: str) -> Function:
    """flip and roll."""

    def read(reader: Reader, call: Call) -> None:
        args = bound(call, names)
        if kind == "Flip" and len(call.args) > 2:
            args["dims"] = call.args[1:]
        value, rank = reader.value(call.args[0], call), len(reader.shape(call.args[0]))
        dims = args.get("dims")
        if dims is None:
            raise reader.error(call, "needs dims")
        dims = dims if isinstance(dims, tuple) else (dims,)
        args["dims"] = tuple(value.place.dim(d, rank) if value.batched else d for d in dims)
        node = reader.add(call, kind, args, [value])
        reader.give(call, node, batched=value.batched)

    return read


def _pad(reader: Reader, call: Call) -> None:
    args = bound(call, ("pad", "mode", "value"))
    value, rank = reader.value(call.args[0], call), len(reader.shape(call.args[0]))
    padding = list(args["pad"])
    while len(padding) >= 2 and padding[-2:] == [0, 0]:
        padding = padding[:-2]
    if value.batched and (value.place.axis or 0) >= rank - len(padding) // 2:
        raise reader.error(call, "adds images to a batch")
    if not padding:
        return reader.same(call, value)
    options: dict[str, Any] = {"padding": tuple(padding)}
    if args.get("mode", "constant") != "constant":
        options["mode"] = args["mode"]
    elif args.get("value"):
        options["value"] = args["value"]
    return reader.give(call, reader.add(call, "Pad", options, [value]), batched=value.batched)


def _interpolate(reader: Reader, call: Call) -> None:
    args = bound(call, ("size", "scale_factor", "mode", "align_corners", "recompute_scale_factor"))
    if args.pop("antialias", False):
        raise reader.error(call, "resizes with antialias, which no layer does")
    layer_node(reader, call, "Upsample", {k: v for k, v in args.items() if v is not None})


def _unfold(reader: Reader, call: Call) -> None:
    if len(call.args) == 4 and all(isinstance(item, int) for item in call.args[1:]):
        raise reader.error(call, "is a method that no layer does; use nn.Unfold")
    names = ("kernel_size", "dilation", "padding", "stride")
    layer_node(reader, call, "Unfold", bound(call, names))


def _identity(reader: Reader, call: Call) -> None:
    reader.same(call, reader.value(call.args[0], call))


def base_name(call: Call) -> str:
    """The function's name without what tells operators and versions in place apart."""
    name = call.name
    if name.startswith("__"):
        name = name.strip("_")
        return name[1:] if name[0] == "i" and name[1:] in FUNCTIONS else name
    return name.rstrip("_") or name


FUNCTIONS: dict[str, Function] = {
    **dict.fromkeys(_LAYERS, _torch_layer),
    **dict.fromkeys(_IDENTITIES, _identity),
    "linear": _linear,
    **dict.fromkeys([f"conv{n}d" for n in (1, 2, 3)], _convolution),
    **dict.fromkeys([f"conv_transpose{n}d" for n in (1, 2, 3)], _convolution),
    **dict.fromkeys(
        ("batch_norm", "instance_norm", "layer_norm", "group_norm", "rms_norm"), _normalisation
    ),
    "prelu": _prelu,
    "embedding": _embedding,
    **dict.fromkeys(("add", "radd"), _arithmetic("Add")),
    **dict.fromkeys(("sub", "subtract"), _arithmetic("Subtract")),
    "rsub": _arithmetic("Subtract", reverse=True),
    **dict.fromkeys(("mul", "multiply", "rmul"), _arithmetic("Multiply")),
    **dict.fromkeys(("div", "divide", "true_divide", "truediv"), _arithmetic("Divide")),
    **dict.fromkeys(("rdiv", "rtruediv"), _arithmetic("Divide", reverse=True)),
    **dict.fromkeys(("max", "maximum", "fmax"), _join("Maximum")),
    **dict.fromkeys(("min", "minimum", "fmin"), _join("Minimum")),
    **dict.fromkeys(("matmul", "bmm", "mm", "rmatmul"), _matmul),
    "addmm": _addmm,
    "einsum": _einsum,
    "scaled_dot_product_attention": _attention,
    **dict.fromkeys(("pow", "rpow", "float_power"), _power),
    **dict.fromkeys(("neg", "negative"), _unary("Scale", factor=-1)),
    "reciprocal": _unary("Power", exponent=-1),
    "square": _unary("Power", exponent=2),
    "rsqrt": _unary("Power", exponent=-0.5),
    **dict.fromkeys(("clamp", "clip"), _unary("Clamp", "min", "max")),
    "clamp_min": _unary("Clamp", "min"),
    "clamp_max": _unary("Clamp", "max"),
    **dict.fromkeys(("abs", "absolute"), _unary("Abs")),
    "exp": _unary("Exp"),
    "log": _unary("Log"),
    "sqrt": _unary("Sqrt"),
    "sin": _unary("Sin"),
    "cos": _unary("Cos"),
    "erf": _unary("Erf"),
    **dict.fromkeys(
        ("view", "reshape", "flatten", "unflatten", "ravel", "squeeze", "unsqueeze"), _reshape
    ),
    **dict.fromkeys(("view_as", "reshape_as"), _reshape),
    **dict.fromkeys(
        ("permute", "transpose", "swapaxes", "swapdims", "movedim", "moveaxis"), _permute
    ),
    **dict.fromkeys(("T", "mT", "t"), _permute),
    **dict.fromkeys(("expand", "expand_as", "broadcast_to", "repeat", "tile"), _expand),
    **dict.fromkeys(("cat", "concat", "concatenate"), _list_join("Concatenate")),
    "stack": _list_join("Stack"),
    **dict.fromkeys(("chunk", "split", "tensor_split", "unbind"), _split),
    "split_with_sizes": _split,
    "getitem": _index,
    "select": _select,
    "narrow": _narrow,
    "mean": _reduction("Mean"),
    "sum": _reduction("Sum"),
    "amax": _reduction("Max"),
    "amin": _reduction("Min"),
    "std": _reduction("Std"),
    "var": _reduction("Var"),
    **dict.fromkeys(("norm", "vector_norm", "linalg_vector_norm"), _reduction("Norm")),
    "normalize": _normalize,
    "flip": _over_dims("Flip", "dims"),
    "roll": _over_dims("Roll", "shifts", "dims"),
    "pad": _pad,
    **dict.fromkeys(("interpolate", "upsample"), _interpolate),
    "unfold": _unfold,
}
