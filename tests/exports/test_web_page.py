"""What an exported web page holds of a network; tests/browser has what it computes."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.errors import ExportError
from digitlab.exports.export import exported, formats_of, lacks, subject_of
from digitlab.exports.onnx import to_onnx
from digitlab.exports.web_page.graph import LACKING, pack_graph
from digitlab.models.build import build
from digitlab.training.normalize import Normalization
from tests.exports.test_graph_code import spec_of


def test_only_matrices_are_stored_with_half_precision():
    spec = spec_of(
        "Flatten",
        {"Linear": {"out_features": 256}},
        "BatchNorm1d",
        {"Linear": {"out_features": 10}},
    )
    model = to_onnx(build(spec).eval(), Normalization(0.13, 0.31), spec.input, {})
    tensors = pack_graph(model, ("logits",))["tensors"].values()
    large = [tensor for tensor in tensors if np.prod(tensor["shape"]) >= 256]
    kinds = {(tensor["kind"], len(tensor["shape"])) for tensor in large}
    assert kinds == {("half", 2), ("float", 1)}


UNFLATTEN = {"Unflatten": {"dim": 2, "unflattened_size": [4, 7]}}


@pytest.mark.parametrize(
    "layers",
    [
        [{"Unfold": {"kernel_size": 7, "stride": 7}},
         {"Fold": {"output_size": [28, 28], "kernel_size": 7, "stride": 7}}],
        [UNFLATTEN, {"Conv3d": {"out_channels": 2, "kernel_size": 3}}],
        [UNFLATTEN, {"MaxPool3d": {"kernel_size": 2}}],
    ],
)  # fmt: skip
def test_a_layer_that_a_page_lacks_is_named(layers):
    (name,) = layers[1]
    spec = spec_of(*layers, "Flatten", {"Linear": {"out_features": 10}})
    model = to_onnx(build(spec).eval(), Normalization(0.13, 0.31), spec.input, {})
    with pytest.raises(ExportError, match=f"A web page cannot compute {name}, which"):
        pack_graph(model, ("logits",))
    assert name in LACKING


def test_a_run_with_such_a_layer_is_offered_no_page_and_the_reason_is_told(train_tiny):
    pool = [UNFLATTEN, {"MaxPool3d": {"kernel_size": 2}}]
    run = train_tiny(spec_of(*pool, "Flatten", {"Linear": {"out_features": 10}}), epochs=1)
    assert "page" not in formats_of(subject_of(run))
    assert lacks(subject_of(run), "page") == "a page cannot compute MaxPool3d"


def test_a_page_links_back_to_where_its_run_is_shown(tmp_path):
    link = "https://lab.example/Results?run=reader&view=results"
    text = exported(subject_of("reader", link=link), "page").decode()
    assert 'href="https://lab.example/Results?run=reader&amp;view=results"' in text
    assert "<a " not in dl.export("reader", "page", tmp_path / "page.html").read_text("utf-8")
