"""Figures of differences: what is better looks better."""

from __future__ import annotations

import numpy as np

from digitlab.figures import differences
from tests.figures.test_comparison import ROWS


def test_more_hits_and_fewer_errors_have_the_same_side_of_the_scale():
    a = np.array([[8, 2], [1, 9]])
    b = np.array([[9, 1], [3, 7]])
    cells = differences.confusion_difference(a, b, "xy", "old", "new").data[0]
    shown = np.array(cells.z, dtype=float)
    assert (shown[0] > 0).all()  # a hit gained, a mistake lost
    assert (shown[1] < 0).all()  # mistakes gained, hits lost
    assert [list(row) for row in cells.text] == [["+1", "−1"], ["+2", "−2"]]
    assert "old 1 images, new 3" in cells.hovertext[1][0]


def test_equal_matrices_say_that_nothing_changed():
    figure = differences.confusion_difference(np.eye(3, dtype=int), np.eye(3, dtype=int), "abc")
    assert "no cell" in figure.layout.annotations[0].text
    assert np.isnan(np.array(figure.data[0].z, dtype=float)).all()


def test_many_classes_have_colours_without_numbers():
    matrix = np.eye(47, dtype=int)
    figure = differences.confusion_difference(matrix, 2 * matrix, [str(i) for i in range(47)])
    assert figure.data[0].texttemplate is None


def test_class_differences_are_in_points_and_skip_the_undefined():
    recall = differences.class_differences([ROWS], ["large"], [1], "small")
    assert recall.data[0].x == (1.0,)
    assert recall.data[0].y == (0,)
    f1 = differences.class_differences([ROWS], ["large"], [1], "small", "f1")
    assert f1.data[0].x == (-2.0, 0.0)
    assert "small" in f1.layout.title.text
