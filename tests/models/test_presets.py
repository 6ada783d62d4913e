"""Presets: all build and fit MNIST, their published facts are right, and names are found."""

from __future__ import annotations

import pytest
import torch

from digitlab.errors import SpecError
from digitlab.models.build import build, check_fits
from digitlab.models.presets import FOLDER, list_presets, load_model, load_preset
from digitlab.models.spec import ModelSpec

PRESETS = list_presets()
RECIPE = {
    *("epochs", "batch_size", "optimizer", "learning_rate", "momentum", "nesterov"),
    *("weight_decay", "schedule", "label_smoothing", "normalization", "val_fraction", "seed"),
    *("device", "early_stopping", "gradient_clip"),
}


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_builds_fits_mnist_and_explains_itself(preset):
    check_fits(preset.spec, (1, 28, 28), 10)
    network = build(preset.spec, seed=0)
    network(torch.rand(2, 1, 28, 28)).sum().backward()
    assert preset.title
    assert 40 < len(preset.about) < 400
    assert preset.source
    assert set(preset.recipe) <= RECIPE
    assert set(preset.published) <= {"train_accuracy", "val_accuracy", "test_accuracy"}
    assert ModelSpec.from_yaml(preset.spec.to_yaml()) == preset.spec


def test_there_is_one_preset_a_file_from_simple_to_deep():
    names = [preset.name for preset in PRESETS]
    assert sorted(names) == sorted(path.stem for path in FOLDER.glob("*.yaml"))
    assert names[0] == "logistic-regression"
    assert (
        names.index("two-hidden-16-relu") < names.index("two-hidden-256") < names.index("lenet-5")
    )


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("logistic-regression", 784 * 10 + 10),
        ("two-hidden-16-sigmoid", 784 * 16 + 16 + 16 * 16 + 16 + 160 + 10),
        ("two-hidden-64-relu", 784 * 64 + 64 + 64 * 64 + 64 + 640 + 10),
        ("lenet-5", 61_706),
    ],
)
def test_published_architectures_have_the_published_size(name, parameters):
    assert sum(p.numel() for p in build(load_model(name)).parameters()) == parameters


def test_the_small_cnn_is_small():
    assert 30_000 <= sum(p.numel() for p in build(load_model("cnn-small")).parameters()) <= 80_000


def test_published_figures_are_kept():
    assert load_preset("two-hidden-64-relu").published == {
        "train_accuracy": 99.65,
        "val_accuracy": 97.47,
    }
    recipe = load_preset("logistic-regression").recipe
    assert (recipe["optimizer"], recipe["learning_rate"], recipe["batch_size"]) == (
        "sgd",
        0.001,
        128,
    )


def test_a_model_is_a_name_a_file_or_a_spec(tmp_path):
    spec = load_model("lenet-5")
    assert load_model(spec) is spec
    for name, text in (("a.yaml", spec.to_yaml()), ("a.json", spec.to_json())):
        (tmp_path / name).write_text(text, encoding="utf-8")
        assert load_model(tmp_path / name) == load_model(str(tmp_path / name)) == spec
    assert load_model(FOLDER / "lenet-5.yaml") == spec  # a preset's file is a spec's, and more


def test_a_wrong_name_gets_the_nearest_ones(tmp_path):
    with pytest.raises(SpecError, match="did you mean two-hidden-16-"):
        load_model("two-hiden-16-relu")
    with pytest.raises(SpecError, match="presets are logistic-regression"):
        load_preset("zzz")
    with pytest.raises(SpecError, match="no file"):
        load_model(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- a\n", encoding="utf-8")
    with pytest.raises(SpecError, match="name, input and layers"):
        load_model(tmp_path / "list.yaml")
    for wrong in (5, None, ["lenet-5"]):
        with pytest.raises(SpecError):
            load_model(wrong)
