"""One suggestion after each run, from what it was and how it went."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.runs.run import History, Run
from digitlab.ui.train.next_step import suggest

FLAT, RISING = (0.9, 0.9, 0.9), (0.8, 0.85, 0.9)


class Made(Run):
    """A run with a history that was made up."""

    accuracies = FLAT

    @property
    def history(self):
        return History([], [{"val_accuracy": accuracy} for accuracy in self.accuracies])


def label(add_record, model="two-hidden-64-relu", *, accuracies=FLAT, nothing=False, **columns):
    config = dl.TrainConfig.from_dict({**dl.load_preset(model).recipe, **columns.pop("config", {})})
    spec = dl.load_model(model).to_dict()
    record = add_record(
        model=model,
        spec=spec,
        config=config.model_dump(),
        status="finished",
        epochs_done=3,
        **columns,
    )
    run = Made(record)
    run.accuracies = accuracies
    return suggest(run, nothing=nothing, can_continue=True).label


@pytest.mark.parametrize(
    ("about", "expected"),
    [
        ({}, "Train a small CNN"),
        ({"accuracies": RISING}, "Train 3 epochs longer"),
        ({"model": "lenet-5"}, "Add augmentation"),
        ({"model": "cnn-small", "config": {"augmentation": {"rotation": 5}}}, "Train another"),
        ({"model": "knn"}, "Train a small CNN"),
        ({"model": "autoencoder"}, "Train another"),
        ({"executor": "bundled"}, "Train it yourself"),
        ({"nothing": True, "config": {"learning_rate": 5.0}}, "Try a learning rate of 0.001"),
        ({"nothing": True, "config": {"learning_rate": 1e-6}}, "Try a learning rate of 0.001"),
        ({"nothing": True, "config": {"learning_rate": 1e-3}}, "Train it for longer"),
    ],
)
def test_it_fits_the_run(add_record, about, expected):
    assert label(add_record, **about) == expected
