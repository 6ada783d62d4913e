"""Checkpoints are whole or not there, and no finished epoch is lost."""

from __future__ import annotations

import math
import resource
from pathlib import Path

import pytest
import torch

import digitlab as dl
from digitlab.errors import StoreError
from digitlab.execution import control
from digitlab.runs import checkpoints, run_folder
from digitlab.training import window
from digitlab.training.engine import Training
from digitlab.training.state import TrainState

# Written at step 32 of 57, before states were made from `Progress`; its clocks were set by hand.
FIRST = (Path(__file__).parent / "first_checkpoint.safetensors").read_bytes()

EXPLODES = dl.ModelSpec.from_dict(
    {
        "name": "three linear",
        "layers": ["Flatten", *({"Linear": {"out_features": n}} for n in (64, 64, 10))],
    }
)


def state(step, value=1.0):
    return TrainState({"model.w": torch.full((3,), value)}, {"step": step, "epochs_done": 0})


def test_the_newest_two_are_kept_and_the_newest_is_read(home):
    for step in (5, 50, 500):
        checkpoints.save_state("a-run", state(step, value=step))
    read = checkpoints.load_state("a-run")
    assert (read.step, read.weights["w"].tolist()) == (500, [500.0] * 3)
    files = list((run_folder.run_folder("a-run") / checkpoints.FOLDER).iterdir())
    assert len(files) == 2


@pytest.mark.parametrize("damage", ["cut", "flipped", "empty", "foreign"])
def test_a_damaged_one_is_passed_over(home, damage):
    checkpoints.save_state("a-run", state(1))
    checkpoints.save_state("a-run", state(2))
    newest = max((run_folder.run_folder("a-run") / checkpoints.FOLDER).iterdir())
    content = newest.read_bytes()
    newest.write_bytes(
        {
            "cut": content[:-5],
            "flipped": content[:-1] + bytes([content[-1] ^ 1]),
            "empty": b"",
            "foreign": b"\xff" * len(content),
        }[damage]
    )
    assert checkpoints.load_state("a-run").step == 1


def test_other_files_in_the_folder_are_nothing(home):
    folder = run_folder.run_folder("a-run") / checkpoints.FOLDER
    folder.mkdir(parents=True)
    (folder / "notes.txt").write_text("mine")
    (folder / ".000000000001-abc.safetensors.1234").write_bytes(b"half")
    assert checkpoints.load_state("a-run") is None
    assert not checkpoints.has_state("a-run")


def first_training(data, state=None):
    """The training that the first checkpoint is of: averaged, augmented, the best epoch kept."""
    layers = [{"AvgPool2d": {"kernel_size": 4}}, "Flatten"]
    layers += [{"Linear": {"out_features": 10}}, "BatchNorm1d"]
    recipe = {"epochs": 3, "batch_size": 16, "learning_rate": 0.01, "keep": "best", "average": 0.9}
    compute = {"device": "cpu", "threads": 1, "precision": "float32", "channels_last": False}
    config = dl.TrainConfig(augmentation={"rotation": 10}, **recipe, **compute)
    spec = dl.ModelSpec.from_dict({"name": "tiny", "layers": layers})
    return Training(dl.build(spec, seed=0), data.subset(300), config, state)


def test_a_checkpoint_of_the_first_version_is_resumed_and_saved_as_it_was(
    home, optdigits, monkeypatch
):
    monkeypatch.setattr(window, "WINDOWS", 6)  # it was saved in the middle of a window of ten steps
    folder = run_folder.run_folder("old") / checkpoints.FOLDER
    folder.mkdir(parents=True)
    (folder / f"{32:012d}-{checkpoints._digest(FIRST)}.safetensors").write_bytes(FIRST)
    old = checkpoints.load_state("old")
    resumed = first_training(optdigits, old)
    state = resumed.state()
    state.values["window"]["seconds"] = old.values["window"]["seconds"]  # the clock ran on
    checkpoints.save_state("new", state)
    (saved,) = (run_folder.run_folder("new") / checkpoints.FOLDER).iterdir()
    assert saved.read_bytes() == FIRST
    whole = first_training(optdigits)
    ends = list(whole.events())[-1], list(resumed.events())[-1]
    assert ends[0].step == ends[1].step == 57
    assert ends[0].best_epoch == ends[1].best_epoch
    # Another processor saved it, and Adam takes steps of gradients that are rounding alone: those
    # of a bias before batch normalisation, and of pixels that are always empty.
    weights, other = (t.model.state_dict()["2.weight"].double() for t in (whole, resumed))
    assert (weights - other).abs().quantile(0.9) < 1e-3


@pytest.fixture
def quota():
    """No file of this process may grow beyond 500 kB while the test lasts."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (500_000, before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_disk_too_full_for_checkpoints_does_not_end_the_training(optdigits, quota):
    config = dl.TrainConfig(epochs=2, batch_size=64, average=0.9, threads=1, device="cpu")
    run = dl.train("two-hidden-64-relu", optdigits, config, progress=False)
    assert run.record.status == "finished"
    assert run.evaluate("test").accuracy > 0.5
    assert len(run.history.epochs) == 2
    (notice,) = run.record.notices
    assert "could not be saved" in notice
    assert not list((run.folder / checkpoints.FOLDER).glob(".*")), "half-written files are left"


def test_a_diverged_run_keeps_its_last_good_weights_and_says_why(optdigits, monkeypatch):
    # The rate of a one-cycle schedule rises until the loss explodes, after some good epochs.
    config = dl.TrainConfig(
        epochs=30, batch_size=32, optimizer="sgd", learning_rate=0.5, schedule="one-cycle"
    ).changed(device="cpu", threads=1)
    monkeypatch.setattr(control, "SAVING_SHARE", 1.0)
    run = dl.train(EXPLODES, optdigits, config, progress=False)
    assert run.record.status == "failed"
    assert "learning rate" in run.record.message
    state_dict = run.model.state_dict()
    assert all(bool(value.isfinite().all()) for value in state_dict.values())
    assert 1 <= run.record.kept_epoch <= run.record.epochs_done
    assert f"epoch {run.record.kept_epoch:.4g} are kept" in run.record.message
    assert run.evaluate("test").accuracy == run.record.test_accuracy > 0.5
    assert math.isfinite(run.record.test_loss)


def test_a_folder_that_cannot_be_written_is_said(home, monkeypatch):
    (home / "runs").mkdir(parents=True)
    (home / "runs" / "a-run").write_text("a file where a folder should be")
    with pytest.raises(StoreError, match="could not be written"):
        checkpoints.save_state("a-run", state(1))
