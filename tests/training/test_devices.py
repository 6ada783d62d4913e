"""Devices: the best one is chosen, a missing one is refused, and the machine is described."""

from __future__ import annotations

import json

import pytest
import torch

from digitlab.errors import ConfigError
from digitlab.training.devices import describe_machine, pick_device


def test_the_cpu_is_always_there_and_auto_takes_one_that_is():
    assert pick_device("cpu") == torch.device("cpu")
    assert torch.zeros(1, device=pick_device("auto")).sum() == 0


@pytest.mark.parametrize(
    "name", ["cuda:63", "mps" if not torch.backends.mps.is_available() else ""]
)
def test_a_device_that_is_not_here_is_refused_with_a_way_out(name):
    if not name:
        pytest.skip("this machine has an Apple GPU")
    with pytest.raises(ConfigError, match=f"{name}.*auto") as caught:
        pick_device(name)
    assert caught.value.field == "device"


def test_the_machine_is_described_in_plain_json():
    machine = json.loads(json.dumps(describe_machine(torch.device("cpu"))))
    assert machine["torch"] == torch.__version__
    assert machine["device"] == "cpu"
    assert machine["processor"]
