"""A search: the form says what is searched, it is watched, stopped, resumed, and tested once."""

from __future__ import annotations

import pytest

import digitlab as dl
from digitlab.jobs import queue, resume
from digitlab.sweeps import sweep, worker
from tests.pages.visit import code_of, find, healthy, labels, words

PAGE = "3_Train"
SEARCH = {"dataset": "optdigits", "search": "1", "model": "two-hidden-16-relu", "epochs": "1",
          "subset": "300", "fields": "learning_rate,layers.2.out_features", "trials": "2",
          "finals": "1", "pruning": "none"}  # fmt: skip


@pytest.fixture(autouse=True)
def no_worker(monkeypatch):
    """Nothing works on the queue but what a test does itself."""
    for module in (queue, resume, sweep, worker.worker):
        monkeypatch.setattr(module, "launch_worker", lambda: None)
    for module in (queue, sweep):
        monkeypatch.setattr(module, "relaunch_worker", lambda: None)


def test_a_search_is_started_stopped_resumed_and_tested_once(open_page):
    app = open_page(PAGE, **SEARCH)
    assert "Up to **2 trials**" in words(app)
    assert find(app.text_input, "Learning rate").value.endswith("log")
    assert any("dl.sweep('two-hidden-16-relu', 'optdigits'" in code for code in code_of(app))
    healthy(find(app.button, "Start search").click().run())
    sweep_id = app.query_params["sweep"]
    sweep.advance_all()
    app = open_page(PAGE, sweep=sweep_id)
    healthy(find(app.button, "Stop").click().run())
    worker.work()
    app = open_page(PAGE, sweep=sweep_id)
    assert "This search was stopped" in words(app)
    healthy(find(app.button, "Go on").click().run())
    worker.work()
    app = open_page(PAGE, sweep=sweep_id)
    result = dl.open_sweep(sweep_id)
    assert result.phase == "finished"
    assert "Best by validation: **trial" in words(app)
    assert result.test_in_words in words(app)
    table = next(frame.value for frame in app.dataframe if "Trial" in frame.value)
    assert list(table["Trial"]) == [1, 2]
    assert list(table["Status"]).count("best by validation") == 1
    assert "Test" not in table  # nobody chooses by it
    assert "See the best alone" in labels(app.button)


def test_what_cannot_be_searched_is_named(open_page):
    app = open_page(PAGE, **SEARCH, **{"range.learning_rate": "0.1 to 0.01"})
    assert "must be below high" in words(app)
    assert "Start search" not in labels(app.button)


def test_each_field_has_its_search_beside_its_value(open_page):
    app = open_page(PAGE, dataset="optdigits", search="1", model="two-hidden-16-relu",
                    fields="learning_rate,momentum")  # fmt: skip
    assert [fold.label for fold in app.expander if "settings" in fold.label] == [
        "More settings · 1 changed or searched"
    ]
    assert find(app.number_input, "Epochs")
    app = healthy(app.checkbox(key="search:epochs").check().run())
    assert app.query_params["fields"] == "learning_rate,momentum,epochs"
    assert find(app.text_input, "Epochs").value.count(",") == 2
    assert "Epochs" not in labels(app.number_input)
    app = healthy(app.checkbox(key="search:learning_rate").uncheck().run())
    assert "Learning rate" in labels(app.number_input)
    layers = find(app.multiselect, "Arguments of layers")
    app = healthy(layers.set_value(["layers.2.bias"]).run())
    assert app.query_params["fields"] == "momentum,epochs,layers.2.bias"
    assert find(app.text_input, "Bias of layer 2, Linear").value == "false, true"
    (code,) = (code for code in code_of(app) if "dl.sweep" in code)
    assert all(f"{name!r}:" in code for name in ("momentum", "epochs", "layers.2.bias"))
    healthy(find(app.selectbox, "Values are drawn").select("Every combination").run())
    assert "A grid needs the values of momentum" in words(app)
