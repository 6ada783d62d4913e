"""What a photo with boxes is read as, before anybody chooses."""

from __future__ import annotations

import numpy as np

from digitlab.analysis.recognize import read_form
from digitlab.drawing.grid import find_grid
from digitlab.ui.drawing.form import _falls_apart
from tests.drawing.photographed import boxed_page, write_in


def read(page):
    return read_form(find_grid(np.asarray(page)))


def test_writing_across_squares_is_no_form_and_writing_in_boxes_is_one():
    squares = boxed_page([" " * 8] * 8, line=150)
    write_in(squares, (170, 130, 560, 640), "3", seed=2)
    assert _falls_apart(read(squares))
    assert not _falls_apart(read(boxed_page(["470", "1 2"])))
    assert not _falls_apart(read(boxed_page(["   ", "   "])))
