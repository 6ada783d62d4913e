"""Boxes are found in photos, straightened and put into rows; what are no boxes is not."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageDraw

from digitlab.drawing.grid import find_grid, fit_transform, project
from tests.drawing.photographed import boxed_page, photograph
from tests.drawing.test_paper import photo

SUDOKU = [
    "53  7    ",
    "6  195   ",
    " 98    6 ",
    "8   6   3",
    "4  8 3  1",
    "7   2   6",
    " 6    28 ",
    "   419  5",
    "    8  79",
]


@pytest.mark.parametrize("line", [20, 120, 200])
def test_a_photographed_sudoku_has_nine_by_nine_boxes(line):
    page = boxed_page(SUDOKU, line=line, thick=5)
    grid = find_grid(np.asarray(photograph(page, line)))
    assert (grid.shape, grid.regular) == ((9, 9), True)
    boxes = np.array(grid.rows)
    sides = boxes[..., 2:] - boxes[..., :2]
    assert np.ptp(sides) < 0.2 * sides.mean()  # straight: all squares of one size


def test_boxes_apart_and_rows_of_any_length_are_found():
    assert find_grid(np.asarray(boxed_page(["4711"], gap=25))).shape == (1, 4)
    grid = find_grid(np.asarray(photograph(boxed_page(["12345", "67", "890"], gap=25), 3)))
    assert not grid.regular
    assert [len(row) for row in grid.rows] == [5, 2, 3]


def test_a_box_that_is_written_over_is_found_by_its_neighbours():
    page = boxed_page(SUDOKU)
    ImageDraw.Draw(page).line([(250, 250), (400, 420)], fill=(40, 45, 90), width=9)
    assert find_grid(np.asarray(page)).shape == (9, 9)


def test_a_box_of_a_single_row_is_found_by_the_even_spacing():
    page = boxed_page(["47 11"], gap=25)
    ImageDraw.Draw(page).line([(270, 120), (395, 120)], fill=(40, 45, 90), width=9)
    grid = find_grid(np.asarray(page))
    assert grid.shape == (1, 5)
    assert np.diff([left for left, *_ in grid.rows[0]]) == pytest.approx([105] * 4, abs=4)


def test_what_has_no_boxes_is_no_grid():
    for text in ("140", "207"):
        assert find_grid(np.asarray(photo(text))) is None
    text = Image.new("L", (600, 400), 255)
    ImageDraw.Draw(text).text((30, 30), "8008 0880 8888\n0000 8080 BOOB", font_size=60)
    assert find_grid(np.asarray(text)) is None
    for shape in ((1, 1), (3, 500), (300, 300, 4)):
        assert find_grid(np.zeros(shape, np.uint8)) is None
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3)).astype(np.uint8)
    assert find_grid(noise) is None


def test_a_grid_turned_back_is_the_grid():
    grid = find_grid(np.asarray(boxed_page(["123", "456"])))
    turned = grid.turn(1, mirrored=True)
    assert turned.shape == (3, 2)
    again = turned.turn(1, mirrored=True)
    assert again.rows == grid.rows
    assert (again.image == grid.image).all()


def test_a_perspective_is_fitted_to_its_points():
    square = np.array([(0, 0), (1, 0), (1, 1), (0, 1)], float)
    seen = np.array([(10, 12), (95, 20), (88, 70), (5, 80)], float)
    assert project(fit_transform(square, seen), square) == pytest.approx(seen)


def test_the_straightened_picture_shows_the_photo():
    page = boxed_page(["12", "34"])
    file = io.BytesIO()
    page.save(file, "PNG")
    grid = find_grid(np.asarray(Image.open(file)))
    left, top, right, bottom = grid.rows[0][0]
    assert grid.image[top:bottom, left:right].min() < 60  # the 1
    assert grid.image[top + 2, left + 2].min() > 230  # paper, not the box's line
