"""The Compare page: the runs of the link side by side, and no comparison that would mislead."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.evaluation.comparison import compare_pair
from digitlab.runs import run_folder, store
from digitlab.runs.record import RunRecord
from digitlab.ui.compare.choose import MOST, update_choice
from digitlab.ui.compare.run_filter import matches
from digitlab.ui.labels import run_names
from digitlab.ui.markdown import plain
from tests.pages.visit import find, healthy, words

PAGE = "5_Compare"


@pytest.fixture
def other_id(run_id):
    """A second run on optdigits, of the same configuration as `run_id` with another seed."""
    config = dl.open_run(run_id).config.changed(seed=1)
    return dl.train("logistic-regression", "optdigits", config, progress=False).id


@pytest.fixture
def no_bundle(monkeypatch, tmp_path):
    monkeypatch.setattr(run_folder, "ASSETS", tmp_path / "no assets")


def both(app) -> list[str]:
    return app.query_params["runs"].split(",")


def settings(app) -> dict[str, list[str]]:
    """The table of differing settings, by name."""
    table = next(frame.value for frame in app.dataframe if "Setting" in frame.value)
    return {row[0]: list(row[1:]) for row in table.itertuples(index=False)}


def test_two_runs_are_compared_as_the_package_compares_them(open_page, run_id, other_id):
    a, b = (dl.open_run(name).evaluate("test") for name in (run_id, other_id))
    pair = compare_pair(a, b)
    app = open_page(PAGE, runs=f"{run_id},{other_id}")
    for label, count in (
        ("Both right", pair.both_right),
        ("Only A right", pair.only_a),
        ("Only B right", pair.only_b),
        ("Both wrong", pair.both_wrong),
    ):
        assert find(app.metric, label).value == str(count)
    assert find(app.metric, "p").value == f"{pair.p_value:.2g}"
    assert "test images" in words(app)


def test_only_differing_settings_are_listed(open_page, run_id, other_id):
    listed = settings(open_page(PAGE, runs=f"{run_id},{other_id}"))
    assert listed["seed"] == ["0", "1"]
    assert not {"epochs", "dataset", "architecture", "batch size", "parameters"} & set(listed)


def test_the_spread_over_seeds_counts_both(open_page, run_id, other_id):
    app = open_page(PAGE, runs=f"{run_id},{other_id}", section="seeds")
    table = next(frame.value for frame in app.dataframe if "Seeds" in frame.value)
    accuracies = [dl.open_run(name).record.test_accuracy for name in (run_id, other_id)]
    assert table["Seeds"].tolist() == ["0, 1"]
    assert table["Mean"][0] == pytest.approx(50 * sum(accuracies))


def test_without_a_choice_the_newest_runs_on_one_dataset_are_shared(open_page, run_id, other_id):
    app = open_page(PAGE)
    assert both(app) == [other_id, run_id]  # and not the bundled one, which is of MNIST


def test_what_is_compared_first_is_explained(open_page, run_id):
    app = open_page(PAGE)
    assert "runs that come with digitlab, all on MNIST" in words(app)
    assert len(set(both(app))) == 4
    recipe = dl.open_run(run_id).config.changed(seed=3)
    bad = dl.train("logistic-regression", "optdigits", recipe, progress=False)
    store.update_run(bad.id, test_accuracy=0.1, val_accuracy=0.1)  # it learnt nothing
    assert bad.id not in both(open_page(PAGE))
    lenet = dl.train("lenet-5", "optdigits", dl.TrainConfig(epochs=2), progress=False)
    app = open_page(PAGE)
    assert set(both(app)) == {run_id, lenet.id}
    assert "The best run of each of your 2 architectures on Optdigits" in words(app)


def test_a_choice_is_kept_in_the_link(open_page, run_id, other_id):
    app = open_page(PAGE, runs=f"{run_id},{other_id}")
    healthy(find(app.selectbox, "A").select(other_id).run())
    assert app.query_params["a"] == other_id
    assert find(app.selectbox, "B").value == run_id
    again = open_page(PAGE, **app.query_params)
    assert find(again.selectbox, "A").value == other_id
    assert both(again) == [run_id, other_id]


def test_unknown_runs_are_reported_and_the_others_compared(open_page, run_id, other_id):
    app = open_page(PAGE, runs=f"{run_id},gone-00000000,../../etc,{other_id},{run_id}")
    assert plain("gone-00000000") in words(app)
    assert both(app) == [run_id, other_id]
    assert find(app.metric, "Both right")


@pytest.mark.parametrize("runs", ["", "gone-00000000", ",,,"])
def test_fewer_than_two_runs_ask_for_more(open_page, run_id, other_id, runs):
    app = open_page(PAGE, runs=runs)
    assert "Select 2 to 20 runs" in words(app)
    assert not app.metric


def test_runs_of_different_datasets_are_not_called_better(open_page, run_id):
    app = open_page(PAGE, runs=f"{run_id},reader-cnn")
    said = words(app)
    assert "different datasets (MNIST, Optdigits)" in said
    assert "no test image in common" in said
    assert "is better by" not in said
    assert settings(app)["dataset"] == ["Optdigits", "MNIST"]


def test_a_dataset_that_is_not_on_disk_leaves_a_table(open_page, run_id):
    """MNIST is not on disk here; the answers to its images are."""
    bundled = dl.open_run("reader-cnn")
    store.add_run(bundled.record.model_copy(update={"id": "twin-00000001", "executor": "process"}))
    copy = run_folder.run_folder("twin-00000001")
    copy.parent.mkdir(parents=True, exist_ok=True)
    copy.symlink_to(bundled.folder)
    runs = "reader-cnn,twin-00000001"
    app = open_page(PAGE, runs=runs)
    assert "exactly the same images" in words(app)
    assert "No setting differs" in "".join(item.value for item in app.success)
    app = open_page(PAGE, runs=runs, images="all")
    assert app.query_params["section"] == "images"
    assert "The images cannot be shown" in words(app)
    missed = next(frame.value for frame in app.dataframe if "True class" in frame.value)
    assert len(missed) == min(24, len(bundled.evaluate("test").errors))


def test_one_run_is_not_enough(open_page, run_id, no_bundle):
    app = open_page(PAGE)
    assert "Only one run has results" in words(app)
    assert find(app.page_link, "Train another").proto.page == "Train"


def test_a_run_whose_files_are_gone_is_left_out(open_page, run_id, other_id):
    import streamlit as st

    st.cache_resource.clear()
    run_folder.remove_folder(other_id)
    app = open_page(PAGE, runs=f"{run_id},{other_id},reader-cnn")
    assert "Left out" in words(app)
    assert "different datasets" in words(app)  # of the two that are left


def record(**fields) -> RunRecord:
    base = {"id": "x-00000001", "name": "net", "model": "net", "dataset": "mnist",
            "status": "finished", "spec": {"layers": ["ReLU"]}, "config": {"seed": 0, "lr": 1},
            "data": {"val_fraction": 0.1, "split_seed": 0}, "created": 0.0}  # fmt: skip
    return RunRecord(**{**base, **fields})


def test_names_tell_runs_apart():
    runs = [record(), record(name="other"), record(id="y-abcd0002", seed=1)]
    assert run_names(runs) == ["net · seed 0", "other", "net · seed 1"]
    assert run_names([record(), record(dataset="usps")]) == ["net · MNIST", "net · USPS"]
    twins = [record(), record(id="y-abcd0002"), record(id="reader", executor="bundled")]
    assert run_names(twins) == ["net · 0000", "net · abcd", "net · bundled"]
    alike = [record(), record(id="y-00000002")]
    assert run_names(alike) == ["net · x-00000001", "net · y-00000002"]
    assert len(run_names([record(name="n" * 120)])[0]) <= 32


def test_every_word_must_be_found():
    assert matches(record(), "NET finished mnist")
    assert matches(record(), "")
    assert not matches(record(), "net usps")
    assert matches(record(tags=["Keep"], note="before the talk"), "keep talk")


def test_selecting_keeps_the_order_and_what_the_search_hides():
    assert update_choice(["c"], ["b", "c"], ["a", "b"]) == ["a", "c"]
    assert update_choice(["a", "b"], ["a", "b", "c"], ["b"]) == ["b", "a"]
    assert update_choice([], ["a"], ["a"]) == []


def test_more_than_twenty_are_cut_with_a_warning(open_page, run_id):
    first = dl.open_run(run_id)
    ids = []
    for i in range(MOST + 2):
        ids.append(f"many-{i:08d}")
        store.add_run(first.record.model_copy(update={"id": ids[-1], "seed": i}))
        run_folder.run_folder(ids[-1]).symlink_to(first.folder)
    app = open_page(PAGE, runs=",".join(ids))
    assert f"{MOST + 2} runs are chosen; the first {MOST} are compared" in words(app)
    assert both(app) == ids[:MOST]


@pytest.mark.parametrize(
    "params",
    [
        {
            "a": "nobody",
            "b": "../x",
            "over": "moon",
            "measure": "luck",
            "images": "?",
            "shown": "x",
        },
        {"shown": "999999", "images": "all", "over": "elapsed", "measure": "f1"},
    ],
    ids=["nonsense", "far"],
)
def test_any_link_shows_the_page(open_page, run_id, other_id, params):
    for section in ("difference", "classes", "images", "learning"):
        app = open_page(PAGE, runs=f"{run_id},{other_id}", section=section, **params)
        assert not app.error


def test_a_and_b_are_never_the_same_run(open_page, run_id, other_id):
    app = open_page(PAGE, runs=f"{run_id},{other_id}", a=run_id, b=run_id)
    assert find(app.selectbox, "B").value == other_id
