"""Fitting: a classical model's events, its stages, its stop, and what scikit-learn refuses."""

from __future__ import annotations

import re

import pytest
import torch

import digitlab as dl
from digitlab.errors import ConfigError, RunError
from digitlab.models.classical.build import fitted_module
from digitlab.models.classical.catalog import KINDS
from digitlab.models.classical.extract import extract
from digitlab.training.classical import fit
from digitlab.training.events import Activity, EpochDone, Finished, Started, StepsDone
from digitlab.training.learner import make_learner
from digitlab.training.normalize import Normalization, make_normalization
from digitlab.training.predict import predict_logits

SMALL = dl.TrainConfig(subset=300, seed=1)


def network(name, **args):
    return dl.build(dl.ModelSpec(name="one", layers=[{f"sklearn/{name}": args}]))


def happen(model, data, config=SMALL, ask=lambda: None):
    """All events of a fit, in order."""
    return list(make_learner(model, data, config).events(ask))


def of(kind, events):
    return [event for event in events if isinstance(event, kind)]


def test_what_learns_at_once_is_one_epoch(optdigits):
    model = network("LogisticRegression", max_iter=500)
    events = happen(model, optdigits)
    assert isinstance(events[0], Started)
    assert (events[0].train_images, events[0].total_steps) == (300, 1)
    (epoch,), end = of(EpochDone, events), events[-1]
    assert any("Fitting LogisticRegression on 300 images" in a.text for a in of(Activity, events))
    assert (end.reason, end.epochs, end.step, end.kept_epoch) == ("completed", 1, 1, 1.0)
    assert epoch.val_accuracy > 0.9
    kept = SMALL.take_subset(optdigits).train
    normalization = Normalization(events[0].mean, events[0].std)
    logits = predict_logits(model, kept.images, normalization)
    assert epoch.train_accuracy == (logits.argmax(1) == kept.labels).double().mean().item()


@pytest.mark.parametrize(
    ("name", "args", "stages"),
    [
        ("RandomForestClassifier", {"n_estimators": 25}, 3),
        ("HistGradientBoostingClassifier", {"max_iter": 4, "max_leaf_nodes": 4}, 1),
        ("MLPClassifier", {"max_iter": 4}, 4),
        ("MLPClassifier", {"max_iter": 60, "tol": 10.0, "n_iter_no_change": 2}, 4),
        ("MLPClassifier", {"max_iter": 9, "solver": "lbfgs"}, 1),
    ],
)
def test_what_learns_in_rounds_tells_each_stage(name, args, stages, optdigits):
    events = happen(network(name, **args), optdigits)
    epochs, steps = of(EpochDone, events), of(StepsDone, events)
    assert [epoch.epoch for epoch in epochs] == list(range(1, stages + 1))
    assert [step.step for step in steps] == list(range(1, stages + 1))
    assert epochs[-1].train_accuracy >= epochs[0].train_accuracy
    assert events[-1].epochs == stages
    best = max(epochs, key=lambda epoch: (epoch.val_accuracy, -epoch.val_loss))
    assert events[-1].best_epoch == best.epoch


def test_stages_change_nothing_the_same_seed_gives_the_forest_of_one_fit(optdigits):
    args = {"n_estimators": 25}
    model = network("RandomForestClassifier", **args)
    happen(model, optdigits)
    kept = SMALL.take_subset(optdigits).train
    values = make_normalization(SMALL.normalization, kept.images)(kept.images).flatten(1).numpy()
    at_once = KINDS["RandomForestClassifier"].make(args, seed=1).fit(values, kept.labels.numpy())
    for name, array in extract("trees", at_once, values, 1.0, 0.0).items():
        assert torch.equal(model.state_dict()[f"0.{name}"], torch.from_numpy(array)), name


def test_a_stop_ends_a_long_fit_and_nothing_is_learnt(mnist):
    model = network("SVC", C=100.0)
    events, long = [], re.compile(r"[1-9]\S* s so far")

    def ask():
        return "stop" if any(long.search(event.text) for event in of(Activity, events)) else None

    for event in make_learner(model, mnist, dl.TrainConfig(normalization="none")).events(ask):
        events += [event]
    assert events[-1].reason == "stopped"
    assert events[-1].epochs == events[-1].kept_epoch == 0
    assert "learnt nothing" in events[-1].note
    assert not of(EpochDone, events)
    assert not fitted_module(model).fitted
    assert events[-2].text.startswith("Fitting SVC on 54,000 images; ")


def test_a_stop_keeps_the_stages_that_are_done(optdigits):
    model, seen = network("MLPClassifier", max_iter=1000, tol=0.0), []

    def ask():
        return "stop" if len(seen) >= 2 else None

    for event in make_learner(model, optdigits, SMALL).events(ask):
        seen += [event] if isinstance(event, EpochDone) else []
    assert isinstance(event, Finished)
    assert event.reason == "stopped"
    assert event.kept_epoch == event.epochs == len(seen) == 2
    assert fitted_module(model).fitted


def test_the_wish_to_save_or_to_pause_is_understood(optdigits):
    model = network("GaussianNB")
    assert happen(model, optdigits, ask=lambda: "save")[-1].reason == "completed"
    paused = happen(network("GaussianNB"), optdigits, ask=lambda: "pause")[-1]
    assert paused.reason == "paused"
    assert "starts again from the beginning" in paused.note


def test_leaving_early_ends_the_process(optdigits):
    events = make_learner(
        network("MLPClassifier", max_iter=1000, tol=0.0), optdigits, SMALL
    ).events()
    for event in events:
        if isinstance(event, StepsDone):
            break
    process = events.gi_frame.f_locals["process"]._process
    assert process.poll() is None
    events.close()
    assert process.poll() is not None


def test_a_long_fit_says_how_long_it_will_take(mnist):
    config = dl.TrainConfig(subset=20_000, normalization="none")
    texts = []

    def ask():
        return "stop" if any("expected" in text for text in texts) else None

    for event in make_learner(network("SVC"), mnist, config).events(ask):
        texts += [event.text] if isinstance(event, Activity) else []
    assert "Fitting SVC on 20,000 images" in texts[-1]
    assert "expected" in texts[-1]


@pytest.mark.parametrize(
    ("name", "args", "message"),
    [
        ("MultinomialNB", {}, "normalization to 'none'"),
        ("LogisticRegression", {"solver": "newton-cg", "l1_ratio": 0.5}, "supports only"),
        ("KNeighborsClassifier", {"n_neighbors": 400}, "neighbours"),
    ],
)
def test_what_scikit_learn_refuses_is_said(name, args, message, optdigits):
    with pytest.raises((ConfigError, RunError), match=message):
        happen(network(name, **args), optdigits)


def test_neighbours_that_would_not_fit_are_refused_before_the_fit(optdigits, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_PARAMETERS", "100000")
    with pytest.raises(ConfigError, match="set subset to at most 127") as caught:
        happen(network("KNeighborsClassifier"), optdigits)
    assert caught.value.field == "subset"


def test_an_unfinished_optimisation_is_said(optdigits):
    end = happen(network("LogisticRegression", max_iter=3), optdigits)[-1]
    assert end.reason == "completed"
    assert "raise max_iter" in end.note


def test_a_process_that_dies_is_said(optdigits, monkeypatch):
    monkeypatch.setattr(fit.sys, "executable", "/bin/false")
    with pytest.raises(RunError, match="GaussianNB failed: its process ended"):
        happen(network("GaussianNB"), optdigits)
