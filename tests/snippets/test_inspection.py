"""The lines under the cells on attributions, layers, suspects and robustness: they run."""

from __future__ import annotations

import pytest

from digitlab.snippets import inspection as snippets
from tests.snippets.snippet_runner import execute, untested


@pytest.fixture(autouse=True)
def _little_data(tmp_path, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))


@pytest.fixture(params=["own", "dataset"])
def named(request, run_id) -> tuple:
    """A run measured on its own data, and on a dataset by name."""
    return (run_id, "test", "optdigits" if request.param == "dataset" else None, None)


def test_attribution(named):
    code = snippets.attribution(*named, position=3, method="occlusion", target=2)
    names, _ = execute(code)
    assert names["attributions"].shape == (28, 28)
    assert names["figure"].data


def test_first_weights(run_id):
    names, printed = execute(snippets.first_weights(run_id))
    assert "pixels" in printed
    assert names["figure"].data


def test_layer_maps(named):
    names, printed = execute(snippets.layer_maps(*named, position=3, layer="1"))
    assert "LayerOutput(name='1', kind='Linear', shape=(10,))" in printed
    assert names["maps"].shape == (1, 1, 10)


def test_embedding(named):
    names, _ = execute(snippets.embedding(*named, method="pca"))
    assert names["points"].shape == (359, 2)


@pytest.mark.parametrize("split", ["test", "train"])
def test_label_issues(run_id, split):
    names, _ = execute(snippets.label_issues(run_id, split, count=12, basis="pixels"))
    assert len(names["images"]) == len(names["issues"]) == 12


def test_label_issues_of_another_dataset(run_id):
    names, _ = execute(snippets.label_issues(run_id, "test", "optdigits"))
    assert len(names["images"]) == 60


def test_label_issues_by_all_runs_together(run_id):
    names, printed = execute(snippets.label_issues(run_id, "test", together=True))
    assert len(names["images"]) == 60
    assert "logistic-regression" in printed.lower().replace(" ", "-")


def test_robustness(run_id):
    names, printed = execute(snippets.robustness(run_id, images=30))
    assert names["card"].n == 30
    assert "rotation [0, 10" in printed


def test_every_snippet_is_run_here():
    assert not untested(snippets, globals())
