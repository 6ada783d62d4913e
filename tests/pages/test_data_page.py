"""The Data page: it shows what the URL says, and it needs no download."""

from __future__ import annotations

import base64
import io
import zipfile

import numpy as np
import pytest
from PIL import Image, ImageDraw

import digitlab as dl
from digitlab import owners
from digitlab.data import download, own
from digitlab.data.registry import find_dataset
from digitlab.ui.data import add
from digitlab.ui.data.samples import PER_PAGE
from digitlab.ui.data.sections import SECTIONS
from digitlab.ui.visitor import PROOF
from tests.pages.visit import code_of, figures, find, healthy, labels, words

PAGE = "1_Data"


def figure(app, number: int) -> dict:
    return figures(app)[number]


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
    assert app.header[0].value == "Optdigits"
    assert "1,294 training images · 10 classes · 28×28 pixels" in words(app)


def test_every_fold_of_code_names_the_dataset(open_page):
    for section in SECTIONS:
        codes = code_of(open_page(PAGE, section=section.key))
        assert codes
        assert all("load_dataset('optdigits')" in code for code in codes)


def test_the_first_look_is_at_samples_and_classes(open_page):
    app = open_page(PAGE)
    assert [figure["layout"]["title"]["text"] for figure in figures(app)[1:]] == [
        "Label 0 (file index 0)", "Images of each class"]  # fmt: skip
    assert "bars" not in app.query_params


@pytest.mark.parametrize("param", [{"bars": "shares"}, {"average": "deviation"}, {"laid": "5"}])
def test_a_link_from_before_the_sections_opens_the_section_that_it_means(open_page, param):
    app = open_page(PAGE, **param)
    assert app.query_params["section"] == "classes"
    healthy(find(app.segmented_control, "Section").set_value("samples").run())
    assert "section" not in app.query_params


def test_the_split_in_the_link_is_shown(open_page):
    assert "359 test images" in words(open_page(PAGE, split="test"))


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
    codes = [code_of(app)[0] for app in (first, second)]
    assert codes[0] == codes[1]
    assert "seed=3" in codes[0]
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
    app = open_page(PAGE, section="classes", bars=bars)
    counts = np.bincount(optdigits.train.labels.numpy())
    heights = next(trace["y"] for trace in figure(app, 0)["data"] if trace["name"] == "Training")
    expected = counts if bars == "counts" else 100 * counts / counts.sum()
    assert np.allclose(numbers(heights), expected)
    assert "balanced" in words(app)


def test_pixel_figures_are_those_of_the_split(open_page, optdigits):
    app = open_page(PAGE, section="pixels")
    pixels = optdigits.train.images.numpy() / 255
    assert metric(app, "Mean") == f"{np.mean(pixels):.4f}"
    assert metric(app, "Standard deviation") == f"{np.std(pixels):.4f}"


def test_a_missing_dataset_can_be_downloaded_and_the_page_uses_another(open_page):
    app = open_page(PAGE, dataset="mnist")
    assert any(label.startswith("Download MNIST") for label in labels(app.button))
    assert "not on this machine" in words(app)
    assert "Optdigits" in [item.value for item in app.header]
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
    assert "Optdigits" in [item.value for item in app.header]
    assert any(label.startswith("Download Kuzushiji") for label in labels(app.button))


def test_a_damaged_dataset_is_reported_and_the_page_uses_another(open_page, data_folder):
    write_nonsense(data_folder, "mnist")
    app = open_page(PAGE)
    assert len(app.error) == 1
    assert "a file in data/MNIST/raw is truncated or corrupt" in app.error[0].value
    assert str(data_folder) not in app.error[0].value
    assert "Optdigits" in [item.value for item in app.header]
    assert any(label.startswith("Download MNIST") for label in labels(app.button))


def test_real_mnist_is_the_first_choice_where_it_is_there(open_page, real_mnist):
    app = open_page(PAGE)
    assert app.header[0].value == "MNIST"
    assert "54,000 training images" in words(app)
    assert metric(open_page(PAGE, section="pixels"), "Mean") == "0.1307"


