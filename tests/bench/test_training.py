"""The benchmark of trainings measures what it says, on little data."""

from __future__ import annotations

import json
import subprocess
import sys

import pytest

import digitlab as dl
from digitlab.bench import networks, training
from digitlab.bench.networks import MLP
from digitlab.bench.training import bare_epoch, recorded_epoch
from digitlab.settings import read_settings


def test_each_contender_trains_and_is_timed(optdigits, home):
    data = optdigits.resplit(0)
    config = dl.TrainConfig(epochs=2, batch_size=64, val_fraction=0, threads=1, device="cpu")
    assert 0 < bare_epoch(MLP, data, config) < 60
    assert 0 < recorded_epoch(MLP, data, config) < 60
    assert dl.list_runs(bundled=False) == [], "runs that are timed lie in a home of their own"
    assert read_settings().home == home


def test_the_table_has_a_ratio_to_digitlab_for_each(monkeypatch, mnist):
    monkeypatch.setattr(training, "IMAGES", 1_280)
    monkeypatch.setattr(networks, "IMAGES", 1_280)
    monkeypatch.setattr(training, "ROUNDS", {"mlp": 1})
    rows = training._measure_network("mlp", MLP, lambda _: None, peers=False)
    ours = next(row for row in rows if row["contender"] == "digitlab, recording")
    assert ours["ratio"] == 1
    for row in rows:
        assert row["ratio"] == pytest.approx(row["seconds"] / ours["seconds"])
    assert len(rows) == 5


@pytest.mark.slow
def test_memory_and_time_grow_with_the_data_and_no_faster(mnist):
    done = subprocess.run(
        [sys.executable, "-m", "digitlab", "bench", "--growth", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    small, _, large = json.loads(done.stdout)
    assert small["megabytes"] < 350
    assert large["images_per_second"] > small["images_per_second"] / 1.5
