"""Runs that are paused, killed, resumed, trained for longer and repeated lose nothing."""

from __future__ import annotations

import os
import random
import shutil
import signal

import pytest
import torch

import digitlab as dl
from digitlab.errors import RunError, SpecError
from digitlab.jobs import queue, resume
from digitlab.runs import checkpoints, run_folder, store
from digitlab.training.state import TrainState
from tests.conftest import PATIENCE, wait_for
from tests.jobs.killable import gate, start_worker

MODEL = dl.ModelSpec.from_dict(
    {
        "name": "with dropout",
        "layers": [
            "Flatten",
            {"Linear": {"out_features": 16}},
            "BatchNorm1d",
            "ReLU",
            {"Dropout": {"p": 0.2}},
            {"Linear": {"out_features": 10}},
        ],
    }
)
RECIPE = dl.TrainConfig(
    epochs=12,
    batch_size=32,
    learning_rate=0.003,
    schedule="one-cycle",
    augmentation=dl.Augmentation(shift=0.05, rotation=5),
    average=0.98,
    threads=1,
    device="cpu",
)


@pytest.fixture(autouse=True)
def nobody_starts_by_itself(monkeypatch):
    """Workers are started by the tests, which want to kill them."""
    for module in (queue, resume):
        monkeypatch.setattr(module, "launch_worker", lambda: None)
    monkeypatch.setattr(queue, "relaunch_worker", lambda: None)
    monkeypatch.setattr(queue, "STARTING_SECONDS", 0.0)


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory):
    """The weights and curves of the same training, carried out in one go."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITLAB_HOME", str(tmp_path_factory.mktemp("uninterrupted")))
        run = dl.train(MODEL, "optdigits", RECIPE, progress=False)
        return run.model.state_dict(), told(run)


def told(run):
    """What a run's curves say, but for the clock's share."""
    timed = ("seconds", "images_per_second")
    history = run.history
    return [
        {key: value for key, value in row.items() if key not in timed}
        for row in (*history.steps, *history.epochs)
    ]


def equal(a, b):
    return a.keys() == b.keys() and all(torch.equal(a[name], b[name]) for name in a)


def start_waiting(count=1):
    """A worker that has saved so many checkpoints of a run, and waits at its gate."""
    process = start_worker(count=count)
    wait_for(gate().exists)
    return process


def kill(process, after=0.0):
    process.join(after)
    process.kill()
    process.join()


def run_on(run_id):
    """Resume what was left, and see it through to its end."""
    resume.resume(run_id)
    process = start_worker()
    process.join(PATIENCE)
    assert process.exitcode == 0
    return dl.open_run(run_id)


def is_whole(run, uninterrupted):
    weights, curves = uninterrupted
    assert run.record.status == "finished", run.record.message
    assert equal(run.model.state_dict(), weights)
    assert told(run) == curves
    assert run.record.epochs_done == RECIPE.epochs


def _kill_again_and_again(times, seed):
    """Kill a run's worker at random moments; how far it had come each time."""
    chance = random.Random(seed)
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    places = []
    for number in range(times):
        dies_at = ("", "saved", "checkpoint", "commit")[number % 4]
        process = start_worker(dies_at=dies_at, count=chance.randint(2, 12))
        kill(process, chance.uniform(0.05, 1.0) if not dies_at else PATIENCE)
        queue.mark_interrupted()
        record = store.get_record(run_id)
        epochs = dl.open_run(run_id).history.epochs
        assert [row["epoch"] for row in epochs] == list(range(1, len(epochs) + 1))
        if dies_at == "saved" and record.status != "finished":
            assert checkpoints.load_state(run_id).step > 0
        places.append(record.step)
        if record.status == "finished":  # it was quicker than the kill: begin another
            run_id = queue.submit(MODEL, "optdigits", RECIPE)
            continue
        assert record.status in ("interrupted", "queued"), record
        resume.resume(run_id)
    return run_id, places


