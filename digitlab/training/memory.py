"""Memory: blocks that a training step frees are kept by the process for the next step."""

from __future__ import annotations

import contextlib
import ctypes
from collections.abc import Iterator

# glibc's names and values for mallopt, from malloc.h.
_TRIM_THRESHOLD, _MMAP_THRESHOLD = -1, -3
# Bytes of the largest block that shares the heap; an old glibc refuses the first of these.
_LARGEST = (2**30, 32 * 2**20)
_KEEP, _DEFAULT = 2**31 - 1, 128 * 2**10  # bytes free at the heap's end before they are returned


@contextlib.contextmanager
def keep_memory() -> Iterator[None]:
    """In this context freed memory is not returned to the system; afterwards it is.

    glibc maps each large block and unmaps it when it is freed, which costs a step of a
    convolutional network thousands of page faults: 8,500 for the two convolutions of PyTorch's
    MNIST example in batches of 64. On two busy cores of a virtual machine they took a third of its
    processor time (52 to 35 ms a step, n = 160); on idle ones, nothing that could be measured.
    PyTorch's own tuning guide suggests another allocator for the same reason. Without glibc this
    does nothing.
    """
    try:
        libc = ctypes.CDLL(None)
        tune, trim = libc.mallopt, libc.malloc_trim
    except (OSError, TypeError, AttributeError):  # Windows, macOS, musl
        yield
        return
    any(tune(_MMAP_THRESHOLD, size) for size in _LARGEST)
    tune(_TRIM_THRESHOLD, _KEEP)
    try:
        yield
    finally:
        tune(_TRIM_THRESHOLD, _DEFAULT)
        trim(0)
