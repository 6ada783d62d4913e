"""Receptive fields: how much of the input image one value of a layer can see.

Followed through the rows of a summary by the usual arithmetic of windows (Araujo et al. 2019,
"Computing Receptive Fields of Convolutional Neural Networks"). Statistics over the whole image, as
in LayerNorm, are not counted: they say how bright the image is, not what it shows.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from digitlab.models.placement import Row, Shape

Axis = tuple[float, float]  # pixels seen by one value, and pixels between neighbouring values
Field = tuple[Axis, Axis] | None  # of height and width; None where places have no meaning

_SEES_ALL = ("SqueezeExcite", "TransformerEncoder", "MixerBlock", "MeanTokens", "Rows")
_BREAKS = ("Unflatten", "Unfold", "Fold")
_REACH = {"bilinear": 1, "bicubic": 3}  # more pixels that an enlarged one is mixed of


def with_receptive_fields(rows: Sequence[Row], image: Shape) -> tuple[Row, ...]:
    """The rows, each with its receptive field, height and width in pixels of the input."""
    seen: dict[int, Field] = {}
    _chain(rows, range(len(rows)), ((1.0, 1.0), (1.0, 1.0)), image, seen)
    return tuple(
        replace(row, receptive_field=_pixels(seen[index], image)) for index, row in enumerate(rows)
    )


def _pixels(field: Field, image: Shape) -> Shape | None:
    if field is None:
        return None
    return tuple(
        min(side, math.ceil(size - 1e-6)) for (size, _), side in zip(field, image[1:], strict=True)
    )


def _chain(
    rows: Sequence[Row], places: Sequence[int], field: Field, image: Shape, seen: dict[int, Field]
) -> Field:
    """Follow the rows at `places` that stand on the first one's depth, one after the other."""
    top = rows[places[0]].depth if places else 0
    starts = [i for i in places if rows[i].depth == top]
    for start, end in zip(starts, [*starts[1:], (places[-1] + 1 if places else 0)], strict=True):
        inside = range(start + 1, end)
        if inside:
            field = _widest([field, *_ends(rows, rows[start], inside, field, image, seen)])
        else:
            field = _through(rows[start], field, image)
        seen[start] = field
    return field


def _ends(
    rows: Sequence[Row],
    block: Row,
    inside: range,
    field: Field,
    image: Shape,
    seen: dict[int, Field],
) -> list[Field]:
    """What each of a block's lists of layers sees at its end: branches, or layers and shortcut."""
    lists: dict[Any, list[int]] = {}
    for index in inside:
        steps = rows[index].path[len(block.path) :]
        name = steps[:2] if steps[0] == "branches" else steps[0] == "shortcut"
        lists.setdefault(name, []).append(index)
    return [_chain(rows, places, field, image, seen) for places in lists.values()]


def _widest(fields: list[Field]) -> Field:
    """What is seen where several ways meet; the last way says how far its values lie apart."""
    if any(field is None for field in fields):
        return None
    return tuple((max(field[axis][0] for field in fields), fields[-1][axis][1]) for axis in (0, 1))


def _through(row: Row, field: Field, image: Shape) -> Field:
    """What is seen after a layer without others inside."""
    whole = tuple((float(side), float(side)) for side in image[1:])
    name, rank = row.label, len(row.input_shape)
    linear = name == "Linear" and rank == 1
    if linear or name in _SEES_ALL or "/" in name:
        return whole
    if field is None or name in _BREAKS:
        return None
    if name == "Linear" and rank == 3:
        return field[0], whole[1]  # it mixes the last axis, which is the width
    if rank != 3 or len(row.output_shape) != 3:
        windowed = row.kind in ("convolution", "pooling")
        return _patches(row, field) if name == "Patches" else None if windowed else field
    return tuple(_axis(row, axis, field[axis]) for axis in (0, 1))


def _patches(row: Row, field: Field) -> Field:
    sides = row.input_shape[1:]
    match = re.search(r"patch_size=\(?(\d+)(?:, (\d+))?", row.arguments)
    patch = (int(match.group(1)), int(match.group(2) or match.group(1)))
    assert all(side % size == 0 for side, size in zip(sides, patch, strict=True))
    return tuple(
        (size + (p - 1) * jump, p * jump) for p, (size, jump) in zip(patch, field, strict=True)
    )


def _axis(row: Row, axis: int, seen: Axis) -> Axis:
    """One axis through a layer that keeps [channels, height, width]."""
    (size, jump), made, name = seen, row.made, row.label
    before, after = row.input_shape[1 + axis], row.output_shape[1 + axis]
    if name.startswith("Adaptive"):
        return size + (_adaptive(before, after) - 1) * jump, jump * before / after
    if name.startswith("Upsampl"):
        mode = made.get("mode", "bilinear" if "Bilinear" in name else "nearest")
        return size + _REACH.get(mode, 0) * jump, jump * before / after
    if name == "PixelShuffle":
        return size, jump * before / after
    if name == "PixelUnshuffle":
        factor = before // after
        return size + (factor - 1) * jump, jump * factor
    if "kernel_size" not in made:
        return size, jump
    kernel, dilation = _on(made["kernel_size"], axis), _on(made.get("dilation", 1), axis)
    reach = dilation * (kernel - 1) + 1
    stride = made.get("stride")
    if stride is None:  # of a pooling, its window
        stride = 1 if row.kind == "convolution" else made["kernel_size"]
    step = _on(stride, axis)
    if name.startswith("ConvTranspose"):
        return size + (-(-reach // step) - 1) * jump, jump / step
    if name.startswith("Fractional"):
        return size + (reach - 1) * jump, jump * before / after
    return size + (reach - 1) * jump, jump * step


def _adaptive(before: int, after: int) -> int:
    """The largest window of an adaptive pooling from `before` to `after` values."""
    windows = ((-(-(i + 1) * before // after)) - i * before // after for i in range(after))
    return max(windows)


def _on(value: Any, axis: int) -> int:
    if not isinstance(value, tuple):
        return value
    return value[axis] if len(value) > 1 else value[0]  # torch takes one number in a list for both
