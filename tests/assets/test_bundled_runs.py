"""The runs that come with digitlab open offline, keep what they promise, and read digits."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.analysis.recognize import default_reader
from digitlab.evaluation.softmax import softmax
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs import run_folder
from digitlab.runs.graph import find_graph, read_graph
from digitlab.runs.run import list_bundled


@pytest.fixture(params=[run.id for run in list_bundled()] or [None])
def bundled(request):
    if request.param is None:
        pytest.skip("no run is bundled")
    return dl.open_run(request.param)


def test_it_is_whole_and_read_only(bundled):
    record = bundled.record
    assert record.bundled
    assert record.status == "finished"
    assert bundled.folder.parent == run_folder.ASSETS
    assert dl.ModelSpec.from_yaml((bundled.folder / run_folder.SPEC).read_text()) == bundled.spec
    assert json.loads((bundled.folder / run_folder.CONFIG).read_text()) == record.config
    assert record.epochs == len(bundled.history.epochs)
    if classical_kind(bundled.spec) is None:
        assert bundled.config.epochs == record.epochs
        assert bundled.history.steps[-1]["step"] == record.total_steps
    assert record.environment["torch"]
    assert len(record.data.fingerprint) == 64
    assert sum(path.stat().st_size for path in bundled.folder.iterdir()) < 3_000_000


def test_its_figures_follow_from_its_saved_predictions_without_the_dataset(bundled, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATA", "/nowhere")
    result = bundled.evaluate("test")
    assert result.n == 10_000
    assert result.accuracy == pytest.approx(bundled.record.test_accuracy)
    assert bundled.evaluate("val").accuracy == pytest.approx(bundled.record.val_accuracy)


def test_its_weights_give_its_saved_predictions(bundled, mnist):
    saved = bundled.evaluate("test")
    images = mnist.test.images[:300]
    assert np.allclose(bundled.predict(images), saved.probabilities[:300], atol=1e-4)
    assert bundled.record.data.fingerprint == mnist.fingerprint


def test_its_graph_answers_as_its_weights_do(bundled, optdigits):
    images = optdigits.test.images[:100].numpy()
    images = np.concatenate([images, 255 - images])
    logits = read_graph(find_graph(bundled))(images)
    expected = bundled.predict_logits(torch.from_numpy(images)).numpy()
    assert np.abs(softmax(logits) - softmax(expected)).max() < 1e-4


def test_it_opens_by_its_beginning_and_where_no_home_can_be(bundled, home):
    home.write_text("in the way")
    assert dl.open_run(bundled.id).record == bundled.record
    home.unlink()
    others = [run.id for run in list_bundled() if run.id != bundled.id]
    if not any(other.startswith(bundled.id[:-1]) for other in others):
        assert dl.open_run(bundled.id[:-1]).id == bundled.id


def test_the_default_reader_is_the_one_trained_for_drawings():
    assert default_reader().id == "reader"
    drawing = np.full((200, 200), 255, np.uint8)
    drawing[30:170, 95:107] = 0
    assert dl.recognize(drawing).text == "1"


def test_without_any_a_drawing_needs_a_run_to_be_named(monkeypatch, tmp_path):
    monkeypatch.setattr(run_folder, "ASSETS", tmp_path)
    with pytest.raises(dl.DigitlabError, match="run='latest'"):
        dl.recognize(np.zeros((10, 10), np.uint8))
