"""Downloads and imports on the pages; ensembles, seeds and the leaderboard of Compare."""

from __future__ import annotations

import io

import pytest

import digitlab as dl
from digitlab.exports.archive import pack_run
from digitlab.exports.formats import FORMATS
from digitlab.jobs import queue, seeds
from digitlab.runs import store
from digitlab.ui.classic import CLASSIC
from digitlab.ui.markdown import plain
from tests.pages.visit import code_of, figures, find, healthy, labels, planned_by, words

RESULTS, COMPARE = "4_Results", "5_Compare"


@pytest.fixture
def other_id(run_id):
    config = dl.open_run(run_id).config.changed(seed=1)
    return dl.train("logistic-regression", "optdigits", config, progress=False).id


@pytest.fixture
def no_worker(monkeypatch):
    """Runs that are queued wait."""
    monkeypatch.setattr(queue, "launch_worker", lambda: None)
    monkeypatch.setattr(queue, "relaunch_worker", lambda: None)


@pytest.mark.parametrize(
    ("page", "former", "key", "text"),
    [
        (RESULTS, "take", "download", "The whole run"),
        (RESULTS, "suspects", "label-issues", "cleanlab"),
        (RESULTS, "inside", "activations", "first layer"),
        (COMPARE, "take", "download", "as a notebook"),
        (COMPARE, "together", "seeds", "other seeds"),
        (COMPARE, "standing", "leaderboard", "95 % intervals"),
    ],
)
def test_a_link_with_a_former_key_opens_the_same_section(
    open_page, run_id, other_id, page, former, key, text
):
    app = open_page(page, run=run_id, runs=f"{run_id},{other_id}", section=former)
    assert app.query_params["section"] == key
    assert text in words(app)


def test_everything_is_offered_and_nothing_is_made_before_a_click(open_page, run_id, monkeypatch):
    from digitlab.exports import report

    monkeypatch.setattr(report, "write_report", lambda run: pytest.fail("nobody clicked"))
    app = open_page(RESULTS, run=run_id, section="download")
    offered = labels(app.get("download_button"))
    for label in ("HTML", *(form.title for form in FORMATS.values())):
        assert label in offered


@pytest.mark.parametrize("figure", ["classes", "calibration", "roc", "loss", "accuracy"])
def test_every_figure_can_be_chosen(open_page, run_id, figure):
    app = open_page(RESULTS, run=run_id, section="download", figure=figure, on="val", picture="png")
    assert figures(app)


def test_an_ensemble_has_results_like_any_run(open_page, run_id, other_id):
    joined = dl.ensemble([run_id, other_id])
    app = open_page(RESULTS, run=joined.id)
    accuracy = joined.evaluate("test").accuracy
    assert find(app.metric, "Accuracy").value == f"{100 * accuracy:.2f} %"
    offered = labels(open_page(RESULTS, run=joined.id, section="download").get("download_button"))
    assert "ONNX" in offered
    assert not {"Python", "YAML", "safetensors", "Run as ZIP", "TensorBoard"} & set(offered)


def test_an_ensemble_is_shown_and_saved(open_page, run_id, other_id):
    app = open_page(COMPARE, runs=f"{run_id},{other_id}", section="seeds")
    shown = find(app.metric, "Ensemble of 2").value
    healthy(find(app.button, "Save as a run").click().run())
    kept = dl.open_run("latest")
    assert kept.record.members == [run_id, other_id]
    assert shown == f"{100 * kept.record.test_accuracy:.2f} %"
    assert plain("Saved as Ensemble of 2 (mean)") in "".join(item.value for item in app.success)
    again = open_page(COMPARE, runs=f"{run_id},{other_id},{kept.id}", section="seeds")
    assert find(again.metric, "Ensemble of 2").value == shown  # its members count once


def test_more_seeds_are_one_click(open_page, run_id, other_id, no_worker, monkeypatch):
    monkeypatch.setattr(seeds, "active_runs", lambda: store.list_records(("queued",)))
    app = open_page(COMPARE, runs=f"{run_id},{other_id}", section="seeds", seeds="4")
    assert "too often to tell" not in words(app)
    find(app.button, "Run them").click().run()
    assert sorted(record.seed for record in store.list_records(("queued",))) == [2, 3]


def test_the_leaderboard_has_all_runs(open_page, run_id, other_id):
    app = open_page(COMPARE, runs=f"{run_id},{other_id}", section="leaderboard")
    table = next(frame.value for frame in app.dataframe if "Rank" in frame.value)
    assert set(table["From"]) == {run_id, other_id}
    mnist = open_page(COMPARE, runs=f"{run_id},{other_id}", section="leaderboard", board="mnist")
    table = next(frame.value for frame in mnist.dataframe if "Rank" in frame.value)
    assert table["Run"].str.contains("published").sum() > 10


def test_the_classic_four_are_a_sweep_that_is_one_click_away(open_page, no_worker, monkeypatch):
    app = open_page("Home")
    healthy(find(app.button, "Train the classic four").click().run())
    records = store.list_records()
    assert {record.model for record in records} == set(CLASSIC)
    assert all(record.config["test_curve"] for record in records)
    (made,) = {record.data.sweep for record in records}
    assert made.name == "The classic four"
    planned = [record.experiment for record in store.list_sweep(made.id)]
    app = open_page(COMPARE, runs="mlp,reader-cnn", section="leaderboard")
    assert planned_by(code_of(app)[-1], monkeypatch) == planned
    for page, section in (("Home", ""), ("3_Train", ""), (COMPARE, "leaderboard")):
        link = find(open_page(page, section=section).page_link, "Watch the classic four")
        assert (link.proto.page, link.proto.query_string) == ("Train", f"sweep={made.id}")


def test_a_zip_is_imported_and_compared(open_page, run_id, other_id):
    packed = pack_run(dl.open_run(run_id))
    app = open_page(COMPARE, runs=f"{run_id},{other_id}")
    find(app.get("file_uploader"), "A run's ZIP").upload("run.zip", packed, "application/zip")
    app.run()
    healthy(find(app.button, "Import").click().run())
    *before, new = app.query_params["runs"].split(",")
    assert before == [run_id, other_id]
    assert dl.open_run(new).record.tags == ["imported"]
    assert "was imported as run" in "".join(item.value for item in app.success)


def test_another_file_is_refused_in_a_sentence(open_page, run_id, other_id):
    app = open_page(COMPARE, runs=f"{run_id},{other_id}")
    content = io.BytesIO(b"PK no zip").getvalue()
    find(app.get("file_uploader"), "A run's ZIP").upload("run.zip", content, "application/zip")
    app.run()
    app = healthy(find(app.button, "Import").click().run())
    assert any("ZIP" in item.value for item in app.error)


def test_runs_are_filtered(open_page, run_id, other_id):
    dl.label_run(other_id, tags=["keep"])
    app = open_page(COMPARE, runs=f"{run_id},{other_id}", columns="1")
    app.session_state["choose-runs"] = True  # open the fold
    app.run()
    healthy(find(app.multiselect, "Tag").select("keep").run())
    (table,) = [frame.value for frame in app.dataframe if "Id" in frame.value.columns]
    assert table["Id"].tolist() == [other_id]
    assert "The search hides 1 of the chosen runs" in words(app)
