"""The lines under each cell of the Compare page: every snippet runs and says what the page says."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.evaluation.comparison import compare_pair
from digitlab.snippets import comparison as snippets
from tests.snippets.snippet_runner import execute, untested


@pytest.fixture
def pair(run_id):
    """Two runs on optdigits: the one of all tests, and one with another seed and recipe."""
    config = dl.TrainConfig(epochs=1, batch_size=64, learning_rate=0.01, seed=1)
    return run_id, dl.train("logistic-regression", "optdigits", config, progress=False).id


def test_settings(pair):
    _, printed = execute(snippets.settings(pair))
    assert "batch_size [128, 64]" in printed
    assert "seed [0, 1]" in printed
    assert "optimizer" not in printed


@pytest.mark.parametrize("over", ["epoch", "step", "elapsed"])
def test_curves(pair, over):
    names, _ = execute(snippets.curves(pair, over))
    assert all(len(figure.data) == 2 for figure in names["figures"])


def test_classic(pair):
    names, printed = execute(snippets.classic(pair))
    assert sum(line.marker.symbol == "star" for line in names["figure"].data) == 2
    assert names["best"].id in printed


def test_cost(pair):
    names, printed = execute(snippets.cost(pair))
    assert len(names["figure"].data) == 3
    assert any(run_id in printed for run_id in pair)


def test_difference(pair):
    names, printed = execute(snippets.difference(*pair))
    a, b = (dl.open_run(run_id).evaluate("test") for run_id in pair)
    assert names["pair"].difference == pytest.approx(b.accuracy - a.accuracy)
    assert str(compare_pair(a, b).p_value) in printed


def test_seeds(pair):
    _, printed = execute(snippets.seeds([pair]))
    assert "SeedSummary(n=2" in printed


def test_lines_on_versions_of_a_dataset_count_what_both_have(optdigits, train_tiny):
    dl.add_version("less", optdigits, [dl.Change(split="test", index=0)])
    a, b = train_tiny().id, train_tiny(data=dl.load_dataset("less")).id
    for code in (
        snippets.difference(a, b, together=True),
        snippets.classes(a, b, "f1", together=True),
        snippets.confusion(a, b, together=True),
        snippets.images([a, b], a, b, together=True),
    ):
        names, _ = execute(code)
        assert names["a"].n == names["b"].n == 358


@pytest.mark.parametrize("metric", ["recall", "f1"])
def test_classes(pair, metric):
    names, printed = execute(snippets.classes(*pair, metric))
    assert printed.count("\n") == 10
    assert names["figure"].data


def test_confusion(pair):
    names, _ = execute(snippets.confusion(*pair))
    assert (names["b"].confusion - names["a"].confusion).sum() == 0
    assert names["figure"].data


def test_images(pair):
    names, printed = execute(snippets.images(pair, *pair))
    assert "all miss" in printed
    assert len(names["pictures"]) == len(names["missed"]) == names["pair"].both_wrong
    assert np.isin(names["missed"], names["a"].errors.position).all()


def test_architectures(pair):
    _, printed = execute(snippets.architectures(*pair))
    assert printed.count("Linear") == 2
    assert "parameters" in printed


def test_every_snippet_is_run_here():
    assert not untested(snippets, globals())
