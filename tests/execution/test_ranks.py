"""Two processes learn what one does, can be paused and resumed, and are not left behind.

Each training on two devices starts a process that loads torch: about four seconds.
"""

from __future__ import annotations

import copy
import subprocess
import sys
from datetime import timedelta

import pytest
import torch

import digitlab as dl
from digitlab.errors import ConfigError, RankLostError, RunError
from digitlab.execution import control, ranks
from digitlab.execution.execute import execute
from digitlab.runs import lease, run_folder, store
from digitlab.training import window
from tests.execution.test_execute import at

SPEC = dl.ModelSpec.from_dict(
    {
        "name": "with batch normalisation",
        "layers": [
            {"Conv2d": {"out_channels": 4, "kernel_size": 3, "stride": 2}},
            "BatchNorm2d",
            "ReLU",
            "Flatten",
            {"Linear": {"out_features": 16}},
            "BatchNorm1d",
            "ReLU",
            {"Linear": {"out_features": 10}},
        ],
    }
)
RECIPE = dl.TrainConfig(
    epochs=2,
    batch_size=63,  # which two cannot divide
    optimizer="sgd",
    momentum=0.9,
    learning_rate=0.02,
    schedule="one-cycle",
    augmentation=dl.Augmentation(rotation=10, shift=0.05, noise=0.05),
    gradient_clip=5.0,
    average=0.9,
    device="cpu",
    precision="float32",
    threads=1,
)


@pytest.fixture(autouse=True)
def every_step_is_a_window(monkeypatch):
    monkeypatch.setattr(window, "SHORTEST", 1)
    monkeypatch.setattr(control, "LOOK_SECONDS", 0.0)


def train(home, devices):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("DIGITLAB_HOME", str(home))
        config = RECIPE.changed(devices=devices)
        run = dl.train(SPEC, "optdigits", config, progress=False)
        return copy.deepcopy(run.model.state_dict()), run.history, run.record


@pytest.fixture(scope="module")
def two(tmp_path_factory):
    """Weights, history and record of a training on two devices that nobody interrupted."""
    return train(tmp_path_factory.mktemp("two"), 2)


@pytest.fixture
def processes(monkeypatch):
    """The processes that were started beside this one."""
    started, start = [], ranks._start

    def remember():
        started.append(start())
        return started[-1]

    monkeypatch.setattr(ranks, "_start", remember)
    return started


def test_two_processes_learn_what_one_does_but_for_rounding(two, home):
    weights, history, record = train(home, 1)
    for name, value in two[0].items():
        torch.testing.assert_close(value, weights[name], rtol=1e-3, atol=1e-4)
    assert len(two[1].steps) == len(history.steps)
    for mine, other in zip(two[1].steps, history.steps, strict=True):
        assert mine["loss"] == pytest.approx(other["loss"], abs=1e-4)
        assert mine["step"] == other["step"]
    for mine, other in zip(two[1].epochs, history.epochs, strict=True):
        assert mine["train_loss"] == pytest.approx(other["train_loss"], abs=1e-4)
        assert mine["train_accuracy"] == pytest.approx(other["train_accuracy"], abs=2e-3)
        assert mine["val_accuracy"] == pytest.approx(other["val_accuracy"], abs=0.01)
    assert two[2].val_accuracy > 0.8
    assert (two[2].environment["devices"], record.environment["devices"]) == (2, 1)
    assert two[2].experiment.same_but_seed(record.experiment)


@pytest.mark.slow
def test_a_compiled_network_trains_on_two_devices_too(two, monkeypatch, tmp_path):
    monkeypatch.setitem(globals(), "RECIPE", RECIPE.changed(compile=True))
    weights, _, record = train(tmp_path, 2)
    assert record.environment["devices"] == 2
    for name, value in two[0].items():
        torch.testing.assert_close(value, weights[name], rtol=1e-3, atol=1e-3)


def resume(run_id, on_event=None):
    store.change_status(run_id, store.get_record(run_id).status, "running")
    run_folder.clear_requests(run_id)
    with lease.holding(run_id):
        return execute(store.get_record(run_id), None, on_event)


