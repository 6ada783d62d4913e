"""A network that was trained elsewhere becomes a run with the accuracy that it had there."""

from __future__ import annotations

import hashlib
import inspect
import textwrap

import numpy as np
import pytest
import torch
from torch import nn

import digitlab as dl
from digitlab.errors import NetworkFileError
from digitlab.exports.run_facts import recipe_rows
from digitlab.imports.import_network import IMPORTED, Trial, doubts, explain_choice, try_forms
from digitlab.imports.inputs import InputForm, usual_forms, with_front
from digitlab.imports.read import read_network
from digitlab.models.build import build
from digitlab.ui.compare.side_by_side import settings

LAYERS = [
    {"Conv2d": {"out_channels": 8, "kernel_size": 3, "padding": 1}},
    "BatchNorm2d",
    "ReLU",
    {"MaxPool2d": {"kernel_size": 2}},
    {"Conv2d": {"out_channels": 16, "kernel_size": 3, "padding": 1}},
    "ReLU",
    {"MaxPool2d": {"kernel_size": 2}},
    "Flatten",
    {"Linear": {"out_features": 10}},
]
SPEC = dl.ModelSpec(name="Outside", layers=LAYERS)


def correct(network, data, mean=0.1307, std=0.3081):
    """How many test images a network reads, computed as its author would."""
    with torch.inference_mode():
        logits = network((data.test.images.float() / 255 - mean) / std)
    return int((logits.argmax(1) == data.test.labels).sum())


@pytest.fixture
def saved(outside, tmp_path):
    """The path of the outside network's state dict."""
    path = tmp_path / "mine.pt"
    torch.save(outside.state_dict(), path)
    return path


def test_a_state_dict_becomes_a_run_with_the_accuracy_that_it_had(saved, outside, optdigits):
    run = dl.import_network(saved, SPEC, optdigits)
    result = dl.open_run(run.id).evaluate("test")
    assert round(result.accuracy * result.n) == correct(outside, optdigits)
    assert run.record.status == "finished"
    assert IMPORTED in run.record.tags
    assert run.record.data.imported["sha256"] == hashlib.sha256(saved.read_bytes()).hexdigest()
    assert run.record.data.imported["file"] == "mine.pt"
    assert run.record.normalization == {"mean": 0.1307, "std": 0.3081}  # which was tried and found


def test_checkpoints_of_other_programs_hold_the_same_network(outside, optdigits, tmp_path):
    weights = outside.state_dict()
    optimizer = torch.optim.Adam(outside.parameters()).state_dict()
    checkpoints = {
        "lightning": {"state_dict": {f"model.{k}": v for k, v in weights.items()},
                      "optimizer_states": [optimizer], "hyper_parameters": {"lr": 1e-3}},
        "plain": {"epoch": 3, "model_state_dict": weights, "optimizer_state_dict": optimizer},
        "compiled": {f"module._orig_mod.{k}": v for k, v in weights.items()},
    }  # fmt: skip
    for name, checkpoint in checkpoints.items():
        torch.save(checkpoint, tmp_path / f"{name}.ckpt")
        network = read_network(tmp_path / f"{name}.ckpt", SPEC)
        assert correct(network.build(), optdigits) == correct(outside, optdigits), name


def test_a_file_of_before_2020_and_safetensors_are_read(outside, optdigits, tmp_path):
    from safetensors.torch import save_file

    torch.save(outside.state_dict(), tmp_path / "old.pt", _use_new_zipfile_serialization=False)
    save_file(outside.state_dict(), tmp_path / "new.safetensors")
    for name in ("old.pt", "new.safetensors"):
        network = read_network(tmp_path / name, SPEC)
        assert correct(network.build(), optdigits) == correct(outside, optdigits), name


def test_weights_without_an_architecture_suggest_one(saved):
    with pytest.raises(NetworkFileError, match="without an architecture") as caught:
        dl.import_network(saved)
    assert [layer.type for layer in caught.value.suggestion.layers] == [
        layer.type for layer in SPEC.layers
    ]


def test_nothing_is_imported_where_something_does_not_fit_unless_it_is_asked_for(saved, optdigits):
    wider = SPEC.with_layers([*LAYERS[:-1], {"Linear": {"out_features": 32}}, "ReLU",
                              {"Linear": {"out_features": 10}}])  # fmt: skip
    with pytest.raises(
        NetworkFileError, match=r"do not fit Outside: 10 of 14 tensors fit"
    ) as caught:
        dl.import_network(saved, wider, optdigits)
    assert sum(row.fits for row in caught.value.fit.rows) == 10
    assert not dl.list_runs(bundled=False)
    run = dl.import_network(saved, wider, optdigits, partial=True)
    assert any("10 of 14 tensors fit" in notice for notice in run.record.notices)


@pytest.mark.parametrize("form", [
    InputForm(0.0, 1.0), InputForm(0.5, 0.5, inverted=True), InputForm(0.0, 1 / 255),
    InputForm(0.1307, 0.3081, transposed=True),
    InputForm(0.5, 0.5, inverted=True, sizing="pad"), InputForm(sizing="resize"),
])  # fmt: skip
def test_the_layers_in_front_feed_a_network_as_its_author_did(form, optdigits):
    side = 32 if form.sizing else 28
    channels = 3 if form.sizing == "resize" else 1
    spec = dl.ModelSpec(name="x", input=(channels, side, side), layers=[
        {"Conv2d": {"name": "a", "out_channels": 4, "kernel_size": 3, "stride": 2}}, "Flatten",
        {"Linear": {"out_features": 10}}])  # fmt: skip
    network = dl.build(spec, seed=1).eval()
    front = form.front((1, 28, 28), spec.input)
    whole, weights = with_front(spec, network.state_dict(), front, (1, 28, 28))
    framed = dl.build(whole).eval()
    framed.load_state_dict(weights)
    images = optdigits.test.images[:20]
    expected = network(form.apply(images, spec.input))
    given = framed((images.float() / 255 - form.mean) / form.std)
    scale = expected.abs().max()
    torch.testing.assert_close(given / scale, expected / scale, atol=1e-5, rtol=1e-5)


