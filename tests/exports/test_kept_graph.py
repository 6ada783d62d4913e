"""The graph beside a run's weights answers as they do, and only as long as they stay."""

from __future__ import annotations

import numpy as np
import onnxruntime

from digitlab import files
from digitlab.analysis.recognize import find_predictor
from digitlab.exports import kept_graph
from digitlab.exports.kept_graph import keep_graph
from digitlab.models.build import summarize
from digitlab.runs import run_folder
from digitlab.runs.graph import find_graph


def test_a_runs_graph_is_kept_until_its_weights_change(train_tiny):
    run, other = train_tiny(), train_tiny("two-hidden-64-relu")
    assert find_graph(run) is None
    assert keep_graph(run)
    graph = find_graph(run)
    assert (
        b"stack_trace" not in graph.read_bytes()
    )  # it may be downloaded: no paths of this machine
    assert keep_graph(run)
    images = np.random.default_rng(1).integers(0, 256, (300, 1, 28, 28), dtype=np.uint8)
    assert np.abs(find_predictor(run)(images) - run.predict(images)).max() < 1e-4
    content = (other.folder / run_folder.WEIGHTS).read_bytes()
    files.write_atomically(run.folder / run_folder.WEIGHTS, content)
    assert find_graph(run) is None


def test_a_graph_that_answers_otherwise_is_never_there(tiny, monkeypatch):
    there = []

    def compare(run, graph):
        there.append(find_graph(run))
        return False

    monkeypatch.setattr(kept_graph, "_answers_alike", compare)
    assert not keep_graph(tiny)
    assert [*there, find_graph(tiny)] == [None, None]


def test_its_activations_are_bounded(tiny, monkeypatch):
    taken, sizes = summarize(tiny.spec).activation_bytes, []
    monkeypatch.setenv("DIGITLAB_COMPUTE_MEMORY", str(40 * (taken - 1)))
    assert not keep_graph(tiny)  # one image is too much
    monkeypatch.setenv("DIGITLAB_COMPUTE_MEMORY", str(40 * 7 * taken))
    assert keep_graph(tiny)

    class Session(onnxruntime.InferenceSession):
        def run(self, outputs, inputs):
            sizes.append(len(inputs["images"]))
            return super().run(outputs, inputs)

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    find_predictor(tiny)(np.zeros((20, 1, 28, 28), np.uint8))
    assert sizes == [7, 7, 6]
