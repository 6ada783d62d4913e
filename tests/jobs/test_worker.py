"""A worker takes what waits, one after the other, writes a log, and leaves."""

from __future__ import annotations

import itertools
import subprocess
import sys
import time
from pathlib import Path

import digitlab as dl
from digitlab.execution.prepare import new_record, plan
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


def test_it_leaves_at_once_where_enough_runs_are_going():
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
        [sys.executable, "-m", "digitlab.jobs.worker"], cwd=ROOT, capture_output=True, check=False
    )
    assert (done.returncode, done.stderr) == (0, b"")
