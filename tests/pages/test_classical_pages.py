"""A classical model on every page: summarised, fitted, watched, evaluated and used to read."""

from __future__ import annotations

import digitlab as dl
from digitlab.runs import store
from digitlab.ui.model_picker import pack
from tests.conftest import wait_for
from tests.pages.visit import code_of, find, healthy, labels, open_link, words

TRAIN = "3_Train"


def test_the_architecture_page_shows_it_and_says_what_is_not_known_yet(open_page):
    app = open_page("2_Architecture", preset="svm")
    assert find(app.metric, "Parameters").value == "learnt from the data"
    assert "depends on the training data" in words(app)
    assert "Send to Train" in labels(app.button)
    (table,) = app.dataframe
    assert table.value["Layer"].tolist() == ["sklearn/SVC"]
    assert table.value["Output shape"].tolist() == ["10"]
    assert "C=0.8" in table.value["Arguments"][0]


def test_an_estimator_among_layers_is_refused_in_a_sentence(open_page):
    mixed = dl.ModelSpec(name="mixed", layers=["Flatten", "sklearn/SVC"])
    app = open_page("2_Architecture", preset="own", spec=pack(mixed))
    assert any("only layer" in error.value for error in app.error)


def test_the_train_page_asks_only_for_settings_that_have_an_effect(open_page):
    app = open_page(TRAIN, model="svm")
    fields = {*labels(app.number_input), *labels(app.selectbox)}
    assert {"Training images (0: all)", "Seed", "Normalisation", "Validation share"} <= fields
    assert not {"Epochs", "Batch size", "Optimizer", "Learning rate"} & fields
    assert find(app.number_input, "Training images").value == 1_600
    assert "will be fitted to" in words(app)


def test_networks_can_be_trained_on_a_part_of_the_images(open_page):
    app = open_page(TRAIN, more=True, model="cnn-small", subset="500")
    assert find(app.number_input, "Training images").value == 500
    assert "subset=500" in code_of(app)[0]
    assert "500 training images" in words(app)


def test_it_is_fitted_watched_evaluated_and_compared(open_page):
    app = open_page(TRAIN, model="svm", subset="300", dataset="optdigits", seed="3")
    healthy(find(app.button, "Start training").click().run())
    run_id = app.query_params["run"]
    wait_for(lambda: store.get_record(run_id).status == "finished")
    record = store.get_record(run_id)
    assert (record.epochs, record.config["subset"], record.seed) == (1, 300, 3)
    wait_for(lambda: store.get_record(run_id).test_accuracy is not None)
    after = open_link(TRAIN, run=run_id, model="svm")
    assert find(after.metric, "Test accuracy").value.endswith("%")
    for name, params in (
        ("4_Results", {"run": run_id}),
        ("5_Compare", {"runs": run_id}),
        ("6_Draw", {"run": run_id}),
        ("Home", {}),
    ):
        assert not open_link(name, **params).error, name


def test_a_long_fit_says_what_it_does_and_can_be_stopped(open_page):
    slow = dl.ModelSpec(
        name="slow", layers=[{"sklearn/MLPClassifier": {"max_iter": 1000, "tol": 0}}]
    )
    app = open_page(TRAIN, model="own", spec=pack(slow), dataset="optdigits")
    healthy(find(app.button, "Start training").click().run())
    run_id = app.query_params["run"]
    wait_for(lambda: store.get_record(run_id).epochs_done >= 1)
    stranger = open_link(TRAIN, run=run_id)
    assert any("Fitting MLPClassifier on" in bar.proto.text for bar in stranger.get("progress"))
    healthy(find(stranger.button, "Stop").click().run())
    wait_for(lambda: store.get_record(run_id).status == "stopped")
    assert store.get_record(run_id).kept_epoch >= 1
