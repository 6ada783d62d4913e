"""Runs train in processes of their own: they wait their turn, stop when told, outlive others."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

import digitlab as dl
from digitlab import owners
from digitlab.errors import (
    ConfigError,
    DatasetError,
    RunError,
    RunNotFoundError,
    SpecError,
    StoreError,
)
from digitlab.execution.prepare import new_record, plan
from digitlab.jobs import launch, queue, robustness
from digitlab.runs import run_folder, store

ROOT = Path(__file__).parents[2]
MODEL = "logistic-regression"
SHORT = dl.TrainConfig(epochs=8, learning_rate=0.01, batch_size=32, device="cpu")
LONG = SHORT.changed(epochs=1000, batch_size=2)  # minutes: it still trains when a test ends it


def status(run_id):
    return store.get_record(run_id).status


def waiting(**columns):
    """A run in the queue for which nobody was started."""
    record = new_record(plan(MODEL, "optdigits", SHORT), status="queued", executor="process")
    if columns:
        store.update_run(record.id, **columns)
    return record.id


def test_runs_train_in_another_process_one_at_a_time_and_finish(workers, learning, wait_for):
    first = queue.submit(MODEL, "optdigits", LONG, name="mine")
    second = queue.submit(MODEL, "optdigits", SHORT)
    assert learning(first).name == "mine"
    assert run_folder.is_alive(first)
    wait_for(lambda: len(workers()) == 1)  # the second's own worker found the place taken
    (worker,) = workers()
    assert worker != os.getpid()
    assert os.getsid(worker) == worker, "it would go down with the terminal"
    active = [(record.id, record.status) for record in queue.active_runs()]
    assert active == [(first, "running"), (second, "queued")]
    queue.stop(first)
    wait_for(lambda: not queue.active_runs())
    a, b = store.get_record(first), store.get_record(second)
    assert (a.status, b.status) == ("stopped", "finished")
    assert a.ended <= b.started
    assert b.executor == "process"
    assert b.test_accuracy > 0.9
    run = dl.open_run(second)
    assert run.evaluate("test").accuracy == b.test_accuracy
    assert len(run.history.epochs) == SHORT.epochs
    assert run.record.environment["threads"] == 1  # as this process's environment says


def test_two_at_a_time_overlap_and_a_stop_keeps_what_each_learnt(
    monkeypatch, workers, learning, ended
):
    monkeypatch.setenv("DIGITLAB_MAX_JOBS", "2")
    ids = [queue.submit(MODEL, "optdigits", LONG.changed(seed=seed)) for seed in (1, 2)]
    for run_id in ids:
        learning(run_id)
    assert [status(run_id) for run_id in ids] == ["running", "running"]
    assert len(workers()) == 2
    for run_id in ids:
        queue.stop(run_id)
        record = ended(run_id)
        assert record.status == "stopped"
        assert 0 < record.kept_epoch < 1000
        assert record.test_accuracy > 0.5
        assert dl.open_run(run_id).evaluate("test").accuracy == record.test_accuracy
        assert dl.open_run(run_id).evaluate("train").accuracy > 0.5  # from its weights


def test_stopping_a_waiting_run_means_it_never_begins():
    run_id = waiting()
    queue.stop(run_id)
    record = store.get_record(run_id)
    assert (record.status, record.message) == ("stopped", "Stopped before it began.")
    assert record.ended
    assert store.claim_next(5) is None


@pytest.mark.parametrize("state", ["finished", "stopped", "failed", "interrupted"])
def test_stopping_a_run_that_has_ended_changes_nothing(state):
    run_id = waiting(status=state, message="as it was")
    before = store.get_record(run_id)
    queue.stop(run_id)
    assert store.get_record(run_id) == before
    assert not run_folder.stop_file(run_id).exists()


def test_stopping_an_unknown_or_bundled_run_says_so():
    with pytest.raises(RunNotFoundError, match="nobody"):
        queue.stop("nobody")
    bundled = [run for run in dl.list_runs() if run.record.bundled]
    for run in bundled:
        with pytest.raises(RunError, match="is not running"):
            queue.stop(run.id)


def test_stopping_a_run_whose_process_died_marks_it_as_interrupted():
    run_id = waiting(status="running", started=time.time() - 60)
    queue.stop(run_id)
    assert status(run_id) == "interrupted"


def test_a_killed_run_is_shown_as_interrupted_and_the_next_one_begins(
    workers, learning, ended, wait_for, monkeypatch
):
    first = queue.submit(MODEL, "optdigits", LONG)
    learning(first)
    second = waiting()
    monkeypatch.setattr(queue, "STARTING_SECONDS", 0.0)
    (worker,) = workers()
    os.kill(worker, signal.SIGKILL)
    wait_for(lambda: not workers())
    assert status(first) == "running"  # nobody has looked yet
    wait_for(lambda: first not in [record.id for record in queue.active_runs()])
    record = store.get_record(first)
    assert record.status == "interrupted"
    assert "ended unexpectedly" in record.message
    assert record.ended
    assert ended(second).status == "finished"


def test_a_run_that_has_just_been_claimed_is_not_taken_for_dead(monkeypatch):
    monkeypatch.setattr(queue, "STARTING_SECONDS", 600.0)  # of which a slow disk takes some
    young = waiting(status="running", started=time.time())
    old = waiting(status="running", started=time.time() - 1_200)
    assert queue.mark_interrupted() == (1, 1)
    assert (status(young), status(old)) == ("running", "interrupted")


def test_a_clock_that_was_set_back_keeps_no_dead_run_running():
    dead = waiting(status="running", started=time.time() + 3_600)
    assert queue.mark_interrupted() == (0, 1)
    assert status(dead) == "interrupted"


def test_the_message_of_an_interrupted_run_says_whether_it_can_be_gone_on_with():
    run = dl.train(MODEL, "optdigits", SHORT.changed(epochs=1), progress=False)
    store.update_run(run.id, status="running", started=1.0)
    (run.folder / run_folder.WEIGHTS).unlink()
    without = waiting(status="running", started=1.0)
    queue.mark_interrupted()
    assert "last checkpoint is at step 41" in store.get_record(run.id).message
    assert dl.open_run(run.id).evaluate("train").accuracy > 0.5, "its checkpoint has weights"
    assert "No checkpoint was saved" in store.get_record(without).message


SUBMIT = f"""
import sys, time
import digitlab as dl
from digitlab.jobs.queue import submit
config = dl.TrainConfig.from_dict({LONG.model_dump()!r})
print(submit({MODEL!r}, "optdigits", config), flush=True)
time.sleep(float(sys.argv[1]))
"""


def test_a_run_outlives_the_process_that_submitted_it_even_when_that_is_killed(
    workers, learning, wait_for, ended
):
    app = subprocess.Popen(
        [sys.executable, "-c", SUBMIT, "600"],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )
    run_id = app.stdout.readline().strip()
    learning(run_id)
    os.killpg(app.pid, signal.SIGKILL)  # the app with all that hangs on it
    app.communicate()
    assert len(workers()) == 1
    before = store.get_record(run_id).step
    wait_for(lambda: store.get_record(run_id).step > before)
    queue.stop(run_id)
    assert ended(run_id).status == "stopped"


def test_a_termination_request_saves_the_run_and_leaves_the_others_waiting(
    workers, learning, ended, wait_for
):
    first = queue.submit(MODEL, "optdigits", LONG)
    learning(first)
    second = waiting()
    (worker,) = workers()
    os.kill(worker, signal.SIGTERM)
    record = ended(first)
    assert record.status == "stopped"
    assert record.test_accuracy > 0.5
    wait_for(lambda: not workers())
    assert status(second) == "queued"


@pytest.mark.parametrize(
    ("model", "dataset", "config", "error"),
    [
        ("nosuch", "optdigits", SHORT, SpecError),
        (MODEL, "nosuch", SHORT, DatasetError),
        (MODEL, "optdigits", SHORT.changed(device="cuda:63"), ConfigError),
    ],
)
def test_what_cannot_work_is_refused_before_it_is_queued(workers, model, dataset, config, error):
    with pytest.raises(error):
        queue.submit(model, dataset, config)
    assert store.list_records() == []
    assert workers() == []


def test_a_worker_that_cannot_be_started_is_one_clear_error(home):
    home.mkdir()
    (home / "logs").write_text("in the way")
    with pytest.raises(StoreError, match=r"No worker could be started .*try again"):
        queue.submit(MODEL, "optdigits", SHORT)
    assert store.list_records() == [], "trying again does not train it twice"


def test_many_looks_start_few_workers(monkeypatch):
    started = []
    monkeypatch.setattr(launch, "launch_worker", lambda: started.append(1))
    monkeypatch.setattr(launch, "PAUSE_SECONDS", 600.0)
    monkeypatch.setattr(queue, "STARTING_SECONDS", 600.0)
    queue.reconcile()
    assert started == []  # nothing waits
    waiting()
    for _ in range(20):
        queue.reconcile()
    assert len(started) == 1
    other = waiting(status="running", started=time.time())
    monkeypatch.setattr(launch, "_last_launch", -1e9)
    queue.reconcile()
    assert len(started) == 1, f"{other} has the only place"


ANN, BOB = owners.owner_of("ann"), owners.owner_of("bob")


def test_owners_take_turns_and_each_is_told_its_own_place(monkeypatch):
    now = time.time()
    monkeypatch.setattr(queue.time, "time", lambda: now)
    for i, owner in enumerate([ANN, ANN, ANN, BOB, BOB, None]):
        waiting(owner=owner, name=f"{i}", created=float(i), id=f"run-{i}")
    assert [run_id[-1] for run_id in store.list_turns()] == list("035142")
    assert queue.find_place("run-1") == (3, None)
    waiting(status="finished", train_seconds=8.0)
    waiting(status="running", owner=ANN, started=now - 6, step=50, total_steps=100)
    store.update_run("run-0", status="stopped")
    # Ann's turn was the last one
    assert [run_id[-1] for run_id in store.list_turns()] == list("35142")
    with owners.acting_for(BOB):
        ahead, seconds = queue.find_place("run-4")
        assert ahead == 4
        assert seconds == pytest.approx(6 + 3 * 8)
        assert {record.id for record in queue.list_active()} == {"run-3", "run-4", "run-5"}
    store.update_run("run-3", status="stopped")
    assert store.claim_next(2).id == "run-4"
    assert store.claim_next(3).id == "run-5"
    assert store.claim_next(4).id == "run-1"


def test_measurements_and_runs_that_are_resumed_count_among_those_that_wait(
    monkeypatch, tiny, home
):
    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    monkeypatch.setattr("digitlab.jobs.resume.launch_worker", lambda: None)
    monkeypatch.setattr(robustness, "launch", lambda *_: None)
    monkeypatch.setenv("DIGITLAB_MAX_QUEUED", "2")
    stopped = waiting(status="stopped")
    robustness.start_robustness(tiny, 10)
    first = queue.submit(MODEL, "optdigits", SHORT)
    for more in (
        lambda: queue.submit(MODEL, "optdigits", SHORT),
        lambda: dl.resume(stopped),
        lambda: robustness.start_robustness(dl.open_run("logistic"), 10),
    ):
        with pytest.raises(RunError, match="2 runs are waiting already"):
            more()
    queue.stop(first)
    dl.resume(stopped)


def test_many_processes_submit_and_never_more_than_may_wait(home, start_together, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_QUEUED", "5")
    store.list_records()
    code = (
        "import digitlab as dl\nfrom digitlab.jobs import queue\n"
        "queue.launch_worker = lambda: None\n"
        "from digitlab.execution.prepare import plan\n"
        "planned = plan('logistic-regression', 'optdigits', dl.TrainConfig(epochs=1))\nready()\n"
        "for _ in range(4):\n"
        "    try:\n        queue.enqueue(planned)\n"
        "    except dl.DigitlabError as e:\n        assert 'MAX_QUEUED' in str(e), e\n"
        "print('done', flush=True)\n"
    )
    for process in start_together(code, [()] * 3):
        assert process.stdout.readline() == "done\n", process.stderr.read()
    assert len(store.list_records(("queued",))) == 5


def test_a_run_of_a_visitor_is_stopped_when_its_time_is_over(monkeypatch, wait_for):
    monkeypatch.setenv("DIGITLAB_MAX_SECONDS", "2")
    with owners.acting_for(ANN):
        run_id = queue.submit(MODEL, "optdigits", LONG)
    wait_for(lambda: status(run_id) == "stopped" and store.get_record(run_id).measured)
    assert store.get_record(run_id).message == (
        "Stopped after 2.0 s, the most that a run of a visitor may train here "
        "(DIGITLAB_MAX_SECONDS)."
    )
