"""What reading a file tells and asks: nothing is dropped, inverted, merged or turned in silence."""

from __future__ import annotations

import gzip
import io
import json
import pickle
import re
import subprocess
import sys
import zipfile

import h5py
import numpy as np
import pytest
from PIL import Image, ImageDraw

import digitlab as dl
from digitlab.errors import UnclearFileError, UploadError
from tests.data.test_forms import folders, json_lines, npz, png, table, zipped

LETTERS = tuple("ABCDEFGHIJKLMNOPQRSTUVWXYZ")


@pytest.fixture(scope="module")
def digits():
    test = dl.load_dataset("optdigits").test
    return test.images[:40, 0].numpy(), test.labels[:40].numpy()


def noted(read, words: str) -> bool:
    return any(words in note for note in read.notes)


def test_a_head_that_names_no_label_is_asked_about(digits):
    x, y = digits
    content = table(x, y, head="pixel784 last")
    with pytest.raises(UnclearFileError, match="label_column") as caught:
        dl.read_images(content, "a.csv")
    assert caught.value.argument == "label_column"
    assert "pixel784" in caught.value.choices
    read = dl.read_images(content, "a.csv", label_column="pixel784")
    np.testing.assert_array_equal(read.labels, y)
    assert read.source == "'a.csv', label_column='pixel784'"  # the lines that a page shows
    odd = table(x, y, head="what last")
    with pytest.raises(UnclearFileError, match="'what'"):
        dl.read_images(odd, "a.csv")
    np.testing.assert_array_equal(dl.read_images(odd, "a.csv", label_column=-1).labels, y)


def test_the_end_that_is_read_as_label_without_a_head_is_told(digits):
    read = dl.read_images(table(*digits, head="none first"), "a.csv")
    assert noted(read, "its first was read as the label")


def test_transposed_images_are_turned_and_it_is_told(digits):
    x, y = digits
    read = dl.read_images(npz(x=x.swapaxes(1, 2), y=y), "a.npz")
    np.testing.assert_array_equal(read.images[:, 0], x)
    assert noted(read, "put upright, from transposed")
    kept = dl.read_images(npz(x=x.swapaxes(1, 2), y=y), "a.npz", orientation="as it is")
    np.testing.assert_array_equal(kept.images[:, 0], x.swapaxes(1, 2))
    assert noted(dl.read_images(npz(x=x, y=y), "a.npz"), "transposed it would be")


def test_numbers_of_letters_are_asked_about_unless_they_reach_the_last(digits):
    x = digits[0]
    few = npz(x=x, y=np.arange(40) % 12 + 1)
    with pytest.raises(UnclearFileError, match="is 1 A or B") as caught:
        dl.read_images(few, classes=LETTERS)
    assert caught.value.choices == ("1", "0")
    assert dl.read_images(few, classes=LETTERS, first_label=1).labels.max() == 11
    all_letters = dl.read_images(npz(x=x, y=np.arange(40) % 26 + 1), classes=LETTERS)
    assert all_letters.labels[0] == 0
    assert noted(all_letters, "1 was read as A")


def test_labels_of_one_to_ten_are_read_as_the_images_show(digits):
    x, y = digits
    svhn = dl.read_images(npz(x=x, y=np.where(y == 0, 10, y)))
    usps = dl.read_images(npz(x=x, y=y + 1))
    np.testing.assert_array_equal(svhn.labels, y)
    np.testing.assert_array_equal(usps.labels, y)
    assert noted(svhn, "10 was read as 0")
    assert noted(usps, "1 was read as 0")


@pytest.mark.parametrize("paper", [255, 180, 110])
def test_dark_ink_is_inverted_whatever_the_grey_of_its_paper(digits, paper):
    x, y = digits
    written = (paper - x.astype(float) * (paper - 8 * (paper < 255)) / 255).astype(np.uint8)
    for content in (npz(x=written, y=y), table(written, y), zipped(folders(written, y))):
        read = dl.read_images(content)
        assert noted(read, "dark ink on light paper")
        assert (read.images[:, 0, 0, 0] == 0).all()
        assert read.images.max() == 255
        assert noted(read, "grey paper") == (paper < 255)


