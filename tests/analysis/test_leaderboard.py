"""Standings: the best first, on one dataset."""

from __future__ import annotations

from digitlab.analysis.leaderboard import rank_runs


def test_the_best_is_first_and_of_equals_the_smaller(add_record):
    for name, accuracy, parameters in (("a", 0.9, 10), ("b", 0.99, 30), ("c", 0.99, 20)):
        add_record(name=name, status="finished", test_accuracy=accuracy, parameters=parameters)
    add_record(name="elsewhere", dataset="mnist", status="finished", test_accuracy=1.0)
    add_record(name="untested", status="finished")
    ranked = rank_runs("optdigits")
    assert [row.record.name for row in ranked] == ["c", "b", "a"]
    low, high = ranked[0].interval
    assert low < 0.99 < high
    wider = rank_runs("optdigits", test_images=50)[0].interval
    assert wider.low < low


def test_bundled_runs_stand_among_them():
    assert "reader-cnn" in {row.record.id for row in rank_runs("mnist")}
