"""libsvm's text form, `7 153:84 154:185 …` a row, → a `Part`."""

from __future__ import annotations

import io
import math
import re

import numpy as np

from digitlab.data.reading import limits
from digitlab.data.reading.part import Part
from digitlab.data.reading.pixels import compact
from digitlab.errors import UploadError, reason

_ROW = re.compile(rb"\s*[+-]?\d+(\.\d+)?(\s+\d+:[-+.\deE]+)+\s*")
_AT_ONCE = 2_000  # rows
_USUAL = (8, 16, 20, 28, 32, 48, 64, 96, 128)  # sides of images


def is_libsvm(head: bytes) -> bool:
    """Whether a file that begins so is in libsvm's form."""
    line = head.split(b"\n", 1)[0].split(b"#", 1)[0]
    return bool(re.match(rb"\s*[+-]?\d+(\.\d+)?\s+\d+:[-+.\deE]+(\s|$)", line))


def read_libsvm(content: bytes, where: str) -> Part:
    """Images and labels; the largest index is a square, or lies in an image of a usual size.

    Indices count from 1, or from 0 where one is 0. What a row leaves out is 0.
    """
    from sklearn.datasets import load_svmlight_file

    _check(content, where)
    try:
        table, labels = load_svmlight_file(io.BytesIO(content), dtype=np.float32)
    except (ValueError, OverflowError, MemoryError) as e:
        raise UploadError(f"{where} is not in libsvm's form ({reason(e)}).") from e
    pixels = table.shape[1]
    side = math.isqrt(pixels)
    if side * side != pixels:  # the last pixels of all images are paper
        side = next((usual for usual in _USUAL if usual * usual >= pixels), side + 1)
    most = limits.FREE_CELLS + limits.SPARSE_CELLS * len(content)
    if side > limits.MAX_SIDE or len(labels) * side * side > min(most, limits.MAX_UNPACKED):
        raise UploadError(f"{where} has {len(labels):,} rows of {pixels:,} pixels: too many.")
    table.resize(len(labels), side * side)
    dense = (table[i : i + _AT_ONCE].toarray() for i in range(0, len(labels), _AT_ONCE))
    images = compact(dense)
    whole = labels.astype(np.int64)
    if (whole != labels).any():
        raise UploadError(f"{where} has labels that are no whole numbers.")
    notes = []
    if side * side != pixels:
        notes.append(f"{where} ends at pixel {pixels:,}: the rest of {side}×{side} is 0.")
    return Part(where, images, whole, notes=notes)


def _check(content: bytes, where: str) -> None:
    """UploadError for an index so large that a row of it would fill the memory."""
    largest = max((len(run) for run in re.findall(rb"\d{7,}(?=:)", content)), default=0)
    if largest:
        raise UploadError(f"{where} has an index of {largest} digits: it is no image.")
    if content.count(b"\n") > limits.MAX_IMAGES:
        raise UploadError(f"{where} has more than {limits.MAX_IMAGES:,} rows.")
