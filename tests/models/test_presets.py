"""Presets: all build and fit MNIST, their published facts are right, and names are found."""

from __future__ import annotations

import sys
from itertools import pairwise
from types import ModuleType

import pytest
import torch

from digitlab.errors import SpecError
from digitlab.models.build import build, check_fits
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.load import known_recipe, load_model
from digitlab.models.presets import FOLDER, list_presets, load_preset, published
from digitlab.models.spec import ModelSpec
from digitlab.training.config import TrainConfig

PRESETS = list_presets()


@pytest.mark.parametrize("preset", PRESETS, ids=lambda preset: preset.name)
def test_every_preset_builds_fits_mnist_and_explains_itself(preset):
    autoencoder = preset.recipe.get("loss") == "reconstruction"
    check_fits(preset.spec, (1, 28, 28), None if autoencoder else 10)
    network = build(preset.spec, seed=0)
    if not classical_kind(preset.spec):  # which is fitted, not trained step by step
        network(torch.rand(2, 1, 28, 28)).sum().backward()
    assert preset.title
    assert 40 < len(preset.about) < 400
    assert preset.source
    config = TrainConfig.from_dict(preset.recipe)
    assert set(preset.recipe) <= {
        "epochs",
        "schedule",
        "normalization",
        *config.differing(),
        "batch_size",
        "optimizer",
        "learning_rate",
        "momentum",
    }
    assert set(preset.published) <= {"train_accuracy", "val_accuracy", "test_accuracy"}
    assert ModelSpec.from_yaml(preset.spec.to_yaml()) == preset.spec


def test_what_was_promised_is_there():
    promised = (
        *("logistic-regression", "logistic-regression-tuned", "one-hidden-linear"),
        *("four-hidden-dropout", "cnn-8-16", "cnn-8-16-tuned", "two-hidden-256", "cnn"),
        *("two-hidden-16-sigmoid", "two-hidden-16-relu"),
        *("two-hidden-64-sigmoid", "two-hidden-64-relu", "lenet-5", "resnet-mini"),
        *("densenet-mini", "vit-tiny", "mlp-mixer", "lstm-rows", "inception-mini"),
        *("tiny", "fast", "record", "ten-convolutions"),
    )
    assert set(promised) <= {preset.name for preset in PRESETS}


@pytest.mark.parametrize(
    ("name", "published"),
    [
        ("logistic-regression", {"test_accuracy": 83}),
        ("one-hidden-linear", {"test_accuracy": 92}),
        ("four-hidden-dropout", {"test_accuracy": 97}),
        ("cnn-8-16", {"val_accuracy": 97.85, "test_accuracy": 97.69}),
        ("cnn-8-16-tuned", {"val_accuracy": 99.00, "test_accuracy": 99.10}),
        ("two-hidden-256", {"train_accuracy": 97.5, "val_accuracy": 97}),
        ("cnn", {"train_accuracy": 99.5, "val_accuracy": 99}),
        ("two-hidden-16-sigmoid", {"train_accuracy": 96.35, "val_accuracy": 94.79}),
        ("two-hidden-16-relu", {"train_accuracy": 96.79, "val_accuracy": 95.14}),
        ("two-hidden-64-sigmoid", {"train_accuracy": 99.84, "val_accuracy": 97.29}),
        ("two-hidden-64-relu", {"train_accuracy": 99.65, "val_accuracy": 97.47}),
    ],
)
def test_figures_are_as_published(name, published):
    assert load_preset(name).published == published
    assert load_preset(name).source.startswith("Student project: ")


def test_marks_are_kept():
    marks = {preset.name: dict(preset.mark) for preset in PRESETS if preset.mark}
    assert marks == {
        "tiny": {"test_accuracy": 99.4},
        "fast": {"test_accuracy": 99.0},
        "record": {"test_accuracy": 99.7},
    }


def test_a_file_brings_its_recipe_along(tmp_path):
    preset = load_preset("lenet-5")
    assert known_recipe("lenet-5") == known_recipe(FOLDER / "lenet-5.yaml") == dict(preset.recipe)
    (tmp_path / "own.yaml").write_text(preset.spec.to_yaml(), encoding="utf-8")
    assert known_recipe(str(tmp_path / "own.yaml")) == {}
    assert known_recipe("nosuch") == known_recipe(preset.spec) == {}


