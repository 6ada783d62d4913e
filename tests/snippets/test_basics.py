"""The lines under each cell: every snippet runs as it stands, top to bottom, and says the truth."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

import digitlab as dl
from digitlab.execution.prepare import new_record, plan
from digitlab.snippets import basics
from digitlab.sweeps import sweep, worker
from tests.snippets.snippet_runner import execute, untested

OWN = """
name: Tiny
input: [1, 28, 28]
layers:
  - Flatten
  - Linear: {out_features: 10}
"""
RECIPE = {"epochs": 1, "batch_size": 128, "learning_rate": 0.01}


def test_class_distribution():
    names, _ = execute(basics.class_distribution("optdigits"))
    assert sum(int(counts.sum()) for counts in names["counts"].values()) == 1_797
    assert names["figure"].data


@pytest.mark.parametrize(("label", "seed"), [(7, 3), (None, None), (0, None)])
def test_samples(optdigits, label, seed):
    names, printed = execute(basics.samples("optdigits", "train", label, seed, 5))
    if label is not None:
        assert set(optdigits.train.labels[names["positions"]].tolist()) == {label}
    assert names["data"].name == "optdigits"
    assert "uint8" in printed
    assert f"is a {int(optdigits.train.labels[5])}" in printed


def test_class_images():
    names, _ = execute(basics.class_images("optdigits", "train"))
    assert names["means"].shape == (10, 28, 28)
    assert names["figure"].data


def test_pixels():
    names, _ = execute(basics.pixels("optdigits", "train"))
    assert 0 < names["pixels"].mean < 1
    assert names["figure"].data


def test_overlay():
    _, printed = execute(basics.overlay("optdigits", "train", 3, 20))
    assert printed.startswith("[[0.")


def test_architecture():
    names, printed = execute(basics.architecture(dl.load_model("cnn-small").to_yaml()))
    weights = sum(weight.numel() for weight in names["network"].parameters())
    assert weights == dl.summarize(names["spec"]).parameters
    assert "Conv2d" in printed


def test_augmentation(optdigits):
    code = basics.augmentation("optdigits", {"rotation": 15.0, "noise": 0.1}, 3, 16)
    names, _ = execute(code)
    assert names["before"].shape == names["after"].shape == (16, 1, 28, 28)
    assert (names["before"] != names["after"]).any((1, 2, 3)).all()
    assert names["figure"].data


def test_training():
    names, printed = execute(basics.training("logistic-regression", "optdigits", RECIPE))
    assert names["run"].config == dl.TrainConfig(**RECIPE)
    assert names["run"].id in printed


def test_training_with_every_kind_of_setting():
    augmentation = dl.Augmentation(shift=0.1)
    config = dl.TrainConfig(
        epochs=1, optimizer="sgd", momentum=0.9, nesterov=True, augmentation=augmentation
    )
    code = basics.training("logistic-regression", "optdigits", config.differing())
    assert execute(code)[0]["run"].config == config


@pytest.mark.parametrize("name", ['say """ten"""', r"back\slash\x", 'ends with "', "it's {x}"])
def test_any_name_of_an_architecture_survives_as_code(name):
    spec = dl.ModelSpec.from_yaml(OWN).model_copy(update={"name": name})
    assert execute(basics.architecture(spec.to_yaml()))[0]["spec"] == spec


def test_training_of_spec():
    names, _ = execute(basics.training_of_spec(OWN, "optdigits", RECIPE))
    assert names["run"].spec == dl.ModelSpec.from_yaml(OWN)


def test_sweep():
    values = {"learning_rate": [0.01, 0.1], "augmentation.rotation": [5.0]}
    names, printed = execute(basics.sweep({"logistic-regression": RECIPE}, "optdigits", values))
    assert [run.config.learning_rate for run in names["runs"]] == [0.01, 0.1]
    assert {run.config.augmentation.rotation for run in names["runs"]} == {5.0}
    assert str(names["best"].record.test_accuracy) in printed


def test_search(monkeypatch):
    monkeypatch.setattr(sweep, "launch_worker", worker.work)  # here, before it is waited for
    settings = {"method": "random", "trials": 2, "seeds": 1}
    space = {"learning_rate": "0.001 to 0.1 log", "augmentation.rotation": "0, 10"}
    names, printed = execute(
        basics.search("logistic-regression", "optdigits", space, RECIPE, settings)
    )
    result = names["result"]
    assert [trial.state for trial in result.trials] == ["finished"] * 2
    assert result.test_in_words in printed


def test_curves(run_id):
    names, _ = execute(basics.curves(run_id))
    assert len(names["history"].epochs) == 2
    assert all(figure.data for figure in names["figures"])


def test_curves_before_the_first_epoch():
    config = dl.TrainConfig(epochs=1)
    experiment = plan("logistic-regression", "optdigits", config)
    record = new_record(experiment, status="stopped", executor="process")
    names, _ = execute(basics.curves(record.id))
    assert names["history"].epochs == []


def test_recognition(run_id, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    drawing = Image.new("RGB", (200, 200), "white")
    ImageDraw.Draw(drawing).line([(100, 30), (100, 170)], fill="black", width=16)
    drawing.save("drawing.png")
    names, printed = execute(basics.recognition(run_id))
    assert names["read"].text in set("0123456789")
    assert np.isclose(sum(names["read"].digits[0].probabilities), 1, atol=1e-4)
    assert printed.startswith(names["read"].text)


def test_every_snippet_is_run_here():
    assert not untested(basics, globals())


def test_export_of_run(run_id, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, printed = execute(basics.export_of_run(run_id, ("py", "yaml", "safetensors", "onnx")))
    assert printed.split() == [f"{run_id}.{kind}" for kind in ("py", "yaml", "safetensors", "onnx")]
    _, printed = execute(basics.export_of_run(run_id, ("csv", "card")))
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} >= set(printed.split())


def test_export_of_spec(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    _, printed = execute(basics.export_of_spec(OWN, ("py", "yaml", "onnx")))
    assert printed.split() == ["tiny.py", "tiny.yaml", "tiny.onnx"]
    assert {path.name for path in tmp_path.iterdir() if path.is_file()} >= set(printed.split())


def test_reproduction():
    names, printed = execute(basics.reproduction("logistic-regression", "optdigits"))
    (row,) = names["rows"]
    assert len(row.attempts) == 1
    assert f"83 → {row.mean('test_accuracy'):.2f}" in printed
