"""Figures of a reading: a box for each digit, a lit cell for each answer."""

from __future__ import annotations

import numpy as np

from digitlab.figures import palette
from digitlab.figures.recognition import answer_strip, boxed_drawing


def test_every_digit_has_its_box_and_a_doubtful_one_stands_out():
    ink = np.zeros((200, 300), np.uint8)
    boxes = [(10, 20, 60, 120), (100, 20, 160, 120)]
    figure = boxed_drawing(ink, boxes, ["2 · 99 %", "0 ?"], [False, True], chosen=0)
    first, second = figure.layout.shapes
    assert (first.x0, first.x1) == (8, 62)
    assert first.y1 - first.y0 == 104
    assert first.line.color == palette.ACCENT
    assert second.line.color == palette.VAL
    assert second.line.dash
    assert first.line.width > second.line.width
    assert list(figure.data[1].text) == ["2 · 99 %", "0 ?"]


def test_boxes_lie_where_the_digits_are_also_on_a_large_photograph():
    figure = boxed_drawing(np.zeros((2000, 3000), np.uint8), [(0, 0, 9, 9)], ["1"], [False])
    picture = figure.data[0]
    assert picture.dx == picture.dy == 5
    assert tuple(figure.layout.xaxis.range) == (0, 3000)


def test_each_model_has_a_row_and_its_answer_is_marked():
    figure = answer_strip(["a", "a"], np.array([[0.1, 0.9], [0.995, 0.005]]), "47")
    (strip,) = figure.data
    assert list(strip.y) == ["1. a", "2. a"]  # two runs of one name are two rows
    assert (strip.zmin, strip.zmax) == (0, 100)
    marks = [(note.x, note.y, note.text) for note in figure.layout.annotations]
    assert marks == [("7", "1. a", "●"), ("4", "2. a", "●")]
