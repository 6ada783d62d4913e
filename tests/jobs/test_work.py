"""Machines that share the store and the runs' files carry out the runs that wait."""

from __future__ import annotations

import os
import signal
import time
from collections import Counter

import pytest

import digitlab as dl
from digitlab.errors import SettingsError
from digitlab.execution.prepare import new_record, plan
from digitlab.jobs import launch, queue, worker
from digitlab.runs import lease, store
from digitlab.settings import read_settings
from tests.jobs.killable import start_worker

RECIPE = dl.TrainConfig(epochs=1, learning_rate=0.01, batch_size=64, device="cpu")
LONG = RECIPE.changed(epochs=1000, batch_size=2)


def add(dataset="optdigits", config=RECIPE, **recipe):
    experiment = plan("logistic-regression", dataset, config.changed(**recipe))
    return new_record(experiment, status="queued", executor="process").id


@pytest.fixture
def machine(tmp_path):
    """A function that starts a machine that works in a home of its own."""
    started = []

    def start(home):
        started.append(start_worker(keeps=str(tmp_path / home)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.join()


@pytest.fixture
def shared(tmp_path, monkeypatch, store_address):
    """A store and a folder of runs that are in no home."""
    monkeypatch.setenv("DIGITLAB_STORAGE", str(tmp_path / "shared"))
    if not store_address:
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")


def test_where_others_work_no_process_is_started_here(monkeypatch):
    monkeypatch.setenv("DIGITLAB_EXECUTOR", "work")
    monkeypatch.setattr(launch, "launch", lambda *_: pytest.fail("a process was started"))
    run_id = queue.submit("logistic-regression", "optdigits", RECIPE)
    queue.reconcile()
    launch.keep_warm("optdigits")
    assert store.get_record(run_id).status == "queued"
    monkeypatch.setenv("DIGITLAB_EXECUTOR", "slurm")
    with pytest.raises(SettingsError, match="must be here, work or ray; not 'slurm'"):
        read_settings()


def test_a_run_whose_data_is_not_here_waits_for_a_machine_that_has_it(monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATA", "/nowhere")
    elsewhere, here = add("mnist"), add()
    assert worker.work(gives_back=True) == 1
    assert store.get_record(elsewhere).status == "queued"
    assert store.get_record(here).status == "finished"


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_a_run_that_is_given_back_goes_on_elsewhere_from_its_last_step(shared, machine, wait_for):
    run_id = add(config=LONG)
    first = machine("first")
    wait_for(lambda: store.get_record(run_id).epochs_done, 300)
    os.kill(first.pid, signal.SIGINT)
    first.join(300)
    assert first.exitcode == 0
    record = store.get_record(run_id)
    assert (record.status, record.executor) == ("queued", "process")
    assert record.step > 0
    assert lease.list_held() == {}
    second = machine("second")
    wait_for(lambda: store.get_record(run_id).epochs_done > record.epochs_done, 300)
    queue.stop(run_id)
    wait_for(lambda: store.get_record(run_id).measured, 300)
    os.kill(second.pid, signal.SIGTERM)
    second.join(300)
    assert second.exitcode == 0
    epochs = [row["epoch"] for row in dl.open_run(run_id).history.epochs]
    assert epochs == list(range(1, len(epochs) + 1))
    assert len(epochs) > record.epochs_done


@pytest.mark.slow
def test_machines_that_come_and_go_do_each_run_once(shared, machine, wait_for, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_JOBS", "2")
    ids = [add(seed=seed, epochs=3) for seed in range(20)]
    lost = machine("lost")
    machine("other")

    def running():
        records = store.list_records(("running",))
        assert len(records) <= 2
        return records

    wait_for(lambda: any(r.status == "finished" for r in store.list_records()))
    wait_for(lambda: [h for h in lease.list_held().values() if h.process == lost.pid])
    lost.kill()
    end = time.monotonic() + 240
    while store.list_records(("queued", "running")):
        running()
        queue.mark_interrupted()
        assert time.monotonic() < end
        time.sleep(0.1)
    assert Counter(store.get_record(run_id).status for run_id in ids) == {"finished": 20}
    for run_id in ids:
        assert [row["epoch"] for row in dl.open_run(run_id).history.epochs] == [1, 2, 3]
