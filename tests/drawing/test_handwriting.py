"""Typed numbers become strokes that the reader reads, whoever writes them."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.drawing.handwriting import write
from digitlab.drawing.strokes import rasterise
from digitlab.errors import DrawingError

SQUARE, WIDE = (280, 280), (600, 240)


def read(text, size, seed):
    strokes, brush = write(text, size, brush=18, seed=seed)
    points = np.concatenate(strokes)
    assert (points > brush / 2).all()
    assert (points < np.array(size) - brush / 2).all()
    return dl.recognize(rasterise(strokes, size, brush), strokes=strokes).text


@pytest.mark.parametrize("seed", range(3))
def test_every_digit_is_legible(seed):
    assert [read(digit, SQUARE, seed) for digit in "0123456789"] == list("0123456789")


@pytest.mark.parametrize(
    ("text", "size", "lines"),
    [("2026", SQUARE, "2026"), ("314159", SQUARE, "3141\n59"), ("31415926", WIDE, "31415926")],
)
def test_numbers_fit_on_the_canvas(text, size, lines):
    assert read(text, size, seed=1) == lines


def test_each_seed_is_a_hand_of_its_own():
    (first,), _ = write("7", SQUARE, brush=18, seed=1)
    (same,), _ = write("7", SQUARE, brush=18, seed=1)
    (other,), _ = write("7", SQUARE, brush=18, seed=2)
    assert np.array_equal(first, same)
    assert len(first) != len(other) or not np.allclose(first, other)


@pytest.mark.parametrize("text", ["", "a", "4 2x", "123456789"])
def test_what_is_no_short_number_is_refused(text):
    with pytest.raises(DrawingError, match="type 1 to 8 digits"):
        write(text, SQUARE, brush=18)