def test_mixed_polarity_is_told_and_each_image_is_right(digits):
    x, y = digits
    mixed = x.copy()
    mixed[::2] = 255 - mixed[::2]
    read = dl.read_images(npz(x=mixed, y=y))
    np.testing.assert_array_equal(read.images[:, 0], x)
    assert noted(read, "20 of 40 images have dark ink")
    kept = dl.read_images(npz(x=mixed, y=y), paper="as it is")
    np.testing.assert_array_equal(kept.images[:, 0], mixed)


def test_train_and_test_are_kept_apart(digits):
    x, y = digits
    arrays = npz(x_train=x[:30], y_train=y[:30], x_test=x[30:], y_test=y[30:])
    in_folders = {
        **folders(x[:30], y[:30], "set/training/{label}/{i}.png"),
        **folders(x[30:], y[30:], "set/testing/{label}/{i}.png"),
    }
    for content in (arrays, zipped(in_folders)):
        read = dl.read_images(content)
        assert {name: len(part) for name, part in read.splits.items()} == {"train": 30, "test": 10}
        assert noted(read, "measured on the test part alone, without 30 of")
        data = read.as_dataset()
        assert (len(data.train), len(data.val), len(data.test)) == (30, 0, 10)
        assert sorted(data.test.labels.tolist()) == sorted(y[30:].tolist())
        assert len(read.measured) == 10


def test_images_without_labels_are_told(digits):
    x, y = digits
    head, _, rows = table(x, y).partition(b"\n")
    without = head.split(b",", 1)[1] + b"\n" + b"\n".join(r.split(b",", 1)[1] for r in rows.split())
    files = {"train.csv": table(x, y), "test.csv": without}
    assert noted(dl.read_images(zipped(files)), "test.csv has no labels: its 40 images")
    with pytest.raises(UploadError, match="has no labels"):
        dl.read_images(without, "test.csv")


def test_large_photos_are_framed_as_drawings_are(digits):
    files = {}
    for digit, (start, end) in {
        "1": ((300, 150), (300, 650)),
        "7": ((200, 180), (520, 180)),
    }.items():
        photo = Image.new("RGB", (900, 1_200), (205, 198, 190))
        pen = ImageDraw.Draw(photo)
        pen.line([start, end, *([(300, 800)] if digit == "7" else [])], fill=(40, 44, 90), width=24)
        buffer = io.BytesIO()
        photo.save(buffer, "JPEG")
        files[f"{digit}/photo.jpg"] = buffer.getvalue()
    read = dl.read_images(zipped(files))
    assert noted(read, "2 of 2 images are larger than 64 pixels")
    assert noted(read, "agrees with 100 %")
    whole = dl.read_images(zipped(files), framing="whole")
    assert not noted(whole, "framed")


def test_classes_are_found_or_must_fit(digits):
    x, _ = digits
    named = dl.read_images(
        zipped(
            {**folders(x[:6], [0] * 6, "cat/{i}.png"), **folders(x[6:9], [0] * 3, "dog/{i}.png")}
        )
    )
    assert named.classes == ("cat", "dog")
    many = dl.read_images(npz(x=x, y=np.arange(40)))
    assert len(many.classes) == 40
    with pytest.raises(UploadError, match="the classes are cat, dog"):
        dl.read_images(npz(x=x, y=np.arange(40) % 13), classes=named.classes * 3)


@pytest.mark.parametrize("name", ["mnist.pkl", "mnist.pkl.gz", "training.pt", "object.npz"])
def test_pickles_are_refused_with_the_line_that_converts_them(digits, name):
    content = pickle.dumps(digits)
    if name.endswith(".gz"):
        content = gzip.compress(content)
    if name.endswith(".npz"):
        buffer = io.BytesIO()
        np.savez(buffer, images=np.array([None, 1], object), labels=np.arange(2))
        content = buffer.getvalue()
    with pytest.raises(UploadError, match=r"runs whatever code.*np\.savez"):
        dl.read_images(content, name)


