"""The lines under the cells of the Results page: they run, and say what the page says."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.snippets import evaluation as snippets
from tests.snippets.snippet_runner import execute, untested


@pytest.fixture
def upload(tmp_path, monkeypatch, optdigits) -> str:
    """A file of labelled images in the folder where the snippet runs, as code."""
    monkeypatch.chdir(tmp_path)
    np.savez("mine.npz", images=optdigits.test.images[:80], labels=optdigits.test.labels[:80])
    return "'mine.npz'"


@pytest.fixture(params=["own", "dataset", "upload"])
def named(request, run_id, upload) -> tuple:
    """A run measured on its own data, on a dataset by name, on an upload."""
    return {
        "own": (run_id, "test", None, None),
        "dataset": (run_id, "test", "optdigits", None),
        "upload": (run_id, "test", None, upload),
    }[request.param]


def test_evaluation(named):
    names, printed = execute(snippets.evaluation(*named))
    assert names["result"].n == (80 if named[3] else 359)
    assert str(names["result"].accuracy) in printed
    assert "cohen_kappa" in printed


def test_per_class(named):
    names, printed = execute(snippets.per_class(*named))
    assert printed.count("\n") == 1 + len(names["result"].per_class)


def test_confusion(named):
    names, printed = execute(snippets.confusion(*named, mode="errors", similar=True))
    assert names["result"].confusion.sum() == names["result"].n
    assert "Confused" in printed


@pytest.mark.parametrize(("true", "read"), [(3, 3), (8, None), (None, 1)])
def test_confusion_shows_the_images_of_a_part(named, true, read):
    names, _ = execute(snippets.confusion(*named, true=true, read=read))
    assert len(names["images"]) == len(names["positions"])
    if true is not None:
        assert set(names["result"].labels[names["positions"]]) <= {true}


def test_mistakes(named):
    names, _ = execute(snippets.mistakes(*named))
    assert len(names["images"]) == len(names["mistakes"]) == len(names["result"].errors)
    narrow, _ = execute(snippets.mistakes(*named, true=8, read=1, above=0.25, by="loss"))
    assert set(narrow["mistakes"].true) <= {8}
    assert (narrow["mistakes"].confidence >= 0.25).all()


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
def test_closeup(named, metric):
    names, printed = execute(snippets.closeup(*named, position=5, metric=metric))
    assert names["image"].shape == (1, 28, 28)
    assert "Neighbour(position=" in printed


def test_closeup_of_a_training_image_leaves_itself_out(run_id):
    _, printed = execute(snippets.closeup(run_id, "train", position=5))
    assert "Neighbour(position=5," not in printed


def test_ranking(named):
    names, printed = execute(snippets.ranking(*named))
    assert printed.count("\n") == len(names["curves"]) == 10
    assert len(names["roc"].data) == len(names["recall"].data) == 10


def test_calibration(named):
    names, _ = execute(snippets.calibration(*named, bins=10))
    assert len(names["rescaled"].after.bins) == 10
    assert names["rescaled"].before == names["calibration"]
    alone, _ = execute(snippets.calibration(*named, rescaled=False))
    assert "rescaled" not in alone


def test_coverage(named):
    names, printed = execute(snippets.coverage(*named, threshold=0.5))
    assert printed.startswith("Declined(threshold=0.5")
    assert names["figure"].data


def test_the_split_is_the_one_that_is_shown(run_id, optdigits):
    names, _ = execute(snippets.evaluation(run_id, "val"))
    assert names["result"].n == len(optdigits.val)
    assert names["result"].accuracy == dl.open_run(run_id).evaluate("val").accuracy


def test_every_snippet_is_run_here():
    assert not untested(snippets, globals())