def test_killed_five_times_a_run_ends_with_the_very_weights(uninterrupted):
    run_id, places = _kill_again_and_again(5, seed=0)
    assert max(places) > 0, "no kill met a run that had begun"
    is_whole(run_on(run_id), uninterrupted)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_killed_a_hundred_times_runs_end_with_the_very_weights(uninterrupted):
    places = []
    for seed in range(10):
        run_id, reached = _kill_again_and_again(10, seed=seed)
        places += reached
        is_whole(run_on(run_id), uninterrupted)
    assert len(places) == 100
    assert sum(step > 0 for step in places) > 50, "most runs had begun when they were killed"


def test_a_pause_ends_the_process_and_a_resume_goes_on(uninterrupted):
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    process = start_waiting()
    step = checkpoints.load_state(run_id).step
    resume.pause(run_id)
    gate().unlink()
    process.join(PATIENCE)
    assert process.exitcode == 0
    record = store.get_record(run_id)
    assert record.status == "paused"
    assert 0 < step <= record.step < record.total_steps
    assert dl.open_run(run_id).predict(dl.load_dataset("optdigits").test.images[:2]).shape == (
        2,
        10,
    )
    resume.pause(run_id)  # harmless
    is_whole(run_on(run_id), uninterrupted)


def test_a_waiting_run_is_paused_and_resumed(uninterrupted):
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    resume.pause(run_id)
    assert store.get_record(run_id).status == "paused"
    assert store.claim_next(5) is None
    is_whole(run_on(run_id), uninterrupted)


def test_a_damaged_checkpoint_falls_back_to_the_one_before(uninterrupted):
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    kill(start_waiting(2))
    queue.mark_interrupted()
    folder = run_folder.run_folder(run_id) / checkpoints.FOLDER
    older, newer = sorted(folder.glob("[0-9]*"))
    newer.write_bytes(newer.read_bytes()[:-1] + b"\xff")
    assert checkpoints.load_state(run_id).step == int(older.name[:12])
    is_whole(run_on(run_id), uninterrupted)


def test_a_checkpoint_of_another_version_is_refused_and_stays():
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    kill(start_waiting())
    queue.mark_interrupted()
    state = checkpoints.load_state(run_id)
    later = {key: value for key, value in state.values.items() if key != "batch"}
    for path in (run_folder.run_folder(run_id) / checkpoints.FOLDER).glob("*"):
        path.unlink()
    checkpoints.save_state(run_id, TrainState(state.tensors, {**later, "batches": 1}))
    resume.resume(run_id)
    start_worker().join(PATIENCE)
    record = store.get_record(run_id)
    assert record.status == "failed"
    assert "cannot be read by this version" in record.message
    assert checkpoints.load_state(run_id).values["batches"] == 1


def test_without_any_whole_checkpoint_a_run_begins_anew(uninterrupted):
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    kill(start_waiting())
    for path in (run_folder.run_folder(run_id) / checkpoints.FOLDER).glob("*"):
        path.write_bytes(b"nothing")
    is_whole(run_on(run_id), uninterrupted)


def test_a_process_that_sleeps_for_a_while_goes_on(uninterrupted):
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    process = start_waiting()
    os.kill(process.pid, signal.SIGSTOP)  # as when the lid of a laptop is closed
    queue.mark_interrupted()
    assert store.get_record(run_id).status == "running"
    os.kill(process.pid, signal.SIGCONT)
    gate().unlink()
    process.join(PATIENCE)
    is_whole(dl.open_run(run_id), uninterrupted)


def test_a_folder_that_is_deleted_while_a_run_trains_comes_back(uninterrupted):
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    process = start_waiting()
    shutil.rmtree(run_folder.run_folder(run_id), ignore_errors=True)
    gate().unlink()
    process.join(PATIENCE)
    assert process.exitcode == 0
    is_whole(dl.open_run(run_id), uninterrupted)


def _is_left(folder):
    """Delete a folder; whether something of it is left, as a file came meanwhile."""
    try:
        shutil.rmtree(folder)
    except OSError:
        return True
    return False


