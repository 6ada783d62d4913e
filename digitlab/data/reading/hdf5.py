"""HDF5 and MATLAB 7.3 → `Part`s. Called in a process of its own: see `worker`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import h5py
import numpy as np

from digitlab.data.reading.arrays import NamedArray, find_parts
from digitlab.data.reading.options import Options
from digitlab.data.reading.part import Part
from digitlab.errors import UploadError, reason

_AT_ONCE = 16_000_000  # bytes
_MOST = 10_000  # datasets
_DEEPEST = 32


def read_hdf5(path: Path, where: str, options: Options) -> list[Part]:
    """The datasets of an HDF5 file, or of a MATLAB 7.3 file, whose axes are the other way round."""
    with path.open("rb") as opened:
        turned = opened.read(10) == b"MATLAB 7.3"
    try:
        with h5py.File(path, "r") as file:
            arrays = _list_datasets(file, where, turned, path.stat().st_size)
            return find_parts(arrays, where, options.label_column)
    except (UploadError, MemoryError):
        raise
    except Exception as e:  # h5py raises whatever a damaged file leads it to
        raise UploadError(f"{where} is damaged ({reason(e)}).") from e


def _list_datasets(file, where: str, turned: bool, size_of_file: int) -> list[NamedArray]:
    """Datasets that lie in the file itself: links to other files are not followed."""
    arrays = []

    def visit(name: str, item) -> None:
        if name.count("/") > _DEEPEST:  # each look into a deep group begins at the top
            raise UploadError(f"{where} has more than {_DEEPEST} groups within each other.")
        if not isinstance(item, h5py.Dataset) or name.startswith("#") or not item.shape:
            return
        if item.external or item.is_virtual:
            raise UploadError(f"{name[:80]!r} of {where} lies in another file: it is not read.")
        if item.nbytes > 1_000_000 + 500 * size_of_file or len(arrays) >= _MOST:
            raise UploadError(f"{name[:80]!r} of {where} would grow to {item.nbytes:,} bytes.")
        text = h5py.check_string_dtype(item.dtype) is not None
        dtype = np.dtype("U") if text else item.dtype
        shape = item.shape[::-1] if turned else item.shape
        arrays.append(NamedArray(name, shape, dtype, lambda: _read(item, text, turned)))

    file.visititems(visit)  # which follows hard links only
    return arrays


def _read(item, text: bool, turned: bool) -> Iterator[np.ndarray]:
    if text:
        yield item.asstr()[()].astype(str)
    elif turned:
        yield item[()].T
    else:
        rows = max(1, _AT_ONCE // max(1, item.nbytes // item.shape[0])) if item.shape[0] else 1
        for start in range(0, item.shape[0], rows):
            yield item[start : start + rows]
