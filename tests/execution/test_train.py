"""`dl.train` carries an experiment out, writes everything down, and refuses before it stores."""

from __future__ import annotations

import json

import pytest
import torch

import digitlab as dl
from digitlab.errors import ConfigError, DatasetError, RunError, SpecError
from digitlab.runs import checkpoints, run_folder, store
from digitlab.training.events import EpochDone, Finished, Started, StepsDone


def strict(path):
    """A file as JSON, without the NaN and Infinity that Python would let pass."""
    return json.loads(path.read_text(encoding="utf-8"), parse_constant=pytest.fail)


def test_the_record_says_what_was_done_and_what_came_out(tiny, optdigits):
    record = tiny.record
    assert record.status == "finished"
    assert (record.model, record.name) == ("logistic-regression", "logistic-regression")
    assert record.dataset == "optdigits"
    assert record.executor == "foreground"
    assert record.parameters == 7850
    assert (record.epochs, record.epochs_done, record.kept_epoch) == (3, 3, 3)
    assert record.step == record.total_steps == 33
    assert record.test_accuracy > 0.9
    assert record.val_accuracy > 0.85
    assert 0 < record.train_seconds < record.ended - record.created < 60
    assert record.images_per_second > 0
    assert record.normalization["mean"] == pytest.approx(0.159, abs=1e-3)
    assert record.environment["torch"] == torch.__version__
    assert record.data.train_images == 1294
    assert record.data.val_images == 144
    assert record.data.test_images == 359
    assert record.data.classes == tuple("0123456789")


def test_the_datas_fingerprint_is_kept(tiny, train_tiny, optdigits):
    assert tiny.record.data.fingerprint == optdigits.fingerprint
    small = optdigits.subset(200)
    run = train_tiny(data=small)
    assert run.record.data.fingerprint == small.fingerprint != optdigits.fingerprint
    assert run.record.data.train_images == len(small.train)


def test_the_folder_tells_the_same_in_plain_files(tiny):
    folder = tiny.folder
    assert dl.ModelSpec.from_yaml((folder / run_folder.SPEC).read_text()) == tiny.spec
    assert dl.TrainConfig.from_dict(strict(folder / run_folder.CONFIG)) == tiny.config
    assert strict(folder / run_folder.ENVIRONMENT) == tiny.record.environment
    assert strict(folder / run_folder.RECORD) == json.loads(tiny.record.model_dump_json())
    history = strict(folder / run_folder.HISTORY)
    assert history == {"steps": tiny.history.steps, "epochs": tiny.history.epochs}
    assert len(history["epochs"]) == 3


def test_the_record_of_a_diverged_run_is_json_too(train_tiny, optdigits):
    layers = ["Flatten", *({"Linear": {"out_features": n}} for n in (64, 64, 10))]
    spec = dl.ModelSpec.from_dict({"name": "three", "input": [1, 28, 28], "layers": layers})
    run = train_tiny(spec, optimizer="sgd", learning_rate=100, batch_size=32)
    assert run.record.status == "failed"
    assert "no longer a finite number" in run.record.message
    assert "learning rate" in run.record.message
    assert run.record.test_accuracy is None
    assert strict(run.folder / run_folder.RECORD)["status"] == "failed"
    assert strict(run.folder / run_folder.HISTORY)["steps"][-1]["loss"] is None
    with pytest.raises(RunError, match="no weights"):
        run.predict(optdigits.test.images[:1])


def test_the_same_seed_gives_the_same_weights_in_two_runs(train_tiny):
    first, second, other = train_tiny(seed=3), train_tiny(seed=3), train_tiny(seed=4)
    assert first.id != second.id
    weights = [(run.folder / run_folder.WEIGHTS).read_bytes() for run in (first, second, other)]
    assert weights[0] == weights[1] != weights[2]
    assert first.record.test_loss == second.record.test_loss != other.record.test_loss


def test_training_events_are_told_in_order(train_tiny):
    told = []
    train_tiny(on_event=told.append)
    assert isinstance(told[0], Started)
    assert isinstance(told[-1], Finished)
    assert sum(isinstance(event, EpochDone) for event in told) == 3
    assert sum(isinstance(event, StepsDone) for event in told) == 33


def test_progress_goes_to_stderr_and_only_where_wanted(optdigits, capfd):
    config = dl.TrainConfig(epochs=1, device="cpu")
    dl.train("logistic-regression", optdigits, config, progress=False)
    assert capfd.readouterr() == ("", "")
    dl.train("logistic-regression", optdigits, config)
    out, err = capfd.readouterr()
    assert out == ""
    assert "logistic-regression" in err
    assert "100 %" in err


def test_a_name_with_brackets_is_a_name(optdigits, capfd):
    layers = ["Flatten", {"Linear": {"out_features": 10}}]
    spec = dl.ModelSpec.from_dict({"name": "[/b] :x:", "input": [1, 28, 28], "layers": layers})
    run = dl.train(spec, optdigits, dl.TrainConfig(epochs=1), name="  [red]mine  ")
    assert run.record.name == "[red]mine"
    assert run.record.model == "[/b] :x:"
    assert "[/b] :x:" in capfd.readouterr().err


