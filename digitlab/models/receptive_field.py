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
from typing import Any, NamedTuple

from digitlab.models.graph import REUSE
from digitlab.models.placement import Row, Shape

Axis = tuple[float, float]  # pixels seen by one value, and pixels between neighbouring values


class Field(NamedTuple):
    """What one value sees of the image's height and width; `channels_last` after a Permute."""

    height: Axis
    width: Axis
    channels_last: bool = False


Seen = Field | None  # None where places have no meaning
NOTHING = Field((0.0, 1.0), (0.0, 1.0))  # of what comes of Parameters alone

_SEES_ALL = ("SqueezeExcite", "TransformerEncoder", "MixerBlock", "MeanTokens", "Rows")
_MIXES = (
    "MatMul",
    "Einsum",
    "ScaledDotProductAttention",
    "GridSample",
)  # joins of all values with all others
_REDUCES = ("Mean", "Sum", "Max", "Min", "Std", "Var", "Norm")
_BREAKS = ("Unflatten", "Unfold", "Fold")
_REACH = {"bilinear": 1, "bicubic": 3}  # more pixels that an enlarged one is mixed of


def with_receptive_fields(rows: Sequence[Row], image: Shape) -> tuple[Row, ...]:
    """The rows, each with its receptive field, height and width in pixels of the input."""
    seen: dict[int, Seen] = {}
    _chain(rows, range(len(rows)), Field((1.0, 1.0), (1.0, 1.0)), image, seen)
    return tuple(
        replace(row, receptive_field=_pixels(seen[index], image)) for index, row in enumerate(rows)
    )


def _pixels(field: Seen, image: Shape) -> Shape | None:
    if field is None or field == NOTHING:
        return None
    return tuple(
        min(side, math.ceil(size - 1e-6))
        for (size, _), side in zip(field[:2], image[1:], strict=True)
    )


def _chain(
    rows: Sequence[Row], places: Sequence[int], field: Seen, image: Shape, seen: dict[int, Seen]
) -> Seen:
    """Follow the rows at `places` that stand on the first one's depth, by what they read."""
    top = rows[places[0]].depth if places else 0
    starts = [i for i in places if rows[i].depth == top]
    ends = [*starts[1:], (places[-1] + 1 if places else 0)]
    spans = {rows[start].name: range(start, end) for start, end in zip(starts, ends, strict=True)}
    fields = {"": field}  # by the rows' keys
    for start, end in zip(starts, ends, strict=True):
        row = rows[start]
        if isinstance(row.path[-1], int):  # not one of the layers that a block adds in a row
            field = _joined(row, [fields.get(key, field) for key in row.sources], image)
        origin = spans.get(row.arguments.removeprefix("layer=")) if row.label == REUSE else None
        if origin is not None:
            field = _again(rows, row, origin, field, image)
        elif len(inside := range(start + 1, end)):
            field = _widest([field, *_ends(rows, row, inside, field, image, seen)])
        else:
            field = _through(row, field, image)
        seen[start] = fields[row.key] = field
    return field


def _again(rows: Sequence[Row], row: Row, origin: range, field: Seen, image: Shape) -> Seen:
    """What is seen after the layer or block at `origin` has run once more, at `row`."""
    first = rows[origin[0]]
    if len(origin) == 1:
        return _through(replace(row, label=first.label, kind=first.kind), field, image)
    return _widest([field, *_ends(rows, first, origin[1:], field, image, {})])


def _ends(
    rows: Sequence[Row],
    block: Row,
    inside: range,
    field: Seen,
    image: Shape,
    seen: dict[int, Seen],
) -> list[Seen]:
    """What each of a block's lists of layers sees at its end: branches, or layers and shortcut.

    A list that is repeated goes on where it ended before.
    """
    lists: dict[Any, dict[str, list[int]]] = {}
    turn = ""
    for index in inside:
        row = rows[index]
        if row.depth == block.depth + 1:
            turn = row.key.removesuffix(row.name or row.key.rpartition(".")[2])
        steps = row.path[len(block.path) :]
        name = steps[:2] if steps[0] == "branches" else steps[0] == "shortcut"
        lists.setdefault(name, {}).setdefault(turn, []).append(index)
    ends = []
    for turns in lists.values():
        end = field
        for places in turns.values():
            end = _chain(rows, places, end, image, seen)
        ends.append(end)
    return ends


