"""Dense, and the layers that arrange, drop or scale values."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

from digitlab.models.layer import INPUT, shown
from digitlab.models.paste.keras.activation import activate
from digitlab.models.paste.keras.convolution import padded
from digitlab.models.paste.keras.layer import KerasLayer, Kind
from digitlab.models.paste.keras.tensor import Tensor, written
from digitlab.models.paste.native import Native


def _dense(layer: KerasLayer, value: Any) -> Tensor:
    """A matrix for the last axis, whatever comes before it."""
    x = linear(layer, layer.need(value, (), ""), layer.whole("units"), bias=layer["use_bias"])
    return activate(x, layer["activation"], layer.trace)


def linear(layer: KerasLayer, x: Tensor, units: int, *, bias: Any = True, part: str = "") -> Tensor:
    """A Linear over the last axis."""
    last = x.rank - 1
    if last < 0 or not x.batched:
        layer.refuse(f"uses {layer.type.name} on {written(x)}, which is no image")
    if last == 0 and x.layout != (0,):
        x = x.flat()
    elif not x.layout or x.layout[-1] != last:
        x = x.natural
    args = {"out_features": units, **({} if bias else {"bias": False})}
    return x.with_node(
        layer.weights("Linear", args, x, part=part), (*x.shape[:-1], units), x.layout
    )


def _flatten(layer: KerasLayer, value: Any) -> Tensor:
    x = layer.need(value, (), "")
    if layer.channels_first and x.rank > 2:  # Keras moves the channels last, and then flattens
        x = permuted(x, (*range(1, x.rank), 0))
    return x.reshape((math.prod(x.shape),)).flat()


def resolve_shape(x: Tensor, shape: Sequence[Any], refuse: Any) -> tuple[int, ...]:
    """A shape of which one size may be -1. Refuses one of another number of values."""
    sizes = [-1 if size is None else size for size in shape]
    total = math.prod(x.shape)
    if any(type(size) is not int or (size < 1 and size != -1) for size in sizes):
        refuse(f"reshapes to {shown(tuple(shape))}; it takes whole numbers")
    known = math.prod(size for size in sizes if size != -1)
    if sizes.count(-1) == 1 and total % known == 0:
        sizes[sizes.index(-1)] = total // known
    if -1 in sizes or math.prod(sizes) != total:
        refuse(
            f"reshapes {written(x)}, {total:,} values for each image, to {shown(tuple(shape))}, "
            f"which does not hold as many"
        )
    return tuple(sizes)


def permuted(x: Tensor, axes: Sequence[int]) -> Tensor:
    """The axes in another order; nothing is made until a layer needs the values so."""
    layout = [None if axis is None else list(axes).index(axis) for axis in x.layout]
    return x.with_node(x.node, [x.shape[axis] for axis in axes], layout)


def _reshape(layer: KerasLayer, value: Any) -> Tensor:
    x, shape = layer.need(value, (), ""), layer["target_shape"]
    shape = tuple(shape) if isinstance(shape, list | tuple) else (shape,)
    return x.reshape(resolve_shape(x, shape, layer.refuse))


def _permute(layer: KerasLayer, value: Any) -> Tensor:
    x, dims = layer.need(value, (), ""), layer["dims"]
    if not isinstance(dims, list | tuple) or sorted(dims) != list(range(1, x.rank + 1)):
        layer.refuse(f"permutes {written(x)} by {shown(dims)}; it takes each of its axes once")
    return permuted(x, [dim - 1 for dim in dims])


def repeated(x: Tensor, times: int) -> Tensor:
    """A vector `times` times, as (times, features)."""
    x = x.reshape((1, x.shape[0])).arranged((0, 1))
    node = x.trace.add("Expand", {"shape": (times, -1)}, x.node)
    return x.with_node(node, (times, x.shape[1]), (0, 1))


_BY_POSITION = ("Dense", "Activation", "ReLU", "LeakyReLU", "ELU", "Softmax", "Dropout",
                "LayerNormalization", "GaussianNoise", "AlphaDropout")  # fmt: skip


def _time_distributed(layer: KerasLayer, value: Any) -> Tensor:
    inner = layer["layer"]
    name = inner.type.name if isinstance(inner, KerasLayer) else ""
    x = layer.need(value, (), "")
    if isinstance(inner, KerasLayer):
        inner.name = inner.name or layer.full_name
    if name in _BY_POSITION:
        return inner(x)
    if name == "Flatten" and x.rank > 1:
        return x.reshape((x.shape[0], math.prod(x.shape[1:])))
    layer.refuse(
        f"applies {name or shown(inner)} at each step by TimeDistributed, which has no translation "
        f"to PyTorch; Dense, Flatten, activations and Dropout have"
    )
    return x


def _dropout(layer: KerasLayer, value: Any) -> Tensor:
    return layer.need(value, (), "").apply("Dropout", p=layer.number("rate"))


def _spatial_dropout(sides: int) -> Any:
    def run(layer: KerasLayer, value: Any) -> Tensor:
        x, _, _ = layer.images(value, sides)
        return x.apply(f"Dropout{sides}d", p=layer.number("rate"))

    return run


def _alpha_dropout(layer: KerasLayer, value: Any) -> Tensor:
    return layer.need(value, (), "").apply("AlphaDropout", p=layer.number("rate"))


def _gaussian_noise(layer: KerasLayer, value: Any) -> Tensor:
    return layer.need(value, (), "").apply("GaussianNoise", std=layer.number("stddev"))


def _left_out(layer: KerasLayer, value: Any) -> Tensor:
    layer.trace.note(
        f"{layer.type.name} {layer.place} is left out: it acts in training only, and "
        f"PyTorch has no such layer."
    )
    return layer.need(value, (), "")


def _identity(layer: KerasLayer, value: Any) -> Tensor:
    return layer.need(value, (), "")


def _embedding(layer: KerasLayer, value: Any) -> Tensor:
    """A learnt vector for each of the numbers 0, 1, …: a position embedding."""
    count, features = layer.whole("input_dim"), layer.whole("output_dim")
    numbers = value.numbers if isinstance(value, Numbers) else None
    if numbers is None or not numbers or max(numbers) >= count:
        layer.refuse(
            "uses Embedding on something other than tf.range; the pixels of an image are no words"
        )
    init = {"init": "uniform", "low": -0.05, "high": 0.05}
    table = layer.parameter((count, features), "embeddings", init)
    if list(numbers) == list(range(count)):
        return table
    start, stop = numbers[0], numbers[-1] + 1
    if list(numbers) != list(range(start, stop)):
        layer.refuse("uses Embedding on numbers that are not one after the other")
    node = layer.trace.add("Slice", {"dim": 0, "start": start, "stop": stop}, table.node)
    return table.with_node(node, (stop - start, features), (0, 1))


class Numbers(Native):
    """Whole numbers that are known, as tf.range gives them."""

    kind = "a tensor of numbers"

    def __init__(self, numbers: Sequence[int]) -> None:
        self.numbers = numbers

    def item(self, index: Any, run: Any) -> Any:
        return self  # positions[None, :] gives it a batch of one

    def length(self, run: Any) -> int:
        return len(self.numbers)

    def iterate(self, run: Any) -> Any:
        return self.numbers


def _lambda(layer: KerasLayer, value: Any) -> Any:
    function = layer["function"]
    run = layer.trace.run
    if isinstance(function, dict | list | str):
        layer.refuse("has a Lambda, a function as code; nothing is executed here, so replace it")
    arguments = layer["arguments"] or {}
    return run.call(function, [value], dict(arguments))


# ---- scaling -------------------------------------------------------------------------------------


def scaled(x: Tensor, factor: float, offset: float) -> Tensor:
    """factor·x + offset. Of the image itself it is the recipe's normalisation, if that has it."""
    source = x.node
    if source.type == "Scale":  # one layer for both
        before = source.args
        offset += before.get("offset", 0.0) * factor
        factor *= before.get("factor", 1.0)
        source = source.sources[0]
        x = x.with_node(source, x.shape, x.layout)
    first = source.reshaped_from[0] if source.reshaped_from else source
    if first.type == INPUT:
        for name, scale, shift in (("none", 1 / 255, 0.0), ("half", 2 / 255, -1.0)):
            if math.isclose(factor, scale, rel_tol=1e-6) and abs(offset - shift) < 1e-6:
                return _normalised(x, name)
    options = {"factor": factor, "offset": offset}
    return x.apply("Scale", **{k: v for k, v in options.items() if v != (k == "factor")})


