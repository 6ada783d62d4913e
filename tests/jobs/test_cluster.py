"""A Ray cluster carries out the runs that wait, and one that is gone loses none."""

from __future__ import annotations

import contextlib
import importlib.util
import os
import shutil
import signal
import socket
import sys
import tempfile
from pathlib import Path
from types import SimpleNamespace

import pytest

import digitlab as dl
from digitlab.errors import DatasetMissingError, StoreError
from digitlab.jobs import cluster, launch, queue
from digitlab.jobs.resources import SMALLEST
from digitlab.jobs.worker import ALONE
from digitlab.runs import lease, store

PATIENCE = 300.0  # seconds
RECIPE = dl.TrainConfig(epochs=2, learning_rate=0.01, batch_size=64, device="cpu")
LONG = RECIPE.changed(epochs=1000, batch_size=2)


@pytest.fixture
def address(home, tmp_path, monkeypatch):
    """The address of a Ray that is not there; runs lie in no home, as several machines need it."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    monkeypatch.setenv("RAY_ADDRESS", f"127.0.0.1:{port}")
    monkeypatch.setenv("DIGITLAB_EXECUTOR", "ray")
    monkeypatch.setenv("DIGITLAB_STORAGE", str(tmp_path / "shared"))
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")
    yield port
    _end_processes(home)


def _end_processes(home):
    """End what asks Ray for workers in this home, with its child."""
    for folder in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            mine = f"DIGITLAB_HOME={home}\0".encode() in (folder / "environ").read_bytes()
            if mine and b"worker\0--cluster" in (folder / "cmdline").read_bytes():
                os.killpg(int(folder.name), signal.SIGKILL)


@pytest.fixture
def start_ray(tmp_path, monkeypatch):
    """A function that starts a Ray of one machine, whose home is its own, on a port."""
    ray = pytest.importorskip("ray", reason="Ray is not installed")
    from ray.cluster_utils import Cluster

    folder = tempfile.mkdtemp(prefix="ray-")  # its sockets bear no long path
    monkeypatch.setenv("RAY_TMPDIR", folder)
    monkeypatch.setenv("RAY_USAGE_STATS_ENABLED", "0")
    started, handler = [], signal.getsignal(signal.SIGTERM)

    def start(port):
        node = {"num_cpus": 2, "memory": 8 * 10**9, "object_store_memory": 80 * 2**20}
        own = {"DIGITLAB_HOME": str(tmp_path / "node")}
        args = {**node, "gcs_server_port": port, "env_vars": own, "include_dashboard": False}
        started.append(Cluster(initialize_head=True, head_node_args=args))

    yield start
    for each in started:
        each.shutdown()
    signal.signal(signal.SIGTERM, handler)
    shutil.rmtree(folder, ignore_errors=True)
    assert not ray.is_initialized()


@pytest.mark.timeout(900)  # it starts processes that import much, one after the other
def test_runs_wait_for_ray_which_trains_them_and_stops_one(address, start_ray, wait_for, tmp_path):
    on_gpu = queue.submit("logistic-regression", "optdigits", RECIPE.changed(device="cuda"))
    endless = queue.submit("logistic-regression", "optdigits", LONG)
    short = queue.submit("logistic-regression", "optdigits", RECIPE)
    wait_for(lambda: "Ray cannot be reached" in store.get_record(endless).message, PATIENCE)
    start_ray(address)
    wait_for(lambda: store.get_record(endless).epochs_done, PATIENCE)
    gpu = "Ray has no machine with 1 CPU, 1 GPU"
    wait_for(lambda: gpu in store.get_record(on_gpu).message, PATIENCE)
    process = Path("/proc", str(lease.list_held()[endless].process))
    assert f"DIGITLAB_HOME={tmp_path / 'node'}".encode() in (process / "environ").read_bytes()
    assert store.get_record(short).status == "queued"
    queue.stop(endless)
    wait_for(lambda: store.get_record(short).status == "finished", PATIENCE)
    assert store.get_record(endless).status == "stopped"
    assert store.get_record(endless).measured
    epochs = [row["epoch"] for row in dl.open_run(endless).history.epochs]
    assert epochs == list(range(1, len(epochs) + 1))


def test_who_does_not_linger_looks_until_nothing_waits(monkeypatch):
    """As `work --once` has it, here with a stand-in for Ray."""
    waits = [True, True, False]  # after each look
    looks = SimpleNamespace(look=lambda: waits.pop(0))
    ray = SimpleNamespace(init=lambda *_, **__: None, shutdown=lambda: None)
    monkeypatch.setitem(sys.modules, "ray", ray)
    monkeypatch.setattr(cluster, "LOOK_SECONDS", 0.0)
    monkeypatch.setattr(cluster, "Placing", lambda _: looks)
    monkeypatch.setattr(
        cluster.multiprocessing, "parent_process", lambda: SimpleNamespace(is_alive=lambda: True)
    )
    monkeypatch.setattr(cluster.signal, "signal", lambda *_: None)
    cluster._place(ALONE, 0.0, None)
    assert waits == []


def test_a_worker_that_finds_another_store_or_no_data_says_so(add_record, monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path / "empty"))
    for run_id, kind, message in (
        ("run-of-another-store", StoreError, "another run store: set DIGITLAB_DATABASE_URL"),
        (add_record(dataset="mnist").id, DatasetMissingError, "The dataset mnist is not on"),
        (add_record(dataset="optdigits", status="finished").id, SystemExit, "0"),
    ):
        with pytest.raises(kind, match=message):
            cluster.Worker(ALONE, SMALLEST, SMALLEST, run_id)


def test_without_ray_installed_no_run_is_taken_and_the_error_names_it(monkeypatch):
    monkeypatch.setenv("DIGITLAB_EXECUTOR", "ray")
    find = importlib.util.find_spec
    monkeypatch.setattr(
        launch.importlib.util, "find_spec", lambda name: None if name == "ray" else find(name)
    )
    with pytest.raises(StoreError, match=r"pip install 'ray>=2\.50,<3'"):
        queue.submit("logistic-regression", "optdigits", RECIPE)
    assert store.list_records() == []
