"""Collections: what is kept is read again, as a dataset too, and nothing harmful gets in or out."""

from __future__ import annotations

import io
import json
import threading
import zipfile

import numpy as np
import pytest

import digitlab as dl
from digitlab.data import collection_files, collections
from digitlab.data.collections import NewDrawing, keep_drawing, list_entries, read_drawings
from digitlab.data.registry import find_dataset, is_available, list_datasets
from digitlab.errors import (
    DatasetDamagedError,
    DatasetError,
    DatasetMissingError,
    UploadError,
)

STROKE = np.array([[10.0, 20.0], [30.5, 40.25]])


def image(value=200):
    drawn = np.zeros((28, 28), np.uint8)
    drawn[4:24, 12:16] = value
    return drawn


def keep(labels, name="mine"):
    return [keep_drawing(name, NewDrawing(image(100 + i), n)) for i, n in enumerate(labels)]


def test_what_is_kept_is_read_again_in_order(home):
    first = keep_drawing("mine", NewDrawing(image(11), 7, [STROKE], read=2))
    second = keep_drawing("mine", NewDrawing(image(12), 1))
    kept = read_drawings("mine")
    assert [(one.id, one.label, one.read) for one in kept] == [(first, 7, 2), (second, 1, None)]
    assert np.array_equal(kept[0].image, image(11))
    assert np.allclose(kept[0].strokes[0], STROKE, atol=0.06)
    assert collections.list_collections() == ("mine",)
    assert not list((home / "collections" / "mine").glob(".*"))  # no temporary file is left


@pytest.mark.parametrize("name", ["", "../up", "a/b", "A", "x" * 41, "-a", "a b", "a.b", None, 3])
def test_a_name_that_could_lead_elsewhere_is_refused(home, name):
    with pytest.raises(DatasetError, match="small letters, digits and hyphens"):
        keep_drawing(name, NewDrawing(image(), 1))
    assert not (home / "collections").exists()


@pytest.mark.parametrize(
    "bad", [(image(), 10), (image(), -1), (image()[:20], 1), (image().astype(float), 1)]
)
def test_a_bad_label_or_image_is_refused(bad):
    with pytest.raises(DatasetError):
        keep_drawing("mine", NewDrawing(*bad))
    assert not list_entries("mine")


def test_a_label_can_be_mended_and_a_drawing_removed():
    first, second = keep([7, 1])
    collections.relabel("mine", first, 4)
    assert [(one.id, one.label) for one in read_drawings("mine")] == [(first, 4), (second, 1)]
    collections.remove_drawing("mine", first)
    assert [one.id for one in read_drawings("mine")] == [second]
    with pytest.raises(DatasetError, match="no drawing"):
        collections.relabel("mine", "../../x", 3)
    collections.remove_drawing("mine", second)
    assert collections.list_collections() == ()
    with pytest.raises(DatasetMissingError, match="no collection 'mine'"):
        read_drawings("mine")


def test_full_is_full(monkeypatch):
    monkeypatch.setattr(collections, "MAX_DRAWINGS", 3)
    keep([1, 2])
    with pytest.raises(DatasetError, match="no room for 2 more"):
        collections.keep_drawings("mine", [NewDrawing(image(), 1)] * 2)
    assert len(list_entries("mine")) == 2
    monkeypatch.setattr(collections, "MAX_COLLECTIONS", 1)
    with pytest.raises(DatasetError, match="delete one first"):
        keep([1], "other")


def test_endless_strokes_are_thinned_and_end_where_they_did():
    long = np.stack([np.arange(9_001.0), np.zeros(9_001)], 1)
    keep_drawing("mine", NewDrawing(image(), 1, [long]))
    (stroke,) = read_drawings("mine")[0].strokes
    assert len(stroke) <= collections.MAX_POINTS
    assert stroke[0].tolist() == [0, 0]
    assert stroke[-1].tolist() == [9_000, 0]


def test_a_damaged_file_is_named():
    keep([1, 2])
    path = list_entries("mine")[1].path
    for text in ("half", json.dumps({"image": "AAAA", "strokes": [], "created": 0}), "[]"):
        path.write_text(text)
        with pytest.raises(DatasetDamagedError, match=path.name):
            read_drawings("mine")


def test_several_visitors_keep_at_the_same_time():
    threads = [threading.Thread(target=keep, args=([i % 10] * 5,)) for i in range(6)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({one.id for one in read_drawings("mine")}) == 30


def test_it_is_a_dataset_with_held_out_drawings(run_id):
    keep([3, 3, 3, 3, 8, 8])
    info = find_dataset("collection:mine")
    assert (info.train_size, info.test_size) == (4, 2)
    assert is_available("collection:mine")
    assert info in list_datasets()
    data = dl.load_dataset("collection:mine", val_fraction=0)
    assert data.test.labels.tolist() == [3, 8]
    assert data.test.images[0, 0, 10, 13] == 101  # the second 3
    assert data.train.labels.tolist() == [3, 3, 3, 8]
    assert dl.open_run(run_id).evaluate("test", "collection:mine").n == 2
    before = data.fingerprint
    keep([8])
    assert dl.load_dataset("collection:mine").fingerprint != before


def test_what_was_held_out_stays_so_as_the_collection_grows():
    keep([3, 5, 3, 3, 5])
    held = {one.id for one, out in _held() if out}
    keep([5, 3, 3, 5])
    assert held < {one.id for one, out in _held() if out}


def _held():
    entries = list_entries("mine")
    return zip(entries, collections.is_held_out(entries), strict=True)


@pytest.mark.parametrize("name", ["collection:none", "collection:../..", "mix:mine+none", "odd:x"])
def test_an_unknown_one_is_said_so(name):
    keep([1, 1])
    with pytest.raises(DatasetError):
        find_dataset(name)


def test_a_mix_holds_the_drawings_several_times_among_the_known(optdigits):
    keep([1, 1, 2, 2])
    data = dl.load_dataset("mix:mine+optdigits", val_fraction=0)
    assert data.test.labels.tolist() == [1, 2]
    drawn = data.train.images[-80:]
    assert set(drawn[:, 0, 10, 13].tolist()) == {100, 102}
    assert len(data.train) == len(optdigits.train) + len(optdigits.val) + 80
    assert len(data.train) == data.info.train_size
    assert dl.load_dataset("mix:mine+optdigits").fingerprint == data.fingerprint


@pytest.mark.parametrize("kind", ["npz", "zip"])
def test_out_and_in_again(kind):
    keep_drawing("mine", NewDrawing(image(50), 7, [STROKE, STROKE + 5]))
    keep([0, 9])
    content = collection_files.export_collection("mine", kind)
    collection_files.import_collection("copy", content, f"mine.{kind}")
    there = {(one.label, one.image.tobytes(), len(one.strokes)) for one in read_drawings("mine")}
    back = {(one.label, one.image.tobytes(), len(one.strokes)) for one in read_drawings("copy")}
    assert back == there


def test_what_is_harmful_is_not_taken_in():
    buffer = io.BytesIO()
    np.savez(buffer, images=np.array([{"a": 1}], dtype=object), labels=np.array([1]))
    climbing = io.BytesIO()
    with zipfile.ZipFile(climbing, "w") as archive:
        archive.writestr("../7/a.png", b"x")
    for content in (buffer.getvalue(), climbing.getvalue(), b"", b"PK\x03\x04rubbish"):
        with pytest.raises(UploadError):
            collection_files.import_collection("mine", content, "a.npz")
    assert not list_entries("mine")
