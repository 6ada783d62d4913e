"""What the tests of jobs share: finding worker processes, waiting, and leaving none behind."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import time
from pathlib import Path

import pytest

from digitlab.jobs import launch
from digitlab.runs import run_folder, store
from tests.conftest import PATIENCE


def pytest_collection_modifyitems(items):
    for item in items:
        if "jobs" in item.path.parts and not sys.platform.startswith("linux"):
            item.add_marker(pytest.mark.skip(reason="worker processes are found in /proc"))


@pytest.fixture
def workers(home):
    """A function that gives the process ids of this home's workers."""

    def find():
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                mine = f"DIGITLAB_HOME={home}\0".encode() in (folder / "environ").read_bytes()
                if mine and b"digitlab\0worker" in (folder / "cmdline").read_bytes():
                    found.append(int(folder.name))
        return sorted(set(found) - {os.getpid()})

    return find


@pytest.fixture(autouse=True)
def clean(home, workers, monkeypatch):
    """Real workers, and none of them left when the test ends."""
    monkeypatch.setattr(launch, "_last_launch", -1e9)
    yield
    deadline = time.monotonic() + 10
    while (found := workers()) and time.monotonic() < deadline:
        for process_id in found:
            with contextlib.suppress(OSError):
                os.kill(process_id, signal.SIGKILL)
        time.sleep(0.05)


@pytest.fixture
def wait_for():
    """A function that waits until a condition holds, and gives what it returned."""

    def wait(condition, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if result := condition():
                return result
            time.sleep(0.02)
        states = [(record.id, record.status, record.message) for record in store.list_records()]
        raise AssertionError(f"still not after {seconds} s; the runs are {states}")

    return wait


@pytest.fixture
def learning(wait_for):
    """A function that waits until a run has learnt for an epoch, and gives its record."""

    def wait(run_id):
        def going():
            record = store.get_record(run_id)
            assert record.active, record
            return record.epochs_done and record

        return wait_for(going)

    return wait


@pytest.fixture
def ended(wait_for):
    """A function that waits until a run has ended and its process is done with it; its record."""

    def wait(run_id):
        wait_for(lambda: not store.get_record(run_id).active)
        wait_for(lambda: not run_folder.is_alive(run_id))
        return store.get_record(run_id)

    return wait