def test_a_datasets_own_split_is_used_unless_the_recipe_says_otherwise(train_tiny, optdigits):
    own = optdigits.resplit(0.3, seed=5)
    run = train_tiny(data=own)
    assert run.record.data.val_fraction == 0.3
    assert run.record.data.split_seed == 5
    assert run.evaluate("val").n == len(own.val)
    assert torch.equal(run.load_data().val.indices, own.val.indices)
    assert train_tiny(data=own, val_fraction=0.2).record.data.val_images == 288


def test_by_name_and_with_defaults(optdigits):
    run = dl.train("logistic-regression", "optdigits", dl.TrainConfig(epochs=1), progress=False)
    assert run.record.data.fingerprint == optdigits.fingerprint


NO_WEIGHTS = [{"AdaptiveAvgPool2d": {"output_size": [1, 10]}}, "Flatten"]


@pytest.mark.parametrize(
    ("change", "error", "said"),
    [
        ({"model": "nosuch"}, SpecError, "no preset 'nosuch'"),
        ({"model": ["Flatten", {"Linear": {"out_features": 7}}]}, SpecError, "10 classes"),
        ({"model": NO_WEIGHTS}, SpecError, "no weights to learn"),
        ({"data": "nosuch"}, DatasetError, "no dataset 'nosuch'"),
        ({"device": "cuda:63"}, ConfigError, "not available on this machine"),
        ({"val_fraction": 1e-5, "keep": "best"}, ConfigError, "no image of 1,438"),
        ({"val_fraction": 1e-5, "early_stopping": 2}, ConfigError, "no image of 1,438"),
    ],
)
def test_what_cannot_work_is_refused_before_anything_is_stored(change, error, said, home):
    model = change.pop("model", "logistic-regression")
    if isinstance(model, list):
        model = dl.ModelSpec.from_dict({"name": "own", "input": [1, 28, 28], "layers": model})
    data = change.pop("data", "optdigits")
    with pytest.raises(error, match=said):
        dl.train(model, data, dl.TrainConfig(**change), progress=False)
    assert store.list_records() == []
    assert not (home / "runs").exists()


def test_validation_that_the_dataset_lacks_is_refused_too(optdigits):
    with pytest.raises(ConfigError, match="no image of 1,438"):
        dl.train("logistic-regression", optdigits.resplit(0), dl.TrainConfig(keep="best"))
    assert store.list_records() == []


def test_a_network_over_the_limit_is_refused(monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "1000")
    with pytest.raises(SpecError, match="7,850 parameters"):
        dl.train("logistic-regression", "optdigits", progress=False)


def own_module():
    torch.manual_seed(3)
    return torch.nn.Sequential(
        torch.nn.Flatten(), torch.nn.Linear(784, 8), torch.nn.ReLU(), torch.nn.Linear(8, 10)
    )


def test_a_module_is_trained_from_weights_of_the_seed(optdigits):
    module = own_module()
    before = {key: value.clone() for key, value in module.state_dict().items()}
    config = dl.TrainConfig(epochs=1, subset=64, learning_rate=1e-12, device="cpu", seed=5)
    run = dl.train(module, optdigits, config, progress=False)
    assert run.spec == dl.ModelSpec.from_module(module)
    weights = checkpoints.read_weights(run.id)
    drawn = dl.build(run.spec, seed=5).state_dict()
    assert all(torch.allclose(weights[key], drawn[key], atol=1e-6) for key in drawn)
    assert all(torch.equal(before[key], value) for key, value in module.state_dict().items())


def test_a_module_keeps_its_weights_when_asked(optdigits):
    module = own_module()
    config = dl.TrainConfig(epochs=1, subset=64, learning_rate=1e-12, device="cpu")
    run = dl.train(module, optdigits, config, progress=False, keep_weights=True)
    weights = checkpoints.read_weights(run.id)
    state = module.state_dict()
    assert all(torch.allclose(weights[key], state[key], atol=1e-6) for key in state)
    start = dl.open_run(run.record.data.start_from)
    assert "Weights of your module, before training" in start.record.message
    with pytest.raises(dl.DigitlabError, match=r"takes an nn\.Module; not str"):
        dl.train("lenet-5", optdigits, config, progress=False, keep_weights=True)


def test_weights_that_cannot_be_written_leave_no_run_behind(optdigits, monkeypatch):
    def fail(*_args):
        raise OSError("disk full")

    monkeypatch.setattr("digitlab.execution.module_weights.files.write_tensors", fail)
    with pytest.raises(OSError, match="disk full"):
        dl.train(own_module(), optdigits, progress=False, keep_weights=True)
    assert not dl.list_runs(bundled=False)
