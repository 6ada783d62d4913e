"""The data lab on the Data page: what each section shows, and what becomes of a correction."""

from __future__ import annotations

import threading
import time

import pytest

import digitlab as dl
from digitlab.analysis.dataset_labels import find_label_issues
from digitlab.data import own, own_files
from digitlab.errors import ComputeError
from digitlab.ui.data import label_issues, work
from digitlab.ui.data.gallery import class_keys
from tests.conftest import PATIENCE, wait_for
from tests.pages.visit import code_of, find, healthy, labels, words

PAGE = "1_Data"
CHANGED = {"section": "changes", "changes-optdigits": "r12=7,t90=x,r12=3"}


@pytest.fixture
def open_lab(open_page, monkeypatch):
    """Open a section of the Data page, and wait until what it computes is there."""
    monkeypatch.setattr(work, "PATIENCE", PATIENCE)
    return lambda **params: open_page(PAGE, **params)


@pytest.mark.parametrize(
    ("section", "text"),
    [
        ("map", "2 selected"),
        ("labels", "The quick models agree with 99.6 %"),
        ("duplicates", "1 test image of 359 (0.3 %) is in the training split, too"),
        ("outliers", "farthest from the others of their class"),
    ],
)
def test_a_section_shows_images_that_can_be_corrected(open_lab, section, text):
    app = open_lab(section=section, split="test", area="3-5")
    assert text in words(app)
    assert find(app.selectbox, "Label").value in range(10)
    assert all("load_dataset('optdigits')" in code for code in code_of(app))


def test_stop_ends_a_step_that_tells_no_progress(open_page, monkeypatch):
    monkeypatch.setattr(work, "PATIENCE", 0)
    ended = threading.Event()

    def call(function, *arguments, is_wanted, on_progress):
        on_progress("Placing the images", 0, 1)
        while is_wanted():
            time.sleep(0.01)
        ended.set()
        raise ComputeError("It was ended.")

    monkeypatch.setattr(work, "call", call)
    app = open_page(PAGE, section="map", plane="tsne")
    healthy(find(app.button, "Stop").click().run())
    assert ended.wait(PATIENCE)
    healthy(app.run())
    assert "Compute it" in labels(app.button)


@pytest.fixture
def go_on(monkeypatch):
    """An event until which label issues are looked for."""
    go_on = threading.Event()

    def wait(data, on_progress):
        while not go_on.wait(0.01):
            on_progress("Waiting", 0, 1)
        return find_label_issues(data, on_progress=on_progress)

    monkeypatch.setattr(label_issues, "find_label_issues", wait)
    monkeypatch.setattr(work, "PATIENCE", 0)
    monkeypatch.setattr(work, "WATCHED", PATIENCE)
    yield go_on
    go_on.set()


def test_work_that_takes_long_shows_its_progress_and_can_be_stopped(open_page, go_on, monkeypatch):
    app = open_page(PAGE, section="labels")
    assert not app.selectbox or "Label" not in labels(app.selectbox)
    healthy(find(app.button, "Stop").click().run())
    assert "Compute it" in labels(app.button)
    go_on.set()
    monkeypatch.setattr(work, "PATIENCE", PATIENCE)
    healthy(find(app.button, "Compute it").click().run())
    wait_for(lambda: "The quick models agree" in words(app.run()))


def test_stop_is_for_the_visitor_who_stops(open_page, go_on):
    one, other = open_page(PAGE, section="labels"), open_page(PAGE, section="labels")
    healthy(find(one.button, "Stop").click().run())
    assert "Compute it" in labels(one.button)
    healthy(other.run())
    assert "Stop" in labels(other.button)
    go_on.set()
    wait_for(lambda: "The quick models agree" in words(other.run()))
    assert "Compute it" in labels(one.run().button)


def test_a_label_is_changed_an_image_dropped_and_both_taken_back(open_lab, optdigits):
    app = open_lab(section="outliers", look="train.5")
    label = int(optdigits.train.labels[5])
    healthy(find(app.selectbox, "Label").set_value((label + 1) % 10).run())
    number = int(optdigits.train.indices[5])
    assert app.query_params["changes-optdigits"] == f"r{number}={(label + 1) % 10}"
    healthy(find(app.button, "Drop").click().run())
    assert "1 change, not saved yet" in labels(app.button)
    healthy(find(app.button, "Undo").click().run())
    assert find(app.selectbox, "Label").value == (label + 1) % 10
    healthy(find(app.selectbox, "Label").set_value(label).run())
    assert "1 change, not saved yet" not in labels(app.button)  # as it was


