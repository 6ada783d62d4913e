"""MATLAB 5 → `Part`s. Called in a process of its own: see `worker`."""

from __future__ import annotations

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from scipy.io import loadmat

from digitlab.data.reading import limits
from digitlab.data.reading.arrays import NamedArray, find_parts, in_memory
from digitlab.data.reading.options import Options
from digitlab.data.reading.part import Part
from digitlab.errors import UploadError, reason

_AT_ONCE = 8_000_000  # bytes
_PACKED = 15  # the kind of an element that zlib has packed


def read_matlab(path: Path, where: str, options: Options) -> list[Part]:
    """The variables of a MATLAB 5 file, those in structs too, as EMNIST has them."""
    _check(path.read_bytes(), where)
    try:
        variables = loadmat(path)
    except MemoryError:
        raise
    except Exception as e:  # SciPy raises whatever a damaged file leads it to
        raise UploadError(f"{where} is damaged ({reason(e)}).") from e
    arrays = list(_flatten("", {k: v for k, v in variables.items() if not k.startswith("__")}))
    return find_parts(arrays, where, options.label_column)


def _check(content: bytes, where: str) -> None:
    """UploadError where its packed variables would grow to more than is read."""
    order = "little" if content[126:128] == b"IM" else "big"
    position, total = 128, 0
    while position + 8 <= len(content):
        kind = int.from_bytes(content[position : position + 4], order)
        length = int.from_bytes(content[position + 4 : position + 8], order)
        packed, position = content[position + 8 : position + 8 + length], position + 8 + length
        if kind != _PACKED:
            continue
        try:
            unpacker = zlib.decompressobj()
            while packed and not unpacker.eof:
                total += len(unpacker.decompress(packed, _AT_ONCE))
                packed = unpacker.unconsumed_tail
                if total > limits.MAX_UNPACKED:
                    raise UploadError(f"{where} would grow to more than {total:,} bytes.")
        except zlib.error as e:
            raise UploadError(f"{where} is damaged ({e}).") from e


def _flatten(name: str, values) -> Iterator[NamedArray]:
    """Arrays of nested MATLAB structs, by the path of their names."""
    if isinstance(values, dict):
        for key, value in values.items():
            yield from _flatten(f"{name}/{key}" if name else key, value)
    elif isinstance(values, np.ndarray) and values.dtype.names and values.size == 1:
        yield from _flatten(name, {key: values[key].item() for key in values.dtype.names})
    elif isinstance(values, np.ndarray) and not values.dtype.hasobject:
        yield in_memory(name, values)
