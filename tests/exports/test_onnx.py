"""Graphs as ONNX: the same logits, for one image and for several."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digitlab.exports.onnx import to_onnx
from digitlab.models.build import build
from digitlab.models.spec import ModelSpec
from tests.exports.test_graph_code import every_operation, residual, spec_of

SEQUENCES = spec_of(
    {"Reshape": {"name": "rows", "shape": [28, 28]}},
    {"Parameter": {"name": "token", "shape": [1, 1, 28], "init": "normal"}},
    {"Concatenate": {"name": "tokens", "from": ["token", "rows"]}},
    {"Parameter": {"name": "position", "shape": [29, 28], "init": "normal"}},
    {"Add": {"from": ["tokens", "position"]}},
    {"MultiheadAttention": {"name": "attention", "num_heads": 2}},
    {"TransformerEncoderLayer": {"nhead": 2, "dim_feedforward": 16}},
    {"LSTM": {"hidden_size": 4, "bidirectional": True, "output": "hidden"}},
    "Flatten",
    {"Linear": {"name": "wide", "out_features": 8}},
    {"Reuse": {"layer": "wide"}},
    {"Linear": {"name": "mean", "out_features": 4}},
    {"Linear": {"name": "log_variance", "out_features": 4, "from": "again"}},
    {"Reparameterize": {"from": ["mean", "log_variance"]}},
)
SEQUENCES = SEQUENCES.with_layers(
    [layer.named("again") if layer.type == "Reuse" else layer for layer in SEQUENCES.layers]
)
SHORTCUTS = spec_of(
    {"Conv2d": {"name": "stem", "out_channels": 4, "kernel_size": 3, "stride": 2}},
    *residual("layer1", "stem", 8, 2),
    {"GaussianNoise": {"std": 0.5}},
    {"Mean": {"dim": [2, 3]}},
)


@pytest.mark.parametrize(
    "spec", [every_operation(), SEQUENCES, SHORTCUTS], ids=["operations", "sequences", "shortcuts"]
)
def test_a_graph_gives_the_same_logits(spec: ModelSpec):
    onnxruntime = pytest.importorskip("onnxruntime")
    network = build(spec, seed=0).eval()
    file = to_onnx(network, lambda images: images.float() / 255, spec.input, {})
    session = onnxruntime.InferenceSession(file, providers=["CPUExecutionProvider"])
    for count in (1, 5):
        images = torch.randint(0, 256, (count, *spec.input), dtype=torch.uint8)
        with torch.inference_mode():
            expected = network(images.float() / 255).numpy()
        logits, _ = session.run(None, {"images": images.numpy()})
        np.testing.assert_allclose(logits, expected, atol=1e-4, rtol=1e-3)
