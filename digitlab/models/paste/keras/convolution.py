"""Convolutions, padded exactly as TensorFlow pads.

With padding "same" TensorFlow gives ⌈size / stride⌉ values and adds the zeros that this takes, the
odd one at the end. Where both ends get alike it is torch's padding, elsewhere a layer that pads.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from digitlab.models.layer import shown
from digitlab.models.paste.keras.activation import activate
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.tensor import Tensor


def same_padding(
    sizes: Sequence[int], windows: Sequence[int], strides: Sequence[int]
) -> list[tuple[int, int]]:
    """The values that TensorFlow adds before and after each side."""
    ends = []
    for size, window, stride in zip(sizes, windows, strides, strict=True):
        total = max((-(-size // stride) - 1) * stride + window - size, 0)
        ends.append((total // 2, total - total // 2))
    return ends


def reach(kernel: Sequence[int], dilation: Sequence[int]) -> tuple[int, ...]:
    """How many values a dilated kernel spans along each side."""
    return tuple((k - 1) * d + 1 for k, d in zip(kernel, dilation, strict=True))


def torch_padding(ends: Sequence[tuple[int, int]]) -> list[int]:
    """Ends as torch's padding layers take them: the last side first."""
    return [count for pair in reversed(ends) for count in pair]


def tidy(sizes: Sequence[int]) -> int | tuple[int, ...]:
    """One number where all sizes are the same."""
    return sizes[0] if len(set(sizes)) == 1 else tuple(sizes)


def padded(x: Tensor, ends: Sequence[tuple[int, int]], sides: Sequence[int]) -> Tensor:
    """Zeros before and after the sides of an image that lies channels first."""
    args = {"padding": tidy(torch_padding(ends))}
    node = x.trace.add(f"ZeroPad{len(sides)}d", args, x.node)
    shape = list(x.shape)
    for axis, (before, after) in zip(sides, ends, strict=True):
        shape[axis] += before + after
        if shape[axis] < 1:
            x.trace.refuse("cuts off more than the image has")
    return x.with_node(node, shape, x.layout)


