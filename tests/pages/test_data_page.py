"""The Data page: it shows what the URL says, and it needs no download."""

from __future__ import annotations

import base64
import json

import numpy as np
import pytest

from digitlab.data import download
from digitlab.data.registry import find_dataset
from digitlab.ui.data.samples import PER_PAGE
from tests.pages.visit import find, healthy, labels, words

PAGE = "1_Data"


def figure(app, number: int) -> dict:
    return json.loads(app.get("plotly_chart")[number].proto.spec)


def numbers(values) -> np.ndarray:
    """A trace's values, which Plotly writes as a list or as typed bytes in base64."""
    if isinstance(values, dict):
        return np.frombuffer(base64.b64decode(values["bdata"]), dtype=values["dtype"])
    return np.array(values)


def metric(app, label: str) -> str:
    return find(app.metric, label).value


def write_nonsense(folder, name: str) -> None:
    for file in find_dataset(name).files:
        path = folder / file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"this is not an image file")


def test_the_embedded_dataset_is_shown_where_nothing_else_is(open_page):
    app = open_page(PAGE)
    assert app.subheader[0].value == "Optdigits"
    assert metric(app, "Classes") == "10"
    assert metric(app, "Image size") == "28×28"


def test_every_fold_of_code_names_the_dataset(open_page):
    codes = [code.value for code in open_page(PAGE).code]
    assert len(codes) == 6
    assert all("load_dataset('optdigits')" in code for code in codes)


def test_the_split_in_the_link_is_shown(open_page):
    app = open_page(PAGE, split="test")
    assert metric(app, "Test images") == "359"


def test_the_class_filter_goes_into_the_url_and_a_link_repeats_it(open_page, optdigits):
    app = open_page(PAGE)
    healthy(find(app.selectbox, "Class").select("7").run())
    assert app.query_params["class"] == "7"

    again = open_page(PAGE, **app.query_params)
    assert find(again.selectbox, "Class").value == "7"
    sevens = int((optdigits.train.labels == 7).sum())
    assert f"of {-(-sevens // PER_PAGE)}" in find(again.number_input, "Page").label


def test_a_selected_sample_goes_into_the_url_and_a_link_repeats_it(open_page, optdigits):
    app = open_page(PAGE, **{"class": "7"})
    seven = int(np.flatnonzero(optdigits.train.labels == 7)[5])
    find(app.number_input, "Index of the sample").set_value(seven).run()
    assert app.query_params["sample"] == str(seven)
    again = open_page(PAGE, **app.query_params)
    assert find(again.number_input, "Index of the sample").value == seven


def test_another_filter_starts_on_its_first_page_with_its_first_sample(open_page, optdigits):
    app = open_page(PAGE, page="3", sample="42")
    assert find(app.number_input, "Index of the sample").value == 42
    find(app.selectbox, "Class").select("7").run()
    assert find(app.number_input, "Page").value == 1
    first = int(np.flatnonzero(optdigits.train.labels == 7)[0])
    assert find(app.number_input, "Index of the sample").value == first


def test_a_seed_gives_every_visitor_the_same_shuffle(open_page):
    link = {"shuffle": "1", "order": "3"}
    first, second = (open_page(PAGE, **link) for _ in range(2))
    assert first.code[2].value == second.code[2].value
    assert "seed=3" in first.code[2].value
    other = open_page(PAGE, shuffle="1", order="4")
    field = "Index of the sample"
    assert find(first.number_input, field).value == find(second.number_input, field).value
    assert find(other.number_input, field).value != find(first.number_input, field).value


def test_a_page_number_beyond_the_last_shows_the_last(open_page):
    app = open_page(PAGE, **{"class": "7", "page": "5000"})
    page = find(app.number_input, "Page")
    assert page.value == page.max


@pytest.mark.parametrize("bars", ["counts", "shares"])
def test_the_bars_show_counts_or_shares(open_page, bars, optdigits):
    app = open_page(PAGE, bars=bars)
    counts = np.bincount(optdigits.train.labels.numpy())
    heights = next(trace["y"] for trace in figure(app, 0)["data"] if trace["name"] == "Training")
    expected = counts if bars == "counts" else 100 * counts / counts.sum()
    assert np.allclose(numbers(heights), expected)
    assert "balanced" in words(app)


def test_pixel_figures_are_those_of_the_split(open_page, optdigits):
    app = open_page(PAGE)
    pixels = optdigits.train.images.numpy() / 255
    assert metric(app, "Mean") == f"{np.mean(pixels):.4f}"
    assert metric(app, "Standard deviation") == f"{np.std(pixels):.4f}"


def test_a_missing_dataset_can_be_downloaded_and_the_page_uses_another(open_page):
    app = open_page(PAGE, dataset="mnist")
    assert any(label.startswith("Download MNIST") for label in labels(app.button))
    assert "not on this machine" in words(app)
    assert "Optdigits" in [item.value for item in app.subheader]
    assert app.query_params["dataset"] == "mnist"


def test_a_failed_download_says_why_and_the_page_uses_another(open_page, monkeypatch):
    def no_network(*_):
        raise OSError("Name or service not known")

    monkeypatch.setattr(download, "_fetch", no_network)
    app = open_page(PAGE, dataset="kmnist")
    find(app.button, "Download").click().run()
    while not download.active_download("kmnist").finished:
        pass
    healthy(app.run())
    assert "could not be downloaded" in words(app)
    assert "Optdigits" in [item.value for item in app.subheader]
    assert any(label.startswith("Download Kuzushiji") for label in labels(app.button))


def test_a_damaged_dataset_is_reported_and_the_page_uses_another(open_page, data_folder):
    write_nonsense(data_folder, "mnist")
    app = open_page(PAGE)
    assert len(app.error) == 1
    assert str(data_folder) in app.error[0].value
    assert "Optdigits" in [item.value for item in app.subheader]
    assert any(label.startswith("Download MNIST") for label in labels(app.button))


def test_real_mnist_is_the_first_choice_where_it_is_there(open_page, real_mnist):
    app = open_page(PAGE)
    assert app.subheader[0].value == "MNIST"
    assert metric(app, "Training images") == "54,000"
    assert metric(app, "Mean") == "0.1307"