def test_changes_in_a_link_become_a_version_that_remembers_them(open_lab, optdigits):
    app = open_lab(**CHANGED)
    assert "1 label changed, 1 image dropped" in words(app)
    assert "In the **test** part: 1." in words(app)
    assert any("dl.Change(split='train', index=12, label=3)" in code for code in code_of(app))
    healthy(find(app.text_input, "Name of the new version").set_value("mine").run())
    healthy(find(app.button, "Save as a new version").click().run())
    assert app.query_params["dataset"] == "mine"
    facts = own.read_facts("mine")
    assert facts.parent.fingerprint == optdigits.fingerprint
    assert [(c.split, c.index, c.label) for c in facts.changes] == [
        ("train", 12, 3), ("test", 90, None)]  # fmt: skip
    assert "A version of Optdigits: 1 label changed, 1 image dropped" in words(app)
    assert find(app.button, "Train on both")


@pytest.mark.parametrize("link", ["r99999=1", "t5=77", "r5=4;drop", "x", "r-1=2", "r1=x" * 500])
def test_changes_that_do_not_fit_are_ignored(open_lab, link):
    app = open_lab(section="changes", **{"changes-optdigits": link})
    assert "Nothing is changed yet" in words(app)


def test_changes_do_not_reach_another_dataset_of_the_same_name(open_lab, optdigits):
    link = {"dataset": "mine", "section": "changes"}
    dl.add_version("mine", optdigits, [dl.Change(split="test", index=0)])
    mark = dl.load_dataset("mine").fingerprint[:8]
    app = open_lab(**link, **{"changes-mine": f"{mark}:r12=x"})
    assert "1 image dropped" in words(app)
    dl.delete_dataset("mine")
    dl.add_version("mine", optdigits, [dl.Change(split="test", index=1)])
    for page in (app.run(), open_lab(**link, **{"changes-mine": f"{mark}:r12=x"})):
        assert "Nothing is changed yet" in words(healthy(page))
        assert "changes of another dataset" in words(page)


def test_the_same_experiment_on_both_says_whether_the_version_is_better(
    open_lab, optdigits, train_tiny
):
    rows = range(0, 1_200, 3)
    worse = [
        dl.Change(split="train", index=i, label=(int(optdigits.train.labels[i]) + 1) % 10)
        for i in rows
    ]
    dl.add_version("worse", optdigits, [*worse, dl.Change(split="test", index=0)])
    version = dl.load_dataset("worse")
    runs = [train_tiny(data=data, seed=s) for s in (0, 1) for data in (optdigits, version)]
    like = f"run:{runs[0].id}"
    app = open_lab(dataset="worse", section="changes", **{"with": like, "tries": "2"})
    assert "Over the same 2 seeds, **Optdigits is on average" in words(app)
    assert "Judged on 358 test images that both have, by the labels of worse" in words(app)
    healthy(find(app.button, "Train on both").click().run())
    assert "Both have 2 seeds already" in words(app)


def test_compare_judges_runs_on_versions_on_the_same_images(open_page, optdigits, train_tiny):
    dl.add_version("less", optdigits, [dl.Change(split="test", index=0)])
    runs = [train_tiny(), train_tiny(data=dl.load_dataset("less"))]
    for section in ("difference", "seeds", "images"):
        app = open_page("5_Compare", runs=",".join(run.id for run in runs), section=section)
        assert "its test part was changed, too" in words(app)
        assert "All are judged on the 358 test images" in words(app)
        assert "no test image in common" not in words(app)


def test_each_class_has_a_key():
    assert class_keys("0123456789")["7"] == 7
    assert class_keys(("T-shirt/top", "Trouser")) == {"0": 0, "1": 1}
    assert len(class_keys([f"class {i}" for i in range(80)])) == 62


def test_only_files_that_are_read_back_are_offered(open_page, monkeypatch):
    monkeypatch.setattr(own_files, "MAX_ENTRIES", 100)
    app = open_page(PAGE, section="use")
    offered = labels(app.get("download_button"))
    assert "Export as NPZ" in offered
    assert "Export as ZIP" not in offered
    assert "As ZIP, at most 98 images are read back" in words(app)