def test_a_network_of_dark_ink_on_its_side_is_fed_as_it_was_trained(optdigits, tmp_path):
    torch.manual_seed(0)
    form = InputForm(0.5, 0.5, inverted=True, transposed=True)
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    images = form.apply(optdigits.train.images, (1, 28, 28))
    optimizer = torch.optim.Adam(network.parameters(), 1e-2)
    for _ in range(40):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(images), optdigits.train.labels).backward()
        optimizer.step()
    torch.save(network.state_dict(), tmp_path / "x.pt")
    run = dl.import_network(tmp_path / "x.pt", "logistic-regression", optdigits)
    expected = network(form.apply(optdigits.test.images, (1, 28, 28))).argmax(1)
    answers = run.predict(optdigits.test.images).argmax(1)
    assert np.array_equal(answers, expected.numpy())
    assert [layer.type for layer in run.spec.layers[:2]] == ["Transpose", "Scale"]


def test_what_is_stated_is_not_tried(saved, optdigits):
    network = read_network(saved, SPEC)
    trials = try_forms(network, optdigits, normalization="half", inverted=False, transposed=False)
    assert [trial.form for trial in trials] == [InputForm(0.5, 0.5)]
    assert len(usual_forms((1, 28, 28), (1, 28, 28), [(0.0, 1.0)])) == 4


def test_an_imported_run_is_trained_further_with_its_own_normalisation(saved, optdigits):
    run = dl.import_network(saved, SPEC, optdigits, normalization="255")
    recipe = dl.TrainConfig(epochs=1, learning_rate=1e-6, device="cpu")
    further = dl.train(SPEC, optdigits, recipe, start_from=run.id, progress=False)
    assert further.record.normalization == run.record.normalization
    again = dl.train(SPEC, optdigits, recipe, start_from=further.id, progress=False)
    assert again.record.normalization == run.record.normalization


def test_an_imported_run_is_exported_and_imported_like_every_other(saved, optdigits, tmp_path):
    run = dl.import_network(saved, SPEC, optdigits, name="From outside")
    path = dl.export(run, "zip", tmp_path / "run.zip")
    back = dl.import_run(path)
    assert back.record.data.imported["file"] == "mine.pt"
    assert back.record.test_accuracy == run.record.test_accuracy
    for form in ("report", "card", "py", "notebook", "onnx"):
        text = dl.export(run, form, tmp_path / f"run.{form}").read_bytes()
        assert form not in ("report", "card") or b"trained elsewhere" in text
    assert "trained elsewhere" in dl.open_run(run.id).record.message.lower()


def test_no_recipe_is_told_of_a_network_that_was_trained_elsewhere(saved, optdigits):
    run = dl.import_network(saved, SPEC, optdigits, normalization="mnist")
    rows = dict(recipe_rows(run))
    assert rows == {"recipe": "not known: trained elsewhere", "loss": "cross-entropy"}
    assert "optimizer" not in settings(run.record)


def test_weights_that_digitlab_exported_bring_their_architecture(saved, optdigits, tmp_path):
    run = dl.import_network(saved, SPEC, optdigits)
    path = dl.export(run, "safetensors", tmp_path / "own.safetensors")
    back = dl.import_network(path, data=optdigits)
    assert back.spec == run.spec
    assert back.record.normalization == run.record.normalization
    images = optdigits.test.images[:50]
    assert torch.equal(back.predict_logits(images), run.predict_logits(images))


def test_the_authors_code_and_state_dict_fit_by_name(saved, outside, optdigits, tmp_path):
    code = textwrap.dedent(inspect.getsource(type(outside)))
    (tmp_path / "net.py").write_text(f"import torch.nn as nn\n{code}", encoding="utf-8")
    network = read_network(saved, tmp_path / "net.py")
    assert {row.how for row in network.fit.rows} == {"name"}
    assert correct(network.build(), optdigits) == correct(outside, optdigits)


def trial(accuracy, loss, mean=0.0):
    return Trial(InputForm(mean=mean), accuracy, loss, 500)


def test_the_choice_among_ways_that_are_alike_is_explained():
    why = explain_choice([trial(0.448, 1.7), trial(0.458, 1.9, mean=0.5)])
    assert "45.80 %" in why
    assert "smallest loss" in why
    assert "first reads the most" in explain_choice([trial(0.9, 0.1), trial(0.8, 0.2)])
    (doubt,) = doubts([trial(0.448, 1.7), trial(0.458, 1.9)])
    assert "45.80 %" in doubt  # the best, though another is taken


def test_who_imports_is_warned_where_no_way_reads_the_images(optdigits, tmp_path):
    path = tmp_path / "untrained.pt"
    torch.save(build(SPEC).state_dict(), path)
    with pytest.warns(UserWarning, match="the best has"):
        run = dl.import_network(path, SPEC, optdigits)
    assert "the best has" in run.record.notices[0]


def test_an_own_module_says_what_a_state_dict_is_of(optdigits, tmp_path):
    network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
    torch.save(network.state_dict(), tmp_path / "own.pt")
    with pytest.warns(UserWarning, match="the best has"):
        run = dl.import_network(tmp_path / "own.pt", network, optdigits)
    assert any(torch.equal(value, network[1].bias) for value in run.model.parameters())
