"""More seeds of one configuration: as many as asked for, none of them twice."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.errors import RunError
from digitlab.jobs import queue, resume, seeds
from digitlab.runs import store
from digitlab.runs.configuration import same_configuration

CONFIG = dl.TrainConfig(epochs=1, batch_size=256, learning_rate=0.01, seed=3)


@pytest.fixture
def run(monkeypatch):
    """A finished run of seed 3; nothing works on the queue."""
    for module in (queue, resume):
        monkeypatch.setattr(module, "launch_worker", lambda: None)
    monkeypatch.setattr(queue, "relaunch_worker", lambda: None)
    return dl.train("logistic-regression", "optdigits", CONFIG, progress=False)


def test_they_differ_in_the_seed_only_and_are_not_queued_twice(run):
    ids = dl.run_seeds(run.id, 4)
    records = [store.get_record(run_id) for run_id in ids]
    assert sorted(record.seed for record in records) == [0, 1, 2]
    for record in records:
        assert {**record.config, "seed": 3} == run.record.config
        assert record.spec == run.record.spec
        assert record.parent == run.id
    assert dl.run_seeds(run.id, 4) == []
    assert len(dl.run_seeds(run.id, 5)) == 1


def test_what_was_trained_by_hand_counts(run):
    dl.train("logistic-regression", "optdigits", CONFIG.changed(seed=0), progress=False)
    other = CONFIG.changed(seed=1, learning_rate=0.02)  # another configuration
    dl.train("logistic-regression", "optdigits", other, progress=False)
    (queued,) = dl.run_seeds(run.id, 3)
    assert store.get_record(queued).seed == 1


def test_once_trained_they_are_a_family(run):
    twin = dl.train("logistic-regression", "optdigits", CONFIG.changed(seed=9), progress=False)
    assert same_configuration(twin.record, run.record)
    assert {record.seed for record in seeds.runs_of_configuration(run.record)} == {3, 9}


def test_more_than_may_wait_are_refused_before_any_is_queued(run, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_QUEUED", "2")
    with pytest.raises(RunError, match="4 more runs would have to wait, but only 2 may"):
        dl.run_seeds(run.id, 5)
    assert not store.list_records(("queued",))
    for k in (1, 21):
        with pytest.raises(RunError, match="2 to 20 seeds"):
            dl.run_seeds(run.id, k)
