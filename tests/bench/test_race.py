"""The race trains the preset as it is, and tells the mean of its seeds."""

from __future__ import annotations

from types import SimpleNamespace

import digitlab as dl
from digitlab.bench import race


def test_fast_is_told_as_the_mean_of_ten_seeds_of_its_own_recipe(monkeypatch):
    recipes = []

    def record_training(spec, data, config):
        recipes.append(config)
        record = SimpleNamespace(test_accuracy=0.99 + config.seed / 1000)
        return 2.0, SimpleNamespace(record=record)

    monkeypatch.setattr(race, "record_training", record_training)
    *rows, means = race.measure_fast(lambda text: None)
    assert [config.seed for config in recipes] == list(range(10))
    assert len(rows) == 10
    own = dl.TrainConfig.from_dict(dl.load_preset("fast").recipe)
    assert {config.changed(seed=own.seed) for config in recipes} == {own}
    assert means["contender"] == "fast, mean of 10 seeds"
    assert (means["seconds"], round(means["test_accuracy"], 4)) == (2.0, 0.9945)
    assert round(means["deviation"], 5) == 0.00303
