"""Exported PyTorch files: without digitlab, they are the same network and train by themselves."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from dataclasses import replace

import numpy as np
import pytest
import torch
from safetensors.torch import load_file

from digitlab.data.dataset import Split
from digitlab.data.info import VAL_FRACTION
from digitlab.data.load import load_dataset
from digitlab.errors import ConfigError, SpecError
from digitlab.exports.export import exported, subject_of
from digitlab.exports.pytorch import standalone
from digitlab.exports.recipe_code import recipe_code
from digitlab.models.build import build
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.load import load_model
from digitlab.models.presets import list_presets
from digitlab.models.spec import ModelSpec
from digitlab.runs.experiment import Experiment, divide
from digitlab.training.config import Augmentation, TrainConfig
from digitlab.training.engine import train_events
from digitlab.training.loss import scoring_spec

NETWORKS = [preset for preset in list_presets() if not classical_kind(preset.spec)]
CONV = {"Conv2d": {"out_channels": 4, "kernel_size": 3, "padding": 1}}
ROWS = {"Rows": {"hidden_size": 3}}
BLOCKS = ModelSpec(
    name='Every "block" \\ in one',
    layers=[
        CONV,
        {"Residual": {"layers": [{"DepthwiseSeparable": {"out_channels": 8, "stride": 2}}]}},
        {"Parallel": {"branches": [[], [{"Repeat": {"times": 2, "layers": [CONV]}}]]}},
        "SqueezeExcite",
        {"DenseBlock": {"times": 2, "growth": 4}},
        {"Residual": {"layers": ["Tanh"]}},
        {"Patches": {"patch_size": 2, "dim": 8}},
        "ClassToken",
        "PositionEmbedding",
        {"TransformerEncoder": {"depth": 2, "heads": 2, "dropout": 0.1}},
        {"DenseBlock": {"times": 1, "layers": ["MixerBlock"]}},
        {"Parallel": {"branches": [["FirstToken"], ["MeanTokens"], [ROWS]]}},
        {"LayerNorm": {"eps": 1.0e-6}},
        {"Linear": {"out_features": 10, "bias": False}},
    ],
)  # fmt: skip
WHOLE = ModelSpec(
    name="9 lives", init="kaiming", layers=[{"torchvision/squeezenet1_1": {"image_size": 40}}]
)
SPECS = {
    "blocks": BLOCKS,
    "whole": WHOLE,
    **{preset.name: preset.spec for preset in NETWORKS if preset.name != "record"},
}

# Loads each file, the weights and images beside it, and saves what the network answers.
CHECK = """
import importlib.util, json, pathlib, sys, torch
for name in json.loads(sys.argv[1]):
    spec = importlib.util.spec_from_file_location(name, name + ".py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    network = module.make_network()
    network.load_state_dict(torch.load(name + ".pt", weights_only=True))
    images = torch.load("images.pt", weights_only=True)
    with torch.inference_mode():
        torch.save(network.eval()(images), name + ".out")
assert not any(name.startswith("digitlab") for name in sys.modules)
"""


def experiment(spec, recipe=None, dataset="mnist") -> Experiment:
    config = recipe if isinstance(recipe, TrainConfig) else TrainConfig.from_dict(recipe or {})
    return Experiment(spec, divide(dataset, config), config)


def script(*arguments, **named) -> str:
    return standalone(experiment(*arguments, **named))


def run(folder, *arguments) -> str:
    """What Python writes when it runs in `folder`, with nothing of digitlab in reach."""
    done = subprocess.run(
        [sys.executable, "-I", *arguments], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_the_file_has_the_same_keys_weights_and_answers(tmp_path):
    images = torch.rand(3, 1, 28, 28)
    torch.save(images, tmp_path / "images.pt")
    expected = {}
    for name, spec in SPECS.items():
        network = build(spec, seed=0).eval()
        torch.save(network.state_dict(), tmp_path / f"{name}.pt")
        (tmp_path / f"{name}.py").write_text(script(spec), encoding="utf-8")
        with torch.inference_mode():
            expected[name] = network(images)
    run(tmp_path, "-c", CHECK, json.dumps(list(SPECS)))
    for name, answer in expected.items():
        again = torch.load(tmp_path / f"{name}.out", weights_only=True)
        assert torch.equal(again, answer), name


@pytest.mark.parametrize("spec", SPECS.values(), ids=lambda spec: spec.name)
def test_the_file_can_be_pasted_back(spec):
    assert ModelSpec.from_code(script(spec)) == spec


RECIPES = [
    {"epochs": 4, "optimizer": "adam", "learning_rate": 0.01, "schedule": "one-cycle"},
    {"epochs": 4, "optimizer": "sgd", "learning_rate": 0.1, "momentum": 0.9, "nesterov": True,
     "schedule": "step", "step_epochs": 2, "gradient_clip": 1.0, "normalization": "half",
     "augmentation": {"rotation": 5, "thickness": 0.5, "shift": 0.02}},
    {"epochs": 6, "optimizer": "rmsprop", "schedule": "cosine", "learning_rate": 0.003,
     "early_stopping": 5, "keep": "best", "label_smoothing": 0.1, "normalization": "none",
     "augmentation": {"elastic": 0.7, "noise": 0.05, "erasing": 0.2}},
    {"epochs": 4, "optimizer": "adamw", "learning_rate": 0.01, "schedule": "cosine",
     "average": 0.9, "augmentation": {"scale": 0.1, "shear": 5, "elastic": 0.5}},
    {"epochs": 4, "optimizer": "muon", "learning_rate": 0.01, "schedule": "one-cycle"},
]  # fmt: skip


NET = ModelSpec(
    name="net",
    layers=[
        {"Conv2d": {"out_channels": 16, "kernel_size": 5, "stride": 2}},
        "ReLU",
        "Flatten",
        {"Linear": {"out_features": 10}},
    ],
)
# Runs the file of each folder as a script, with the data beside the folders.
TRAIN = """
import os, runpy, sys
for name in sys.argv[1:]:
    os.chdir(name)
    print("folder", name)
    sys.argv = ["net.py", ".."]
    runpy.run_path("net.py", run_name="__main__")
    os.chdir("..")
"""


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A folder with one for each recipe, named after its optimizer, and what each file printed.

    The files train on a few hundred real digits, in one process: importing torch takes longer.
    """
    data, place = load_dataset("optdigits"), tmp_path_factory.mktemp("trained")
    arrays = {}
    for name, split in (("train", data.train), ("test", data.test)):
        arrays[f"{name}_images"] = split.images[:600].numpy()
        arrays[f"{name}_labels"] = split.labels[:600].numpy()
    np.savez(place / "data.npz", **arrays)
    names = [recipe["optimizer"] for recipe in RECIPES]
    for name, recipe in zip(names, RECIPES, strict=True):
        (place / name).mkdir()
        text = script(NET, recipe, dataset="optdigits")
        (place / name / "net.py").write_text(text, encoding="utf-8")
    printed = run(place, "-c", TRAIN, *names).split("folder ")[1:]
    return place, dict(zip(names, printed, strict=True))


@pytest.mark.parametrize("recipe", RECIPES, ids=lambda recipe: recipe["optimizer"])
def test_the_file_trains_by_its_recipe(recipe, trained):
    folder, printed = trained
    name = recipe["optimizer"]
    assert printed[name].count("validation accuracy") >= min(recipe["epochs"], 4)
    assert float(printed[name].rsplit(" ", 1)[1]) > 0.8
    weights = load_file(folder / name / "weights.safetensors")
    assert weights.keys() == build(NET).state_dict().keys()


SMALL = ModelSpec(
    name="net",
    layers=[
        {"Conv2d": {"out_channels": 4, "kernel_size": 5, "stride": 3}},
        *("ReLU", "Flatten", {"Linear": {"out_features": 10}}),
    ],
)
VAE = ModelSpec(
    name="vae",
    layers=[
        *("Flatten", {"Linear": {"out_features": 16}}, {"ReLU": {"name": "hidden"}}),
        {"Linear": {"name": "mean", "out_features": 2}},
        {"Linear": {"name": "log_variance", "from": "hidden", "out_features": 2}},
        {"Reparameterize": {"name": "latent", "from": ["mean", "log_variance"]}},
        *({"Linear": {"out_features": 784}}, "Sigmoid"),
    ],
)
RECONSTRUCTION = {"loss": "reconstruction"}
BASE = {"epochs": 3, "learning_rate": 0.01}
CHANGED = {  # a value of each field that matters, and what it needs beside it
    "epochs": {"epochs": 2},
    "batch_size": {"batch_size": 49},  # leaves a single image over
    "optimizer": {"optimizer": "rmsprop"},
    "learning_rate": {"learning_rate": 0.02},
    "momentum": {"optimizer": "sgd", "momentum": 0.9},
    "nesterov": {"optimizer": "sgd", "momentum": 0.9, "nesterov": True},
    "weight_decay": {"weight_decay": 0.1},
    "schedule": {"schedule": "one-cycle"},
    "step_epochs": {"schedule": "step", "step_epochs": 1},
    "step_factor": {"schedule": "step", "step_epochs": 2, "step_factor": 0.1},
    "warmup_epochs": {"warmup_epochs": 1.5},
    "loss": {"loss": "focal"},
    "focal_gamma": {"loss": "focal", "focal_gamma": 0.5},
    "pixel_loss": {**RECONSTRUCTION, "pixel_loss": "mse"},
    "kl_weight": {**RECONSTRUCTION, "kl_weight": 4.0},
    "label_smoothing": {"label_smoothing": 0.2},
    "normalization": {"normalization": "half"},
    "val_fraction": {"val_fraction": 0.25},
    "subset": {"subset": 200},
    "seed": {"seed": 7},
    "early_stopping": {"epochs": 30, "early_stopping": 1, "learning_rate": 0.3},
    "keep": {"epochs": 9, "keep": "best", "learning_rate": 0.3},
    "gradient_clip": {"gradient_clip": 0.1, "optimizer": "sgd"},
    "average": {"average": 0.95},
    "restarts": {"schedule": "cosine", "restarts": [1]},
    "rotation": {"augmentation": {"rotation": 20}},
    "shift": {"augmentation": {"shift": 0.1}},
    "scale": {"augmentation": {"scale": 0.2}},
    "shear": {"augmentation": {"shear": 20}},
    "thickness": {"augmentation": {"thickness": 0.5}},
    "elastic": {"augmentation": {"elastic": 1}},
    "noise": {"augmentation": {"noise": 0.1}},
    "erasing": {"augmentation": {"erasing": 0.5}},
}


@pytest.fixture(scope="module")
def digits():
    """A few hundred real digits, none of them set apart for validation."""
    data = load_dataset("optdigits", val_fraction=0)
    rows = torch.arange(540)
    train = Split("train", data.train.images[rows], data.train.labels[rows], rows)
    return replace(data, train=train)


def net_of(recipe):
    return VAE if recipe.get("loss") == "reconstruction" else SMALL


def trained_by_digitlab(data, **recipe):
    config = TrainConfig(
        **recipe, device="cpu", precision="float32", channels_last=False, threads=1
    )
    network = build(scoring_spec(net_of(recipe), config), seed=config.seed)
    share = VAL_FRACTION if config.val_fraction is None else config.val_fraction
    list(train_events(network, data.resplit(share), config))
    return network.state_dict()


def trained_by_the_file(data, monkeypatch, **recipe):
    space = {"__name__": "net"}
    exec(compile(script(net_of(recipe), recipe), "net.py", "exec"), space)
    splits = (data.train.images, data.train.labels, data.test.images, data.test.labels)
    monkeypatch.setitem(space, "load", lambda folder: splits)
    monkeypatch.setitem(space, "DEVICE", torch.device("cpu"))
    return space["train"]("").state_dict()


def test_every_field_of_a_recipe_is_tried():
    fields = {*TrainConfig.names("recipe", "data", "seed"), *Augmentation.model_fields}
    assert set(CHANGED) == fields - {"augmentation"}


@pytest.mark.parametrize("name", CHANGED)
def test_the_file_ends_with_the_weights_that_digitlab_ends_with(name, digits, monkeypatch):
    recipe = {**BASE, **CHANGED[name]}
    assert not recipe_code(experiment(net_of(recipe), recipe)).missing
    ours = trained_by_digitlab(digits, **recipe)
    theirs = trained_by_the_file(digits, monkeypatch, **recipe)
    for key, weight in ours.items():
        torch.testing.assert_close(theirs[key], weight, rtol=1e-3, atol=1e-4, msg=key)
    without = {key: value for key, value in recipe.items() if key != name}
    if name in Augmentation.model_fields:
        without = BASE
    if name == "momentum":
        without = {**BASE, "optimizer": "sgd"}
    base = trained_by_the_file(digits, monkeypatch, **without)
    assert not all(torch.equal(base[key], weight) for key, weight in theirs.items())


def test_a_field_that_the_training_of_the_file_does_not_know_is_named_at_its_top():
    class More(TrainConfig):
        mixup: float = 0.0
        """Share of the images that are blended with another. Try 0.2."""

    text = script(SMALL, More(mixup=0.2, compile=True, step_epochs=3))
    top, _, rest = text.partition("from __future__")
    assert top.endswith(
        "# This file trains without mixup = 0.2: Share of the images that are blended with "
        "another.\n"
    )
    assert "without" not in rest
    assert "mixup" not in rest
    assert "trains without" not in script(SMALL, {"compile": True, "step_epochs": 3})


def test_a_run_is_exported_with_its_own_split_and_says_what_it_started_from(train_tiny, optdigits):
    data = optdigits.resplit(0.2, 5)
    start = train_tiny(data=data, epochs=1)
    text = exported(subject_of(start), "py").decode()
    assert "config.val_fraction, 5)" in text
    assert "    val_fraction = 0.2  #" in text
    assert "trains without" not in text
    tuned = replace(start.experiment, start_from="first'\nimport os")
    top = standalone(tuned).partition("from __future__")[0]
    assert '# This file trains without the weights of run "first\'\\nimport os", from' in top
    other = exported(subject_of(start, {"val_fraction": 0.3}), "py").decode()
    assert "    val_fraction = 0.3  #" in other
    assert "config.val_fraction, 5)" in other


def test_the_file_has_only_what_the_recipe_uses():
    plain, full = script(SMALL), script(SMALL, {"average": 0.9, **CHANGED["elastic"]})
    for name in ("def augment", "class EMA", "_bumps", "Augmentation", "SGD", "early_stopping"):
        assert name not in plain
    for name in ("def augment", "class EMA", "_bumps", "class Augmentation"):
        assert name in full
    assert "_erase" not in full


@pytest.mark.parametrize("preset", NETWORKS, ids=lambda preset: preset.name)
def test_every_preset_is_exported_with_its_own_recipe(preset):
    text = script(preset.spec, preset.recipe)
    compile(text, "net.py", "exec")
    assert f"    epochs = {preset.recipe['epochs']}  #" in text
    assert "This file trains without" not in text
    assert "datasets.MNIST(" in text
    assert "digitlab." not in text
    assert max(map(len, text.splitlines())) < 200


def test_a_name_cannot_break_out_of_the_file():
    for name in ('"""\nimport os', "a\\", "'''", '"""', "{title}", "%s", "ü 9"):
        clean = name.replace("\n", " ")
        spec = ModelSpec(name=clean, layers=["Flatten"])
        assert ModelSpec.from_code(script(spec)) == spec


@pytest.mark.parametrize("preset", ["logistic-regression", "knn"])
def test_the_name_of_a_dataset_is_no_code(preset):
    data = divide("optdigits", TrainConfig())
    data = replace(data, name='"""+str(print("PWNED"))+"""\nprint("PWNED")')
    code = standalone(Experiment(load_model(preset), data, TrainConfig()))
    assert "PWNED" in code
    assert "PWNED" not in ast.unparse(ast.parse(code))  # it is in a comment


def test_what_cannot_be_exported_is_refused():
    with pytest.raises(SpecError, match="Zork"):
        script(ModelSpec(name="x", layers=["Zork"]))
    with pytest.raises(ConfigError):
        script(ModelSpec(name="x", layers=["Flatten"]), {"epochs": 0})
