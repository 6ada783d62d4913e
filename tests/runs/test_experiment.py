"""An experiment is asked for once, and there is one answer to whether two are the same."""

from __future__ import annotations

from dataclasses import replace

import pytest

import digitlab as dl
from digitlab.execution.reproduce import matching_runs
from digitlab.jobs.seeds import runs_of_configuration
from digitlab.ui.compare.choose import ComparedRun
from digitlab.ui.compare.side_by_side import list_configurations

ALIKE = {
    "threads": ({"threads": 1}, {"threads": 2}),
    "the split written out": ({"val_fraction": None}, {"val_fraction": 0.1}),
    "device": ({"device": "auto"}, {"device": "cpu"}),
    "precision": ({"precision": "auto"}, {"precision": "float32"}),
    "what is watched": ({"test_curve": False}, {"test_curve": True}),
}
OTHER = {
    "learning rate": ({}, {"learning_rate": 0.02}),
    "split": ({}, {"val_fraction": 0.2}),
    "subset": ({}, {"subset": 400}),
    "augmentation": ({}, {"augmentation": {"shift": 0.1}}),
}


def everywhere(first: dl.Run, second: dl.Run) -> list[bool]:
    """Whether the reproductions' table, Compare and "more seeds" take two runs for one recipe."""
    recipe = first.config.changed(val_fraction=None).differing()
    preset = replace(dl.load_preset("logistic-regression"), recipe=recipe)
    reproduced = {run.id for run in matching_runs(preset, "optdigits")}
    chosen = [ComparedRun(run, run.id, run.evaluate("test")) for run in (first, second)]
    return [
        second.id in reproduced,
        len(list_configurations(chosen)) == 1,
        second.id in {record.id for record in runs_of_configuration(first.record)},
    ]


@pytest.mark.parametrize(("first", "second"), ALIKE.values(), ids=ALIKE)
def test_what_changes_nothing_of_the_recipe_is_the_same_everywhere(first, second, train_tiny):
    assert everywhere(train_tiny(**first), train_tiny(seed=1, **second)) == [True, True, True]


@pytest.mark.parametrize(("first", "second"), OTHER.values(), ids=OTHER)
def test_what_changes_what_is_learnt_is_another_everywhere(first, second, train_tiny):
    assert everywhere(train_tiny(**first), train_tiny(seed=1, **second)) == [False, False, False]
