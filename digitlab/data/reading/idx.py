"""IDX, the form of MNIST's own files (http://yann.lecun.com/exdb/mnist/) → arrays."""

from __future__ import annotations

import gzip
from pathlib import Path

import numpy as np

from digitlab.data.reading import limits
from digitlab.errors import UploadError

_PUBLISHED = 1_000_000  # images of a dataset of the catalog; EMNIST By Class has 697,932
_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def is_idx(head: bytes) -> bool:
    """Whether a file that begins so is IDX: two zeros, a type, and 1 to 4 dimensions."""
    return len(head) >= 8 and head[:2] == b"\0\0" and head[2] in _TYPES and 1 <= head[3] <= 4


def read_idx(content: bytes, where: str, most: int = limits.MAX_IMAGES) -> np.ndarray:
    """The array; UploadError where its size is not what its head says, or above `most`."""
    dimensions = content[3]
    shape = tuple(np.frombuffer(content[4 : 4 + 4 * dimensions], ">u4").tolist())
    dtype = np.dtype(_TYPES[content[2]])
    expected = dtype.itemsize
    for length in shape:
        expected *= length
    start = 4 + 4 * dimensions
    if len(shape) != dimensions or len(content) - start != expected:
        raise UploadError(
            f"{where} should have {expected:,} bytes of data by its head (shape {list(shape)}) and "
            f"has {max(0, len(content) - start):,}: it is cut short or damaged."
        )
    if shape[0] > most:
        raise UploadError(f"{where} holds {shape[0]:,} images; {most:,} are read.")
    return np.frombuffer(content, dtype, offset=start).reshape(shape)


def read_idx_file(path: Path) -> np.ndarray:
    """The array of a file, which may be packed (.gz); UploadError where it is no IDX."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if not is_idx(content[:8]):
        raise UploadError(f"{path.name} is no IDX file")
    return read_idx(content, path.name, most=_PUBLISHED)
