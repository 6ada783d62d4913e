"""Sweeps that choose their trials: killed, resumed, pruned, retrained; the runs are the truth."""

from __future__ import annotations

import json
import os

import pytest
from sqlalchemy import delete, update

import digitlab as dl
from digitlab import owners, visitors
from digitlab.errors import ConfigError, DigitlabError, RunError, SpecError
from digitlab.jobs import queue, resume, retention
from digitlab.runs import store
from digitlab.runs.schema import SweepRow
from digitlab.runs.transaction import transact
from digitlab.sweeps import state, study, sweep, worker
from digitlab.sweeps.search import grid_of, plan_trial
from digitlab.sweeps.trials import read_trials

CONFIG = dl.TrainConfig(epochs=1, batch_size=256, subset=500)
SPACE = {"learning_rate": "0.001 to 0.1 log", "batch_size": [64, 128, 256]}


@pytest.fixture(autouse=True)
def launched(monkeypatch):
    """Nothing works on the queue; how many workers were started."""
    started: list[None] = []
    for module in (queue, resume, sweep, worker.worker):
        monkeypatch.setattr(module, "launch_worker", lambda: started.append(None))
    for module in (queue, sweep):
        monkeypatch.setattr(module, "relaunch_worker", lambda: None)
    return started


def search(space=SPACE, model="logistic-regression", config=CONFIG, **settings):
    return dl.make_search(model, "optdigits", space, config, **settings)


def test_a_sweep_of_six_survives_a_killed_trial_and_a_stop(launched):
    sweep_id = dl.start_sweep(search(trials=6, seeds=2))
    assert len(launched) == 1
    assert sweep.advance_all() == 1  # as many as train at once
    (first,) = store.list_sweep(sweep_id)
    dl.stop_sweep(sweep_id)
    assert worker.work() == 0
    assert dl.open_sweep(sweep_id).phase == "stopped"
    dl.resume_sweep(sweep_id)
    store.update_run(first.id, status="running", started=1.0)  # and its process is gone
    assert worker.work() == 8
    result = dl.open_sweep(sweep_id)
    assert [trial.number for trial in result.trials] == [1, 2, 3, 4, 5, 6]
    assert result.trials[0].run_id == first.id  # resumed, not drawn anew
    assert result.trials[0].record.data.sweep.resumed == 1
    assert result.phase == "finished"
    assert result.best.score == max(trial.score for trial in result.trials)
    assert {run.config.learning_rate for run in result.retrained} == {
        result.best.values["learning_rate"]
    }
    assert result.best.record.seed not in {run.record.seed for run in result.retrained}
    assert len(result.retrained) == 2
    assert 0 < result.test[0] <= 1
    assert set(result.importance) == set(SPACE)


def test_what_is_no_sweep_is_said():
    for sweep_id in ("sweep-1", "../../x", ""):
        with pytest.raises(RunError, match="no sweep"):
            dl.open_sweep(sweep_id)


def test_the_next_trial_follows_from_the_runs_alone():
    made = search(trials=6)
    first = study.plan_next(made, [])
    assert study.plan_next(made, []) == first
    assert study.plan_next(search(trials=6, seed=1), []) != first


def test_a_grid_is_several_values():
    values = {"learning_rate": [0.01, 0.1], "augmentation.rotation": [0.0, 10.0]}
    several = dl.plan_sweep([("logistic-regression", CONFIG)], "optdigits", values)
    made = search(values, method="grid")
    assert made.trials == 4
    texts = search(
        ["learning_rate=0.01,0.1", "augmentation.rotation=0 to 10 step 10"], method="grid"
    )
    for space in (made, texts):
        grid = [plan_trial(space, each) for each in grid_of(space.dimensions)]
        assert grid == several


def test_fields_without_effect_are_not_drawn():
    space = {"momentum": [0.5, 0.9], "optimizer": ["adam", "sgd"]}
    made = search(
        space, method="random", trials=10, config=CONFIG.changed(optimizer="sgd", momentum=0.3)
    )
    drawn = [next(study._propose(made.model_copy(update={"seed": seed}), [])) for seed in range(9)]
    assert {"optimizer": "adam"} in drawn
    assert all(("momentum" in values) == (values["optimizer"] == "sgd") for values in drawn)
    assert plan_trial(made, {"optimizer": "adam"}).config.momentum == 0


def test_layers_are_named_or_placed_and_what_cannot_be_built_is_passed_over():
    layers = [
        {"Conv2d": {"out_channels": 2, "kernel_size": 3, "name": "first"}},
        "Flatten",
        {"Linear": {"out_features": 10}},
    ]
    spec = dl.ModelSpec(name="Small", layers=layers)
    space = {"layers.first.kernel_size": [3, 99], "layers.1.out_channels": "2 to 3"}
    made = search(space, spec, trials=4)
    planned = []
    for number in (1, 2):
        experiment = study.plan_next(made, planned)
        (record,) = [_record(experiment, number)]
        planned += read_trials(made, [record])
    assert [trial.values["layers.first.kernel_size"] for trial in planned] == [3, 3]
    assert {trial.values["layers.1.out_channels"] for trial in planned} == {2, 3}
    assert study.plan_next(made, planned) is None  # all that can be built was tried


