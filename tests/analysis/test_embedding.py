"""The embedding of a run: a seeded choice of images, kept with the run."""

from __future__ import annotations

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.analysis import embedding
from digitlab.analysis.features import last_hidden
from digitlab.errors import RunError
from digitlab.evaluation import EvaluationError
from digitlab.runs import run_folder


def test_a_choice_of_images_with_what_the_network_makes_of_them(run_id, optdigits, monkeypatch):
    monkeypatch.setattr(embedding, "MOST", 50)
    run = dl.open_run(run_id)
    hidden = embedding.hidden_sample(run, optdigits.test)
    assert len(hidden.positions) == 50
    expected = last_hidden(run.model, optdigits.test.images[hidden.positions], run.normalization)
    assert torch.equal(torch.from_numpy(hidden.values), expected)
    points = embedding.embed(run, optdigits.test, "pca")
    assert points.shape == (50, 2)
    assert (run.folder / "embedding-test-pca.safetensors").is_file()
    np.testing.assert_array_equal(points, embedding.embed(dl.open_run(run_id), optdigits.test))


def test_what_is_not_the_run_s_own_is_not_kept(run_id, optdigits):
    run = dl.open_run(run_id)
    embedding.embed(run, optdigits.val, "pca", keep=False)
    assert not list(run.folder.glob("embedding-*"))


def test_bad_wishes_end_in_a_sentence(run_id, optdigits):
    run = dl.open_run(run_id)
    with pytest.raises(EvaluationError, match=r"not '\.\./x'"):
        embedding.embed(run, optdigits.test, "../x")
    (run.folder / run_folder.WEIGHTS).unlink()
    with pytest.raises(RunError, match="no weights any more"):
        embedding.embed(run, optdigits.test)