def own_photos() -> bytes:
    """A ZIP of photos: dark strokes on light paper, 80×80 pixels, in folders of two classes."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for number in range(20):
            for name, line in (("1", [(40, 15), (40, 65)]), ("7", [(20, 15), (60, 15), (35, 65)])):
                photo = Image.new("L", (80, 80), 240)
                ImageDraw.Draw(photo).line(line, fill=20, width=5 + number % 3)
                png = io.BytesIO()
                photo.save(png, "PNG")
                archive.writestr(f"{name}/{number}.png", png.getvalue())
    return buffer.getvalue()


def test_own_photos_are_previewed_added_renamed_and_deleted(open_page):
    app = open_page(PAGE)
    uploader = find(app.get("file_uploader"), "File of labelled images to add")
    healthy(uploader.upload("My photos.zip", own_photos(), "application/zip").run())
    shown = words(app)
    assert "40 images of 28×28 pixels" in plain_words(shown)
    assert "the digit was found and framed" in plain_words(shown)
    assert "The bundled reader agrees with" in plain_words(shown)
    assert not own.list_own()
    healthy(find(app.text_input, "Classes").set_value("1, 7").run())
    assert "2 classes: 1, 7." in plain_words(words(app))
    assert find(app.text_input, "Name of the dataset").value == "my-photos"
    healthy(find(app.button, "Add this dataset").click().run())
    assert app.query_params["dataset"] == "my-photos"
    data = dl.load_dataset("my-photos")
    assert data.classes == ("1", "7")
    assert len(data.test) == 8

    healthy(find(app.segmented_control, "Section").set_value("use").run())
    assert "from My photos.zip" in plain_words(words(app))
    healthy(find(app.text_input, "New name").set_value("photos").run())
    healthy(find(app.button, "Save").click().run())
    assert app.query_params["dataset"] == "photos"
    healthy(find(app.button, "Delete photos").click().run())
    assert app.query_params["dataset"] == "optdigits"
    assert not own.list_own()


def test_every_section_shows_a_dataset_of_two_classes(open_page, tmp_path):
    images = np.random.default_rng(0).integers(0, 255, (30, 28, 28), np.uint8)
    np.savez(tmp_path / "ab.npz", images=images, labels=np.array(["a", "*b*"] * 15))
    dl.add_dataset("ab", tmp_path / "ab.npz")
    for section in SECTIONS:
        open_page(PAGE, dataset="ab", section=section.key)


def test_where_visitors_are_strangers_they_agree_before_a_dataset_is_kept(open_page, monkeypatch):
    monkeypatch.setenv("DIGITLAB_HOSTED", "1")
    app = open_page(PAGE)
    uploader = find(app.get("file_uploader"), "File of labelled images to add")
    healthy(uploader.upload("photos.zip", own_photos(), "application/zip").run())
    assert find(app.button, "Add this dataset").disabled
    healthy(find(app.checkbox, "I may share these images").check().run())
    healthy(find(app.button, "Add this dataset").click().run())
    assert not own.list_own()
    with owners.acting_for(owners.owner_of(app.session_state[PROOF])):
        assert [info.title for info in own.list_own()] == ["photos"]


def test_a_damaged_dataset_of_one_s_own_is_told_and_deleted(open_page, tmp_path, home):
    np.savez(tmp_path / "ab.npz", images=np.eye(28, dtype=np.uint8)[None].repeat(20, 0) * 255,
             labels=np.array(["a", "b"] * 10))  # fmt: skip
    for name, file, content in (("one", "facts.json", b"{}"), ("two", "images.safetensors", b"x")):
        dl.add_dataset(name, tmp_path / "ab.npz")
        (home / "datasets" / name / file).write_bytes(content)
        app = open_page(PAGE, dataset=name)
        assert f"dataset {name} of your own is damaged" in plain_words(words(app))
        healthy(find(app.button, f"Delete {name}").click().run())
        assert not (home / "datasets" / name).exists()


def odd_table():
    """A CSV file whose column of labels has no usual name."""
    rows = [[*(f"p{i}" for i in range(784)), "kind"]]
    rows += [[*([0] * 783), 255, "ab"[i % 2]] for i in range(20)]
    return "\n".join(",".join(map(str, row)) for row in rows).encode()


def test_a_file_that_asks_is_added_with_the_answer(open_page):
    app = open_page(PAGE)
    uploader = find(app.get("file_uploader"), "File of labelled images to add")
    healthy(uploader.upload("odd.csv", odd_table(), "text/csv").run())
    assert "Which column" in words(app)
    assert "Add this dataset" not in labels(app.button)
    healthy(find(app.selectbox, "label_column").select("kind").run())
    assert "2 classes: a, b." in plain_words(words(app))
    assert "label_column='kind'" in code_of(app)[0]


def test_a_question_is_also_answered_where_it_is_said_how_a_file_is_read(open_page):
    app = open_page(PAGE)
    uploader = find(app.get("file_uploader"), "File of labelled images to add")
    healthy(uploader.upload("odd.csv", odd_table(), "text/csv").run())
    assert "Which column" in words(app)
    healthy(find(app.text_input, "Column of the labels").set_value("kind").run())
    assert "2 classes: a, b." in plain_words(words(app))
    assert "label_column" not in labels(app.selectbox)


def test_a_file_that_cannot_be_read_is_read_once(open_page, monkeypatch):
    app, reads = open_page(PAGE), []
    read = add.read_upload
    monkeypatch.setattr(add, "read_upload", lambda *a, **kw: reads.append(a) or read(*a, **kw))
    uploader = find(app.get("file_uploader"), "File of labelled images to add")
    healthy(uploader.upload("broken.zip", b"PK\x03\x04 no more", "application/zip").run())
    told = [message.value for message in app.error]
    assert told
    healthy(app.run())
    assert [message.value for message in app.error] == told
    assert len(reads) == 1


def plain_words(text: str) -> str:
    return text.replace("\\", "")
