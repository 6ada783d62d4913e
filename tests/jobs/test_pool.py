"""Warm workers wait while somebody looks, carry out what they are engaged for, and leave."""

from __future__ import annotations

import os
import signal
import time
from pathlib import Path

import pytest

import digitlab as dl
from digitlab.jobs import launch, pool, queue
from digitlab.runs import store

MODEL = "logistic-regression"
TINY = dl.TrainConfig(epochs=2, learning_rate=0.01, batch_size=128, device="cpu")


@pytest.fixture
def room(monkeypatch, workers, wait_for):
    """The folder in which one worker may wait; whoever waits at the end of the test leaves."""
    monkeypatch.setenv("DIGITLAB_WARM_WORKERS", "1")
    monkeypatch.setattr(pool, "free_memory", lambda: 1e12)
    monkeypatch.setattr(launch, "WARM_SECONDS", 0.0)
    yield pool.folder()
    for worker in workers():
        os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not workers())


def is_ready(room):
    return pool.count_waiting(room) == 1 and any(room.glob("*.free"))


def seconds_of_processor(worker):
    fields = Path(f"/proc/{worker}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def holds(worker, text):
    return text in Path(f"/proc/{worker}/maps").read_text()


@pytest.fixture
def look_until(room, wait_for):
    """A function that waits as somebody who looks all the while: else a worker leaves at last."""

    def wait(condition):
        wait_for(lambda: pool.announce(room, "optdigits") or condition())

    return wait


def test_one_that_waits_carries_out_run_after_run_and_leaves_when_nobody_looks(
    room, workers, ended, wait_for, look_until
):
    cold = dl.train(MODEL, "optdigits", TINY, progress=False).record  # and all is imported here
    launch.keep_warm("optdigits")
    look_until(lambda: is_ready(room))
    launch.keep_warm("optdigits")  # another look: one is enough
    (worker,) = workers()
    look_until(lambda: holds(worker, "safetensors"))  # it has loaded what runs need

    def rests():
        before = seconds_of_processor(worker)
        time.sleep(0.5)
        return seconds_of_processor(worker) - before <= 0.02

    look_until(rests)
    first = queue.submit(MODEL, "optdigits", TINY)
    assert workers() == [worker], "none was started for the run"
    look_until(lambda: not store.get_record(first).active)
    record = ended(first)
    assert record.status == "finished"
    assert (record.train_loss, record.test_loss) == (cold.train_loss, cold.test_loss)

    look_until(lambda: is_ready(room))  # it waits again
    second = queue.submit(MODEL, "optdigits", TINY.changed(seed=1))
    look_until(lambda: not store.get_record(second).active)
    assert ended(second).status == "finished"
    look_until(lambda: is_ready(room))
    assert workers() == [worker]
    os.utime(room / "looked", (1.0, 1.0))
    wait_for(lambda: not workers())
    assert not list(room.glob("*.free"))


def test_a_killed_one_harms_nothing(room, workers, ended, wait_for):
    launch.keep_warm("optdigits")
    wait_for(lambda: is_ready(room))
    (worker,) = workers()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not pool.count_waiting(room))  # the system frees its memory before its locks
    assert list(room.glob("*.free")), "it could tidy nothing away"
    assert ended(queue.submit(MODEL, "optdigits", TINY)).status == "finished"
    assert not list(room.glob("*.free"))


def test_none_waits_where_none_may(room, workers, monkeypatch):
    monkeypatch.setattr(pool, "free_memory", lambda: 1e9)  # too little to warm one
    launch.keep_warm("optdigits")
    assert workers() == []
    monkeypatch.setattr(pool, "free_memory", lambda: 1e12)
    monkeypatch.setenv("DIGITLAB_WARM_WORKERS", "0")
    launch.keep_warm("optdigits")
    assert workers() == []


def test_beside_a_run_that_trains_none_waits_unless_two_may(room, add_record, monkeypatch):
    started = []
    monkeypatch.setattr(launch, "launch", lambda *arguments: started.append(arguments))
    add_record(status="running", started=time.time())
    launch.keep_warm("optdigits")
    assert started == []
    monkeypatch.setenv("DIGITLAB_MAX_JOBS", "2")
    launch.keep_warm("optdigits")
    assert len(started) == 1


def test_only_one_of_the_same_environment_is_engaged_once_and_not_while_it_leaves(
    room, monkeypatch
):
    slot = pool.take_slot(room)
    assert pool.take_slot(room) is None, "one may wait"
    with monkeypatch.context() as patch:
        patch.setenv("OMP_NUM_THREADS", "7")
        assert not pool.engage()
    assert not slot.engaged
    assert pool.engage()
    assert slot.engaged
    assert not pool.engage(), "it is engaged once"
    assert not slot.leave()

    slot = pool.take_slot(room)
    assert slot.leave()
    assert not pool.engage()