def test_paused_and_bereft_of_a_process_it_ends_as_if_nothing_had_been(two, processes):
    def pause():
        run_folder.request_pause(store.list_records()[0].id)

    config = RECIPE.changed(devices=2)
    run = dl.train(SPEC, "optdigits", config, progress=False, on_event=at(8, pause))
    assert (run.record.status, run.record.step) == ("paused", 9)
    assert processes[0].poll() is not None

    with pytest.raises(RankLostError, match="ended by signal 9"):
        resume(run.id, at(30, lambda: processes[1].kill()))
    record = store.get_record(run.id)
    assert record.status == "interrupted"
    assert "One of the 2 processes" in record.message
    assert "Resume the run" in record.message

    run = resume(run.id)
    assert run.record.status == "finished"
    assert all(torch.equal(value, two[0][name]) for name, value in run.model.state_dict().items())
    assert [row["val_loss"] for row in run.history.epochs] == [
        row["val_loss"] for row in two[1].epochs
    ]
    assert all(process.poll() is not None for process in processes)


def test_more_devices_than_there_are_or_than_images_of_a_batch_are_refused(optdigits, monkeypatch):
    with pytest.raises(ConfigError, match=r"batch_size \(4\) must not be less than devices \(5\)"):
        dl.TrainConfig(batch_size=4, devices=5)
    monkeypatch.setattr("os.cpu_count", lambda: 2)
    with pytest.raises(ConfigError, match=r"3 were asked for, but this machine has 2") as caught:
        dl.train(SPEC, optdigits, RECIPE.changed(devices=3))
    assert caught.value.field == "devices"
    monkeypatch.setenv("DIGITLAB_HOSTED", "class")
    with pytest.raises(ConfigError, match=r"a run may use 1 here \(DIGITLAB_MAX_DEVICES\)"):
        dl.train(SPEC, optdigits, RECIPE.changed(devices=2))
    assert not store.list_records()


def test_what_a_process_says_before_it_ends_is_told(optdigits, monkeypatch, processes):
    describe = ranks._describe

    def damaged(*arguments):
        about, content = describe(*arguments)
        return about | {"spec": {"name": "none", "layers": ["Nothing"]}}, content

    monkeypatch.setattr(ranks, "_describe", damaged)
    with pytest.raises(RankLostError, match=r"SpecError: .*Nothing"):
        dl.train(SPEC, optdigits, RECIPE.changed(devices=2), progress=False)


def test_one_that_ends_just_before_it_joins_is_not_waited_for(optdigits, monkeypatch, processes):
    send = ranks._send

    def kill_when_ready(*arguments):
        send(*arguments)
        processes[0].kill()
        processes[0].wait()

    monkeypatch.setattr(ranks, "_send", kill_when_ready)
    monkeypatch.setattr("digitlab.training.ranks._JOINING", timedelta(seconds=1))
    with pytest.raises(RankLostError, match="ended by signal 9"):
        dl.train(SPEC, optdigits, RECIPE.changed(devices=2), progress=False)


def test_one_that_does_not_start_is_said(optdigits, monkeypatch):
    monkeypatch.setattr(ranks.sys, "executable", "/bin/false")
    with pytest.raises(RunError, match="exit code 1"):
        dl.train(SPEC, optdigits, RECIPE.changed(devices=2), progress=False)
    assert store.list_records()[0].status == "interrupted"


def test_one_that_hangs_is_told_from_those_that_ended(monkeypatch):
    def start(code):
        return subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE)

    late = start("import os, time; time.sleep(0.5); os.kill(os.getpid(), 9)")
    hanging = start("import time; time.sleep(600)")
    ended, failed = start("pass"), start("print('no memory'); exit(1)")
    for process in (ended, failed):
        process.wait()
    silence, own = RuntimeError("Operation timed out!"), torch.OutOfMemoryError("out of memory")
    try:
        monkeypatch.setattr(ranks, "_END_SECONDS", 60.0)
        others = [failed] * 599  # with which the one that was killed is waited for, too
        assert ranks._why_lost([late, *others], silence) == "ended: it was ended by signal 9"
        monkeypatch.setattr(ranks, "_END_SECONDS", 0.1)
        assert ranks._why_lost([ended], silence) is None
        assert ranks._why_lost([ended, hanging], silence) == "no longer answered"
        assert ranks._why_lost([ended, hanging], own) is None
        assert ranks._why_lost([hanging, failed], own) == "ended: no memory"
    finally:
        hanging.kill()
        for process in (late, hanging, ended, failed):
            process.wait()
            process.stdout.close()
