"""Several at once: the form tells how many runs, queues them, and they are watched together."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.jobs import queue, worker
from digitlab.models.presets import load_preset
from digitlab.runs import store
from digitlab.training.config import TrainConfig
from tests.pages.visit import code_of, figures, find, healthy, labels, planned_by, words

PAGE = "3_Train"
RATES = {"dataset": "optdigits", "several": "1", "model": "logistic-regression,one-hidden-linear",
         "lr": "0.1, 0.01", "epochs": "2"}  # fmt: skip


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Nothing works on the queue but what a test does itself."""
    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    monkeypatch.setattr(queue, "relaunch_worker", lambda: None)


def test_a_link_gives_a_form_of_several_runs_which_are_queued_watched_and_compared(
    open_page, monkeypatch
):
    app = open_page(PAGE, **RATES)
    assert "**4 runs**: 2 models × 2 values of learning rate." in words(app)
    healthy(find(app.button, "Start 4 runs").click().run())
    records = store.list_records()
    made = records[0].data.sweep
    assert len(records) == 4
    assert made.name == "Model × learning rate"
    assert {record.config["optimizer"] for record in records} == {"sgd"}
    assert app.query_params["sweep"] == made.id
    assert "Stop all" in labels(app.button)
    asked = open_page(PAGE, **RATES)
    (code,) = (code for code in code_of(asked) if "plan_sweep" in code)
    assert planned_by(code, monkeypatch) == [r.experiment for r in store.list_sweep(made.id)]
    worker.work()
    app = open_page(PAGE, sweep=made.id)
    best = max(store.list_sweep(made.id), key=lambda record: record.val_accuracy)
    assert "Best by validation" in words(app)
    assert "chance (McNemar's test)" in words(app)
    # Each network has each rate, but a schedule of its own.
    assert "in their recipes, too (learning-rate schedule, epochs between steps)" in words(app)
    table = next(frame.value for frame in app.dataframe if "Validation" in frame.value)
    assert list(table["Learning rate"]) == [0.1, 0.01, 0.1, 0.01]
    assert list(table["Status"]).count("best by validation") == 1
    assert table["Validation"].max() == pytest.approx(100 * best.val_accuracy)
    assert "Compare them" in labels(app.button)


def test_two_clicks_on_start_are_one_and_later_ones_ask(open_page):
    app = open_page(PAGE, **RATES)
    for _ in range(2):
        healthy(find(app.button, "Start 4 runs").click().run())
    records = store.list_records()
    assert len(records) == 4
    for record in records:
        store.update_run(record.id, created=record.created - 60)
    healthy(find(app.button, "Start 4 runs").click().run())
    assert "The same runs are training or waiting already" in words(app)
    healthy(find(app.button, "Start them once more anyway").click().run())
    assert len(store.list_records()) == 8


def test_a_closed_fold_counts_and_trains_with_the_values_of_the_link(open_page):
    app = open_page(PAGE, **RATES, decay="0.1", momentum="0, 0.9")
    assert [fold.label for fold in app.expander if "settings" in fold.label] == [
        "More settings · 2 changed"
    ]
    healthy(find(app.button, "Start 8 runs").click().run())
    assert {record.config["weight_decay"] for record in store.list_records()} == {0.1}


def test_more_than_may_wait_are_refused_in_a_sentence_before_start(open_page, monkeypatch):
    monkeypatch.setenv("DIGITLAB_MAX_QUEUED", "3")
    app = open_page(PAGE, **RATES)
    assert "4 more runs would have to wait, but only 3 may" in words(app)
    assert not [label for label in labels(app.button) if label.startswith("Start")]


def test_what_cannot_be_combined_or_read_is_named(open_page):
    app = open_page(PAGE, **{**RATES, "lr": "0.1, fast"})
    assert "'fast' is no number" in words(app)
    assert find(app.multiselect, "Optimizer")  # the rest of the form is there
    app = open_page(PAGE, **{**RATES, "lr": "0.1, 1000"})
    assert "learning\\_rate 1000" in words(app)


def test_one_value_of_each_remains_when_the_switch_is_turned_off(open_page):
    app = open_page(PAGE, **RATES)
    healthy(find(app.toggle, "Several values").set_value(False).run())
    assert find(app.number_input, "Learning rate").value == 0.1
    assert find(app.selectbox, "Model").value == "logistic-regression"


def test_a_failed_run_is_named_and_a_deleted_sweep_is_missed(open_page):
    config = dl.TrainConfig(epochs=1)
    models = [("logistic-regression", config)]
    made = dl.submit_sweep(dl.plan_sweep(models, "optdigits", {"seed": [0, 1]}), "Seeds")
    first, second = store.list_sweep(made.id)
    store.change_status(second.id, "queued", "failed", message="The disk is full.")
    app = open_page(PAGE, sweep=made.id)
    assert "**seed 1** failed. The disk is full" in words(app)
    healthy(find(app.button, "Stop all").click().run())
    assert store.get_record(first.id).status == "stopped"
    for record in (first, second):
        dl.delete_run(record.id)
    assert "No run of the sweep" in words(open_page(PAGE, sweep=made.id))


def test_recipes_that_come_with_the_networks_are_named(open_page):
    models = [
        (load_preset(name).spec, TrainConfig(epochs=1, learning_rate=rate, subset=60))
        for name, rate in (("two-hidden-16-relu", 0.01), ("two-hidden-64-relu", 0.02))
    ]
    made = dl.submit_sweep(dl.plan_sweep(models, "optdigits", {}), "Two")
    worker.work()
    app = open_page(PAGE, sweep=made.id)
    assert "differ in their recipes, too (learning rate)" in words(app)


def test_values_that_did_well_are_seen_as_in_a_search(open_page):
    models = [("logistic-regression", TrainConfig(epochs=1, subset=60))]
    values = {"learning_rate": [0.001, 0.01, 0.1], "optimizer": ["sgd", "adam"]}
    made = dl.submit_sweep(dl.plan_sweep(models, "optdigits", values), "Six")
    worker.work()
    (figure,) = (
        figure
        for figure in figures(open_page(PAGE, sweep=made.id))
        if figure["layout"]["title"]["text"] == "Which values did well"
    )
    axes = figure["layout"]["xaxis"]["ticktext"]
    assert [axis.replace("<br>", " ") for axis in axes] == [
        "optimizer",
        "learning rate",
        "validation accuracy",
    ]
    (best,) = (trace for trace in figure["data"] if trace["name"] == "best")
    assert best["y"][2] == 1  # of the last axis