def test_there_is_one_preset_a_file_from_simple_to_deep():
    names = [preset.name for preset in PRESETS]
    assert sorted(names) == sorted(path.stem for path in FOLDER.glob("*.yaml"))
    assert names[0] == "logistic-regression"
    rising = (
        "two-hidden-16-relu",
        "two-hidden-256",
        "lenet-5",
        "cnn",
        "resnet-mini",
        "ten-convolutions",
    )
    assert sorted(rising, key=names.index) == list(rising)


@pytest.mark.parametrize(
    ("name", "parameters"),
    [
        ("logistic-regression", 784 * 10 + 10),
        ("two-hidden-16-sigmoid", 784 * 16 + 16 + 16 * 16 + 16 + 160 + 10),
        ("two-hidden-64-relu", 784 * 64 + 64 + 64 * 64 + 64 + 640 + 10),
        ("lenet-5", 61_706),
        ("one-hidden-linear", 784 * 128 + 128 + 1280 + 10),
        ("four-hidden-dropout", sum(a * b + b for a, b in pairwise((784, 512, 256, 128, 64, 10)))),
        ("cnn-8-16", 80 + 1168 + sum(a * b + b for a, b in pairwise((3136, 784, 496, 49, 10)))),
        (
            "cnn-8-16-tuned",
            80 + 1168 + sum(a * b + b for a, b in pairwise((784, 512, 128, 64, 10))),
        ),
    ],
)
def test_published_architectures_have_the_published_size(name, parameters):
    assert sum(p.numel() for p in build(load_model(name)).parameters()) == parameters


def test_presets_that_set_marks_keep_within_their_limits():
    assert check_fits(load_model("tiny"), (1, 28, 28), 10).parameters < 8_000
    assert load_preset("tiny").recipe["epochs"] <= 20
    widths = [
        layer.args["out_channels"]
        for layer in load_model("ten-convolutions").layers
        if layer.type == "Conv2d"
    ]
    assert widths == list(range(32, 177, 16))
    assert (
        1_000_000
        < check_fits(load_model("ten-convolutions"), (1, 28, 28), 10).parameters
        < 1_200_000
    )


def test_the_student_cnns_draw_their_linear_weights_as_their_source_says():
    for name in ("cnn-8-16", "cnn-8-16-tuned"):
        preset = load_preset(name)
        assert preset.spec.init == "normal"
        assert preset.recipe["augmentation"]["rotation"] > 0
        dropouts = [layer.args["p"] for layer in preset.spec.layers if layer.type == "Dropout"]
        assert dropouts[:2] == [0.4, 0.2]


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
    with pytest.raises(SpecError, match="`python -m digitlab models` lists"):
        load_preset("zzz")
    with pytest.raises(SpecError, match="no file"):
        load_model(tmp_path / "none.yaml")
    (tmp_path / "list.yaml").write_text("- a\n", encoding="utf-8")
    with pytest.raises(SpecError, match="name, input and layers"):
        load_model(tmp_path / "list.yaml")
    for wrong in (5, None, ["lenet-5"]):
        with pytest.raises(SpecError):
            load_model(wrong)


def test_published_figures_are_of_mnist():
    figures = published("mnist")
    assert len(figures) > 10
    assert figures[0].accuracy == max(figure.accuracy for figure in figures)
    svm = load_preset("svm")
    assert any(figure.title == svm.title and figure.source == svm.source for figure in figures)
    assert published("optdigits") == []


@pytest.mark.parametrize("name", ["autoencoder", "autoencoder-conv", "vae"])
def test_autoencoders_take_enough_steps_on_the_small_dataset(name):
    recipe = load_preset(name).recipe
    # 606 steps leave a fifth of the squared error of the mean image, or less
    assert recipe["epochs"] * 1_294 / recipe["batch_size"] > 600


def test_a_preset_is_loaded_while_another_thread_imports_torch(monkeypatch):
    """A page may be asked for while the server loads torch beside it."""
    monkeypatch.setitem(sys.modules, "torch", ModuleType("torch"))  # as an import begins
    monkeypatch.delitem(sys.modules, "torch.nn")
    assert load_model("lenet-5") == load_preset("lenet-5").spec
