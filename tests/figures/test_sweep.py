"""Figures of a sweep: the best stands out, and a line passes by what a trial did not draw."""

from __future__ import annotations

from digitlab.figures import sweep

AXES = [
    sweep.Axis("optimizer", ["sgd", "adam", "adam"], ("sgd", "adam")),
    sweep.Axis("momentum", [0.9, None, None]),
    sweep.Axis("learning rate", [0.001, 0.01, 0.1], log=True),
    sweep.Axis("validation accuracy", [50, 97, 90], unit=" %"),
]


def test_lines_go_through_the_values_and_the_best_stands_out():
    states, names = ["pruned", "finished", "finished"], ["a", "b", "c"]
    figure = sweep.parallel_coordinates(AXES, names, states, best=1)
    pruned, finished, best = figure.data
    assert best.line.width > finished.line.width > pruned.line.width
    assert best.y == (1.0, 0.5, 1.0, None)  # two decades: 0.01 is halfway
    assert best.x == (0, 2, 3, None)  # adam has no momentum
    texts = [annotation.text for annotation in figure.layout.annotations]
    assert {"sgd", "adam", "0.001", "0.1", "50 %", "97 %"} <= set(texts)


def test_the_course_never_falls_and_what_is_not_there_is_not_drawn():
    figure = sweep.course([(1, 90.0), (3, 80.0)], [], [(1, 90.0), (3, 90.0)])
    assert [trace.name for trace in figure.data] == ["finished", "best so far"]
    assert not sweep.course([], [], []).data
    assert list(sweep.importance([("a", 0.7), ("b", 0.3)]).data[0].y) == ["b", "a"]
