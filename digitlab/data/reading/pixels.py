"""Numbers of any range, shape and type → grey images uint8 [N, H, W], and notes of the change."""

from __future__ import annotations

import math
from collections.abc import Iterable

import numpy as np

from digitlab.data.reading import limits
from digitlab.errors import UploadError

_GREY = (0.299, 0.587, 0.114)  # ITU-R BT.601, as Pillow's
_AT_ONCE = 4_000  # images


def compact(chunks: Iterable[np.ndarray]) -> np.ndarray:
    """The chunks as one array: uint8 where all are whole numbers of 0…255, else float32."""
    arrays = [_compact(chunk) for chunk in chunks]
    if not arrays:
        return np.zeros((0, 0), np.uint8)
    return np.concatenate(arrays) if len(arrays) > 1 else arrays[0]


def _compact(values: np.ndarray) -> np.ndarray:
    if values.dtype in (np.uint8, np.bool_):
        return values
    if values.size and values.min() >= 0 and values.max() <= 255:
        small = values.astype(np.uint8)
        if values.dtype.kind in "iu" or (small == values).all():
            return small
    with np.errstate(over="ignore"):  # what is too large is refused as infinity
        return values.astype(np.float32)


def to_square(images: np.ndarray, where: str, colour: bool = False) -> tuple[np.ndarray, list[str]]:
    """Rows of pixels [N, s·s] or images [N, H, W], [N, 1, H, W], … as [N, H, W], colours as grey,
    or as [N, H, W, 3] where `colour` is true. UploadError for other shapes.
    """
    shape = images.shape
    if images.ndim == 2:
        side = math.isqrt(shape[1])
        if side * side == shape[1] and side > 1:
            images = images.reshape(-1, side, side)
        elif shape[1] % 3 == 0 and math.isqrt(shape[1] // 3) ** 2 * 3 == shape[1]:
            side = math.isqrt(shape[1] // 3)
            images = images.reshape(-1, 3, side, side)
        else:
            raise UploadError(
                f"{where} has {shape[1]:,} pixels an image, which is no square; 28×28 has 784."
            )
    if images.ndim == 4 and images.shape[1] in (1, 3, 4) and images.shape[3] not in (1, 3, 4):
        images = np.moveaxis(images, 1, 3)
    notes = []
    if images.ndim == 4 and images.shape[3] in (1, 3, 4):
        if colour:
            images = images[..., :3]
        elif images.shape[3] != 1:
            notes.append(f"{where} has colours: they were made grey.")
            images = to_grey(images[..., :3])
        else:
            images = images[..., 0]
    elif images.ndim == 3 and colour:
        images = images[..., None]
    if images.ndim != 3 + colour:
        raise UploadError(
            f"{where} has the shape {list(shape)}; images are [N, 28, 28], [N, 784], "
            "[N, 1, 28, 28] or [N, 28, 28, 3]."
        )
    height, width = images.shape[1:3]
    if not (0 < height <= limits.MAX_SIDE and 0 < width <= limits.MAX_SIDE):
        raise UploadError(f"{where} has images of {width}×{height} pixels.")
    if colour and images.shape[3] == 1:
        images = images.repeat(3, axis=3)
    return images, notes


def to_grey(images: np.ndarray) -> np.ndarray:
    """Colours [N, H, W, 3] as grey values [N, H, W]."""
    weights = np.array(_GREY, np.float32)
    grey = [images[i : i + _AT_ONCE] @ weights for i in range(0, len(images), _AT_ONCE)]
    grey = np.concatenate(grey) if grey else images[..., 0]
    return np.rint(grey).astype(np.uint8) if images.dtype == np.uint8 else grey


def to_bytes(arrays: list[np.ndarray], where: str) -> tuple[list[np.ndarray], list[str]]:
    """The arrays in 0…255 as uint8, by one scale for all of them, and a note where it is not 1.

    UploadError for NaN, infinity and ranges that nobody uses.
    """
    arrays = [array for array in arrays if array.size]
    if not arrays:
        return [], []
    low = min(float(array.min()) for array in arrays)
    high = max(float(array.max()) for array in arrays)
    if not (math.isfinite(low) and math.isfinite(high)):
        raise UploadError(f"{where} holds NaN or infinity.")
    deep = arrays[0].shape[1:] == (8, 8) and high <= 16
    start, top, note = _range(low, high, deep)
    if top is None:
        raise UploadError(
            f"{where} has pixels from {low:g} to {high:g}; they lie within 0…255, 0…1, -1…1, "
            "0…4095 or 0…65535."
        )
    if (start, top) == (0, 255) and all(array.dtype == np.uint8 for array in arrays):
        return arrays, []
    notes = [f"Pixels from {low:g} to {high:g} were {note}."] if note else []
    if low < -1 and _is_standardised(arrays):
        notes.append(
            "Over the images each pixel has the mean 0 and the deviation 1: it was standardised by "
            "itself, which changes what the images show. Give them as they were before that."
        )
    if not note and any((np.rint(array) != array).any() for array in arrays):
        notes.append("Pixels that were no whole numbers were rounded.")
    return [_scale(array, start, top) for array in arrays], notes


def _is_standardised(arrays: list[np.ndarray]) -> bool:
    """Whether each pixel was brought to mean 0 and deviation 1 by itself (or is always 0)."""
    values = arrays[0][:_AT_ONCE]
    means, deviations = values.mean(axis=0), values.std(axis=0)
    usual = (np.abs(means) < 0.1) & ((deviations < 1e-6) | (np.abs(deviations - 1) < 0.1))
    return len(values) > 2 and bool(usual.mean() > 0.8)


def _range(low: float, high: float, deep: bool) -> tuple[float, float | None, str]:
    """What becomes 0, what becomes 255, and how that is told."""
    if low < 0:
        if low >= -1 and high <= 1:
            return -1, 1, "scaled from -1…1 to 0…255"
        if low > -8 and high < 32:
            return low, high, "normalised values: scaled so that the least is 0, the largest 255"
        return 0, None, ""
    if high <= 1:
        return (0, 1, "scaled from 0…1 to 0…255") if high > 0 else (0, 255, "")
    if deep:
        return 0, 16, "scaled from 0…16 to 0…255"
    if high <= 255:
        return 0, 255, ""
    top = next((top for top in (4095, 65535) if 1_000 < high <= top), None)  # 12 and 16 bits
    return 0, top, f"scaled from 0…{top} to 0…255"


def _scale(array: np.ndarray, start: float, top: float) -> np.ndarray:
    scaled = np.empty(array.shape, np.uint8)
    for i in range(0, len(array), _AT_ONCE):
        values = (array[i : i + _AT_ONCE].astype(np.float32) - start) * (255 / (top - start))
        scaled[i : i + _AT_ONCE] = np.rint(values.clip(0, 255))
    return scaled
