"""The Results page: the same figures as `run.evaluate`, and a link that shows the same to all."""

from __future__ import annotations

import pytest
import streamlit as st

import digitlab as dl
from digitlab.jobs import requests
from digitlab.runs import run_folder, store
from digitlab.ui.markdown import plain
from tests.pages.visit import find, healthy, words

PAGE = "4_Results"


def metric(app, label: str) -> str:
    return find(app.metric, label).value


@pytest.fixture
def no_bundle(monkeypatch, tmp_path):
    monkeypatch.setattr(run_folder, "ASSETS", tmp_path / "no assets")


@pytest.mark.parametrize("split", ["test", "val"])
def test_the_figures_are_those_of_the_run(open_page, run_id, split):
    result = dl.open_run(run_id).evaluate(split)
    app = open_page(PAGE, run=run_id, on=split)
    assert metric(app, "Accuracy") == f"{100 * result.accuracy:.2f} %"
    assert metric(app, "Mistakes") == str(len(result.errors))
    assert not app.dataframe  # what a first look does not need is in a section of its own
    app = open_page(PAGE, run=run_id, on=split, section="metrics")
    assert metric(app, "Accuracy") == f"{100 * result.accuracy:.2f} %"
    assert metric(app, "Loss") == f"{result.loss:.4f}"
    table = app.dataframe[0].value
    assert table["Support"].tolist() == [row.support for row in result.per_class]


def test_the_accuracy_comes_with_its_interval(open_page, run_id):
    low, high = dl.open_run(run_id).evaluate("test").accuracy_interval
    accuracy = find(open_page(PAGE, run=run_id, section="metrics").metric, "Accuracy")
    assert f"{100 * low:.2f} to {100 * high:.2f} %" in accuracy.delta
    assert f"{100 * high:.2f} %" in accuracy.delta


def test_the_newest_own_run_is_shown_first(open_page, run_id):
    app = open_page(PAGE)
    assert find(app.selectbox, "Run").value == run_id


def test_a_link_to_a_run_keeps_naming_it(open_page, run_id):
    assert open_page(PAGE, run=run_id).query_params["run"] == run_id


def test_a_page_opened_without_a_run_can_be_shared_too(open_page, run_id):
    assert open_page(PAGE).query_params["run"] == run_id


def test_mistakes_can_be_filtered_and_the_link_repeats_it(open_page, run_id):
    mistake = dl.open_run(run_id).evaluate("test").errors[0]
    app = open_page(PAGE, run=run_id, section="mistakes")
    healthy(find(app.selectbox, "True class").select(str(mistake.true)).run())
    healthy(find(app.selectbox, "Read as").select(str(mistake.predicted)).run())
    assert app.query_params["true"] == str(mistake.true)
    assert app.query_params["read"] == str(mistake.predicted)
    count = len(
        dl.open_run(run_id)
        .evaluate("test")
        .errors.where(true=mistake.true, predicted=mistake.predicted)
    )
    again = open_page(PAGE, **app.query_params)
    assert f"{count} mistake" in words(again)


def test_a_pair_that_was_never_confused_says_so(open_page, run_id):
    app = open_page(PAGE, run=run_id, section="mistakes", true="3", read="3")
    assert "No mistakes of this kind" in words(app)


def test_without_an_own_run_the_bundled_one_is_shown(open_page):
    app = open_page(PAGE)
    assert find(app.selectbox, "Run").value == "reader"
    assert float(metric(app, "Accuracy").rstrip(" %")) > 98


def test_the_bundled_run_can_do_without_its_dataset(open_page):
    """MNIST is not on disk here: the predictions are, so the figures stay; the images cannot."""
    app = open_page(PAGE, run="reader-cnn", section="mistakes")
    assert "cannot be shown" in words(app)
    assert "The nearest images cannot be shown" not in words(app)  # it is explained once
    assert set(app.dataframe[0].value.columns) >= {"True class", "Read as", "Confidence"}


def test_without_any_run_the_way_to_one_is_shown(open_page, no_bundle):
    app = open_page(PAGE)
    assert "no run" in words(app)
    assert find(app.page_link, "Train").proto.page == "Train"


def test_a_run_that_does_not_exist_is_reported_and_another_shown(open_page, run_id):
    app = open_page(PAGE, run="gone-00000000")
    assert plain("gone-00000000") in words(app)
    assert find(app.selectbox, "Run").value == run_id


def test_a_run_without_results_is_reported_and_another_shown(open_page, run_id):
    lost = store.get_record(run_id).model_copy(
        update={"id": "lost-00000000", "status": "failed", "message": "The disk was full."}
    )
    store.add_run(lost)
    app = open_page(PAGE, run=lost.id)
    assert "The disk was full." in words(app).replace("\\", "")
    assert find(app.selectbox, "Run").value == run_id


def test_a_run_whose_files_are_gone_is_reported(open_page, run_id):
    st.cache_resource.clear()  # another test has looked at this run
    requests._load_run.cache_clear()
    run_folder.remove_folder(run_id)
    app = open_page(PAGE, run=run_id)
    assert app.error
    assert "Train it again" in app.error[0].value


def test_the_view_for_other_sites_shows_results_and_changes_nothing(open_page, run_id):
    result = dl.open_run(run_id).evaluate("val")
    pair = result.most_confused(1)[0]
    app = open_page(PAGE, view="results", run=run_id, on="val")
    assert metric(app, "Accuracy") == f"{100 * result.accuracy:.2f} %"
    assert f"{len(result.errors)} mistakes" in words(app)
    assert [len(app.selectbox), len(app.text_input), len(app.sidebar)] == [0, 0, 0]
    assert not app.get("download_button")
    (button,) = [b for b in app.button if b.key == f"confused:{pair.true}:{pair.predicted}"]
    app = healthy(button.click().run())
    assert f"{pair.count} mistake" in words(app)
    assert (app.query_params["true"], app.query_params["read"]) == (
        str(pair.true),
        str(pair.predicted),
    )
