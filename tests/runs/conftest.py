"""What the tests of runs share: tiny trainings, records, and other processes."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import torch

import digitlab as dl
from digitlab.runs import store
from digitlab.runs.record import RunRecord, new_run_id
from digitlab.training import window

ROOT = Path(__file__).parents[2]
TINY = dl.TrainConfig(epochs=3, learning_rate=0.01, batch_size=128, device="cpu")


@pytest.fixture(autouse=True)
def one_thread():
    """Small networks are quicker on one thread, above all where others compute as well."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture
def train_tiny(optdigits, monkeypatch):
    """A function that trains logistic regression on optdigits (0.1 s) and returns the run.

    Every step is a window of its own, so that tests can act at any of them.
    """
    monkeypatch.setattr(window, "SHORTEST", 1)

    def train(model="logistic-regression", data=None, on_event=None, name="", **recipe):
        config = TINY.changed(**recipe)
        return dl.train(
            model, data or optdigits, config, name=name, progress=False, on_event=on_event
        )

    return train


@pytest.fixture
def tiny(train_tiny):
    """A finished run."""
    return train_tiny()


@pytest.fixture
def add_record():
    """A function that stores a record of given columns and returns it."""

    def add(**columns):
        spec = dl.load_model("logistic-regression").to_dict()
        record = RunRecord(
            **{
                "id": new_run_id("made-up"),
                "name": "made up",
                "model": "logistic-regression",
                "dataset": "optdigits",
                "status": "queued",
                "executor": "process",
                "spec": spec,
                "config": TINY.model_dump(),
                "data": {"classes": list("0123456789"), "val_fraction": 0.1, "split_seed": 0},
                "created": time.time(),
                **columns,
            }
        )
        store.add_run(record)
        return record

    return add


@pytest.fixture
def start_python():
    """A function that starts Python code in a process of its own; killed at the test's end."""
    started = []

    def start(code, *arguments):
        process = subprocess.Popen(
            [sys.executable, "-c", code, *map(str, arguments)],
            cwd=ROOT,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        process.kill()
        for pipe in (process.stdin, process.stdout, process.stderr):
            pipe.close()
        process.wait()


@pytest.fixture
def start_together(start_python):
    """A function that starts code in several processes, which wait for each other at `ready()`."""

    def start(code, arguments):
        ready = (
            "import sys\ndef ready():\n    print('ready', flush=True)\n    sys.stdin.readline()\n"
        )
        processes = [start_python(ready + code, *each) for each in arguments]
        for process in processes:
            assert process.stdout.readline() == "ready\n", process.stderr.read()
        for process in processes:
            process.stdin.write("\n")
            process.stdin.flush()
        return processes

    return start
