"""Machines that share a store carry a sweep out together, also when one of them is lost."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import digitlab as dl
from digitlab.jobs import queue
from digitlab.runs import lease

ROOT = Path(__file__).parents[2]
SPACE = {"learning_rate": "0.001 to 0.1 log"}
CONFIG = dl.TrainConfig(epochs=60, batch_size=16, threads=1, device="cpu")


@pytest.fixture
def machines(tmp_path, monkeypatch, store_address):
    """Two processes that keep working, each in a home of its own, on one store and one storage."""
    monkeypatch.setenv("DIGITLAB_STORAGE", str(tmp_path / "shared"))
    monkeypatch.setenv("DIGITLAB_EXECUTOR", "work")
    monkeypatch.setenv("DIGITLAB_MAX_JOBS", "2")
    if not store_address:
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")
    command = [sys.executable, "-m", "digitlab", "work"]
    started = [
        subprocess.Popen(command, cwd=ROOT, env={**os.environ, "DIGITLAB_HOME": str(tmp_path / n)})
        for n in ("first", "second")
    ]
    yield started
    for process in started:
        process.kill()
        process.wait()


@pytest.mark.slow
@pytest.mark.timeout(900)
def test_a_sweep_whose_machine_is_killed_does_each_trial_once(machines):
    made = dl.make_search(
        "two-hidden-16-relu", "optdigits", SPACE, CONFIG, method="random", trials=8, seeds=1
    )
    sweep_id, lost = dl.start_sweep(made), machines[0]

    def killed() -> bool:
        """Kill the first machine in the middle of a trial, once a trial has ended."""
        held = [held for held in lease.list_held().values() if held.process == lost.pid]
        if lost.poll() is None and held and dl.open_sweep(sweep_id).count("finished"):
            os.kill(lost.pid, signal.SIGKILL)
        return lost.poll() is not None

    end = time.monotonic() + 600
    while not (killed() and dl.open_sweep(sweep_id).phase == "finished"):
        assert time.monotonic() < end, dl.open_sweep(sweep_id).summary()
        queue.mark_interrupted()
        time.sleep(0.1)
    result = dl.open_sweep(sweep_id)
    assert [trial.number for trial in result.trials] == list(range(1, 9))
    assert {trial.state for trial in result.trials} == {"finished"}
    for record in [trial.record for trial in result.trials] + [r.record for r in result.retrained]:
        epochs = [row["epoch"] for row in dl.open_run(record.id).history.epochs]
        assert epochs == list(range(1, CONFIG.epochs + 1))
    again = [
        trial.number
        for trial in result.trials
        if trial.record.data.sweep.resumed or queue.LOST in " ".join(trial.record.notices)
    ]
    assert len(again) == 1, "the trial of the machine that was lost went on on the other"
    assert result.test is not None
