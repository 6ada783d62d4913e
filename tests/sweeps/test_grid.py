"""Sweeps: every combination is queued under one name, or none is."""

from __future__ import annotations

import time

import pytest

import digitlab as dl
from digitlab.errors import ConfigError, RunError, StoreError
from digitlab.imports.archive import import_run
from digitlab.jobs import queue, resume, worker
from digitlab.runs import store
from digitlab.runs.record import RunData, Sweep
from digitlab.sweeps.grid import combine

CONFIG = dl.TrainConfig(epochs=1, batch_size=256)
MODELS = [("logistic-regression", CONFIG), ("two-hidden-16-relu", CONFIG)]
VALUES = {"learning_rate": [0.01, 0.1], "augmentation.rotation": [0.0, 10.0]}


@pytest.fixture(autouse=True)
def launched(monkeypatch):
    """Nothing works on the queue; how many workers were started."""
    started: list[None] = []
    for module in (queue, resume):
        monkeypatch.setattr(module, "launch_worker", lambda: started.append(None))
    monkeypatch.setattr(queue, "relaunch_worker", lambda: None)
    return started


def test_every_combination_is_queued_in_the_order_asked_for(launched):
    made = dl.submit_sweep(dl.plan_sweep(MODELS, "optdigits", VALUES), "Rates")
    records = store.list_sweep(made.id)
    settings = [(r.model, r.config["learning_rate"], r.config["augmentation"]["rotation"])
                for r in records]  # fmt: skip
    names = ("logistic-regression", "two-hidden-16-relu")
    assert settings == [(n, rate, rot) for n in names for rate in (0.01, 0.1) for rot in (0, 10)]
    assert {record.data.sweep for record in records} == {Sweep(id=made.id, name="Rates")}
    assert queue.list_active() == records  # and they are trained in this order
    assert len(launched) == 1


def test_more_than_may_wait_are_refused_whole(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_QUEUED", "7")
    with pytest.raises(RunError, match="8 more runs would have to wait, but only 7 may"):
        dl.submit_sweep(dl.plan_sweep(MODELS, "optdigits", VALUES))
    assert not store.list_records()


def test_a_combination_that_cannot_be_is_named():
    with pytest.raises(ConfigError, match=r"momentum 0\.9, optimizer adam: These settings cannot"):
        dl.plan_sweep(MODELS[:1], "optdigits", {"momentum": [0.9], "optimizer": ["sgd", "adam"]})
    with pytest.raises(RunError, match="400 combinations, and at most 200"):
        dl.plan_sweep(MODELS, "optdigits", {"seed": range(200)})


def test_stopping_a_sweep_leaves_other_runs_alone():
    other = dl.submit("logistic-regression", "optdigits", CONFIG)
    made = dl.submit_sweep(dl.plan_sweep(MODELS, "optdigits", {}))
    dl.stop_sweep(made.id)
    assert {record.status for record in store.list_sweep(made.id)} == {"stopped"}
    assert store.get_record(other).status == "queued"


def test_a_member_can_be_rerun_exported_imported_and_deleted(tmp_path):
    made = dl.submit_sweep(dl.plan_sweep(MODELS, "optdigits", {}))
    worker.work()
    first, second = store.list_sweep(made.id)
    assert (first.status, second.status) == ("finished", "finished")
    assert store.get_record(dl.repeat(first.id, seed=1)).data.sweep is None  # nobody asked for it
    archive = dl.export(dl.open_run(first.id), "zip", tmp_path)
    dl.delete_run(first.id)
    assert store.list_sweep(made.id) == [second]
    import_run(archive)
    assert [record.id for record in store.list_sweep(made.id)] == [first.id, second.id]


def test_a_run_of_no_sweep_is_stored_as_before(train_tiny):
    assert "sweep" not in train_tiny().record.model_dump()["data"]
    assert RunData(classes=["a"]).model_dump() == {"classes": ["a"]}


def test_a_hundred_thousand_values_are_refused_at_once():
    start = time.process_time()
    with pytest.raises(RunError, match="100,000 combinations"):
        combine({"seed": list(range(100_000))})
    assert time.process_time() - start < 5  # half a minute, were each compared with all others


def test_an_error_names_the_combination_and_its_field():
    with pytest.raises(ConfigError, match="learning_rate 1000") as caught:
        dl.plan_sweep(MODELS, "optdigits", {"learning_rate": [0.1, 1000]})
    assert caught.value.field == "learning_rate"
    with pytest.raises(ConfigError) as caught:
        dl.plan_sweep(MODELS, "optdigits", {"seed": []})
    assert caught.value.field == "seed"


def test_two_at_once_cannot_overfill_the_queue(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_QUEUED", "7")
    monkeypatch.setattr(queue, "check_room", lambda _count: 1 / 0)  # asked only where it is full
    planned = dl.plan_sweep(MODELS, "optdigits", VALUES)
    dl.submit_sweep(planned[:4])
    with pytest.raises(ZeroDivisionError):
        dl.submit_sweep(planned[:4])
    assert len(store.list_records()) == 4
    dl.submit_sweep(planned[:3])
    assert len(store.list_records()) == 7


def test_without_a_worker_none_is_queued_and_a_resumed_run_is_as_before(monkeypatch):
    def refuse():
        raise StoreError("no process")

    run = dl.train(MODELS[0][0], "optdigits", CONFIG, progress=False)
    store.update_run(run.id, status="stopped", message="By hand.")
    for module in (queue, resume):
        monkeypatch.setattr(module, "launch_worker", refuse)
    with pytest.raises(StoreError):
        dl.submit_sweep(dl.plan_sweep(MODELS, "optdigits", VALUES))
    with pytest.raises(StoreError):
        resume.resume(run.id)
    (record,) = store.list_records()
    assert (record.status, record.message) == ("stopped", "By hand.")