def test_arguments_of_estimators_that_take_several_types_are_searched():
    made = search({"layers.1.C": "1 to 10 log", "layers.1.gamma": ["scale", 0.02]}, "svm")
    regularization, gamma = made.dimensions
    assert isinstance(regularization.low, float)
    assert gamma.choices == ("scale", 0.02)
    (layer,) = plan_trial(made, {"layers.1.C": 2.5, "layers.1.gamma": 0.02}).spec.layers
    assert (layer.args["C"], layer.args["gamma"]) == (2.5, 0.02)
    with pytest.raises(SpecError, match=r"C a number in the range \(0.0, inf\]; not -1"):
        search({"layers.1.C": [-1, 1]}, "svm")
    with pytest.raises(SpecError, match=r"n_neighbors a whole number .*; not 0.5"):
        search({"layers.1.n_neighbors": "0.5 to 2"}, "knn")


def _record(experiment, number):
    from digitlab.execution.prepare import make_record
    from digitlab.runs.record import Sweep

    label = Sweep(id="sweep-1", trial=number)
    return make_record(experiment, status="queued", executor="process", sweep=label)


@pytest.mark.parametrize("pruning", ["median", "asha"])
def test_a_bad_trial_is_pruned_on_validation_and_says_why(pruning):
    space = {"learning_rate": [0.05, 1e-6]}
    config = CONFIG.changed(epochs=3)
    made = search(space, config=config, method="grid", pruning=pruning, seeds=0)
    sweep_id = dl.start_sweep(made)
    worker.work()
    good, bad = dl.open_sweep(sweep_id).trials
    assert (good.state, bad.state) == ("finished", "pruned")
    assert bad.record.epochs_done == 1
    assert bad.pruned.startswith("Pruned after epoch 1: ")
    assert bad.record.message == bad.pruned
    assert dl.open_sweep(sweep_id).phase == "finished"


YAML = """
model: logistic-regression
dataset: optdigits
recipe: {epochs: 1}
search:
  learning_rate: {low: 1e-4, high: 1e-1, log: true}
method: random
trials: 4
"""


def test_a_search_is_read_from_yaml():
    made = dl.read_search(YAML)
    (dimension,) = made.dimensions
    assert (dimension.low, dimension.high, dimension.log) == (1e-4, 0.1, True)
    assert (made.method, made.trials, made.base[1].epochs) == ("random", 4, 1)


@pytest.mark.parametrize(
    ("before", "after", "kind", "message"),
    [
        ("trials: 4", "trails: 4", ConfigError, "no 'trails'. Did you mean 'trials'"),
        ("method: random", "method: bayes", ConfigError, "'random', 'tpe' or 'grid'"),
        ("learning_rate:", "learning_rat:", ConfigError, "Did you mean 'learning_rate'"),
        ("high: 1e-1", "high: 1000", ConfigError, "less than or equal to 100; not 1000"),
        ("low: 1e-4", "low: 0.2", ConfigError, r"low \(0.2\) must be below high \(0.1\)"),
        ("low: 1e-4, ", "", ConfigError, "range of learning_rate needs low"),
        ("method: random", "method: grid", ConfigError, "List some, give a step, or use"),
        ("learning_rate:", "val_fraction:", ConfigError, "must be the same for all"),
        ("learning_rate:", "layers.9.p:", SpecError, r"no layer '9'.*layers are 1 \(Flatten\)"),
        ("learning_rate:", "layers.2.p:", SpecError, "layer 2, Linear, has no argument 'p'; its"),
        ("model: logistic-regression", "model: logistic", SpecError, "no preset"),
        ("dataset: optdigits", "dataset: optdigit", DigitlabError, "optdigits"),
        ("{epochs: 1}", "{epochs: 1, val_fraction: 0}", ConfigError, "leaves none"),
        ("trials: 4", "trials: 4: 5", SpecError, "line 9|YAML"),
    ],
)
def test_a_bad_search_says_what_is_allowed(before, after, kind, message):
    with pytest.raises(kind, match=message):
        dl.read_search(YAML.replace(before, after))


def test_a_visitors_sweep_stops_at_their_share(monkeypatch):
    from digitlab import owners
    from digitlab.jobs import training_time

    owner = owners.owner_of("somebody")
    with owners.acting_for(owner):
        sweep_id = dl.start_sweep(search(trials=6))
        sweep.advance_all()
        (first,) = store.list_sweep(sweep_id)
    assert first.owner == owner
    with owners.acting_for(owners.owner_of("somebody else")), pytest.raises(DigitlabError):
        dl.open_sweep(sweep_id)
    monkeypatch.setenv("DIGITLAB_VISITOR_SECONDS", "60")
    training_time.note_training(owner, 60)
    worker.work()
    with owners.acting_for(owner):
        result = dl.open_sweep(sweep_id)
        assert (result.phase, len(result.trials)) == ("stopped", 1)
        assert "DIGITLAB_VISITOR_SECONDS" in result.message
        with pytest.raises(RunError, match="DIGITLAB_VISITOR_SECONDS"):
            dl.start_sweep(search(trials=6))


