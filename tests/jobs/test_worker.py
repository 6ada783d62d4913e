"""A worker takes what waits, one after the other, writes a log, and leaves."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path

import pytest

import digitlab as dl
from digitlab import owners
from digitlab.errors import StoreError
from digitlab.execution.prepare import new_record, plan
from digitlab.jobs import pool, queue, worker
from digitlab.jobs.worker import work
from digitlab.runs import run_folder, store

ROOT = Path(__file__).parents[2]
TINY = dl.TrainConfig(epochs=1, learning_rate=0.01, batch_size=128, device="cpu")


def add(dataset="optdigits", **recipe):
    config = TINY.changed(**recipe)
    experiment = plan("logistic-regression", dataset, config)
    return new_record(experiment, status="queued", executor="process").id


def test_it_carries_out_all_that_waits_oldest_first():
    ids = [add(seed=seed) for seed in range(3)]
    assert work() == 3
    records = [store.get_record(run_id) for run_id in ids]
    assert [record.status for record in records] == ["finished"] * 3
    assert all(a.ended <= b.started for a, b in itertools.pairwise(records))
    assert work() == 0


def test_whether_a_run_fits_is_estimated_before_others_wait_for_it_to_be_claimed(monkeypatch):
    other, mine = add(seed=0), add(seed=1)
    claim_next, claiming, claimed = store.claim_next, [], []

    def claim(*arguments):
        claiming.append(True)
        try:
            return claim_next(*arguments)
        finally:
            claiming.clear()

    def fits(record):
        claimed.extend(claiming)
        return record.id == mine

    monkeypatch.setattr(store, "claim_next", claim)
    assert work(gives_back=True, fits=fits) == 1
    assert [store.get_record(run_id).status for run_id in (other, mine)] == ["queued", "finished"]
    assert not claimed


@pytest.mark.slow  # about ten seconds, of the process that is started beside it
def test_it_trains_a_run_on_two_devices():
    run_id = add(devices=2)
    assert work() == 1
    record = store.get_record(run_id)
    assert (record.status, record.environment["devices"]) == ("finished", 2)


def test_it_leaves_at_once_where_enough_runs_are_going(monkeypatch):
    monkeypatch.setattr(queue, "STARTING_SECONDS", 600.0)
    busy, run_id = add(), add()
    store.update_run(busy, status="running", started=time.time())
    assert work() == 0
    assert store.get_record(run_id).status == "queued"


def test_a_dead_run_does_not_keep_its_place():
    dead, run_id = add(), add()
    store.update_run(dead, status="running", started=1.0)
    assert work() == 1
    assert store.get_record(dead).status == "interrupted"
    assert store.get_record(run_id).status == "finished"


def test_a_visitors_run_takes_only_so_much_memory(monkeypatch):
    wide = {"Conv2d": {"out_channels": 64, "kernel_size": 3, "padding": 1}}
    spec = dl.ModelSpec(name="wide", layers=[wide, "Flatten", {"Linear": {"out_features": 10}}])
    with owners.acting_for(owners.owner_of("ann")):
        experiment = plan(spec, "optdigits", TINY.changed(batch_size=1_024))
        large = new_record(experiment, status="queued", executor="process").id
        small = add()
    monkeypatch.setenv("DIGITLAB_MAX_MEMORY", str(20_000_000))
    monkeypatch.setattr(worker, "DATA_BYTES", 40_000_000)
    assert work() == 2
    assert store.get_record(large).status == "failed"
    assert "ran out of memory" in store.get_record(large).message
    assert store.get_record(small).status == "finished"


def test_a_run_whose_seconds_cannot_be_noted_does_not_end_the_worker(monkeypatch, capsys):
    def full(*_):
        raise StoreError("the disk is full")

    monkeypatch.setattr(worker.training_time, "note_training", full)
    with owners.acting_for(owners.owner_of("ann")):
        first, second = add(), add(seed=1)
    assert work() == 2
    assert {store.get_record(run_id).status for run_id in (first, second)} == {"finished"}
    assert "the disk is full" in capsys.readouterr().out


def test_what_goes_wrong_is_in_the_log_and_the_rest_goes_on(monkeypatch, capsys):
    monkeypatch.setenv("DIGITLAB_DATA", "/nowhere")
    bad, good = add("mnist"), add()
    assert work() == 2
    record = store.get_record(bad)
    assert record.status == "failed"
    assert "mnist" in record.message.lower()
    trace = run_folder.run_folder(bad) / run_folder.ERROR
    assert trace.read_text(encoding="utf-8").startswith("Traceback")
    assert store.get_record(good).status == "finished"
    log = capsys.readouterr().out
    assert f"{bad} failed: " in log
    assert f"{good} finished" in log


def test_as_a_process_it_ends_with_status_0():
    done = subprocess.run(
        [sys.executable, "-m", "digitlab", "worker"], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")


def test_one_that_cannot_load_anything_beforehand_waits_and_works_all_the_same(
    tmp_path, monkeypatch, capsys
):
    def cannot():
        raise MemoryError("no room for torch")

    def one_look(place):
        looks.append(place)
        (place / "0.free").unlink(missing_ok=True)  # engaged
        return len(looks) == 1

    looks = []
    monkeypatch.setenv("DIGITLAB_WARM_WORKERS", "1")
    monkeypatch.setattr("digitlab.jobs.preload.warm_up", cannot)
    monkeypatch.setattr(worker, "DELAY_SECONDS", 0)
    monkeypatch.setattr(pool, "is_wanted", one_look)
    run_id = add()
    worker.wait(tmp_path)
    assert store.get_record(run_id).status == "finished"
    assert capsys.readouterr().out.count("MemoryError: no room for torch") == 1
