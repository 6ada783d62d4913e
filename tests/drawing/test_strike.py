"""A line through a number strikes it out, one that it stands on is left out; bars are neither."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw

import digitlab as dl
from digitlab.drawing.strike import is_struck_out, without_underline
from digitlab.drawing.strokes import rasterise

SEVEN = [np.array([(95, 75), (185, 75), (135, 215)])]
BAR = [np.array([(115, 145), (172, 145)])]
TWO = [np.array([(95, 100), (110, 75), (150, 72), (172, 95), (160, 130), (95, 210), (180, 207)])]
FOUR = [
    np.array([(140, 70), (95, 160), (190, 158)]),
    np.array([(160, 120), (150, 215)]),
]
LOOPS = [(165, 90), (140, 72), (112, 92), (120, 125), (160, 155), (172, 190), (140, 213)]
EIGHT = [np.array([*LOOPS, (108, 190), (122, 155), (160, 120), (165, 90)])]


def scan(strokes: list[np.ndarray], line: tuple[int, int, int, int] | None = None) -> Image.Image:
    grey = Image.fromarray(255 - rasterise(strokes, (280, 280), 11)[..., 3])
    if line:
        ImageDraw.Draw(grey).line(line, fill=20, width=8)
    return grey


@pytest.mark.parametrize("strokes", [SEVEN, TWO, FOUR, EIGHT])
@pytest.mark.parametrize("line", [(70, 140, 215, 140), (65, 165, 215, 120)])
def test_what_is_struck_out_is_declined(strokes, line):
    read = dl.recognize(scan(strokes, line))
    assert read.text == "?"
    assert "struck out" in read.declined


def test_of_two_numbers_the_one_that_is_not_struck_out_is_read():
    moved = [stroke + np.array((140, 0)) for stroke in EIGHT]
    grey = Image.fromarray(255 - rasterise([*TWO, *moved], (440, 280), 11)[..., 3])
    ImageDraw.Draw(grey).line((72, 150, 205, 135), fill=20, width=7)
    assert dl.recognize(grey).text == "?8"


@pytest.mark.parametrize("strokes", [SEVEN, SEVEN + BAR, TWO, FOUR, EIGHT])
def test_a_bar_of_a_digit_is_no_strike_and_its_foot_no_underline(strokes):
    mark = rasterise(strokes, (280, 280), 11)[..., 3] > 127
    rows, columns = np.nonzero(mark)
    mark = mark[rows.min() : rows.max() + 1, columns.min() : columns.max() + 1]
    assert not is_struck_out(mark)
    assert np.array_equal(without_underline(mark), mark)


@pytest.mark.parametrize(("strokes", "text"), [(SEVEN, "7"), (TWO, "2"), (FOUR, "4"), (EIGHT, "8")])
def test_an_underline_that_meets_a_digit_is_left_out(strokes, text):
    read = dl.recognize(scan(strokes, (65, 219, 215, 221)))
    assert read.text == text
    assert read.ruling is not None