class _Window:
    """What a convolution's options say of its kernel: sizes along each side, and the padding."""

    def __init__(self, layer: KerasLayer, sides: int) -> None:
        self.layer, self.sides = layer, sides
        self.kernel = layer.sizes("kernel_size", sides)
        self.strides = layer.sizes("strides", sides)
        self.dilation = layer.sizes("dilation_rate", sides)
        self.padding = layer.choice("padding", "valid", "same", "causal")

    def pad(self, x: Tensor, axes: Sequence[int]) -> tuple[Tensor, dict[str, Any], list[int]]:
        """The image with zeros that torch cannot add, the arguments, and the sizes of the result.

        The arguments do not have the channels.
        """
        args: dict[str, Any] = {"kernel_size": tidy(self.kernel)}
        for name, sizes in (("stride", self.strides), ("dilation", self.dilation)):
            if tidy(sizes) != 1:
                args[name] = tidy(sizes)
        window = reach(self.kernel, self.dilation)
        if self.padding == "same":
            ends = same_padding([x.shape[axis] for axis in axes], window, self.strides)
            if tidy(self.strides) == 1 and any(before or after for before, after in ends):
                even = all(before == after for before, after in ends)
                args["padding"] = tidy([before for before, _ in ends]) if even else "same"
                return x, args, [x.shape[axis] for axis in axes]
            if all(before == after for before, after in ends):
                if any(before for before, _ in ends):
                    args["padding"] = tidy([before for before, _ in ends])
                inner = [x.shape[axis] + 2 * end[0] for axis, end in zip(axes, ends, strict=True)]
                return x, args, self._after(inner, window)
            x = padded(x, ends, axes)
        elif self.padding == "causal":
            x = padded(x, [(window[0] - 1, 0)], axes)
        return x, args, self._after([x.shape[axis] for axis in axes], window)

    def _after(self, sizes: Sequence[int], window: Sequence[int]) -> list[int]:
        if any(size < span for size, span in zip(sizes, window, strict=True)):
            words = " by ".join(map(str, sizes))
            self.layer.refuse(
                f"uses a kernel of {' by '.join(map(str, window))}, but the image is only {words}; "
                f"use padding='same' or a smaller kernel"
            )
        triples = zip(sizes, window, self.strides, strict=True)
        return [(size - span) // stride + 1 for size, span, stride in triples]


def _with_bias(layer: KerasLayer, args: dict[str, Any]) -> dict[str, Any]:
    return args if layer["use_bias"] else {**args, "bias": False}


def _shaped(x: Tensor, channel: int, channels: int, axes: Sequence[int], sizes: Sequence[int]):
    """The shape of an image with other channels and sides."""
    new = dict(zip((channel, *axes), (channels, *sizes), strict=True))
    return tuple(new[axis] for axis in range(x.rank))


def _conv(sides: int) -> Any:
    def run(layer: KerasLayer, value: Any) -> Tensor:
        x, channel, axes = layer.images(value, sides)
        x, args, sizes = _Window(layer, sides).pad(x, axes)
        filters, groups = layer.whole("filters"), layer.whole("groups")
        if layer.three_numbers:
            layer.trace.note(
                f"{layer.type.name} {layer.place} has a stride of {layer['strides']}: that is "
                f"Keras's third number. Keras 1 took it for the kernel's other side."
            )
        if x.shape[channel] % groups or filters % groups:
            layer.refuse(f"splits {x.shape[channel]} channels into {groups} groups, unevenly")
        args = {"out_channels": filters, **args, **({"groups": groups} if groups > 1 else {})}
        node = layer.weights(f"Conv{sides}d", _with_bias(layer, args), x)
        x = x.with_node(node, _shaped(x, channel, filters, axes, sizes), x.layout)
        return activate(x, layer["activation"], layer.trace)

    return run


def _depthwise(sides: int, *, separable: bool) -> Any:
    """Each channel by itself; a separable convolution mixes them afterwards."""

    def run(layer: KerasLayer, value: Any) -> Tensor:
        x, channel, axes = layer.images(value, sides)
        groups = x.shape[channel]
        channels = groups * layer.whole("depth_multiplier")
        x, args, sizes = _Window(layer, sides).pad(x, axes)
        args = {"out_channels": channels, **args, **({"groups": groups} if groups > 1 else {})}
        args = {**args, "bias": False} if separable else _with_bias(layer, args)
        part = "depthwise" if separable else ""
        node = layer.weights(f"Conv{sides}d", args, x, part=part)
        x = x.with_node(node, _shaped(x, channel, channels, axes, sizes), x.layout)
        if separable:
            filters = layer.whole("filters")
            args = _with_bias(layer, {"out_channels": filters, "kernel_size": 1})
            node = layer.weights(f"Conv{sides}d", args, x, part="pointwise")
            x = x.with_node(node, _shaped(x, channel, filters, axes, sizes), x.layout)
        return activate(x, layer["activation"], layer.trace)

    return run


def _transposed(sides: int) -> Any:
    def run(layer: KerasLayer, value: Any) -> Tensor:
        x, channel, axes = layer.images(value, sides)
        kernel, strides = layer.sizes("kernel_size", sides), layer.sizes("strides", sides)
        dilation, filters = layer.sizes("dilation_rate", sides), layer.whole("filters")
        same = layer.choice("padding", "valid", "same") == "same"
        extra = layer["output_padding"]
        extra = None if extra is None else layer.sizes("output_padding", sides, 0)
        paddings, ends, more, sizes = [], [], [], []
        for index, (span, stride) in enumerate(zip(reach(kernel, dilation), strides, strict=True)):
            size = x.shape[axes[index]]
            if extra is not None:
                cut = span // 2 if same else 0
                target = (size - 1) * stride + span - 2 * cut + extra[index]
            else:
                target = size * stride if same else size * stride + max(span - stride, 0)
            surplus = (size - 1) * stride + span - target  # cut off: the odd one at the end
            paddings.append(max(surplus, 0) // 2)
            ends.append((0, -(max(surplus, 0) % 2)))
            more.append(max(-surplus, 0))
            sizes.append(target)
        args: dict[str, Any] = {"out_channels": filters, "kernel_size": tidy(kernel)}
        usual = {"stride": 1, "padding": 0, "output_padding": 0, "dilation": 1}
        for name, values in zip(usual, (strides, paddings, more, dilation), strict=True):
            if tidy(values) != usual[name]:
                args[name] = tidy(values)
        node = layer.weights(f"ConvTranspose{sides}d", _with_bias(layer, args), x)
        full = [size - end for size, (_, end) in zip(sizes, ends, strict=True)]
        x = x.with_node(node, _shaped(x, channel, filters, axes, full), x.layout)
        x = padded(x, ends, axes) if any(end for _, end in ends) else x
        return activate(x, layer["activation"], layer.trace)

    return run


def _pad(sides: int, sign: int, name: str) -> Any:
    """ZeroPadding and Cropping: one number, one for each side, or a pair for each side."""

    def run(layer: KerasLayer, value: Any) -> Tensor:
        widths = layer[name]
        widths = (widths,) * sides if isinstance(widths, int) else tuple(widths or ())
        widths = (widths,) if sides == 1 and len(widths) == 2 else widths
        ends = [(end, end) if isinstance(end, int) else tuple(end) for end in widths]
        if len(ends) != sides or any(
            len(end) != 2 or any(type(n) is not int or n < 0 for n in end) for end in ends
        ):
            layer.refuse(
                f"passes {shown(widths)} as {name}; it takes whole numbers or pairs of them"
            )
        x, _, axes = layer.images(value, sides)
        return padded(x, [(sign * before, sign * after) for before, after in ends], axes)

    return run


def _upsample(sides: int) -> Any:
    def run(layer: KerasLayer, value: Any) -> Tensor:
        x, _, axes = layer.images(value, sides)
        factors = layer.sizes("size", sides)
        how = layer.choice("interpolation", "nearest", "bilinear", "bicubic")
        args = {"scale_factor": tidy(factors), **({} if how == "nearest" else {"mode": how})}
        shape = list(x.shape)
        for axis, factor in zip(axes, factors, strict=True):
            shape[axis] *= factor
        return x.with_node(layer.trace.add("Upsample", args, x.node), shape, x.layout)

    return run


_CONV = (
    "filters kernel_size strides=1 padding='valid' data_format=None dilation_rate=1 groups=1 "
    "activation=None use_bias=True"
)
_DEPTHWISE = (
    "kernel_size strides=1 padding='valid' depth_multiplier=1 data_format=None dilation_rate=1 "
    "activation=None use_bias=True"
)
_SEPARABLE = (
    "filters kernel_size strides=1 padding='valid' data_format=None dilation_rate=1 "
    "depth_multiplier=1 activation=None use_bias=True"
)
_TRANSPOSED = (
    "filters kernel_size strides=1 padding='valid' output_padding=None data_format=None "
    "dilation_rate=1 activation=None use_bias=True"
)

KINDS = (
    *(Kind(f"Conv{n}D", _CONV, _conv(n)) for n in (1, 2, 3)),
    *(Kind(f"DepthwiseConv{n}D", _DEPTHWISE, _depthwise(n, separable=False)) for n in (1, 2)),
    *(Kind(f"SeparableConv{n}D", _SEPARABLE, _depthwise(n, separable=True)) for n in (1, 2)),
    *(Kind(f"Conv{n}DTranspose", _TRANSPOSED, _transposed(n)) for n in (1, 2, 3)),
    *(Kind(f"ZeroPadding{n}D", "padding=1 data_format=None", _pad(n, 1, "padding"))
      for n in (1, 2, 3)),
    *(Kind(f"Cropping{n}D", f"cropping={0 if n == 2 else 1} data_format=None",
           _pad(n, -1, "cropping")) for n in (1, 2, 3)),
    Kind("UpSampling1D", "size=2 interpolation='nearest'", _upsample(1)),
    *(Kind(f"UpSampling{n}D", "size=2 data_format=None interpolation='nearest'", _upsample(n))
      for n in (2, 3)),
)  # fmt: skip
