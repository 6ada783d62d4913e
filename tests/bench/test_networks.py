"""The networks that digitlab and others are timed with."""

from __future__ import annotations

import digitlab as dl
from digitlab.bench import networks
from digitlab.bench.networks import CNN, MLP, fixed_batch_epoch


def test_the_networks_are_those_that_others_are_timed_with():
    assert dl.summarize(MLP).parameters == 784 * 128 + 128 + 1280 + 10
    assert dl.summarize(CNN).parameters == 1_199_882  # PyTorch's MNIST example


def test_the_fixed_batch_takes_as_many_steps(monkeypatch):
    monkeypatch.setattr(networks, "IMAGES", 640)
    epoch = fixed_batch_epoch(MLP, dl.TrainConfig(threads=1, device="cpu"))
    assert 0 < epoch() < 30