def _normalised(x: Tensor, name: str) -> Tensor:
    """The image as the recipe's `normalization` of that name gives it."""
    x.trace.recipe["normalization"] = name
    at = f" in line {x.trace.line}" if x.trace.line else ""
    x.trace.note(
        f"The scaling of the pixels{at} is left out: the recipe's normalisation gives "
        f"values from {'0' if name == 'none' else '-1'} to 1."
    )
    return x


def _rescaling(layer: KerasLayer, value: Any) -> Tensor:
    x = layer.need(value, (), "")
    return scaled(x, layer.number("scale"), layer.number("offset"))


def _normalization(layer: KerasLayer, value: Any) -> Tensor:
    x, mean, variance = layer.need(value, (), ""), layer["mean"], layer["variance"]
    if type(mean) in (int, float) and type(variance) in (int, float) and variance > 0:
        factor = 1 / math.sqrt(variance)
        return scaled(x, factor, -mean * factor)
    layer.trace.recipe.setdefault("normalization", "dataset")
    layer.trace.note(
        f"Normalization {layer.place} is left out: the recipe normalises by the dataset's "
        f"own mean and deviation."
    )
    return x


def _resizing(layer: KerasLayer, value: Any) -> Tensor:
    x, _, axes = layer.images(value, 2)
    size = (layer.whole("height"), layer.whole("width"))
    how = layer.choice("interpolation", "nearest", "bilinear", "bicubic")
    return resized(x, size, axes, how)