def test_a_home_that_is_deleted_while_a_run_trains_comes_back_with_it(uninterrupted, home):
    run_id = queue.submit(MODEL, "optdigits", RECIPE)
    process = start_waiting()
    while home.exists() and _is_left(home):  # the run writes into it meanwhile
        pass
    process.join(PATIENCE)
    assert process.exitcode == 0
    run = dl.open_run(run_id)
    assert run.record.status == "finished", run.record.message
    assert equal(run.model.state_dict(), uninterrupted[0])
    assert run.evaluate("test").accuracy == run.record.test_accuracy


def test_training_longer_is_as_if_asked_for_from_the_beginning():
    short = RECIPE.changed(epochs=3, schedule="constant")
    run_id = dl.train(MODEL, "optdigits", short, progress=False).id
    resume.train_longer(run_id, 2)
    start_worker().join(PATIENCE)
    longer = dl.open_run(run_id)
    assert (longer.record.status, longer.record.epochs_done) == ("finished", 5)
    at_once = dl.train(MODEL, "optdigits", short.changed(epochs=5), progress=False)
    assert equal(longer.model.state_dict(), at_once.model.state_dict())
    for mine, other in zip(told(longer)[-5:], told(at_once)[-5:], strict=True):
        known = {key: value for key, value in mine.items() if value is not None}
        assert known == pytest.approx({key: other[key] for key in known}, rel=1e-12)


def test_a_schedule_that_has_ended_begins_anew_for_the_added_epochs():
    short = RECIPE.changed(epochs=3)
    run_id = dl.train(MODEL, "optdigits", short, progress=False).id
    resume.train_longer(run_id, 3)
    start_worker().join(PATIENCE)
    longer = dl.open_run(run_id)
    assert (longer.config.epochs, longer.config.restarts) == (6, (3,))
    rates = [row["learning_rate"] for row in longer.history.epochs]
    assert rates[2] < rates[0] / 100
    assert rates[3] > rates[2] * 10
    at_once = dl.train(MODEL, "optdigits", longer.config, progress=False)
    assert equal(longer.model.state_dict(), at_once.model.state_dict())


def test_what_cannot_be_resumed_or_trained_longer_says_so():
    finished = dl.train(MODEL, "optdigits", RECIPE.changed(epochs=1), progress=False).id
    with pytest.raises(RunError, match="finished"):
        resume.resume(finished)
    shutil.rmtree(run_folder.run_folder(finished) / checkpoints.FOLDER)
    with pytest.raises(RunError, match="no checkpoint"):
        resume.train_longer(finished, 1)
    waiting = queue.submit(MODEL, "optdigits", RECIPE)
    resume.resume(waiting)  # harmless
    with pytest.raises(RunError, match="not finished"):
        resume.train_longer(waiting, 1)
    for refused in (resume.pause, resume.resume):
        with pytest.raises(RunError, match="comes with digitlab"):
            refused(dl.list_runs()[-1].id)


def test_what_is_over_a_limit_is_not_resumed(add_record, monkeypatch):
    large = RECIPE.changed(batch_size=8192).model_dump()
    record = add_record(status="stopped", config=large)  # as from a ZIP
    monkeypatch.setenv("DIGITLAB_MAX_MEMORY", "1000000")
    with pytest.raises(SpecError, match="Set the batch size to at most"):
        resume.resume(record.id)
    assert store.get_record(record.id).status == "stopped"
    monkeypatch.delenv("DIGITLAB_MAX_MEMORY")
    resume.resume(record.id)
    assert store.get_record(record.id).status == "queued"


def test_a_repeated_run_differs_only_in_what_was_changed():
    first = queue.submit(MODEL, "optdigits", RECIPE, name="mine")
    second = store.get_record(resume.repeat(first, seed=7))
    assert (second.parent, second.name, second.seed) == (first, "mine", 7)
    before = store.get_record(first)
    assert second.spec == before.spec
    assert {k for k in second.config if second.config[k] != before.config[k]} == {"seed"}
