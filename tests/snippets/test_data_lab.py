"""The lines under the cells of the data lab run as they stand and print what the page shows."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.snippets import data_lab
from tests.snippets.snippet_runner import execute, untested


def test_dataset_map():
    names, printed = execute(data_lab.dataset_map("optdigits", "train", "pca", "network"))
    assert names["drawn"].points.shape == (1_294, 2)
    assert len(printed.splitlines()) == 5


def test_duplicates():
    _, printed = execute(data_lab.duplicates("optdigits"))
    assert "('train', 'test'): 1" in printed
    assert "Place(split='test'" in printed


@pytest.mark.parametrize("split", ["train", "test"])
def test_outliers(split):
    names, printed = execute(data_lab.outliers("optdigits", split))
    assert len(names["outliers"]) == 1_797
    assert 0 < len(printed.splitlines()) < 100


def test_dataset_label_issues():
    _, printed = execute(data_lab.dataset_label_issues("optdigits", "train"))
    assert "→" in printed


def test_version(optdigits):
    changes = [dl.Change(split="train", index=1, label=3), dl.Change(split="test", index=0)]
    execute(data_lab.version("optdigits", "better", changes))
    assert len(dl.load_dataset("better").test) == len(optdigits.test) - 1


@pytest.mark.parametrize("seeds", [1, 2])
def test_improvement(optdigits, train_tiny, seeds):
    dl.add_version("better", optdigits, [dl.Change(split="test", index=0)])
    recipe = {"epochs": 1, "batch_size": 128, "learning_rate": 0.01}
    code = data_lab.improvement("logistic-regression", recipe, "optdigits", "better", seeds)
    names, printed = execute(code)
    assert [result.n for result in names["results"]] == [358] * 2 * seeds
    assert ("p_value" in printed) == (seeds > 1)
    execute(data_lab.improvement(train_tiny(epochs=1).id, None, "optdigits", "better", 1))


def test_every_snippet_is_tested():
    assert not untested(data_lab, globals())