def test_a_visitor_cannot_stop_or_resume_everybodys_sweep():
    sweep_id = dl.start_sweep(search(trials=2))
    with owners.acting_for(owners.owner_of("somebody")):
        for change in (dl.stop_sweep, dl.resume_sweep):
            with pytest.raises(RunError, match="not yours"):
                change(sweep_id)
    assert sweep.advance_all() == 1, "it goes on"


def test_one_that_only_a_file_of_the_home_knows_can_go_on(home):
    sweep_id = dl.start_sweep(search(trials=2, seeds=0))
    with transact(write=True) as session:  # the store was lost
        session.execute(delete(SweepRow))
    state._take_in_files.cache_clear()
    result = dl.open_sweep(sweep_id)
    assert (result.phase, result.message) == ("stopped", "The run store was lost.")
    dl.resume_sweep(sweep_id)
    assert worker.work() == 2
    path = home / "sweeps" / f"{sweep_id}.json"  # as an earlier version left it, which goes on
    kept = json.loads(path.read_text())
    path.with_name("sweep-0.json").write_text(json.dumps(kept | {"id": "sweep-0", "stopped": ""}))
    state._take_in_files.cache_clear()
    assert dl.open_sweep("sweep-0").phase == "searching"


def test_a_sweep_whose_runs_go_as_their_owner_is_gone_does_not_begin_anew(monkeypatch):
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    owner = owners.owner_of("somebody")
    with owners.acting_for(owner):
        sweep_id = dl.start_sweep(search(trials=3))
    sweep.advance_all()
    (record,) = store.list_sweep(sweep_id)
    store.update_run(record.id, status="finished")
    os.utime(visitors.root() / owner / "seen", (1.0, 1.0))
    assert retention.clear() == [owner]
    assert sweep.advance_all() == 0
    assert store.list_sweep(sweep_id) == []


def test_a_damaged_sweep_stops_no_other_one():
    damaged, copied, good = (dl.start_sweep(search(trials=2)) for _ in range(3))
    with transact(write=True) as session:
        for sweep_id, values in ((damaged, {"search": {}}), (copied, {"id": "sweep-1 copy"})):
            session.execute(update(SweepRow).where(SweepRow.id == sweep_id).values(**values))
    assert sweep.advance_all() == 1
    assert len(store.list_sweep(good)) == 1
    assert damaged not in dict(map(reversed, state.list_open()))
    with pytest.raises(ConfigError, match="damaged"):
        dl.open_sweep(damaged)


def test_a_sweep_is_there_after_the_store_was_deleted_beneath_the_app(home, monkeypatch):
    monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{home / 'digitlab.db'}")
    sweep_id = dl.start_sweep(search(trials=2))
    assert dl.open_sweep(sweep_id).phase == "searching"
    for path in home.glob("digitlab.db*"):
        path.unlink()
    assert dl.open_sweep(sweep_id).phase == "stopped"


def test_a_damaged_file_of_the_home_is_no_sweep(home):
    kept = {"search": search().model_dump(), "created": 1.0, "stopped": "", "ended": False}
    for place, row in (
        ("sweeps/sweep-1.json", kept | {"search": kept["search"] | {"trials": 10**6}}),
        ("sweeps/sweep-1 copy.json", kept),
        ("visitors/somebody/sweeps/sweep-2.json", kept),
        ("sweeps/sweep-3.json", kept),
    ):
        (home / place).parent.mkdir(parents=True, exist_ok=True)
        (home / place).write_text(json.dumps(row))
    assert state.list_open() == [(None, "sweep-3")]


def test_no_trial_begins_after_the_minutes():
    sweep_id = dl.start_sweep(search(trials=5, minutes=1e-6, seeds=1))
    assert worker.work() == 2
    result = dl.open_sweep(sweep_id)
    assert (result.phase, len(result.trials), len(result.retrained)) == ("finished", 1, 1)


def test_a_machine_that_shares_the_store_goes_on_with_a_sweep(tmp_path, monkeypatch, store_address):
    monkeypatch.setenv("DIGITLAB_STORAGE", str(tmp_path / "shared"))
    if not store_address:
        monkeypatch.setenv("DIGITLAB_DATABASE_URL", f"sqlite:///{tmp_path / 'shared.db'}")
    space = {"learning_rate": [0.05, 1e-6]}
    made = search(space, config=CONFIG.changed(epochs=3), method="grid", pruning="asha", seeds=1)
    sweep_id = dl.start_sweep(made)
    monkeypatch.setenv("DIGITLAB_HOME", str(tmp_path / "other"))
    assert worker.work(gives_back=True) == 3
    monkeypatch.setenv("DIGITLAB_HOME", str(tmp_path / "home"))
    result = dl.open_sweep(sweep_id)
    assert [trial.state for trial in result.trials] == ["finished", "pruned"]
    assert (result.phase, len(result.retrained)) == ("finished", 1)
