"""Reproducing presets: trained by their own recipes, counted once, and honestly compared."""

from __future__ import annotations

import json

import pytest

import digitlab as dl
from digitlab.errors import ConfigError, SpecError
from digitlab.execution.reproduce import (
    FINAL,
    Attempt,
    Reproduction,
    markdown_table,
    matching_runs,
    measure_train_accuracy,
    published_and_ours,
    reproduce,
    reproduced,
    train_accuracy,
)

QUICK = "one-hidden-linear"  # 10 epochs, a quarter of a second on optdigits


def rows(*names, **options):
    return list(reproduce(names, "optdigits", progress=False, **options))


def test_a_preset_is_trained_by_its_own_recipe_with_each_seed():
    (row,) = rows(QUICK, seeds=2)
    assert (row.preset, row.dataset, row.published) == (QUICK, "optdigits", {"test_accuracy": 92})
    assert [attempt.seed for attempt in row.attempts] == [0, 1]
    recipe = dl.load_preset(QUICK).recipe
    for attempt in row.attempts:
        run = dl.open_run(attempt.run_id)
        assert run.spec == dl.load_model(QUICK)
        assert run.config == dl.TrainConfig.from_dict({**recipe, "seed": attempt.seed})
        assert attempt.test_accuracy == 100 * run.evaluate("test").accuracy
        assert attempt.val_accuracy == 100 * run.evaluate("val").accuracy
        assert attempt.seconds == run.record.train_seconds


def test_train_accuracy_is_the_final_networks_and_not_the_running_mean():
    (row,) = rows(QUICK)
    run = dl.open_run(row.attempts[0].run_id)
    data = run.load_data()
    right = run.predict(data.train.images).argmax(1) == data.train.labels.numpy()
    assert row.attempts[0].train_accuracy == pytest.approx(100 * right.mean())
    assert row.attempts[0].train_accuracy != 100 * run.record.train_accuracy
    written = json.loads((run.folder / FINAL).read_text())
    assert written["train_accuracy"] == train_accuracy(run) == measure_train_accuracy(run)


def test_what_has_been_trained_is_not_trained_again_unless_asked_for():
    (first,) = rows(QUICK)
    started = []
    (again,) = rows(QUICK, seeds=2, on_start=lambda preset, seed: started.append(seed))
    assert started == [1]
    assert again.attempts[0] == first.attempts[0]
    (anew,) = rows(QUICK, again=True)
    assert anew.attempts[0].run_id != first.attempts[0].run_id
    assert len(dl.list_runs(bundled=False)) == 3
    (kept,) = rows(QUICK)
    assert kept == anew  # the newest of a seed counts


def test_only_the_same_experiment_counts(optdigits):
    preset = dl.load_preset(QUICK)
    config = dl.TrainConfig.from_dict(preset.recipe)
    same = dl.train(preset.spec.renamed("another name"), optdigits, config, progress=False)
    others = [
        (preset.spec, config.changed(epochs=2)),
        (preset.spec, config.changed(val_fraction=0.2)),
        (preset.spec, config.changed(augmentation={"elastic": 1.0})),
        (preset.spec.with_init("kaiming"), config),
    ]
    for spec, recipe in others:
        dl.train(spec, optdigits, recipe, progress=False)
    dl.train(preset.spec, optdigits.resplit(0.1, 7), config, progress=False)
    found = {run.id for run in matching_runs(preset, optdigits)}
    assert same.id in found
    assert len(found) == 1
    assert not matching_runs(preset, "mnist")


def test_a_share_or_a_device_said_aloud_is_no_other_recipe(optdigits):
    preset = dl.load_preset(QUICK)
    config = dl.TrainConfig.from_dict({**preset.recipe, "device": "cpu", "val_fraction": 0.1})
    run = dl.train(preset.name, optdigits, config, progress=False)
    assert [found.id for found in matching_runs(preset, optdigits)] == [run.id]


