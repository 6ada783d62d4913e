"""The leaderboard: places by error, whiskers around their points, lines for published figures."""

from __future__ import annotations

from itertools import pairwise

import pytest

from digitlab.figures.leaderboard import MOST, leaderboard
from digitlab.models.presets import Published


def points(figure):
    return next(trace for trace in figure.data if trace.mode == "markers")


def test_a_tenth_of_the_errors_is_one_step_to_the_right():
    dots = points(leaderboard(["a", "b", "c"], [0.9, 0.99, 0.999], [(0.8, 0.95), None, None]))
    assert list(dots.x) == pytest.approx([1, 2, 3])
    assert list(dots.error_x.arrayminus) == pytest.approx([0.30103, 0, 0])
    assert all(value >= 0 for value in dots.error_x.array)


def test_no_mistake_and_chance_have_a_place_too():
    low, high = leaderboard(["a", "b"], [1.0, 0.1], [(0.99, 1.0), (0.05, 0.2)]).layout.xaxis.range
    dots = points(leaderboard(["a", "b"], [1.0, 0.1], [None, None]))
    assert low < dots.x[1] < dots.x[0] < high


def test_lines_name_what_was_published_and_are_in_sight():
    lines = [Published("LeNet", 0.99, "test", "a"), Published("Other", 0.99, "val", "b")]
    figure = leaderboard(["a"], [0.9], [None], lines)
    (line,) = [trace for trace in figure.data if trace.mode == "lines"]
    assert "LeNet<br>Other (validation)" in line.hovertext
    assert figure.layout.xaxis.range[1] > line.x[0]


def test_only_so_many_are_drawn_and_none_is_said():
    assert len(points(leaderboard([str(i) for i in range(99)], [0.5] * 99, [])).x) == MOST
    assert "no run" in leaderboard([], [], []).layout.annotations[0].text


def test_ticks_keep_apart_also_where_the_runs_lie_far_apart():
    axis = leaderboard(["a", "b"], [0.84, 0.997], [None, None]).layout.xaxis
    places = sorted(axis.tickvals)
    gap = min(right - left for left, right in pairwise(places))
    assert {"90", "99", "95"} <= set(axis.ticktext)
    assert gap >= (axis.range[1] - axis.range[0]) / 8
