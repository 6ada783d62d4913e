"""The Architecture page makes a run of a network that was trained elsewhere."""

from __future__ import annotations

import io

import pytest
import torch
from torch import nn

import digitlab as dl
from digitlab.jobs.message import DataKey
from tests.pages.visit import find, healthy, words
from tests.pages.workbench import press, spec_of

PAGE = "2_Architecture"


@pytest.fixture
def trained(optdigits):
    """A linear network of PyTorch, trained on pixels from -1 to 1."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = nn.Sequential(nn.Flatten(), nn.Linear(784, 10))
        optimizer = torch.optim.Adam(network.parameters(), 0.01)
        images = optdigits.train.images.float() / 255 * 2 - 1
        for _ in range(40):
            optimizer.zero_grad()
            nn.functional.cross_entropy(network(images), optdigits.train.labels).backward()
            optimizer.step()
    return network


def bring(app, name, content):
    find(app.selectbox, "Dataset").set_value("optdigits")
    uploader = find(app.get("file_uploader"), "ONNX, Keras, or the weights of PyTorch")
    uploader.upload(name, content, "application/octet-stream")
    return healthy(app.run())


def saved(value):
    buffer = io.BytesIO()
    torch.save(value, buffer)
    return buffer.getvalue()


def test_weights_are_fitted_to_the_page_tried_and_imported(open_page, trained, optdigits):
    app = open_page(PAGE, preset="logistic-regression")
    app = bring(app, "mine.pt", saved(trained.state_dict()))
    assert "2 of 2 tensors fit" in find(app.expander, "Weights").label
    assert find(app.selectbox, "Images as").options[0].startswith("-1 to 1: ")
    find(app.text_input, "Name of the run").set_value("From my laptop")
    press(app, "Import")
    (run,) = dl.list_runs(bundled=False)
    assert run.record.name == "From my laptop"
    assert run.record.normalization == {"mean": 0.5, "std": 0.5}
    images = (optdigits.test.images.float() / 255 - 0.5) / 0.5
    right = int((trained(images).argmax(1) == optdigits.test.labels).sum())
    assert round(run.record.test_accuracy * 359) == right
    assert any(run.id in item.value for item in app.success)
    shown = words(open_page("4_Results", run=run.id)).replace("\\", "")
    assert "imported from mine.pt" in shown
    assert "may be flattering" in shown
    assert "with seed" not in shown


def test_another_dataset_is_tried_anew(open_page, trained, monkeypatch):
    from digitlab.ui.architecture import bring as cell

    monkeypatch.setattr(cell, "is_available", lambda _name: True)
    app = open_page(PAGE, preset="logistic-regression")
    app = bring(app, "mine.pt", saved(trained.state_dict()))
    before = find(app.selectbox, "Images as")
    assert all("% of 500 training images read right" in option for option in before.options)
    read = cell.requests.preview_network

    def worse(content, file, spec, key, partial):
        brought = read(content, file, spec, DataKey("optdigits"), partial)
        assert key == DataKey("mnist")
        return brought._replace(forms=[form._replace(accuracy=0.125) for form in brought.forms])

    monkeypatch.setattr(cell.requests, "preview_network", worse)
    app = healthy(find(app.selectbox, "Dataset").set_value("mnist").run())
    after = find(app.selectbox, "Images as")
    assert all("12.50 %" in option for option in after.options)
    assert after.value == 0


def test_weights_of_another_network_show_what_does_not_fit_and_a_guess(open_page, trained):
    app = open_page(PAGE, preset="two-hidden-64-relu")
    app = bring(app, "mine.pt", saved(trained.state_dict()))
    assert any("do not fit" in item.value for item in app.error)
    assert not [button for button in app.button if button.label == "Import"]
    press(app, "Put the guessed layers on this page")
    assert [layer.type for layer in spec_of(app).layers] == ["Flatten", "Linear"]
    assert find(app.button, "Import")


def test_a_file_that_would_run_code_is_refused_with_what_to_save(open_page, trained):
    app = bring(open_page(PAGE), "whole.pt", saved(trained))
    assert "torch.save(model.state_dict()" in words(app).replace("\\", "")
    assert not dl.list_runs(bundled=False)


def test_what_a_file_and_its_keys_are_called_is_no_markup(open_page, trained):
    markup = "![a](http://example.com/a.png) :red[b] <i> $c$"
    weights = {f"{markup}.{key}": value for key, value in trained.state_dict().items()}
    app = open_page(PAGE, preset="logistic-regression")
    app = bring(app, f"{markup.replace('/', '')}.pt", saved({**weights, markup: torch.zeros(7)}))
    shown = [*words(app).split("\n"), *(item.label for item in app.expander)]
    assert any("example" in line for line in shown)
    assert not any("![a]" in line or ":red[" in line or "$c$" in line for line in shown)


def test_what_an_imported_file_is_called_is_no_markup_where_its_run_is_watched(
    open_page, trained, optdigits, tmp_path
):
    path = tmp_path / "![a](b) :red[c].pt"
    path.write_bytes(saved(trained.state_dict()))
    run = dl.import_network(path, "logistic-regression", optdigits)
    shown = words(open_page("3_Train", run=run.id))
    assert "Trained elsewhere" in shown
    assert "![a]" not in shown
    assert ":red[c]" not in shown
