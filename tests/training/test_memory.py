"""A training keeps the memory that a step frees, and gives it back at its end."""

from __future__ import annotations

import ctypes
import resource
import sys
from pathlib import Path

import pytest
import torch

from digitlab.training.memory import keep_memory

PAGES = 4096  # of 4 KiB in each tensor below


def faults() -> int:
    """How often a page had to be fetched by this process so far."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def resident() -> int:
    """Pages of this process that are in memory now."""
    return int(Path("/proc/self/statm").read_text().split()[1])


def allocate() -> None:
    torch.ones(PAGES * 1024)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="/proc is Linux's")
def test_what_a_step_frees_is_there_for_the_next_and_is_given_back_at_the_end():
    if not hasattr(ctypes.CDLL(None), "mallopt"):
        pytest.skip("this C library has no mallopt")
    with keep_memory():
        for _ in range(10):  # until the heap has room at a place that suits
            allocate()
        before = faults()
        for _ in range(20):
            allocate()
        assert faults() - before < 10 * PAGES, "half of what it costs to map each anew"
        held = resident()
    assert resident() < held - PAGES / 2


def test_an_error_inside_is_the_callers():
    with pytest.raises(RuntimeError, match="mine"), keep_memory():
        raise RuntimeError("mine")
    allocate()
