"""An & is no 8 and an ∞ no pair of zeros; eights and zeros that touch stay what they are."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.drawing.compose import placed
from digitlab.drawing.doodles import HELD_OUT, doodle, round_off

LOOPS = [(165, 90), (140, 72), (112, 92), (120, 125), (160, 155), (172, 190), (140, 213)]
EIGHT = np.array([*LOOPS, (108, 190), (122, 155), (160, 120), (165, 90)])
ANGLES = np.linspace(0, 2 * np.pi, 40)
ZERO = np.stack([100 + 38 * np.cos(ANGLES), 140 + 62 * np.sin(ANGLES)], 1)


def canvas(strokes, rng, size=150.0):
    return placed(strokes, "", size, 14, rng).canvas


@pytest.mark.parametrize(("name", "reason"), [("&", "an &"), ("infinity", "an ∞")])
def test_a_sign_that_looks_like_digits_is_declined_by_its_name(name, reason):
    rng = np.random.default_rng(0)
    drawings = [canvas(doodle({name: HELD_OUT[name]}, rng)[1], rng) for _ in range(20)]
    reads = [dl.recognize(drawing) for drawing in drawings]
    assert sum("?" in read.text for read in reads) >= 17
    assert any(reason in (read.declined or "") for read in reads)


def test_an_eight_and_zeros_that_touch_are_read():
    rng = np.random.default_rng(0)
    assert dl.recognize(canvas([round_off(EIGHT)], rng)).text == "8"
    touching = [ZERO, ZERO + np.array((80, 0))]
    read = dl.recognize(canvas(touching, rng, 200))
    assert read.text == "00"
