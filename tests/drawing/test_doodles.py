"""Doodles: what is no digit, to measure how often it is declined."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.drawing.doodles import HELD_OUT, LEARNT, doodle, vary

ROUND = np.stack([np.cos(np.linspace(0, 6.3, 40)), np.sin(np.linspace(0, 6.3, 40))], 1) * (30, 50)


def test_what_is_measured_on_was_not_learnt_from():
    assert not set(LEARNT) & set(HELD_OUT)
    assert len(HELD_OUT) >= 20


@pytest.mark.parametrize("kinds", [LEARNT, HELD_OUT], ids=["learnt", "held out"])
def test_every_doodle_can_be_drawn(kinds):
    rng = np.random.default_rng(0)
    for name in kinds:
        _, strokes = doodle({name: kinds[name]}, rng)
        points = np.concatenate(strokes)
        assert np.isfinite(points).all()
        assert np.ptp(points, axis=0).max() > 0.5


def test_another_hand_draws_much_the_same_but_never_quite():
    rng = np.random.default_rng(1)
    first, second = vary([ROUND], rng)[0], vary([ROUND], rng)[0]
    assert first.shape != second.shape or not np.allclose(first, second)
    assert 0.5 < np.ptp(first, axis=0).max() < 2
