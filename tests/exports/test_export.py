"""Exported files: without digitlab, they hold the same network and give the same answers."""

from __future__ import annotations

import io
import json
import subprocess
import sys

import numpy as np
import onnx
import onnxruntime
import pytest
import torch
from safetensors import safe_open

import digitlab as dl
from digitlab.errors import ExportError, RunNotFoundError, SpecError
from digitlab.exports.export import exported, formats_of, subject_of
from digitlab.exports.formats import FORMATS
from digitlab.exports.onnx import OPSET

# Loads the exported weights into the exported code, and saves what the network answers.
CHECK = """
import sys, numpy, torch, net
network = net.load_network("net.safetensors")
images = torch.from_numpy(numpy.load("images.npy"))
with torch.inference_mode():
    numpy.save("logits.npy", network(net.normalize(images)).numpy())
assert not any(name.startswith("digitlab") for name in sys.modules)
"""


def answers_of_the_code(run, images, folder):
    """Logits of the exported file with the exported weights, in a Python without digitlab."""
    dl.export(run, "py", folder / "net.py")
    dl.export(run, "safetensors", folder / "net.safetensors")
    np.save(folder / "images.npy", images.numpy())
    code = f"import sys; sys.path.insert(0, {str(folder)!r})\n{CHECK}"
    done = subprocess.run(
        [sys.executable, "-I", "-c", code], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return np.load(folder / "logits.npy")


def answers_of_the_graph(path, images):
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return session.run(["logits", "probabilities"], {"images": images.numpy()})


def test_code_weights_and_graph_answer_as_the_run_does(train_tiny, optdigits, tmp_path):
    run = train_tiny(normalization="dataset", epochs=1)
    images = optdigits.test.images[:40]
    expected = run.predict_logits(images).numpy()
    np.testing.assert_allclose(answers_of_the_code(run, images, tmp_path), expected, atol=1e-5)
    graph = dl.export(run, "onnx", tmp_path / "net.onnx")
    for count in (1, 2, 40):  # any number of images
        logits, probabilities = answers_of_the_graph(graph, images[:count])
        np.testing.assert_allclose(logits, expected[:count], atol=1e-5)
        np.testing.assert_allclose(probabilities, run.predict(images[:count]), atol=1e-5)


@pytest.mark.parametrize("preset", ["vit-tiny", "lstm-rows"])
def test_attention_and_recurrence_have_a_graph(preset, tmp_path, optdigits):
    images = optdigits.test.images[:3]
    path = dl.export(preset, "onnx", tmp_path / "net.onnx")
    network = dl.build(dl.load_model(preset), seed=0).eval()
    with torch.inference_mode():
        expected = network(images.float() / 255).numpy()
    np.testing.assert_allclose(answers_of_the_graph(path, images)[0], expected, atol=1e-4)
    np.testing.assert_allclose(answers_of_the_graph(path, images[:1])[0], expected[:1], atol=1e-4)


def test_files_say_what_they_hold(tiny, tmp_path):
    graph = onnx.load(dl.export(tiny, "onnx", tmp_path / "net.onnx"))
    onnx.checker.check_model(graph)
    assert [(entry.domain, entry.version) for entry in graph.opset_import] == [("", OPSET)]
    about = {entry.key: entry.value for entry in graph.metadata_props}
    with safe_open(dl.export(tiny, "safetensors", tmp_path / "net.safetensors"), "pt") as file:
        assert file.metadata() == about
        assert set(file.keys()) == set(tiny.model.state_dict())
    assert (float(about["mean"]), float(about["std"])) == (
        tiny.normalization.mean,
        tiny.normalization.std,
    )
    assert json.loads(about["classes"]) == list("0123456789")
    assert dl.ModelSpec.from_dict(json.loads(about["spec"])) == tiny.spec
    assert about["run"] == tiny.id


def test_yaml_brings_architecture_and_recipe_back(train_tiny, tmp_path, optdigits):
    run = train_tiny(seed=3, augmentation={"rotation": 5, "elastic": 0.5})
    path = dl.export(run, "yaml", tmp_path / "net.yaml")
    assert dl.load_model(path) == run.spec
    again = dl.train(str(path), optdigits, progress=False)  # without a recipe: by the file's
    assert again.config == run.config.changed(val_fraction=0.1, device="auto")
    for one, other in zip(run.model.parameters(), again.model.parameters(), strict=True):
        assert torch.equal(one, other)


def test_an_architecture_takes_its_presets_recipe_along_or_the_one_given(tmp_path):
    spec = dl.load_model("lenet-5")
    for what in ("lenet-5", spec):
        assert b"    epochs = 10  #" in exported(subject_of(what), "py")
    changed = spec.with_layers(spec.layers[:-1])
    assert b"    epochs = 10  #" in exported(subject_of(changed, {"epochs": 10}), "py")
    assert b"recipe:\n  epochs: 3\n" in exported(subject_of(changed, {"epochs": 3}), "yaml")
    path = dl.export(changed, "yaml", tmp_path / "own.yaml", recipe={"epochs": 4})
    assert b"    epochs = 4  #" in exported(subject_of(path), "py")


def test_a_file_is_named_after_what_it_holds(tiny, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert dl.export(tiny.id[:-3], "yaml") == dl.export(tiny, "yaml")
    assert (tmp_path / f"{tiny.id}.yaml").is_file()
    new = str(tmp_path / "new") + "/"
    assert dl.export("lenet-5", "py", new) == tmp_path / "new" / "lenet-5.py"
    odd = dl.ModelSpec(name="../Ünter /dir", layers=["Flatten"])
    assert dl.export(odd, "yaml", tmp_path).parent == tmp_path


def test_what_cannot_be_exported_is_said(tmp_path, tiny):
    with pytest.raises(ExportError, match=r"no format 'pickle'; choose one of py, yaml.*epochs"):
        dl.export(tiny, "pickle")
    with pytest.raises(RunNotFoundError, match=r"no run 'nosuch'.*no preset 'nosuch'"):
        dl.export("nosuch", "py")
    with pytest.raises(SpecError, match=r"no file nosuch\.yaml"):
        dl.export("nosuch.yaml", "py")
    (tmp_path / "file").write_text("")
    with pytest.raises(ExportError, match="could not be written"):
        dl.export(tiny, "yaml", tmp_path / "file" / "net.yaml")
    with pytest.raises(ExportError, match="lenet-5 cannot be exported as csv: it is an arch"):
        dl.export("lenet-5", "csv")


def test_predictions_as_arrays_load_without_pickle(tiny, tmp_path):
    result = tiny.evaluate("test")
    path = dl.export(tiny, "npz", tmp_path)
    assert path.name == f"{tiny.id}-predictions.npz"
    with np.load(path, allow_pickle=False) as arrays:
        assert set(arrays) == {"logits", "probabilities", "labels", "classes"}
        assert (arrays["logits"].dtype, arrays["labels"].dtype) == (np.float32, np.int64)
        np.testing.assert_array_equal(arrays["logits"], result.logits)
        np.testing.assert_array_equal(arrays["probabilities"], result.probabilities)
        np.testing.assert_array_equal(arrays["labels"], result.labels)
        assert tuple(arrays["classes"]) == tuple(result.classes)
    other = subject_of(tiny, measured=tiny.evaluate("val"))  # what a page shows of another split
    with np.load(io.BytesIO(exported(other, "npz")), allow_pickle=False) as arrays:
        np.testing.assert_array_equal(arrays["labels"], tiny.evaluate("val").labels)


def test_a_source_has_the_formats_whose_needs_it_meets(tiny, train_tiny, add_record):
    results = {name for name, form in FORMATS.items() if form.part == "results"}
    assert results == {"csv", "npz", "kaggle", "classes", "confusion", "epochs"}
    assert formats_of(subject_of(tiny)) == tuple(FORMATS)
    assert formats_of(subject_of("lenet-5")) == ("py", "yaml", "safetensors", "onnx")
    assert formats_of(subject_of("svm")) == ("py", "yaml")
    joined = subject_of(dl.ensemble([tiny, train_tiny(seed=1)]))
    assert formats_of(joined, "model") == ("onnx",)
    assert formats_of(joined, "run") == ("report", "page", "card", "notebook")
    unmeasured = dl.open_run(add_record(status="stopped").id)
    assert formats_of(subject_of(unmeasured), "run") == ("zip",)
    assert formats_of(subject_of(unmeasured), "results") == ()
    measured = subject_of(unmeasured, measured=tiny.evaluate("val"))
    assert set(formats_of(measured, "results")) == results - {"epochs"}


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_says_what_it_is_and_a_file_keeps_its_format(name, tiny, tmp_path):
    form = FORMATS[name]
    assert form.title
    assert form.description.endswith(".")
    assert "/" in form.mime
    path = dl.export(tiny, name, tmp_path)
    assert path.name == form.file_name.format(tiny.id)
    assert path.stat().st_size > 0
