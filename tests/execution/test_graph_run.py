"""A graph as a run: trained, analysed and exported as any other network."""

from __future__ import annotations

import importlib.util

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.analysis.activations import first_weights, layer_maps, list_outputs
from digitlab.analysis.attacks import is_differentiable
from digitlab.analysis.attribution import attribute, fitting_methods
from digitlab.analysis.embedding import embed
from digitlab.analysis.features import compute_features, nearest
from digitlab.exports.formats import FORMATS
from tests.models.small_graph import SMALL_GRAPH

RECIPE = dl.TrainConfig(
    epochs=2, batch_size=50, learning_rate=0.01, device="cpu", average=0.9, seed=1,
    channels_last=True,
)  # fmt: skip


@pytest.fixture
def run(optdigits):
    trained = dl.train(SMALL_GRAPH, optdigits, RECIPE, progress=False)
    assert trained.record.status == "finished", trained.record.message
    return dl.open_run(trained.id)


def test_a_graph_goes_through_everything(run, optdigits, tmp_path):
    """One test, so that it is trained once."""
    images = optdigits.test.images[:6]
    expected = run.predict_logits(images)
    assert run.evaluate("test").accuracy > 0.3
    for name in sorted(FORMATS, key=lambda name: name != "safetensors"):
        if not any(need(_subject(run)) for need in FORMATS[name].needs):
            check(name, dl.export(run, name, tmp_path / name), images, expected)
    check_inside(run, images)
    points = embed(run, optdigits.test)
    assert len(points) == len(optdigits.test)
    features = compute_features(run, optdigits.train)
    assert features.values.shape[1] == 12  # what enters fc
    assert nearest(run, features, images[0])
    tuned = dl.train(run.spec, optdigits, RECIPE, progress=False)
    assert torch.equal(tuned.predict_logits(images), expected)


def _subject(run):
    from digitlab.exports.export import subject_of

    return subject_of(run)


def check(name, path, images, expected) -> None:
    assert path.stat().st_size > 0
    if name == "onnx":
        session = pytest.importorskip("onnxruntime").InferenceSession(path)
        logits, _ = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(logits, expected.numpy(), atol=1e-4, rtol=1e-3)
    if name == "py":
        module = importlib.util.spec_from_loader("net", None)
        code = importlib.util.module_from_spec(module)
        exec(compile(path.read_text(encoding="utf-8"), "net.py", "exec"), vars(code))
        network = code.load_network(path.parent / "safetensors")
        with torch.inference_mode():
            logits = network(code.normalize(images))
        torch.testing.assert_close(logits, expected, atol=1e-4, rtol=1e-3)


def check_inside(run, images) -> None:
    shape = tuple(images.shape[1:])
    kinds = {layer.name: layer.kind for layer in list_outputs(run.model, shape)}
    assert kinds["block.sum"] == "Add"
    assert kinds["tokens"] == "Transpose"
    assert kinds["attention"] == "MultiheadAttention"
    assert kinds["rnn"] == "LSTM"
    for name in kinds:
        assert layer_maps(run.model, images[0], run.normalization, name).dim() == 3
    assert first_weights(run.model, shape).layer == "Conv2d stem.conv"
    assert is_differentiable(run.model)
    for method in fitting_methods(run.model, shape):
        pixels = attribute(run.model, images[0], 3, method, run.normalization)
        assert pixels.shape == (28, 28)
        assert pixels.abs().sum() > 0
