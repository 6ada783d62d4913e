"""IDX, the form of MNIST's own files (http://yann.lecun.com/exdb/mnist/) → arrays."""

from __future__ import annotations

import gzip
import math
from pathlib import Path

import numpy as np

from digitlab.data.reading import limits
from digitlab.errors import UploadError

_PUBLISHED = 1_000_000  # images of a dataset of the catalog; EMNIST By Class has 697,932
_TYPES = {8: "u1", 9: "i1", 11: ">i2", 12: ">i4", 13: ">f4", 14: ">f8"}


def is_idx(head: bytes) -> bool:
    """Whether a file that begins so is IDX: two zeros, a type, and 1 to 4 dimensions.

    Programs that write numbers with the low byte first turn these four around.
    """
    if len(head) >= 8 and head[2:4] == b"\0\0" != head[:2]:
        head = head[3::-1] + head[4:]
    return len(head) >= 8 and head[:2] == b"\0\0" and head[2] in _TYPES and 1 <= head[3] <= 4


def read_idx(content: bytes, where: str, most: int = limits.MAX_IMAGES) -> np.ndarray:
    """The array; UploadError where its size is not what its head says, or above `most`.

    The head's numbers may have the low byte first, where only so its size is right.
    """
    kind, dimensions = content[2:4] if content[:2] == b"\0\0" else content[1::-1]
    start, dtype = 4 + 4 * dimensions, np.dtype(_TYPES[kind])
    sizes = [content[i : i + 4] for i in range(4, start, 4)]
    shapes = {o: tuple(int.from_bytes(size, o) for size in sizes) for o in ("big", "little")}
    expected = {order: math.prod(shape) * dtype.itemsize for order, shape in shapes.items()}
    order = "little" if len(content) - start == expected["little"] else "big"
    shape, expected = shapes[order], expected[order]
    if len(content) - start != expected:
        raise UploadError(
            f"{where} should have {expected:,} bytes of data by its head (shape {list(shape)}) and "
            f"has {max(0, len(content) - start):,}: it is cut short or damaged."
        )
    if shape[0] > most:
        raise UploadError(f"{where} holds {shape[0]:,} images; {most:,} are read.")
    dtype = dtype.newbyteorder(order)
    return np.frombuffer(content, dtype, offset=start).reshape(shape)


def read_idx_file(path: Path) -> np.ndarray:
    """The array of a file, which may be packed (.gz); UploadError where it is no IDX."""
    content = gzip.decompress(path.read_bytes()) if path.suffix == ".gz" else path.read_bytes()
    if not is_idx(content[:8]):
        raise UploadError(f"{path.name} is no IDX file")
    return read_idx(content, path.name, most=_PUBLISHED)
