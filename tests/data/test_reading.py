"""Uploaded labelled images: every form is read rightly, and nothing unsafe is opened at all."""

from __future__ import annotations

import csv
import io
import stat
import struct
import time
import tracemalloc
import zipfile

import numpy as np
import pytest
from PIL import Image

from digitlab.data.reading import archive, limits
from digitlab.data.reading.label_table import read_label_table
from digitlab.data.reading.options import Options
from digitlab.data.reading.read import read_file
from digitlab.errors import UploadError

RNG = np.random.default_rng(0)
DIGITS = np.zeros((12, 28, 28), np.uint8)
DIGITS[:, 8:20, 8:20] = RNG.integers(0, 256, (12, 12, 12))
LABELS = np.arange(12) % 10


def png(image: np.ndarray, mode: str = "L", kind: str = "PNG") -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(image).convert(mode).save(buffer, kind)
    return buffer.getvalue()


def packed(files: dict[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", method) as file:
        for name, content in files.items():
            file.writestr(name, content)
    return buffer.getvalue()


def npz(**arrays: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.savez_compressed(buffer, **arrays)
    return buffer.getvalue()


def kaggle(images=DIGITS, labels=LABELS, head: bool = True) -> bytes:
    text = io.StringIO()
    rows = csv.writer(text)
    if head:
        rows.writerow(["label", *(f"pixel{i}" for i in range(784))])
    rows.writerows([label, *image.ravel()] for label, image in zip(labels, images, strict=True))
    return text.getvalue().encode()


def in_folders(**changes: bytes) -> bytes:
    files = {f"{LABELS[i]}/{i:02}.png": png(DIGITS[i]) for i in range(12)}
    return packed({**files, **changes})


def with_table(table: str, folder: str = "") -> bytes:
    files = {f"{folder}img/{i:02}.png": png(DIGITS[i]) for i in range(12)}
    return packed({**files, f"{folder}labels.csv": table.encode()})


TABLE = "file,label\n" + "".join(f"img/{i:02}.png,{LABELS[i]}\n" for i in range(12))
FORMS = {
    "folders": (in_folders(), "a.zip"),
    "folders in a folder": (
        packed({f"my/test/{LABELS[i]}/{i:02}.png": png(DIGITS[i]) for i in range(12)}),
        "a.zip",
    ),
    "what macOS adds": (in_folders(**{"__MACOSX/0/._00.png": b"x", ".DS_Store": b"x"}), "a.zip"),
    "labels.csv": (with_table(TABLE), "a.zip"),
    "labels.csv in a folder": (with_table(TABLE, "set/"), "a.zip"),
    "labels.csv without a head": (with_table(TABLE.partition("\n")[2]), "a.zip"),
    "npz": (npz(images=DIGITS, labels=LABELS), "a.npz"),
    "npz with a channel": (npz(images=DIGITS[:, None], labels=LABELS), "a.npz"),
    "npz with the channel last": (npz(x=DIGITS[..., None], y=LABELS.astype(np.uint8)), "a.npz"),
    "npz of int64": (npz(images=DIGITS.astype(int), labels=LABELS), "a.npz"),
    "Keras' npz": (npz(x_train=DIGITS[:2], x_test=DIGITS, y_test=LABELS), "mnist.npz"),
    "Kaggle's csv": (kaggle(), "train.csv"),
    "a csv in a ZIP": (packed({"train.csv": kaggle()}), "a.zip"),
    "csv without a head": (kaggle(head=False), "train.csv"),
    "csv with other names": (kaggle().replace(b"pixel", b"1x"), "a.csv"),
    "csv of Windows": (kaggle().replace(b"\r\n", b"\n").replace(b"\n", b"\r\n\r\n"), "a.csv"),
}

NOTED = {"Keras' npz", "csv without a head"}


@pytest.mark.parametrize("form", FORMS)
def test_every_form_gives_the_same_images_and_labels(form):
    content, name = FORMS[form]
    found = read_file(content, name)
    order = np.lexsort([found.images.reshape(12, -1).sum(1)])
    expected = np.lexsort([DIGITS.reshape(12, -1).sum(1)])
    np.testing.assert_array_equal(found.images[order, 0], DIGITS[expected])
    np.testing.assert_array_equal(found.labels[order], LABELS[expected])
    assert (found.images.dtype, found.labels.dtype) == (np.uint8, np.int64)
    assert found.images.shape == (12, 1, 28, 28)
    assert bool(found.notes) == (form in NOTED)


def test_a_path_and_an_open_file_will_do(tmp_path):
    path = tmp_path / "mine.npz"
    path.write_bytes(npz(images=DIGITS, labels=LABELS))
    with path.open("rb") as file:
        from_file = read_file(file)
    from_path = read_file(path)
    assert from_path.name == from_file.name == "mine.npz"
    assert from_path.digest == from_file.digest
    with pytest.raises(UploadError, match=r"gone\.npz cannot be read"):
        read_file(tmp_path / "gone.npz")


def test_it_is_a_dataset_whose_test_split_it_is():
    data = read_file(*FORMS["npz"]).as_dataset()
    assert len(data.test) == 12
    assert len(data.train) == len(data.val) == 0
    assert data.input_shape == (1, 28, 28)
    assert data.fingerprint


def test_the_label_column_is_found_by_its_name():
    rows = [line.split(",") for line in kaggle().decode().split()]
    moved = "\n".join(",".join([*row[1:], row[0]]) for row in rows).encode()
    np.testing.assert_array_equal(read_file(moved, "a.csv").labels, LABELS)


def test_classes_have_names_or_numbers():
    images = {"cat/a.png": png(DIGITS[0]), "1/b.png": png(DIGITS[1])}
    found = read_file(packed(images), "a.zip", ("cat", "dog"))
    assert found.labels.tolist() == [0, 1]


def test_classes_below_zero_are_read_by_name():
    content = kaggle(labels=np.where(LABELS % 2, 1, -1))
    read = read_file(content, "x.csv", classes=("-1", "1"))
    assert (read.labels == LABELS % 2).all()


def test_other_sizes_are_padded_and_resampled_and_it_is_said():
    bar = np.zeros((60, 20), np.uint8)
    bar[10:50, 8:12] = 255
    found = read_file(packed({"1/a.png": png(bar)}), "a.zip")
    rows, columns = np.nonzero(found.images[0, 0] > 100)
    assert rows.min() in (4, 5)
    assert rows.max() in (22, 23)
    assert {13, 14} <= set(columns.tolist()) <= {12, 13, 14, 15}
    assert "another size" in found.notes[0]
    small = read_file(npz(images=np.zeros((3, 8, 8), np.uint8), labels=np.arange(3)))
    assert small.images.shape == (3, 1, 28, 28)
    assert "8×8" in small.notes[0]


@pytest.mark.parametrize("mode", ["L", "RGB", "RGBA", "P", "1"])
def test_ink_on_light_paper_is_inverted_and_it_is_said(mode):
    paper = np.full((28, 28), 255, np.uint8)
    paper[5:22, 13:16] = 0
    found = read_file(packed({"1/a.png": png(paper, mode)}), "a.zip")
    np.testing.assert_array_equal(found.images[0, 0], 255 - paper)
    assert "inverted" in found.notes[0]


def symlink() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as file:
        entry = zipfile.ZipInfo("1/a.png")
        entry.external_attr = (stat.S_IFLNK | 0o777) << 16
        file.writestr(entry, "/etc/passwd")
    return buffer.getvalue()


def bomb(name: str, size: int) -> bytes:
    buffer = io.BytesIO()
    with (
        zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as file,
        file.open(name, "w", force_zip64=True) as entry,
    ):
        for _ in range(size // 10_000_000):
            entry.write(bytes(10_000_000))
    return buffer.getvalue()


def lying(content: bytes, size: int) -> bytes:
    """The ZIP with the sizes in its directory and heads replaced."""
    changed = bytearray(content)
    for mark, offset in ((b"PK\x01\x02", 24), (b"PK\x03\x04", 22)):
        at = changed.find(mark)
        struct.pack_into("<I", changed, at + offset, size)
    return bytes(changed)


def locked() -> bytes:
    changed = bytearray(in_folders())
    for mark, offset in ((b"PK\x01\x02", 8), (b"PK\x03\x04", 6)):
        changed[changed.find(mark) + offset] |= 1
    return bytes(changed)


def head_only(shape: str, dtype: str = "|u1") -> bytes:
    """An .npz whose images claim a shape that is not there."""
    text = f"{{'descr': '{dtype}', 'fortran_order': False, 'shape': {shape}, }}".ljust(117) + "\n"
    array = b"\x93NUMPY\x01\x00" + struct.pack("<H", len(text)) + text.encode()
    labels = io.BytesIO()
    np.save(labels, np.zeros(3, int))
    return packed({"images.npy": array, "labels.npy": labels.getvalue()})


def row(*values: object) -> bytes:
    return (",".join(map(str, values)) + "\n").encode()


REFUSED = {
    "an empty file": (b"", "a.zip", "empty"),
    "no ZIP": (b"hello", "a.zip", "is not a ZIP archive"),
    "half a ZIP": (in_folders()[:2_000], "a.zip", "cannot be read"),
    "nothing in it": (packed({}), "a.zip", "holds no image"),
    "no image in it": (packed({"readme.txt": b"x"}), "a.zip", "holds no image"),
    "no class folder": (packed({"a.png": png(DIGITS[0])}), "a.zip", "no class folder"),
    "an unknown class": (packed({"cat/a.png": png(DIGITS[0])}), "a.zip", "'cat'; the classes are"),
    "a class too far": (packed({"10/a.png": png(DIGITS[0])}), "a.zip", "label '10'"),
    "a label missing": (with_table(TABLE.replace("img/03.png,3\n", "")), "a.zip", "no label for"),
    "two labels": (with_table(TABLE + "img/03.png,4\n"), "a.zip", "two labels, 3 and 4"),
    "no second column": (with_table("img/00.png\n"), "a.zip", "two columns"),
    "two tables": (
        in_folders(**{"labels.csv": b"", "x/labels.csv": b""}),
        "a.zip",
        "2 files named",
    ),
    "no image at all": (
        in_folders(**{"1/x.png": b"no image"}),
        "a.zip",
        "'1/x.png' cannot be read",
    ),
    "half an image": (in_folders(**{"1/x.png": png(DIGITS[0])[:90]}), "a.zip", "cannot be read"),
    "a huge image": (
        in_folders(**{"1/x.png": png(np.zeros((5_100, 5_000), np.uint8))}),
        "a.zip",
        "5000×5100 pixels",
    ),
    "a path that climbs out": (in_folders(**{"../1/x.png": b""}), "a.zip", "leads out"),
    "a path of Windows": (in_folders(**{"..\\1\\x.png": b""}), "a.zip", "leads out"),
    "an absolute path": (in_folders(**{"/etc/1/x.png": b""}), "a.zip", "leads out"),
    "a link": (symlink(), "a.zip", "is a link"),
    "a ZIP in the ZIP": (in_folders(**{"1/x.zip": in_folders()}), "a.zip", "archive within"),
    "a password": (locked(), "a.zip", "password"),
    "a rare packing": (
        packed({"1/a.png": png(DIGITS[0])}, zipfile.ZIP_LZMA),
        "a.zip",
        "a rare compression method",
    ),
    "a lie about its size": (lying(bomb("1/a.png", 10_000_000), 500), "a.zip", "damaged|larger"),
    "no images in the npz": (npz(labels=LABELS), "a.npz", "no array named 'images'; it has labels"),
    "no labels in the npz": (npz(images=DIGITS), "a.npz", "no array named 'labels'"),
    "NaN": (npz(images=DIGITS * np.nan, labels=LABELS), "a.npz", "NaN"),
    "pixels of 300": (
        npz(images=DIGITS.astype(int) + 300, labels=LABELS),
        "a.npz",
        "from 300 to 555",
    ),
    "objects": (npz(images=np.array([{}]), labels=LABELS), "a.npz", "object.*pickle"),
    "too few labels": (npz(images=DIGITS, labels=LABELS[:5]), "a.npz", "12 images and 5 labels"),
    "a label of 10": (
        npz(images=DIGITS, labels=LABELS + 1),
        "a.npz",
        "two ways.*first_label=10.*first_label=1",
    ),
    "a shape of terabytes": (head_only("(70000, 9999, 9999)"), "a.npz", "at most 300,000 images"),
    "a shape that is not there": (head_only("(3, 28, 28)"), "a.npz", "damaged"),
    "a shape below zero": (head_only("(-3, 28, 28)"), "a.npz", "damaged|no images|shape"),
    "no array": (packed({"images.npy": b"x", "labels.npy": b"x"}), "a.npz", "damaged"),
    "a table of nothing": (row("label", *range(3)), "a.csv", "no rows"),
    "783 pixels": (row(1, *[0] * 783), "a.csv", "has no labels"),
    "another head": (row("a", "b", "c"), "a.csv", "no rows"),
    "NaN in the csv": (kaggle() + row(1, *[0] * 783, "nan"), "a.csv", "Row 13 of a.csv holds NaN"),
    "a word in the csv": (
        kaggle() + row(1, *[0] * 783, "ink"),
        "a.csv",
        "'ink', not a number, in row 13",
    ),
    "a pixel of 256": (kaggle() + row(1, *[0] * 783, 256), "a.csv", "pixels from 0 to 256"),
    "label 10": (row(10, *[0] * 784), "a.csv", "label '10'; the classes are"),
    "a million columns": (row(*[0] * 1_000_000), "a.csv", "longer than 200,000 characters"),
    "a second row of them": (kaggle() + row(*[0] * 1_000_000), "a.csv", "longer than 200,000"),
    "an image": (png(DIGITS[0]), "a.png", "no class folder"),
    "a long cell": (
        kaggle() + row(1, *[0] * 783, f'"{"x" * 140_000}"'),
        "a.csv",
        "cannot be read .*field larger",
    ),
    "Latin-1": ("é".encode("latin-1") * 9, "a.csv", "not text"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_refused_is_refused_with_the_reason(case):
    content, name, reason = REFUSED[case]
    with pytest.raises(UploadError, match=reason):
        read_file(content, name, tuple("0123456789"))


@pytest.mark.parametrize("name", ["1/a.png", "images.npy", "labels.csv"])
def test_two_gigabytes_of_zeros_are_refused_at_once_and_cost_no_memory(name):
    content = lying(bomb(name, 50_000_000), 2_000_000_000)
    files = {"images.npy": "a.npz", "1/a.png": "a.zip", "labels.csv": "a.zip"}
    tracemalloc.start()
    start = time.process_time()
    with pytest.raises(UploadError, match=r"would grow from|holds no image"):
        read_file(content, files[name])
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 5_000_000
    assert time.process_time() - start < 1


def test_entries_are_counted_before_the_zip_is_opened(monkeypatch):
    monkeypatch.setattr(archive, "MAX_ENTRIES", 11)
    monkeypatch.setattr(zipfile, "ZipFile", None)  # would fail if it were touched
    with pytest.raises(UploadError, match="about 12 entries; at most 11"):
        read_file(FORMS["folders"][0], "a.zip")


@pytest.mark.parametrize(
    ("place", "limit", "value", "form", "reason"),
    [
        (limits, "MAX_BYTES", 1_000, "npz", "larger than"),
        (limits, "MAX_IMAGES", 11, "npz", "at most 11"),
        (limits, "MAX_UNPACKED", 784, "npz", "are read"),
        (limits, "MAX_IMAGE_BYTES", 50, "folders", "at most 50 are read"),
        (limits, "FREE_PIXELS", -50_000, "folders", "more pixels than files"),
        (limits, "MAX_DATA_FILES", 0, "a csv in a ZIP", "1 files of data"),
        (limits, "MAX_UNPACKED", 500, "folders", "at most 500 bytes are read"),
    ],
)
def test_every_limit_holds(monkeypatch, place, limit, value, form, reason):
    monkeypatch.setattr(place, limit, value)
    with pytest.raises(UploadError, match=reason):
        read_file(*FORMS[form])


@pytest.mark.parametrize("content", ["[[],[],[],[]]", '{"a": 1, "b": 2, "c": 3}'])
def test_the_entries_of_a_table_in_json_are_counted(monkeypatch, content):
    monkeypatch.setattr(limits, "MAX_IMAGES", 2)
    with pytest.raises(UploadError, match="more than 2 entries"):
        read_label_table(content.encode(), "labels.json", None)


def test_small_images_are_not_made_larger_than_memory_allows():
    buffer = io.BytesIO()
    np.savez(buffer, images=np.ones((60_000, 8, 8), np.uint8), labels=np.arange(60_000) % 10)
    tracemalloc.start()
    with pytest.raises(UploadError, match="smaller size"):
        read_file(buffer.getvalue(), "a.npz", options=Options(size=128, colour=True))
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("values", "content"),
    [
        (11 * 28 * 28, in_folders()),
        (200_000, in_folders(**{"1/x.png": png(DIGITS[0, :20, :20])})),
        (200_000, npz(images=DIGITS, labels=LABELS)),
    ],
)
def test_the_values_of_all_images_are_counted(monkeypatch, values, content):
    monkeypatch.setattr(limits, "MAX_VALUES", values)
    with pytest.raises(UploadError, match="smaller size"):
        read_file(content, options=Options(size=128, colour=True))


def test_too_many_rows_are_refused(monkeypatch):
    monkeypatch.setattr(limits, "MAX_IMAGES", 11)
    with pytest.raises(UploadError, match="more than 11 rows"):
        read_file(*FORMS["Kaggle's csv"])