def test_the_line_that_converts_the_known_pickle_of_mnist_does_so(tmp_path, digits):
    x, y = digits
    parts = (x[:20], y[:20]), (x[:0], y[:0]), (x[20:], y[20:])
    (tmp_path / "mnist.pkl.gz").write_bytes(gzip.compress(pickle.dumps(parts)))
    with pytest.raises(UploadError) as caught:
        dl.read_images(tmp_path / "mnist.pkl.gz")
    code = re.search(r'python -c "(.*)"', str(caught.value))[1]
    subprocess.run([sys.executable, "-c", code], cwd=tmp_path, check=True)
    read = dl.read_images(tmp_path / "digits.npz")
    np.testing.assert_array_equal(read.images[:, 0], x)
    assert dict(read.parts) == {"train": 20, "test": 20}


@pytest.mark.parametrize("pattern", ["{label}/writer-{half}/{i}.png", "{half}/{label}/{i}.png"])
def test_folders_of_writers_among_those_of_classes_are_asked_about(digits, pattern):
    files = {
        pattern.format(label=label, half=i % 2, i=i): png(image)
        for i, (image, label) in enumerate(zip(*digits, strict=True))
    }
    with pytest.raises(UnclearFileError, match="outer or the inner") as caught:
        dl.read_images(zipped(files), "a.zip")
    assert caught.value.argument == "label_column"
    answer = "outer" if pattern.startswith("{label}") else "inner"
    assert answer in caught.value.choices
    read = dl.read_images(zipped(files), "a.zip", label_column=answer)
    np.testing.assert_array_equal(read.labels, digits[1])


def test_the_outer_folder_is_the_class_where_a_person_says_so(digits):
    files = zipped(folders(*digits, "class {word}/{i}/a.png"))
    assert "class zero" in dl.read_images(files, "a.zip", label_column="outer").classes
    assert "39" in dl.read_images(files, "a.zip", label_column="inner").classes


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("labels.json", []),
        ("labels.json", {}),
        ("annotations.jsonl", None),
        ("metadata.json", {"description": "digits", "count": 12}),
        ("index.json", {str(i): "zero" for i in range(10)}),
        ("labels.json", {"version": 1}),
        ("annotations.json", {"images": [{"id": 1, "file_name": "01.png"}], "annotations": []}),
    ],
)
def test_a_file_in_json_that_labels_no_image_is_ignored(digits, name, content):
    beside = b"" if content is None else json.dumps(content).encode()
    files = {**folders(*digits, "{label}/{i}.png"), name: beside}
    read = dl.read_images(zipped(files), "a.zip")
    assert sorted(read.labels) == sorted(digits[1])
    assert noted(read, "1 other files were ignored")


def test_a_list_of_labels_is_known_by_its_name_and_must_be_the_only_one(digits):
    x, y = digits
    images = table(x, y, head="none first").decode().split("\n")
    pixels = "\n".join(row.partition(",")[2] for row in images)
    labels, others = "\n".join(map(str, y)), "\n".join("3" * len(y))
    for files in ({"images.csv": pixels, "writers.txt": others}, {"train.csv": pixels}):
        read = dl.read_images(zipped({**files, "labels.txt": labels}), "a.zip")
        np.testing.assert_array_equal(read.labels, y)
    for name in ("writers.txt", "folds.csv"):
        with pytest.raises(UploadError, match="label"):
            dl.read_images(zipped({"images.csv": pixels, name: others}), "a.zip")
    for files in ({"train.csv": pixels, "y.csv": labels}, {"train.csv": pixels, "val.csv": pixels}):
        with pytest.raises(UnclearFileError, match="Which images have the labels"):
            dl.read_images(zipped({**files, "labels.txt": labels}), "a.zip")


def test_a_comma_between_thousands_is_no_decimal_comma(digits):
    rows = table(*digits, "\t").decode().removesuffix("\t0") + "\t59,123"
    with pytest.raises(UploadError, match="has '59,123', not a number"):
        dl.read_images(rows.encode(), "a.tsv")


@pytest.mark.parametrize("before", ["\ufeff", "\n\n"])
def test_json_lines_may_begin_with_a_mark_or_empty_lines(digits, before):
    rows = json_lines(zip(*(part.tolist() for part in digits), strict=True), "image", "label")
    read = dl.read_images((before + rows).encode(), "a.jsonl")
    np.testing.assert_array_equal(read.labels, digits[1])


def test_one_folder_that_names_no_class_is_no_class(digits):
    boxes = {f"labels/{i}.txt": f"{label} .5 .5 1 1".encode() for i, label in enumerate(digits[1])}
    with pytest.raises(UploadError, match="no class folder"):
        dl.read_images(zipped({**folders(*digits, "images/{i}.png"), **boxes}), "yolo.zip")


