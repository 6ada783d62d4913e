"""ONNX's operators as layers: for each what it makes of the views and constants that it reads.

Each function takes the `Translation`, the node and its values (a View, an array, or None where an
optional input is left out) and returns the View, or a list of them, that it gives.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

import numpy as np

from digitlab.errors import NetworkFileError
from digitlab.imports.constants import axes_of, compact, slices
from digitlab.imports.layer_list import LayerList, as_pair
from digitlab.imports.onnx_views import View, Views

Values = Sequence[Any]
_LARGEST = 1e30  # of a bound: what is beyond it bounds nothing


class Node(Protocol):
    """A node of the graph."""

    op: str
    name: str
    inputs: list[str]
    outputs: list[str]
    attributes: Mapping[str, Any]


class Translation(Protocol):
    """What operators know of the whole: `digitlab.imports.onnx_graph` has it."""

    layers: LayerList
    views: Views
    opset: int

    def add(
        self, kind: str, args: Mapping[str, Any], *views: View, node: Node | None = None,
        **weights: np.ndarray | None,
    ) -> View: ...  # fmt: skip

    def keep(self, kind: str, args: Mapping[str, Any], view: View) -> View: ...

    def is_only_use(self, name: str) -> bool: ...

    def is_constant(self, name: str) -> bool: ...

    def bias(self, node: Node, value: np.ndarray | None) -> np.ndarray | None: ...

    def tidy(self, name: str) -> str: ...


Operator = Callable[[Translation, Node, Values], Any]


def refuse(node: Node, reason: str) -> NetworkFileError:
    """The error that `node` cannot be a layer."""
    name = f" ({node.name[:60]})" if node.name else ""
    return NetworkFileError(f"{node.op}{name} in the graph {reason}.")


# ---- with weights -------------------------------------------------------------------------------


def _conv(t: Translation, node: Node, values: Values) -> View:
    x, weight, bias = [*values, None][:3]
    weight, bias = _array(node, weight), t.bias(node, bias)
    sides = weight.ndim - 2
    args = {"out_channels": weight.shape[0], "kernel_size": as_pair(weight.shape[2:])}
    args |= _strides(node, sides, "stride", "strides") | _strides(
        node, sides, "dilation", "dilations"
    )
    groups = node.attributes.get("group", 1)
    args |= ({"groups": groups} if groups > 1 else {}) | (
        {} if bias is not None else {"bias": False}
    )
    x = t.views.plain(x)
    x, padding = _padded(t, node, x, weight.shape[2:], 0.0)
    args |= {"padding": padding} if padding else {}
    return t.add(f"Conv{sides}d", args, x, node=node, weight=weight, bias=bias)


def _conv_transpose(t: Translation, node: Node, values: Values) -> View:
    x, weight, bias = [*values, None][:3]
    weight, bias = _array(node, weight), t.bias(node, bias)
    sides, groups = weight.ndim - 2, node.attributes.get("group", 1)
    pads = node.attributes.get("pads", [0] * (2 * sides))
    extra = node.attributes.get("output_padding", [0] * sides)
    if pads[:sides] != pads[sides:] or node.attributes.get("auto_pad", "NOTSET") != "NOTSET":
        raise refuse(node, "has another padding on each side")
    args = {"out_channels": weight.shape[1] * groups, "kernel_size": as_pair(weight.shape[2:])}
    args |= _strides(node, sides, "stride", "strides") | _strides(
        node, sides, "dilation", "dilations"
    )
    args |= {"padding": as_pair(pads[:sides])} if any(pads) else {}
    args |= {"output_padding": as_pair(extra)} if any(extra) else {}
    args |= ({"groups": groups} if groups > 1 else {}) | (
        {} if bias is not None else {"bias": False}
    )
    kind = f"ConvTranspose{sides}d"
    return t.add(kind, args, t.views.plain(x), node=node, weight=weight, bias=bias)


def _strides(node: Node, sides: int, argument: str, attribute: str) -> dict[str, Any]:
    steps = node.attributes.get(attribute, [1] * sides)
    return {argument: as_pair(steps)} if any(step != 1 for step in steps) else {}


def _pads(node: Node, kernel: Sequence[int], shape: Sequence[int]) -> list[int]:
    """The padding [begins…, ends…] of a convolution or pooling on sides `shape`."""
    sides, mode = len(kernel), node.attributes.get("auto_pad", "NOTSET")
    if mode in ("NOTSET", "VALID"):
        return list(node.attributes.get("pads", [0] * (2 * sides)))
    strides = node.attributes.get("strides", [1] * sides)
    dilations = node.attributes.get("dilations", [1] * sides)
    begins, ends = [], []
    for size, k, stride, dilation in zip(shape, kernel, strides, dilations, strict=True):
        reach = dilation * (k - 1) + 1
        total = max(0, (-(-size // stride) - 1) * stride + reach - size)
        small, large = total // 2, total - total // 2
        begins.append(small if mode == "SAME_UPPER" else large)
        ends.append(large if mode == "SAME_UPPER" else small)
    return begins + ends


def _padded(
    t: Translation, node: Node, x: View, kernel: Sequence[int], value: float
) -> tuple[View, Any]:
    """The input of a convolution or pooling and its padding; a Pad first where sides differ."""
    sides = len(kernel)
    pads = _pads(node, kernel, t.layers.shape(x.index)[1:])
    if pads[:sides] == pads[sides:]:
        return x, as_pair(pads[:sides]) if any(pads) else 0
    both = [n for side in reversed(range(sides)) for n in (pads[side], pads[sides + side])]
    return t.add("Pad", {"padding": both} | ({"value": value} if value else {}), x), 0


def _linear(
    t: Translation, node: Node, x: View, weight: np.ndarray, bias: np.ndarray | None
) -> View:
    """A Linear over the last dimension; `weight` is [inputs, outputs] as the graph has it."""
    x, dim = t.views.at(x, len(x.groups) - 1)
    if dim != len(t.layers.shape(x.index)):  # the layer's last dimension is another one
        x, dim = t.views.at(t.views.ordered(x), len(x.groups) - 1)
    args = {"out_features": weight.shape[1]} | _bias(bias)
    return View(t.add("Linear", args, x, node=node, weight=weight.T, bias=bias).index, x.groups)


def _gemm(t: Translation, node: Node, values: Values) -> View:
    x, weight, bias = [*values, None][:3]
    get = node.attributes.get
    if not isinstance(x, View) or get("transA", 0):
        raise refuse(node, "multiplies a constant by the images")
    weight = _array(node, weight)
    weight = (weight.T if get("transB", 0) else weight) * np.float32(get("alpha", 1.0))
    if isinstance(bias, np.ndarray):
        bias = np.broadcast_to(bias, (1, weight.shape[1]))[0] * np.float32(get("beta", 1.0))
    elif bias is not None:
        return _add(t, node, [_linear(t, node, x, weight, None), bias])
    return _linear(t, node, x, weight, bias)


def _matmul(t: Translation, node: Node, values: Values) -> View:
    first, second = values
    if isinstance(first, View) and isinstance(second, np.ndarray):
        if second.ndim == 2:
            return _linear(t, node, first, second, None)
        return t.add("MatMul", {}, t.views.plain(first), _parameter(t, node, second))
    if isinstance(first, np.ndarray):
        return t.add("MatMul", {}, _parameter(t, node, first), t.views.plain(second))
    views = [t.views.ordered(value) for value in (first, second)]
    fronts = [view.groups[:-2] for view in views]
    if fronts[0] != fronts[1] or len({len(t.layers.shape(v.index)) for v in views}) > 1:
        views = [t.views.plain(view) for view in views]
    return View(t.layers.add("MatMul", {}, *(v.index for v in views)), views[0].groups)


def _batch_norm(t: Translation, node: Node, values: Values) -> View:
    x, *statistics = values
    names = ("weight", "bias", "running_mean", "running_var")
    arrays = {n: _array(node, v) for n, v in zip(names, statistics, strict=True)}
    x = t.views.plain(x)
    sides = max(1, len(t.layers.shape(x.index)) - 1)
    args = {"eps": _rounded(node.attributes.get("epsilon", 1e-5))}
    args = {} if args["eps"] == 1e-5 else args
    return t.add(f"BatchNorm{sides}d", args, x, node=node, **arrays)


def _layer_norm(t: Translation, node: Node, values: Values) -> View:
    x, weight, bias = [*values, None][:3]
    rank = len(x.groups)
    axis = node.attributes.get("axis", -1) % rank
    view = t.views.plain(x) if axis < rank - 1 else x
    if axis == rank - 1:
        view, dim = t.views.at(x, axis)
        if dim != len(t.layers.shape(view.index)):
            view, _ = t.views.at(t.views.ordered(view), axis)
    weight = _array(node, weight)
    args: dict[str, Any] = {"normalized_shape": list(weight.shape)}
    eps = _rounded(node.attributes.get("epsilon", 1e-5))
    args |= ({} if eps == 1e-5 else {"eps": eps}) | _bias(bias)
    return View(
        t.add("LayerNorm", args, view, node=node, weight=weight, bias=bias).index, view.groups
    )


def _instance_norm(t: Translation, node: Node, values: Values) -> View:
    x, weight, bias = values
    x, eps = t.views.plain(x), _rounded(node.attributes.get("epsilon", 1e-5))
    arrays = {"weight": _array(node, weight), "bias": _array(node, bias)}
    kind = f"InstanceNorm{len(t.layers.shape(x.index)) - 1}d"
    return t.add(
        kind, {"affine": True} | ({} if eps == 1e-5 else {"eps": eps}), x, node=node, **arrays
    )


def _group_norm(t: Translation, node: Node, values: Values) -> View:
    x, weight, bias = values
    x, weight, bias = t.views.plain(x), _array(node, weight), _array(node, bias)
    groups, eps = node.attributes["num_groups"], _rounded(node.attributes.get("epsilon", 1e-5))
    channels = t.layers.shape(x.index)[0]
    if len(weight) != channels:  # before opset 21 a value for each group
        weight, bias = (np.repeat(a, channels // groups) for a in (weight, bias))
    args = {"num_groups": groups} | ({} if eps == 1e-5 else {"eps": eps})
    return t.add("GroupNorm", args, x, node=node, weight=weight, bias=bias)


def _prelu(t: Translation, node: Node, values: Values) -> View:
    x, slope = values
    slope = _array(node, slope)
    if slope.size not in (1, max(slope.shape, default=1)):
        raise refuse(node, "has a slope for each pixel, which torch's PReLU has not")
    args = {"num_parameters": slope.size} if slope.size > 1 else {}
    return t.add("PReLU", args, t.views.plain(x), node=node, weight=slope.reshape(-1))


_GATES = {"LSTM": (0, 2, 3, 1), "GRU": (1, 0, 2), "RNN": (0,)}  # torch's among ONNX's


def _recurrent(t: Translation, node: Node, values: Values) -> list[View]:
    x, weights, recurrent, bias, lengths, *states = [*values, *[None] * 8][:8]
    get, cell = node.attributes.get, node.op
    weights, recurrent = _array(node, weights), _array(node, recurrent)
    directions, hidden = weights.shape[0], recurrent.shape[2]
    known = get("direction", "forward") in ("forward", "bidirectional") and not get("layout", 0)
    zeros = all(s is None or (isinstance(s, np.ndarray) and not s[:, :1].any()) for s in states[:2])
    if not known or not zeros or lengths is not None or states[2] is not None:
        raise refuse(node, "begins with states, runs backward, or looks at its own cells")
    if cell == "GRU" and not get("linear_before_reset", 0):
        raise refuse(node, "resets before it multiplies (linear_before_reset is 0), unlike torch's")
    kinds = {activation.lower() for activation in get("activations", [])}
    if not kinds <= {"sigmoid", "tanh"} | ({"relu"} if cell == "RNN" else set()):
        raise refuse(node, "has activations that torch's has not")
    args: dict[str, Any] = {"hidden_size": hidden}
    args |= ({"bidirectional": True} if directions == 2 else {}) | (
        {} if bias is not None else {"bias": False}
    )
    args |= {"nonlinearity": "relu"} if "relu" in kinds else {}
    arrays = _recurrent_weights(cell, weights, recurrent, bias)
    x = t.views.plain(t.views.transpose(x, (1, 0, 2)))
    sequence = t.add(cell, args, x, node=node, **arrays)
    steps = t.layers.shape(sequence.index)[0]
    sequence = t.views.reshape(sequence, [t.views.batch, steps, directions, hidden])
    outputs = [t.views.transpose(sequence, (1, 2, 0, 3))]
    for output in ("hidden", "cell")[: 2 if cell == "LSTM" else 1]:
        index = t.layers.add(cell, {**args, "output": output}, x.index, weights=arrays)
        outputs.append(t.views.transpose(t.views.of(index), (1, 0, 2)))
    return outputs


def _recurrent_weights(
    cell: str, weights: np.ndarray, recurrent: np.ndarray, bias: np.ndarray | None
) -> dict[str, np.ndarray]:
    """The arrays of a recurrent operator by torch's names, with torch's order of the gates."""

    def ordered(array: np.ndarray) -> np.ndarray:
        gates = array.reshape(len(_GATES[cell]), -1, *array.shape[1:])
        return gates[list(_GATES[cell])].reshape(array.shape)

    arrays = {}
    for direction, end in enumerate(("", "_reverse")[: len(weights)]):
        arrays[f"weight_ih_l0{end}"] = ordered(weights[direction])
        arrays[f"weight_hh_l0{end}"] = ordered(recurrent[direction])
        if bias is not None:
            first, second = np.split(bias[direction], 2)
            arrays[f"bias_ih_l0{end}"], arrays[f"bias_hh_l0{end}"] = ordered(first), ordered(second)
    return arrays


# ---- pooling and sizes --------------------------------------------------------------------------


def _pool(t: Translation, node: Node, values: Values) -> View:
    x, kernel = t.views.plain(values[0]), node.attributes["kernel_shape"]
    sides, largest = len(kernel), node.op == "MaxPool"
    strides = node.attributes.get("strides", [1] * sides)
    args: dict[str, Any] = {"kernel_size": as_pair(kernel)}
    args |= {"stride": as_pair(strides)} if list(strides) != list(kernel) else {}
    args |= _strides(node, sides, "dilation", "dilations")
    args |= {"ceil_mode": True} if node.attributes.get("ceil_mode", 0) else {}
    pads = _pads(node, kernel, t.layers.shape(x.index)[1:])
    whole = bool(node.attributes.get("count_include_pad", 0))
    if not any(pads[:sides]) and any(pads[sides:]) and (largest or not whole):
        args["ceil_mode"] = True  # a window over the end, of which only the inside counts
    elif largest:
        x, padding = _padded(t, node, x, kernel, -_LARGEST)
        args |= {"padding": padding} if padding else {}
    else:
        if pads[:sides] != pads[sides:] and not whole:
            raise refuse(node, "has another padding on each side, which it does not count")
        x, padding = _padded(t, node, x, kernel, 0.0)
        args |= {"padding": padding} if padding else {}
        args |= {} if whole or not padding else {"count_include_pad": False}
    return t.add(f"{'Max' if largest else 'Avg'}Pool{sides}d", args, x)


def _global_pool(t: Translation, node: Node, values: Values) -> View:
    x = t.views.plain(values[0])
    kind = "Avg" if node.op == "GlobalAveragePool" else "Max"
    sides = len(t.layers.shape(x.index)) - 1
    return t.add(f"Adaptive{kind}Pool{sides}d", {"output_size": 1}, x)


def _flatten(t: Translation, node: Node, values: Values) -> View:
    if node.attributes.get("axis", 1) != 1:
        raise refuse(node, "does not begin after the batch")
    shape = t.views.shape(values[0])
    return t.views.reshape(values[0], [shape[0], math.prod(shape[1:])])


def _reshape(t: Translation, node: Node, values: Values) -> View:
    x, target = values
    shape = t.views.shape(x)
    sizes = [int(size) for size in _array(node, target).reshape(-1)]
    if not node.attributes.get("allowzero", 0):
        sizes = [shape[i] if size == 0 else size for i, size in enumerate(sizes)]
    return t.views.reshape(x, sizes)


def _transpose(t: Translation, node: Node, values: Values) -> View:
    rank = len(values[0].groups)
    return t.views.transpose(values[0], node.attributes.get("perm", range(rank)[::-1]))


def _unsqueeze(t: Translation, node: Node, values: Values) -> View:
    return t.views.unsqueeze(values[0], axes_of(values, node.attributes) or ())


def _squeeze(t: Translation, node: Node, values: Values) -> View:
    shape = t.views.shape(values[0])
    axes = axes_of(values, node.attributes)
    if axes is None:
        axes = [axis for axis, size in enumerate(shape) if size == 1 and axis]
    dropped = {axis % len(shape) for axis in axes}
    return t.views.reshape(values[0], [s for axis, s in enumerate(shape) if axis not in dropped])


def _resize(t: Translation, node: Node, values: Values) -> View:
    x = t.views.plain(values[0])
    shape, get = t.layers.shape(x.index), node.attributes.get
    scales = values[1] if len(values) < 3 else values[2]
    sizes = values[3] if len(values) > 3 else None
    if sizes is None:
        factors = get("scales") if scales is None or not np.size(scales) else scales
        new = [round(float(f) * n) for f, n in zip(list(factors)[1:], shape, strict=True)]
    else:
        new = [int(size) for size in sizes][1:]
    if new[0] != shape[0]:
        raise refuse(node, "changes the number of channels")
    mode, place = get("mode", "nearest"), get("coordinate_transformation_mode", "half_pixel")
    if mode == "nearest":
        return t.add("Upsample", {"size": as_pair(new[1:])}, x)
    args = {"size": as_pair(new[1:]), "mode": "bilinear" if mode == "linear" else "bicubic"}
    args |= {"align_corners": True} if place == "align_corners" else {}
    return t.add("Upsample", args, x)


def _pad(t: Translation, node: Node, values: Values) -> View:
    x = t.views.plain(values[0])
    pads = node.attributes.get("pads")
    pads = [int(n) for n in (values[1] if pads is None else pads)]
    rank = len(pads) // 2
    if pads[0] or pads[rank]:
        raise refuse(node, "pads the batch")
    value = values[2] if len(values) > 2 and values[2] is not None else 0.0
    value = float(np.asarray(node.attributes.get("value", value)).reshape(-1)[0])
    mode = {"edge": "replicate", "wrap": "circular"}.get(node.attributes.get("mode", "constant"))
    mode = mode or node.attributes.get("mode", "constant")
    first = next((axis for axis in range(1, rank) if pads[axis] or pads[rank + axis]), rank)
    both = [n for axis in reversed(range(first, rank)) for n in (pads[axis], pads[rank + axis])]
    if not both:
        return x
    args: dict[str, Any] = {"padding": both} | ({"value": value} if value else {})
    return t.add("Pad", args | ({"mode": mode} if mode != "constant" else {}), x)


def _depth_to_space(t: Translation, node: Node, values: Values) -> View:
    if node.attributes.get("mode", "DCR") != "CRD":
        raise refuse(node, "orders depth before columns; torch's PixelShuffle orders columns first")
    args = {"upscale_factor": node.attributes["blocksize"]}
    return t.add("PixelShuffle", args, t.views.plain(values[0]))


# ---- parts --------------------------------------------------------------------------------------


def _slice(t: Translation, node: Node, values: Values) -> View:
    view = values[0]
    for axis, part in slices(values, node.attributes, len(view.groups)).items():
        size = t.views.shape(view)[axis]
        start, stop, step = part.indices(size)
        if (start, stop, step) == (0, size, 1):
            continue
        if step < 0:
            raise refuse(node, "takes a part backward")
        view, dim = t.views.at(view, axis)
        args = {"dim": dim, "start": start, "stop": stop} | ({"step": step} if step > 1 else {})
        view = View(t.layers.add("Slice", args, view.index), view.groups)
    return view


def _split(t: Translation, node: Node, values: Values) -> list[View]:
    view, axis = values[0], node.attributes.get("axis", 0) % len(values[0].groups)
    size, count = t.views.shape(view)[axis], len(node.outputs)
    lengths = node.attributes.get("split", values[1] if len(values) > 1 else None)
    even = -(-size // count)
    sizes = [even] * (count - 1) + [size - even * (count - 1)]
    sizes = sizes if lengths is None else [int(n) for n in lengths]
    view, dim = t.views.at(view, axis)
    parts, start = [], 0
    for n in sizes:
        args = {"dim": dim, "start": start, "stop": start + n}
        parts.append(View(t.layers.add("Slice", args, view.index), view.groups))
        start += n
    return parts


def _gather(t: Translation, node: Node, values: Values) -> View:
    view, indices = values[0], _array(node, values[1])
    axis = node.attributes.get("axis", 0) % len(view.groups)
    numbers = [int(n) for n in indices.reshape(-1)]
    if t.views.shape(view)[axis] == 1 and indices.ndim == 0:
        sizes = t.views.shape(view)
        return t.views.reshape(view, [*sizes[:axis], *sizes[axis + 1 :]])
    view, dim = t.views.at(view, axis)
    if indices.ndim == 0:
        index = t.layers.add("Select", {"dim": dim, "index": numbers[0]}, view.index)
        return t.views.without(view, index, dim)
    if indices.ndim > 1 or numbers != list(range(numbers[0], numbers[0] + len(numbers))):
        raise refuse(node, "picks elements in an order of its own")
    args = {"dim": dim, "start": numbers[0], "stop": numbers[-1] + 1}
    return View(t.layers.add("Slice", args, view.index), view.groups)


def _concat(t: Translation, node: Node, values: Values) -> View:
    known = [value for value in values if isinstance(value, View)]
    axis = node.attributes.get("axis", 1) % len(known[0].groups)
    same = len(known) == len(values) and len({v.groups for v in known}) == 1
    if same and len(known[0].groups[axis]) == 1 and known[0].groups[axis] != (0,):
        args, groups = {"dim": known[0].groups[axis][0]}, known[0].groups
        return View(t.layers.add("Concatenate", args, *(v.index for v in known)), groups)
    views = [t.views.plain(v) if isinstance(v, View) else _parameter(t, node, v) for v in values]
    if axis == 0:
        raise refuse(node, "joins along the batch")
    return t.add("Concatenate", {"dim": axis}, *views)


def _expand(t: Translation, node: Node, values: Values) -> View:
    x, target = t.views.plain(values[0]), [int(size) for size in _array(node, values[1])]
    sizes = [1] * (len(target) - len(x.groups)) + t.views.shape(x)
    result = [max(a, b) for a, b in zip(sizes, target, strict=True)]
    if len(result) > len(x.groups):
        raise refuse(node, "adds a dimension before the batch")
    return x if result == sizes else t.add("Expand", {"shape": result[1:]}, x)


# ---- joins and numbers --------------------------------------------------------------------------


def _parameter(t: Translation, node: Node, array: np.ndarray) -> View:
    """Numbers of the graph as a Parameter; of the same for each image of the batch, one of them."""
    array = compact(array)
    for axis, size in enumerate(array.shape):
        row = array[(*[slice(None)] * axis, slice(0, 1))]
        if size == t.views.batch and (array == row).all():
            array = row
    array = np.asarray(array, np.float32)
    if not array.size or array.size > 2**24:
        raise refuse(node, "has a constant of an impossible size")
    array = np.ascontiguousarray(array)
    name = next((n for n in node.inputs if t.is_constant(n)), "")
    if array.min() == array.max():
        view = t.layers.add("Constant", {"shape": list(array.shape), "value": float(array.flat[0])})
    else:
        view = t.layers.add(
            "Parameter", {"shape": list(array.shape)}, name=t.tidy(name), weights={"": array}
        )
    return View(view, tuple((d,) for d in range(array.ndim)))


def _join(kind: str) -> Operator:
    def make(t: Translation, node: Node, values: Values) -> View:
        views = [value for value in values if isinstance(value, View)]
        if len(views) == len(values):
            return _join_views(t, kind, views)
        if len(values) == 2 and (view := _with_numbers(t, node, kind, values)) is not None:
            return view
        rank = max(np.ndim(v) if isinstance(v, np.ndarray) else len(v.groups) for v in values)
        plain = [
            t.views.plain(value)
            if isinstance(value, View)
            else _parameter(t, node, value.reshape((1,) * (rank - value.ndim) + value.shape))
            for value in values
        ]
        return t.add(kind, {}, *plain)

    return make


def _join_views(t: Translation, kind: str, views: Sequence[View]) -> View:
    if kind == "Multiply" and (view := _gated(t, views)) is not None:
        return view
    if len({view.groups for view in views}) == 1:
        return View(t.layers.add(kind, {}, *(view.index for view in views)), views[0].groups)
    plain = [t.views.plain(view) for view in views]
    rank = max(len(view.groups) for view in plain)
    wide = [
        t.views.plain(t.views.unsqueeze(view, range(1, 1 + rank - len(view.groups))))
        if len(view.groups) < rank and t.layers.value(view.index).batched
        else view
        for view in plain
    ]
    return t.add(kind, {}, *wide)


def _gated(t: Translation, views: Sequence[View]) -> View | None:
    """x · sigmoid(x) as SiLU, x · hardsigmoid(x) as Hardswish; else None."""
    for x, gate in (views, views[::-1]) if len(views) == 2 else ():
        kind = t.layers.layers[gate.index].type if gate.index >= 0 else ""
        whole = {"Sigmoid": "SiLU", "Hardsigmoid": "Hardswish"}.get(kind)
        if whole and t.layers.reads[gate.index] == (x.index,) and x.groups == gate.groups:
            return t.keep(whole, {}, x)
    return None


def _with_numbers(t: Translation, node: Node, kind: str, values: Values) -> View | None:
    """A join of a view with constants as Scale, or as a part of the layer before; else None."""
    first, second = values
    view, array = (first, second) if isinstance(first, View) else (second, first)
    if array.size == 1:
        return _with_number(t, kind, view, float(array.flat[0]), first is not view)
    if first is not view and kind in ("Subtract", "Divide"):
        return None
    return _into_layer(t, node, kind, view, array)


def _with_number(t: Translation, kind: str, view: View, number: float, before: bool) -> View | None:
    if kind == "Add":
        return t.keep("Scale", {"offset": number}, view)
    if kind == "Subtract":
        args = {"factor": -1.0, "offset": number} if before else {"offset": -number}
        return t.keep("Scale", args, view)
    if kind == "Multiply":
        return t.keep("Scale", {"factor": number}, view)
    if kind == "Divide" and not before:
        return t.keep("Scale", {"factor": 1.0 / number}, view)
    if kind == "Divide":
        return t.keep("Scale", {"factor": number}, t.keep("Power", {"exponent": -1.0}, view))
    if kind == "Maximum":
        return t.keep("Clamp", {"min": number}, view)
    return t.keep("Clamp", {"max": number}, view) if kind == "Minimum" else None


def _into_layer(
    t: Translation, node: Node, kind: str, view: View, array: np.ndarray
) -> View | None:
    """Add or multiply a number for each channel in the layer that gives them, where only this node
    reads it: a bias, or a batch normalisation that was taken apart."""
    layer = t.layers.layers[view.index] if view.index >= 0 else None
    source = next((n for n in node.inputs if not t.is_constant(n)), "")
    if layer is None or not t.is_only_use(source) or kind in ("Maximum", "Minimum"):
        return None
    if layer.type not in ("Linear", "Conv1d", "Conv2d", "Conv3d"):
        return None
    dim = len(t.layers.shape(view.index)) if layer.type == "Linear" else 1
    weights = t.layers.weights[view.index]
    shape = (1,) * (len(view.groups) - array.ndim) + array.shape
    if len(shape) != len(view.groups) or (dim,) not in view.groups:
        return None
    axis, size = view.groups.index((dim,)), len(weights["weight"])
    if any(n != (size if a == axis else 1) for a, n in enumerate(shape)):
        return None
    numbers = array.reshape(-1).astype(np.float32)
    bias = weights.get("bias", np.zeros(size, np.float32))
    if kind in ("Add", "Subtract"):
        bias = bias + numbers if kind == "Add" else bias - numbers
    else:
        numbers = numbers if kind == "Multiply" else 1 / numbers
        weight = weights["weight"]
        weights["weight"] = weight * numbers.reshape(-1, *[1] * (weight.ndim - 1))
        bias = bias * numbers
        if "bias" not in weights:
            return view
    weights["bias"] = bias.astype(np.float32)
    t.layers.layers[view.index] = layer.without_args("bias")
    return view


_add = _join("Add")


def _pow(t: Translation, node: Node, values: Values) -> View:
    return t.keep("Power", {"exponent": float(_array(node, values[1]).reshape(-1)[0])}, values[0])


def _clip(t: Translation, node: Node, values: Values) -> View:
    low, high = [*values[1:], None, None][:2]
    low, high = node.attributes.get("min", low), node.attributes.get("max", high)
    low, high = (
        None if bound is None else float(np.reshape(bound, -1)[0]) for bound in (low, high)
    )
    low = None if low is None or low < -_LARGEST else low
    high = None if high is None or high > _LARGEST else high
    if low == 0 and high in (None, 6):
        return t.keep("ReLU" if high is None else "ReLU6", {}, values[0])
    bounds = {"min": low, "max": high}
    args = {name: bound for name, bound in bounds.items() if bound is not None}
    return t.keep("Clamp", args, values[0]) if args else values[0]


def _reduce(kind: str) -> Operator:
    def make(t: Translation, node: Node, values: Values) -> View:
        view, rank = values[0], len(values[0].groups)
        axes = axes_of(values, node.attributes)
        axes = range(1, rank) if axes is None else sorted(axis % rank for axis in axes)
        inner_axes = [axis for axis in axes if view.groups[axis]]
        for axis in inner_axes:
            view, _ = t.views.at(view, axis)
        dims = [view.groups[axis][0] for axis in inner_axes]
        args: dict[str, Any] = {"dim": dims[0] if len(dims) == 1 else dims}
        keep = bool(node.attributes.get("keepdims", 1))
        if dims and not keep and len(inner_axes) == len(axes):
            index = t.layers.add(kind, args, view.index)
            for dim in sorted(dims, reverse=True):
                view = t.views.without(view, index, dim)
            return view
        args["keepdim"] = True
        view = View(t.layers.add(kind, args, view.index), view.groups) if dims else view
        if keep:
            return view
        shape = t.views.shape(view)
        return t.views.reshape(view, [s for axis, s in enumerate(shape) if axis not in set(axes)])

    return make


def _softmax(t: Translation, node: Node, values: Values) -> View:
    view, rank = values[0], len(values[0].groups)
    axis = node.attributes.get("axis", -1 if t.opset >= 13 else 1) % rank
    if t.opset < 13 and axis < rank - 1:  # over all that follows
        shape = t.views.shape(view)
        flat = t.views.reshape(view, [*shape[:axis], math.prod(shape[axis:])])
        view, dim = t.views.at(flat, axis)
        kind = "Softmax" if node.op == "Softmax" else "LogSoftmax"
        return t.views.reshape(
            View(t.layers.add(kind, {"dim": dim}, view.index), view.groups), shape
        )
    view, dim = t.views.at(view, axis)
    return View(t.layers.add(node.op, {"dim": dim}, view.index), view.groups)


def _unary(kind: str, **from_attributes: tuple[str, float]) -> Operator:
    """A layer of each value alone; its arguments by (attribute, default of ONNX)."""

    def make(t: Translation, node: Node, values: Values) -> View:
        args = {
            name: _rounded(node.attributes.get(attribute, default))
            for name, (attribute, default) in from_attributes.items()
        }
        return t.keep(kind, args, values[0])

    return make


def _same(t: Translation, node: Node, values: Values) -> View:
    return values[0]


def _dropout(t: Translation, node: Node, values: Values) -> View:
    ratio = node.attributes.get("ratio", values[1] if len(values) > 1 else 0.5)
    share = 0.5 if ratio is None else _rounded(float(np.reshape(ratio, -1)[0]))
    return t.keep("Dropout", {"p": share}, values[0])


def _gelu(t: Translation, node: Node, values: Values) -> View:
    near = node.attributes.get("approximate", "none")
    return t.keep("GELU", {"approximate": near} if near != "none" else {}, values[0])


def _hard_sigmoid(t: Translation, node: Node, values: Values) -> View:
    slope, offset = node.attributes.get("alpha", 0.2), node.attributes.get("beta", 0.5)
    if abs(slope - 1 / 6) < 1e-4 and offset == 0.5:
        return t.keep("Hardsigmoid", {}, values[0])
    scaled = t.keep("Scale", {"factor": _rounded(slope), "offset": _rounded(offset)}, values[0])
    return t.keep("Clamp", {"min": 0.0, "max": 1.0}, scaled)


def _einsum(t: Translation, node: Node, values: Values) -> View:
    views = [t.views.plain(v) if isinstance(v, View) else _parameter(t, node, v) for v in values]
    return t.add("Einsum", {"equation": node.attributes["equation"].replace(" ", "")}, *views)


def _bias(bias: Any) -> dict[str, bool]:
    return {} if bias is not None else {"bias": False}


def _array(node: Node, value: Any) -> np.ndarray:
    if not isinstance(value, np.ndarray):
        raise refuse(node, "computes its weights or sizes from the images")
    return value


def _rounded(value: Any) -> Any:
    """A float32 of the file as the number that a person wrote: 9.999999747378752e-06 is 1e-05."""
    return float(f"{value:.6g}") if isinstance(value, float) else value


OPERATORS: Mapping[str, Operator] = {
    "Conv": _conv,
    "ConvTranspose": _conv_transpose,
    "Gemm": _gemm,
    "MatMul": _matmul,
    "BatchNormalization": _batch_norm,
    "LayerNormalization": _layer_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LRN": lambda t, node, values: t.add(
        "LocalResponseNorm",
        {"size": node.attributes["size"], "alpha": _rounded(node.attributes.get("alpha", 1e-4)),
         "beta": _rounded(node.attributes.get("beta", 0.75)),
         "k": _rounded(node.attributes.get("bias", 1.0))},
        t.views.plain(values[0]),
    ),
    "PRelu": _prelu,
    **dict.fromkeys(("LSTM", "GRU", "RNN"), _recurrent),
    **dict.fromkeys(("MaxPool", "AveragePool"), _pool),
    **dict.fromkeys(("GlobalAveragePool", "GlobalMaxPool"), _global_pool),
    "Flatten": _flatten,
    "Reshape": _reshape,
    "Transpose": _transpose,
    "Unsqueeze": _unsqueeze,
    "Squeeze": _squeeze,
    **dict.fromkeys(("Resize", "Upsample"), _resize),
    "Pad": _pad,
    "DepthToSpace": _depth_to_space,
    "Slice": _slice,
    "Split": _split,
    "Gather": _gather,
    "Concat": _concat,
    "Expand": _expand,
    "Einsum": _einsum,
    "Add": _add,
    "Sum": _add,
    "Sub": _join("Subtract"),
    "Mul": _join("Multiply"),
    "Div": _join("Divide"),
    "Max": _join("Maximum"),
    "Min": _join("Minimum"),
    "Pow": _pow,
    "Clip": _clip,
    **{f"Reduce{kind}": _reduce(kind) for kind in ("Mean", "Sum", "Max", "Min")},
    "ReduceL2": _reduce("Norm"),
    **dict.fromkeys(("Softmax", "LogSoftmax"), _softmax),
    **dict.fromkeys(("Identity", "Cast", "CastLike"), _same),
    "Dropout": _dropout,
    "Relu": _unary("ReLU"),
    "LeakyRelu": _unary("LeakyReLU", negative_slope=("alpha", 0.01)),
    "Elu": _unary("ELU", alpha=("alpha", 1.0)),
    "Celu": _unary("CELU", alpha=("alpha", 1.0)),
    "Selu": _unary("SELU"),
    "Gelu": _gelu,
    "HardSigmoid": _hard_sigmoid,
    "HardSwish": _unary("Hardswish"),
    "Mish": _unary("Mish"),
    "Swish": _unary("SiLU"),
    "Softplus": _unary("Softplus"),
    "Softsign": _unary("Softsign"),
    "Sigmoid": _unary("Sigmoid"),
    "Tanh": _unary("Tanh"),
    "Exp": _unary("Exp"),
    "Log": _unary("Log"),
    "Sqrt": _unary("Sqrt"),
    "Abs": _unary("Abs"),
    "Sin": _unary("Sin"),
    "Cos": _unary("Cos"),
    "Erf": _unary("Erf"),
    "Neg": lambda t, node, values: t.keep("Scale", {"factor": -1.0}, values[0]),
    "Reciprocal": lambda t, node, values: t.keep("Power", {"exponent": -1.0}, values[0]),
}  # fmt: skip
