"""The measurement of a GPU runs from end to end, on one that is none."""

from __future__ import annotations

import pytest
import torch

from digitlab.bench.gpu import SEEDS, measure_gpu
from digitlab.errors import ConfigError
from tests.training.fake_gpu import gpu  # noqa: F401 - a fixture


def test_without_a_gpu_it_says_so():
    if torch.cuda.is_available():
        pytest.skip("this machine has one")
    with pytest.raises(ConfigError, match="'cuda' is not available"):
        measure_gpu(print)


def test_every_row_is_measured(gpu, optdigits, monkeypatch):  # noqa: F811
    monkeypatch.setattr(torch, "compile", lambda model, mode: model)
    told = []
    rows = measure_gpu(told.append, optdigits.subset(100))
    workloads = {row["workload"]: row["outcome"] for row in rows}
    assert len(told) == len(rows) - 1 == SEEDS + 1 + 4
    assert workloads["cnn-8-16-tuned, the same seed again"] == "the same bits"
    assert workloads["cnn-8-16-tuned, halted and resumed"] == "the same bits"
    assert all(row["seconds"] >= 0 for row in rows)
