"""Runs on a dataset and its versions are judged on the same images, by the latest labels."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.analysis.shared_test import share_test
from digitlab.errors import RunError
from digitlab.evaluation.comparison import compare_pair


def test_runs_on_versions_are_judged_on_the_images_that_they_share(optdigits, train_tiny):
    right = int(optdigits.test.labels[5])
    first = [
        dl.Change(split="test", index=2),
        dl.Change(split="test", index=5, label=1 - right % 2),
    ]
    dl.add_version("first", optdigits, first)
    second = [dl.Change(split="test", index=0), dl.Change(split="train", index=7, label=3)]
    dl.add_version("second", dl.load_dataset("first"), second)
    names = ("optdigits", "first", "second")
    runs = [train_tiny(data=dl.load_dataset(name)) for name in names]
    results = dl.evaluate_together(runs)
    assert [result.n for result in results] == [357, 357, 357]
    newest = dl.load_dataset("second").test.labels.numpy()
    assert all(np.array_equal(result.labels, newest) for result in results)
    assert np.array_equal(results[2].logits, runs[2].evaluate("test").logits)
    assert np.array_equal(results[0].logits, runs[0].evaluate("test").logits[[1, *range(3, 359)]])
    assert compare_pair(results[0], results[2]).n == 357


def test_a_version_with_the_same_test_part_changes_no_result(optdigits, train_tiny):
    dl.add_version("fixed", optdigits, [dl.Change(split="train", index=7, label=3)])
    runs = [train_tiny(), train_tiny(data=dl.load_dataset("fixed"))]
    assert dl.evaluate_together(runs)[0].accuracy == runs[0].record.test_accuracy
    dl.rename_dataset("fixed", "renamed")
    results = [run.evaluate("test") for run in runs]
    assert share_test([run.record for run in runs], results).judge == 1
    dl.delete_dataset("renamed")  # another one of the same name is no version of it
    dl.add_version("fixed", optdigits, [dl.Change(split="test", index=0)])
    assert share_test([run.record for run in runs], results) is None


def test_siblings_are_judged_where_their_labels_agree_whichever_comes_first(optdigits, train_tiny):
    right = optdigits.test.labels.numpy()
    for name, row in (("one", 3), ("other", 4)):
        label = int(right[row] + 1) % 10
        dl.add_version(name, optdigits, [dl.Change(split="test", index=row, label=label)])
    runs = [train_tiny(data=dl.load_dataset(name)) for name in ("one", "other", "optdigits")]
    agreed = np.delete(right, [3, 4])
    for order in (runs, runs[::-1], runs[:2]):
        assert all(np.array_equal(r.labels, agreed) for r in dl.evaluate_together(order))


def test_runs_on_unrelated_data_share_nothing(optdigits, train_tiny):
    runs = [train_tiny(), dl.open_run("lenet")]
    with pytest.raises(RunError, match="optdigits, mnist"):
        dl.evaluate_together(runs)
