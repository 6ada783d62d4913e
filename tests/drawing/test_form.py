"""The boxes of a photographed form are read one by one; empty ones are empty."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

import digitlab as dl
from digitlab.drawing.form import find_written
from digitlab.drawing.grid import find_grid
from digitlab.errors import DrawingError
from tests.drawing.photographed import boxed_page, filled_sheet, photograph
from tests.drawing.test_grid import SUDOKU

EMPTY = {(3, 4), (9, 9)}


def test_a_photographed_sudoku_is_read():
    form = dl.read_form(photograph(boxed_page(SUDOKU, thick=5), 1))
    table = ["".join(text or " " for text in row) for row in form.table]
    assert table == SUDOKU
    assert not form.is_sheet


def test_a_photographed_sheet_becomes_a_dataset():
    for quarters, paper in ((0, "a4"), (1, "letter")):
        form = dl.read_form(photograph(filled_sheet(paper, EMPTY), quarters, quarters=quarters))
        assert form.is_sheet
        assert len(form.filled) == 98
        assert not EMPTY & set(form.filled)
        doubtful = [cell for row in form.cells for cell in row if cell.doubtful]
        assert len(doubtful) <= 3
        dl.keep_form(form, "class-7b")
    data = dl.load_dataset("collection:class-7b")
    labels = np.concatenate([data.train.labels, data.val.labels, data.test.labels])
    assert len(labels) == 196
    assert np.bincount(labels).tolist() == [20, 20, 20, 18, 20, 20, 20, 20, 20, 18]


def test_corrections_are_what_is_kept():
    form = dl.read_form(boxed_page(["470", "1 2"], gap=20))
    assert form.table == [["4", "7", "0"], ["1", "", "2"]]
    dl.keep_form(form, "mine", [["4", "1", "x"], ["", "5", "2"]], leave_out={(1, 2)})
    data = dl.load_dataset("collection:mine")
    assert sorted([*data.train.labels.tolist(), *data.test.labels.tolist()]) == [1, 4]
    with pytest.raises(dl.DigitlabError, match="No box holds a digit"):
        dl.keep_form(form, "mine", [[""] * 3] * 2)


def test_lines_are_no_ink():
    grid = find_grid(np.asarray(photograph(boxed_page(["    ", " 1  ", "    "], thick=7), 4)))
    written = find_written(grid)
    assert [ink.any() for ink in written] == [False] * 5 + [True] + [False] * 6
    rows, columns = np.nonzero(written[5])
    assert np.ptp(columns) < 0.5 * written[5].shape[1]  # the 1 alone
    assert rows.min() > 0


def test_a_photo_without_boxes_is_one_clear_error():
    with pytest.raises(DrawingError, match="No boxes in rows"):
        dl.read_form(Image.new("RGB", (300, 200), "white"))
    with pytest.raises(DrawingError, match="must be a path"):
        dl.read_form(7)
