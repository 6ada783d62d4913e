"""Wilson's interval: known values, honest ends, and the coverage it promises."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binomtest

from digitlab.evaluation.intervals import Interval, share_places, wilson_interval


@given(st.integers(1, 100_000), st.floats(0, 1))
def test_it_agrees_with_scipy(trials, share):
    successes = round(trials * share)
    theirs = binomtest(successes, trials).proportion_ci(0.95, method="wilson")
    assert wilson_interval(successes, trials) == pytest.approx((theirs.low, theirs.high), abs=1e-9)


def test_a_perfect_score_still_has_a_width():
    low, high = wilson_interval(10_000, 10_000)
    assert high == 1.0
    assert low == pytest.approx(0.99962, abs=1e-5)
    assert wilson_interval(0, 10).low == 0.0


def test_nothing_tried_says_nothing():
    assert wilson_interval(0, 0) is None


def test_it_covers_the_truth_in_about_95_of_100_test_sets():
    hits = np.random.default_rng(0).binomial(1_000, 0.98, size=2_000)
    covered = [low <= 0.98 <= high for low, high in (wilson_interval(int(h), 1_000) for h in hits)]
    assert 0.93 < np.mean(covered) < 0.97


def test_whoever_overlaps_the_best_of_a_place_shares_it():
    first, close, far = Interval(0.90, 0.95), Interval(0.88, 0.91), Interval(0.80, 0.89)
    assert share_places([first, close, far]) == [1, 1, 3], "far overlaps close, but not the first"
    assert share_places([first, far, Interval(0.7, 0.79)]) == [1, 2, 3]
    assert share_places([first, far, Interval(0.7, 0.85)]) == [1, 2, 2]
    assert share_places([]) == []
