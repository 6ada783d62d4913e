"""Contestants: a row for each with its interval, a colour for each group, numbers as a table."""

from __future__ import annotations

from digitlab.figures.contestants import contestants
from digitlab.figures.numbers import numbers

ROWS = (["1. Ann", "1. Bob", "3. Cem"], [0.9, 0.88, 0.7], [(0.85, 0.95), (0.8, 0.93), (0.6, 0.79)])


def test_each_is_drawn_with_the_interval_in_sight():
    figure = contestants(*ROWS, ["First place", "First place", "Others"], title="Leaderboard")
    first, others = figure.data
    assert (list(first.x), list(others.y)) == ([90, 88], [2])
    assert figure.layout.xaxis.range[0] < 60
    assert list(figure.layout.yaxis.ticktext) == ROWS[0]
    table = numbers(figure)
    assert list(table["name"]) == ROWS[0]
    assert list(table["to"]) == [95, 93, 79]


def test_one_group_needs_no_legend_and_nobody_no_axis():
    assert not contestants(*ROWS, ["New writers"] * 3, title="Writers").layout.showlegend
    assert contestants([], [], [], [], title="Writers").layout.annotations[0].text == "nothing yet"
