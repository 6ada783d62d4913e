"""Drawings put together from pen digits are what they say they are."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.drawing.compose import CONDITIONS
from digitlab.drawing.strokes import PenDigit

BAR = np.array([(0, 0), (4, 100)], np.float32)
ROUND = np.stack([np.cos(np.linspace(0, 6.3, 40)), np.sin(np.linspace(0, 6.3, 40))], 1) * (30, 50)
DIGITS = [PenDigit(1, 1, (BAR,)), PenDigit(0, 1, (ROUND,)), PenDigit(1, 2, (BAR * 2,))]


@pytest.mark.parametrize("condition", CONDITIONS)
def test_the_text_counts_the_digits_and_the_strokes_draw_the_canvas(condition):
    for seed in range(5):
        drawing = CONDITIONS[condition](DIGITS, np.random.default_rng(seed))
        assert len(drawing.digits) == len(drawing.text.replace("\n", ""))
        assert drawing.canvas.dtype == np.uint8
        assert drawing.canvas[..., 3].any()
        if condition != "two lines":
            every = np.max([drawing.alone(k) for k in range(len(drawing.digits))], axis=0)
            assert np.abs(every.astype(int) - drawing.canvas).mean() < 0.1
        edge = drawing.canvas[..., 3]
        assert not edge[0].any()
        assert not edge[:, 0].any()
        assert not edge[:, -1].any()


def test_digits_apart_are_apart_and_touching_ones_touch():
    from scipy import ndimage

    joined = 0
    for seed in range(12):
        rng = np.random.default_rng(seed)
        apart = CONDITIONS["apart"](DIGITS, rng)
        assert ndimage.label(apart.canvas[..., 3], np.ones((3, 3)))[1] == len(apart.text)
        touching = CONDITIONS["touching"](DIGITS, rng)
        joined += ndimage.label(touching.canvas[..., 3], np.ones((3, 3)))[1] < len(touching.text)
    assert joined >= 10  # now and then two only just meet


def test_the_same_seed_gives_the_same_drawing():
    one, two = (CONDITIONS["apart"](DIGITS, np.random.default_rng(3)) for _ in range(2))
    assert np.array_equal(one.canvas, two.canvas)
