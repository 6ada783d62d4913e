"""Classes that are taken for each other stand side by side, in the same order every time."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.evaluation import similarity_order


def test_what_is_confused_stands_side_by_side():
    confusion = 100 * np.eye(6, dtype=np.int64)
    confusion[0, 5], confusion[3, 1], confusion[1, 3], confusion[2, 4] = 30, 20, 20, 10
    order = similarity_order(confusion).tolist()
    assert sorted(order) == list(range(6))
    for a, b in ((0, 5), (1, 3), (2, 4)):
        assert abs(order.index(a) - order.index(b)) == 1


@pytest.mark.parametrize("classes", [1, 2, 10, 47])
def test_without_confusions_the_labels_order_stays(classes):
    assert similarity_order(np.eye(classes, dtype=int)).tolist() == list(range(classes))


@pytest.mark.parametrize("classes", [3, 10, 47])
def test_it_is_an_order_of_all_classes_and_always_the_same(classes):
    confusion = np.random.default_rng(classes).integers(0, 50, (classes, classes))
    confusion[1] = 0  # a class that the split lacks
    order = similarity_order(confusion)
    assert sorted(order.tolist()) == list(range(classes))
    assert order.tolist() == similarity_order(confusion.copy()).tolist()
    assert order[0] < order[-1]