def test_photos_that_are_not_read_are_told(digits):
    photo = b"\0\0\0\x18ftypheic" + bytes(100)
    for content, name in ((photo, "7.heic"), (zipped({"7/a.HEIC": photo}), "a.zip")):
        with pytest.raises(UploadError, match=r"HEIC.*as JPEG"):
            dl.read_images(content, name)
    beside = dl.read_images(zipped({**folders(*digits), "7/a.HEIC": photo}), "a.zip")
    assert noted(beside, "1 of them are in HEIC")


def test_pixels_that_were_standardised_one_by_one_are_told(digits):
    x, y = digits
    whole = (x - x.mean()) / x.std()
    single = (x - x.mean(axis=0)) / (x.std(axis=0) + 1e-9)
    assert noted(dl.read_images(npz(x=single, y=y), "a.npz"), "standardised by itself")
    assert not noted(dl.read_images(npz(x=whole, y=y), "a.npz"), "standardised by itself")


@pytest.mark.parametrize("packed", ["gz", "tar.gz", "h5"])
def test_bombs_are_refused_while_they_are_read(packed):
    content = gzip.compress(bytes(50_000_000))
    if packed == "h5":
        buffer = io.BytesIO()
        with h5py.File(buffer, "w") as file:  # chunks that were never written take no room
            file.create_dataset("images", (250_000, 28, 28), np.uint8, chunks=(100, 28, 28))
            file.create_dataset("labels", data=np.zeros(250_000, np.uint8))
        content = buffer.getvalue()
    with pytest.raises(UploadError, match="would grow"):
        dl.read_images(content, f"a.{packed}")


def test_folders_and_paths_are_read(tmp_path, digits):
    with zipfile.ZipFile(io.BytesIO(zipped(folders(*digits)))) as archive:
        archive.extractall(tmp_path / "mine")
    assert len(dl.read_images(tmp_path / "mine")) == 40
    with pytest.raises(UploadError, match="cannot be read"):
        dl.read_images(tmp_path / "gone.csv")


@pytest.mark.parametrize(("options", "side"), [({}, 28), ({"size": 48, "colour": True}, 48)])
def test_large_pictures_that_are_no_characters_are_resampled_with_a_note(options, side):
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in ("a cat", "a dog"):
            png = io.BytesIO()
            Image.effect_noise((90, 70), 50).convert("RGB").save(png, "PNG")
            archive.writestr(f"{name}/1.png", png.getvalue())
    images = dl.read_images(buffer.getvalue(), "pets.zip", **options)
    assert f"resampled to {side}×{side} pixels" in " ".join(images.notes)


def test_a_question_is_short_whatever_the_columns_are_called(digits):
    content = table(*digits, head="x" * 2_000 + " last")
    with pytest.raises(UnclearFileError) as caught:
        dl.read_images(content, "a.csv")
    assert len(str(caught.value)) < 300
    assert "x" * 2_000 in caught.value.choices


def test_a_few_damaged_images_are_left_out_and_it_is_told(digits):
    """As in notMNIST: a folder for each of the letters A to J, two empty files among thousands."""
    labels = [LETTERS[label] for label in digits[1]] * 5
    files = {
        f"notMNIST_small/{label}/{i:03}==.png": png(image)
        for i, (image, label) in enumerate(zip(list(digits[0]) * 5, labels, strict=True))
    }
    empty = list(files)[7], list(files)[150]
    files |= dict.fromkeys(empty, b"")
    read = dl.read_images(zipped(files), "a.zip")
    assert noted(read, f"2 images left out, the first because '{empty[0]}' cannot be read")
    assert read.classes == LETTERS[:10]
    expected = [name.split("/")[1] for name in files if name not in empty]
    assert [read.classes[label] for label in read.labels] == expected


@pytest.mark.parametrize("form", ["a.csv", "a.zip"])
def test_progress_is_told_to_the_end(digits, form):
    content = table(*digits) if form == "a.csv" else zipped(folders(*digits))
    told = []
    dl.read_images(content, form, on_progress=lambda *done: told.append(done))
    assert told
    assert all(0 <= done <= total for done, total in told)