def test_ctrl_c_stops_and_the_next_time_goes_on(monkeypatch):
    stopped = []

    def stop(preset, seed):
        stopped.append(seed)
        if len(stopped) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        rows(QUICK, seeds=3, on_start=stop)
    started = []
    (row,) = rows(QUICK, seeds=3, on_start=lambda preset, seed: started.append(seed))
    assert started == [1, 2]
    assert len(row.attempts) == 3


def test_the_homes_runs_make_the_same_rows_without_training():
    (row,) = rows(QUICK, seeds=2)
    found = {each.preset: each for each in reproduced(dataset="optdigits")}
    assert found[QUICK] == row
    assert set(found) == {preset.name for preset in dl.list_presets() if preset.classifies}
    assert found["lenet-5"].attempts == ()
    assert found["lenet-5"].mean("test_accuracy") is None


def made_up(*accuracies, **fields):
    attempts = tuple(Attempt(f"r{i}", i, 99.0, None, a, 2.0) for i, a in enumerate(accuracies))
    known = {"preset": "p", "title": "P", "source": "s", "dataset": "mnist", "parameters": 7850}
    return Reproduction(**{**known, "published": {}, "mark": {}, "attempts": attempts, **fields})


def test_means_deviations_and_marks():
    row = made_up(99.3, 99.5, 99.4, mark={"test_accuracy": 99.4})
    assert row.mean("test_accuracy") == pytest.approx(99.4)
    assert row.sd("test_accuracy") == pytest.approx(0.1)
    assert row.mean("val_accuracy") is None
    assert made_up(99.41, mark={"test_accuracy": 99.4}).reached is True
    assert made_up(99.39, mark={"test_accuracy": 99.4}).reached is False
    assert made_up(mark={"test_accuracy": 99.4}).reached is None
    assert made_up(99.39).reached is None
    assert made_up(99.4).sd("test_accuracy") is None


def test_a_row_reads_as_a_person_would_write_it():
    row = made_up(83.0, 83.4, published={"test_accuracy": 83})
    assert published_and_ours(row, "test_accuracy") == "83 → 83.20 ± 0.28"
    assert published_and_ours(row, "train_accuracy") == "99.00 ± 0.00"
    assert published_and_ours(row, "val_accuracy") == "–"
    marked = made_up(99.71, mark={"test_accuracy": 99.7})
    assert published_and_ours(marked, "test_accuracy") == "≥ 99.7 → 99.71"
    lines = markdown_table([row, made_up(parameters=None)]).splitlines()
    assert lines[2] == "| p | 7,850 | 99.00 ± 0.00 | – | 83 → 83.20 ± 0.28 | 2 | 2 |"
    assert len({line.count("|") for line in lines}) == 1


def test_mistakes_are_told_before_anything_is_trained():
    with pytest.raises(SpecError, match="nosuch"):
        reproduce(["nosuch"], "optdigits")
    with pytest.raises(ConfigError, match="seeds"):
        reproduce([QUICK], "optdigits", seeds=0)
    assert dl.list_runs(bundled=False) == []


@pytest.mark.parametrize("name", ["naive-bayes"])
def test_a_classical_preset_goes_the_same_way(name):
    if name not in {preset.name for preset in dl.list_presets()}:
        pytest.skip("no such preset")
    (row,) = rows(name)
    assert row.problem == ""
    assert row.attempts[0].train_accuracy > 80
    assert rows(name) == [row]


def test_an_ensemble_is_no_run_of_its_members_preset(optdigits):
    config = dl.TrainConfig.from_dict(dl.load_preset("naive-bayes").recipe)
    members = [
        dl.train("naive-bayes", optdigits, config.changed(seed=seed), progress=False)
        for seed in (0, 1)
    ]
    dl.ensemble(members)
    runs = matching_runs(dl.load_preset("naive-bayes"), "optdigits")
    assert [run.id for run in runs] == [run.id for run in members]


def test_an_autoencoder_has_no_accuracy_to_reproduce():
    with pytest.raises(SpecError, match="vae is an autoencoder: it has no accuracy"):
        rows("vae", seeds=1)
