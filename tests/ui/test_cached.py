"""The cache tells its entries apart by their arguments, and makes them again when these change."""

from __future__ import annotations

import numpy as np
import pytest
import streamlit as st

import digitlab as dl
from digitlab import owners
from digitlab.data import collections
from digitlab.runs.run import Run
from digitlab.ui import cached
from digitlab.ui.results.view import View


@pytest.fixture(autouse=True)
def empty():
    st.cache_data.clear()
    st.cache_resource.clear()


def test_a_run_is_loaded_once_for_all_visitors_and_again_after_it_was_resumed(tiny):
    loaded = cached.reader(tiny)
    assert loaded is not tiny
    assert "model" in vars(loaded)
    assert cached.reader(dl.open_run(tiny.id)) is loaded
    resumed = Run(tiny.record.model_copy(update={"ended": tiny.record.ended + 1}))
    assert cached.reader(resumed) is not loaded
    assert cached.evaluation(tiny, "test") is cached.evaluation(dl.open_run(tiny.id), "test")
    assert cached.evaluation(tiny, "val") is not cached.evaluation(tiny, "test")
    assert cached.own_dataset(tiny) is cached.own_dataset(dl.open_run(tiny.id))


def test_a_run_of_an_unknown_dataset_raises_an_error_that_names_it(tiny):
    foreign = Run(tiny.record.model_copy(update={"dataset": "nosuch"}))
    with pytest.raises(dl.DigitlabError, match="nosuch"):
        cached.own_dataset(foreign)


def test_an_architecture_is_measured_once_whatever_its_name(monkeypatch):
    spec = dl.load_model("logistic-regression")
    assert cached.summarize(spec) is cached.summarize(dl.load_model("logistic-regression"))
    assert cached.summarize(spec.renamed("other")) is not cached.summarize(spec)
    calls = []
    monkeypatch.setattr("digitlab.jobs.requests.probe_speed", lambda *_: calls.append(1))
    for name, batch in ("a", 32), ("b", 32), ("a", 64):
        cached.speed(spec.renamed(name), batch)
    assert len(calls) == 2


def test_statistics_are_computed_again_for_another_split_or_changed_files(optdigits, monkeypatch):
    counted = []
    count = cached.class_counts
    monkeypatch.setattr(
        "digitlab.data.statistics.class_counts",
        lambda split, classes: counted.append(split.name) or np.zeros(classes),
    )
    for data in (optdigits, optdigits.resplit(0.3), optdigits.resplit(optdigits.val_fraction)):
        count(data)
    assert len(counted) == 2 * 3
    monkeypatch.setattr(cached, "data_stamp", lambda name: (name, 1.0))
    count(optdigits)
    assert len(counted) == 3 * 3


def test_datasets_of_one_name_of_two_visitors_are_told_apart(tiny, monkeypatch):
    monkeypatch.setenv("DIGITLAB_HOSTED", "demo")
    keys = []
    for name in ("ann", "bob"):
        with owners.acting_for(owners.owner_of(name)):
            drawing = collections.NewDrawing(np.eye(28, dtype=np.uint8) * 255, 1)
            collections.keep_drawing("my-drawings", drawing)
            keys.append(View(tiny, "test", "collection:my-drawings").key)
    assert keys[0] != keys[1]