def resized(x: Tensor, size: tuple[int, int], axes: Sequence[int], how: str) -> Tensor:
    """An image that lies channels first, in another size."""
    # Keras takes the pixels' centres, as PyTorch does in this mode alone.
    args = {"size": size, "mode": "nearest-exact" if how == "nearest" else how}
    shape = list(x.shape)
    for axis, length in zip(axes, size, strict=True):
        shape[axis] = length
    return x.with_node(x.trace.add("Upsample", args, x.node), shape, x.layout)


def _center_crop(layer: KerasLayer, value: Any) -> Tensor:
    x, _, axes = layer.images(value, 2)
    cuts = [x.shape[a] - layer.whole(n) for a, n in zip(axes, ("height", "width"), strict=True)]
    if min(cuts) < 0:
        layer.refuse(f"crops {written(x)} to more than it has")
    return padded(x, [(-(cut // 2), cut // 2 - cut) for cut in cuts], axes)


# ---- augmentation --------------------------------------------------------------------------------


def _augment(field: str, option: str, unit: float) -> Any:
    """A random layer: taken into the recipe's augmentation, and no layer here."""

    def run(layer: KerasLayer, value: Any) -> Tensor:
        setting = layer[option] if option else None
        bounds = setting if isinstance(setting, list | tuple) else (setting,)
        known = [abs(n) for n in bounds if type(n) in (int, float)]
        if field and known:
            share = round(max(known) * unit, 6)
            augmentation = layer.trace.recipe.setdefault("augmentation", {})
            augmentation[field] = max(share, augmentation.get(field, 0.0))
        what = "part of the recipe's augmentation" if field and known else "left out"
        layer.trace.note(f"{layer.type.name} {layer.place} is {what}, and no layer here.")
        return layer.need(value, (), "")

    return run


KINDS = (
    Kind("Dense", "units activation=None use_bias=True", _dense),
    Kind("Flatten", "data_format=None", _flatten),
    Kind("Reshape", "target_shape", _reshape),
    Kind("Permute", "dims", _permute),
    Kind("RepeatVector", "n",
         lambda layer, x: repeated(layer.need(x, (1,), "a vector").flat(), layer.whole("n"))),
    Kind("TimeDistributed", "layer", _time_distributed),
    Kind("Dropout", "rate", _dropout),
    *(Kind(f"SpatialDropout{n}D", "rate data_format=None", _spatial_dropout(n)) for n in (1, 2, 3)),
    Kind("AlphaDropout", "rate", _alpha_dropout),
    Kind("GaussianNoise", "stddev", _gaussian_noise),
    Kind("GaussianDropout", "rate", _left_out),
    Kind("ActivityRegularization", "l1=0.0 l2=0.0", _left_out),
    Kind("Identity", "", _identity),
    Kind("Embedding", "input_dim output_dim", _embedding),
    Kind("Lambda", "function output_shape=None mask=None arguments=None", _lambda),
    Kind("Rescaling", "scale offset=0.0", _rescaling),
    Kind("Normalization", "axis=-1 mean=None variance=None invert=False", _normalization),
    Kind("Resizing", "height width interpolation='bilinear' crop_to_aspect_ratio=False "
                     "data_format=None", _resizing),
    Kind("CenterCrop", "height width data_format=None", _center_crop),
    Kind("RandomRotation", "factor fill_mode='reflect' interpolation='bilinear' fill_value=0.0",
         _augment("rotation", "factor", 360)),
    Kind("RandomTranslation", "height_factor width_factor fill_mode='reflect' "
                              "interpolation='bilinear' fill_value=0.0",
         _augment("shift", "height_factor", 1)),
    Kind("RandomZoom", "height_factor width_factor=None fill_mode='reflect' "
                       "interpolation='bilinear' fill_value=0.0",
         _augment("scale", "height_factor", 1)),
    Kind("RandomShear", "x_factor=0.0 y_factor=0.0 interpolation='bilinear' fill_mode='reflect' "
                        "fill_value=0.0", _augment("shear", "x_factor", 45)),
    Kind("RandomErasing", "factor=1.0 scale=None fill_value=None value_range=None",
         _augment("erasing", "factor", 1)),
    Kind("RandomFlip", "mode='horizontal_and_vertical'", _augment("", "", 1)),
    *(Kind(f"Random{name}", "factor=None value_range=None", _augment("", "", 1))
      for name in ("Contrast", "Brightness", "Saturation", "Hue", "Sharpness", "Invert")),
    Kind("RandomCrop", "height width",
         lambda layer, x: layer.refuse("crops at random; use CenterCrop, or leave it out")),
)  # fmt: skip