def _joined(row: Row, fields: list[Seen], image: Shape) -> Seen:
    """What is seen of all that a layer reads."""
    if not fields:
        return NOTHING
    images = [field for field in fields if field != NOTHING]
    if row.label in _MIXES and len(images) > 1:
        return _whole(image)
    if row.label in _MIXES and len(fields) > 1 and images:  # a product with learnt weights
        return _mixed(images[0], len(row.output_shape), image)
    return _widest(images) if images else NOTHING


def _widest(fields: list[Seen]) -> Seen:
    """What is seen where several ways meet; the last way says how far its values lie apart."""
    if any(field is None for field in fields):
        return None
    sides = [(max(field[axis][0] for field in fields), fields[-1][axis][1]) for axis in (0, 1)]
    return Field(*sides, fields[-1].channels_last)


def _whole(image: Shape) -> Field:
    return Field(*((float(side), float(side)) for side in image[1:]))


def _mixed(field: Seen, rank: int, image: Shape) -> Seen:
    """What is seen after the last axis of a value of that rank is mixed, as Linear does."""
    if rank == 1:
        return _whole(image)
    if field is None or rank != 3 or field.channels_last:
        return field
    return field._replace(width=_whole(image).width)


def _through(row: Row, field: Seen, image: Shape) -> Seen:
    """What is seen after a layer without others inside."""
    name, rank = row.label, len(row.input_shape)
    if name in _SEES_ALL or "/" in name or row.kind in ("recurrent", "attention"):
        return _whole(image)
    if name == "Linear":
        return _mixed(field, rank, image)
    if field == NOTHING or row.kind == "join":
        return field
    if name in _REDUCES:
        return _reduced(row, field, image)
    if field is None or name in _BREAKS:
        return None
    if name in ("Reshape", "Permute", "Transpose", "Tile", "Expand"):
        return _rearranged(row, field)
    if rank != 3 or len(row.output_shape) != 3:
        windowed = row.kind in ("convolution", "pooling")
        return _patches(row, field) if name == "Patches" else None if windowed else field
    return field._replace(height=_axis(row, 0, field.height), width=_axis(row, 1, field.width))


def _reduced(row: Row, field: Seen, image: Shape) -> Seen:
    """What is seen after a mean, maximum … over dimensions."""
    rank, dims = len(row.input_shape), row.made["dim"]
    over = {dim % (rank + 1) for dim in (dims if isinstance(dims, tuple) else (dims,))}
    whole = _whole(image)
    if rank != 3:
        return whole
    if field is None:
        return whole if {1, 2, 3} - over <= {1} else None
    sides = (1, 2) if field.channels_last else (2, 3)
    axes = (whole[i] if dim in over else field[i] for i, dim in enumerate(sides))
    return field._replace(**dict(zip(("height", "width"), axes, strict=True)))


def _rearranged(row: Row, field: Field) -> Seen:
    """What is seen where the same values stand in other places."""
    before, after = row.input_shape, row.output_shape
    if row.label == "Permute" and row.made["dims"] == (2, 3, 1):
        return field._replace(channels_last=True)
    if row.label == "Permute" and row.made["dims"] == (3, 1, 2) and field.channels_last:
        return field._replace(channels_last=False)
    same = [size for size in before if size > 1] == [size for size in after if size > 1]
    if row.label == "Expand" or (row.label == "Reshape" and same):
        return field
    return None if len(after) == 3 else field


def _patches(row: Row, field: Field) -> Field:
    sides = row.input_shape[1:]
    match = re.search(r"patch_size=\(?(\d+)(?:, (\d+))?", row.arguments)
    patch = (int(match.group(1)), int(match.group(2) or match.group(1)))
    assert all(side % size == 0 for side, size in zip(sides, patch, strict=True))
    return Field(
        *(
            (size + (p - 1) * jump, p * jump)
            for p, (size, jump) in zip(patch, field[:2], strict=True)
        )
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
