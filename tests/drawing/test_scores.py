"""Scores of the ways to cut a line: the best of all is found."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from digitlab.drawing.scores import SHARED, best_path, strokes_crossed


def test_the_path_is_the_best_of_all():
    free = np.zeros(4)
    scores = {(0, 1): -1.0, (1, 2): -1.0, (2, 3): -1.0, (0, 2): -1.5, (1, 3): -0.2}
    assert best_path(scores, free, {}, {}) == ([(0, 1), (1, 3)], pytest.approx(-1.2))
    splits = np.array([9.0, 0.5, 0.0, 0.0])  # nothing is split before the first piece
    assert best_path(scores, splits, {}, {}) == ([(0, 1), (1, 3)], pytest.approx(-1.7))
    splits = np.array([9.0, 2.0, 0.0, 0.0])
    assert best_path(scores, splits, {}, {}) == ([(0, 2), (2, 3)], pytest.approx(-2.5))
    skips = {(2, 3): 0.1}
    assert best_path(scores, free, skips, {}) == ([(0, 1), (1, 3)], pytest.approx(-1.2))
    assert best_path(scores, splits, skips, {}) == ([(0, 2)], pytest.approx(-1.6))
    assert best_path({(0, 2): -1.0}, free, {}, {}) == ([], -np.inf)


def test_digits_may_share_what_is_between_two_cuts_at_a_cost():
    scores = {(0, 2): -0.1, (1, 3): -0.1, (0, 1): -9.0, (2, 3): -9.0}
    free = np.zeros(4)
    assert best_path(scores, free, {}, {}) == ([(0, 1), (1, 3)], pytest.approx(-9.1))
    both = ([(0, 2), (1, 3)], pytest.approx(-0.2 - SHARED))
    assert best_path(scores, free, {}, {(1, 3): [2]}) == both


def test_the_path_is_what_trying_all_ways_finds():
    rng = np.random.default_rng(0)
    for _ in range(20):
        scores = {(i, j): -float(rng.exponential()) for i in range(6) for j in range(i + 1, 7)}
        splits = rng.exponential(size=7)
        ways = []
        for cuts in range(32):
            ends = [0, *(k for k in range(1, 6) if cuts >> (k - 1) & 1), 6]
            spans = list(pairwise(ends))
            total = sum(scores[span] - splits[span[0]] * (span[0] > 0) for span in spans)
            ways.append((total, spans))
        score, spans = max(ways)
        assert best_path(scores, splits, {}, {}) == (spans, pytest.approx(score))


def test_strokes_are_counted_along_rows():
    image = np.zeros((28, 28), np.uint8)
    image[4:24, 10:12] = 255
    assert strokes_crossed(image) == 1
    image[14:24, 20:22] = 255
    assert strokes_crossed(image) == 1.5
    assert strokes_crossed(np.zeros((28, 28), np.uint8)) == 0
