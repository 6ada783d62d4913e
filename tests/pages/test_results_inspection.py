"""The cells on attributions, activations, label issues and robustness, as a visitor sees them."""

from __future__ import annotations

from dataclasses import replace

import pytest
import streamlit as st

import digitlab as dl
from digitlab.analysis import embedding
from digitlab.analysis.robustness_card import read_card
from digitlab.runs import run_folder
from digitlab.ui.results.label_issues import LEAST
from tests.pages.visit import find, healthy, words

PAGE = "4_Results"
NEW = ("activations", "label-issues", "robustness")


@pytest.fixture(autouse=True)
def _few_images(monkeypatch):
    monkeypatch.setattr(embedding, "MOST", 60)


def test_the_methods_offered_are_those_that_fit(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="mistakes", mistake="5")
    method = find(app.segmented_control, "Method")
    assert method.options == ["Integrated gradients", "Occlusion", "None"]
    assert "Grad-CAM needs a convolution" in words(app)
    healthy(method.set_value("occlusion").run())
    assert app.query_params["why"] == "occlusion"


def test_a_classical_model_says_why_it_has_less_to_show(open_page, optdigits):
    run = dl.train("naive-bayes", optdigits, dl.TrainConfig(), progress=False)
    dl.measure_robustness(run, 20)
    app = open_page(PAGE, run=run.id, section="mistakes", mistake="5")
    assert "A classical model has no gradient: only covering" in words(app)
    app = open_page(PAGE, run=run.id, section="activations")
    assert "first weights cannot be shown as images" in words(app)
    healthy(find(app.segmented_control, "Part of the network").set_value("layers").run())
    assert app.query_params["part"] == "layers"
    assert "A classical model has no layers" in words(app)
    app = open_page(PAGE, run=run.id, section="robustness")
    assert "which this classical model does not have" in words(app)


def test_a_linked_image_is_shown_below_the_embedding(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="activations", part="hidden", mistake="7")
    assert "A closer look at one image" in words(app)
    assert "This network has no hidden layer" in words(app)
    healthy(find(app.segmented_control, "Colour").set_value("right").run())
    assert app.query_params["color"] == "right"


def test_label_issues_of_the_training_split_are_offered_then_saved(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="label-issues", on="train")
    assert "only partly out of sample" in words(app)
    healthy(find(app.button, "Cross-validate the 1,294").click().run())
    assert "Of 1,294 images" in words(app)
    assert "Of 1,294 images" in words(
        open_page(PAGE, run=run_id, section="label-issues", on="train")
    )


def test_label_issues_are_found_by_all_runs_together_or_by_one_alone(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="label-issues")
    assert "was not trained on" in words(app)  # there is no other run
    config = dl.TrainConfig(epochs=1, seed=5)
    dl.train("logistic-regression", "optdigits", config, progress=False)
    app = open_page(PAGE, run=run_id, section="label-issues")
    assert "The predictions of 2 runs that were not trained on these images" in words(app)
    assert len(app.dataframe[0].value) >= LEAST
    assert find(app.number_input, "Page (of 2)").value == 1
    healthy(find(app.segmented_control, "Predictions of").set_value("alone").run())
    assert app.query_params["predictions"] == "alone"
    assert "The network was not trained on these images" in words(app)


def test_the_named_label_errors_of_mnist_are_shown_on_a_fresh_clone(open_page, real_mnist):
    app = open_page(PAGE, run="reader-cnn", section="label-issues")
    assert {1901, 2130, 8527, 9729} <= set(app.dataframe[0].value["Number"])


def test_a_card_is_shown_with_the_figures_that_were_measured(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="robustness")
    assert "Nothing has been measured yet" in words(app)
    card = dl.measure_robustness(dl.open_run(run_id), 50)
    app = open_page(PAGE, run=run_id, section="robustness")
    assert f"**{100 * card.accuracy:.1f} %** of 50 unchanged test images" in words(app)
    assert "one attacked image and what it is read as" in words(app)
    assert read_card(dl.open_run(run_id)) == card


@pytest.mark.parametrize("section", NEW)
def test_without_weights_or_data_there_is_a_sentence(open_page, home, optdigits, section):
    info = replace(optdigits.info, name="by-hand", classes=("even", "odd"))
    parts = {
        name: replace(optdigits.split(name), labels=optdigits.split(name).labels % 2)
        for name in dl.SPLITS
    }
    data = replace(optdigits, info=info, **parts)
    layers = "  - Flatten\n  - Linear: {out_features: 2}\n"
    spec = dl.ModelSpec.from_yaml(f"name: two\ninput: [1, 28, 28]\nlayers:\n{layers}")
    run = dl.train(spec, data, dl.TrainConfig(epochs=1), progress=False)
    app = open_page(PAGE, run=run.id, section=section)  # no catalog knows its data
    assert not app.error
    st.cache_resource.clear()
    (run_folder.run_folder(run.id) / run_folder.WEIGHTS).unlink()
    app = open_page(PAGE, run=run.id, section=section)
    if section != "label-issues":  # which needs only the saved predictions
        assert "has no weights any more" in app.error[0].value
