"""Own datasets: added, found like others, split, versioned, renamed and deleted."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.data import own, own_files
from digitlab.data.collections import NewDrawing, keep_drawings
from digitlab.data.reading import limits
from digitlab.data.registry import files_stamp, find_dataset
from digitlab.data.versions import list_ancestors
from digitlab.errors import DatasetDamagedError, DatasetError, DatasetMissingError, ExportError

RNG = np.random.default_rng(0)


def labelled(count=40, classes="ab", shape=(28, 28), **more):
    """Random images in an NPZ on disk."""
    images = RNG.integers(0, 255, (count, *shape), np.uint8)
    images[:, 0] = images[:, -1] = images[:, :, 0] = images[:, :, -1] = 0
    labels = np.array([classes[i % len(classes)] for i in range(count)])
    return {"images": images, "labels": labels, **more}


@pytest.fixture
def npz(tmp_path):
    def write(name="photos.npz", **arrays):
        path = tmp_path / name
        np.savez(path, **(arrays or labelled()))
        return path

    return write


def test_it_is_loaded_and_listed_like_any_dataset(npz):
    info = dl.add_dataset("letters-ab", npz(), seed=1)
    assert info in dl.list_datasets()
    data = dl.load_dataset("Letters-AB")
    assert data.classes == ("a", "b")
    assert (len(data.train) + len(data.val), len(data.test)) == (32, 8)
    assert data.test.labels.bincount().tolist() == [4, 4]
    assert data.train.images.dtype == torch.uint8
    facts = own.read_facts("letters-ab")
    assert (facts.file, facts.fingerprint) == ("photos.npz", data.fingerprint)
    assert "20 % of each class" in facts.split


def test_equal_images_have_one_fingerprint_whatever_the_name(npz):
    path = npz()
    dl.add_dataset("one", path)
    dl.add_dataset("two", path)
    dl.add_dataset("three", path, seed=7)
    prints = [dl.load_dataset(name).fingerprint for name in ("one", "two", "three")]
    assert prints[0] == prints[1] != prints[2]


def test_the_parts_of_a_file_stay(npz):
    train, test = labelled(30), labelled(6)
    arrays = {f"x_{k}": v["images"] for k, v in (("train", train), ("test", test))}
    arrays |= {f"y_{k}": v["labels"] for k, v in (("train", train), ("test", test))}
    dl.add_dataset("parts", npz(**arrays))
    data = dl.load_dataset("parts", val_fraction=0)
    assert np.array_equal(data.train.images[:, 0].numpy(), train["images"])
    assert np.array_equal(data.test.images[:, 0].numpy(), test["images"])
    dl.add_dataset("drawn", npz(**arrays), test_fraction=0.5, draw_test=True)
    assert len(dl.load_dataset("drawn").test) == 18


def test_a_class_that_only_the_test_part_has_is_told(npz):
    train, test = labelled(20, "ab"), labelled(6, "abc")
    arrays = {"x_train": train["images"], "y_train": train["labels"]}
    arrays |= {"x_test": test["images"], "y_test": test["labels"]}
    dl.add_dataset("abc", npz(**arrays))
    assert "no training image, of c." in own.read_facts("abc").split


@pytest.mark.parametrize("name", ["mnist", "../x", "a/b", "", "upload", "x" * 41, "ü", ".x", None])
def test_a_name_that_is_taken_or_no_name_is_refused(name, npz, home):
    with pytest.raises(DatasetError, match="name"):
        dl.add_dataset(name, npz())
    assert not (home / "datasets").exists()


def test_one_class_or_one_image_is_no_dataset(npz):
    with pytest.raises(DatasetError, match="2 to 1,000 different classes"):
        dl.add_dataset("x", npz(**labelled(classes="a")))
    with pytest.raises(DatasetError, match="both need at least one"):
        dl.add_dataset("x", npz(**labelled(count=1, classes="7")))
    assert not own.list_own()


def test_a_version_remembers_its_parent_and_its_changes(npz):
    dl.add_dataset("first", npz())
    parent = dl.load_dataset("first")
    changes = [
        dl.Change(split="train", index=3, label=0),
        dl.Change(split="train", index=5),
        dl.Change(split="test", index=0),
    ]
    dl.add_version("first-fixed", parent, changes)
    before, after = own.official_parts(parent), own.official_parts(dl.load_dataset("first-fixed"))
    assert after.train_labels[3] == 0
    assert torch.equal(after.train_images[5], before.train_images[6])
    assert len(after.test_labels) == len(before.test_labels) - 1
    facts = own.read_facts("first-fixed")
    assert facts.parent == own.Parent(name="first", fingerprint=parent.fingerprint)
    assert facts.changes == tuple(changes)
    assert "a version of first with 3 changes" in find_dataset("first-fixed").about


def test_a_version_of_the_catalog_s_dataset(optdigits):
    dl.add_version("opt-fixed", optdigits, [dl.Change(split="train", index=0, label=4)])
    data = dl.load_dataset("opt-fixed")
    assert data.classes == optdigits.classes
    assert len(data.train) == len(optdigits.train)
    assert data.fingerprint != optdigits.fingerprint


@pytest.mark.parametrize(
    "change", [{"index": 99}, {"index": 0, "label": 9}, {"index": 0, "split": "val"}]
)
def test_a_change_of_what_is_not_there_is_refused(change, npz):
    dl.add_dataset("first", npz())
    with pytest.raises(DatasetError):
        dl.add_version("x", dl.load_dataset("first"), [dl.Change(**{"split": "train", **change})])
    assert not own.is_own("x")


def test_a_change_that_was_taken_back_has_ancestors_too(npz):
    dl.add_dataset("first", npz())
    first = dl.load_dataset("first")
    before = int(own.official_parts(first).train_labels[0])
    dl.add_version("changed", first, [dl.Change(split="train", index=0, label=1 - before)])
    back = [dl.Change(split="train", index=0, label=before)]
    dl.add_version("back", dl.load_dataset("changed"), back)
    dl.delete_dataset("first")
    dl.rename_dataset("back", "first")
    changed = dl.load_dataset("changed").fingerprint
    ancestors = list_ancestors("first", first.fingerprint, len(first.test))
    assert [a.fingerprint for a in ancestors] == [first.fingerprint, changed]


@pytest.mark.parametrize("model", ["logistic-regression", "cnn-small", "sklearn/GaussianNB"])
def test_a_preset_learns_as_many_classes_as_there_are(model, npz):
    dl.add_dataset("shapes", npz(**labelled(60, ["square", "circle", "star"])))
    run = dl.train(model, "shapes", dl.TrainConfig(epochs=1), progress=False)
    assert run.evaluate("test").confusion.shape == (3, 3)
    assert run.record.model == dl.load_model(model).name


def test_runs_find_a_dataset_that_was_renamed(npz, train_tiny):
    dl.add_dataset("before", npz(**labelled(60, "0123456789")))
    run = train_tiny(data=dl.load_dataset("before"), epochs=1)
    assert dl.rename_dataset("before", "after").name == "after"
    assert run.load_data().name == "after"
    assert find_dataset("before").name == "after"
    again = train_tiny(data=dl.load_dataset("after"), epochs=1)
    assert run.record.experiment.same_data(again.record.experiment)
    assert dl.rename_dataset("after", "before").name == "before"


def test_a_name_that_is_taken_is_not_renamed_to(npz):
    path = npz()
    dl.add_dataset("one", path)
    dl.add_dataset("two", path)
    with pytest.raises(DatasetError, match="already"):
        dl.rename_dataset("one", "two")
    with pytest.raises(DatasetError, match="already"):
        dl.add_dataset("one", path)


def test_a_former_name_is_kept_for_the_runs(npz):
    path = npz()
    dl.add_dataset("one", path)
    dl.rename_dataset("one", "old-one")
    dl.add_dataset("two", path)
    for take in (lambda: dl.add_dataset("one", path), lambda: dl.rename_dataset("two", "one")):
        with pytest.raises(DatasetError, match="a former name of the dataset old-one"):
            take()
    dl.delete_dataset("old-one")
    assert dl.rename_dataset("two", "one").name == "one"


def test_drawings_mixed_with_a_dataset_find_it_when_it_was_renamed(npz):
    dl.add_dataset("before", npz(**labelled(60, "0123456789")))
    keep_drawings("mine", [NewDrawing(np.full((28, 28), 99, np.uint8), n) for n in (1, 1, 2, 2)])
    mix = dl.load_dataset("mix:mine+before")
    dl.rename_dataset("before", "after")
    assert dl.load_dataset("mix:mine+before").fingerprint == mix.fingerprint


def test_a_deleted_dataset_is_gone(npz, home):
    dl.add_dataset("one", npz())
    dl.find_outliers(dl.load_dataset("one"))  # what is cached goes with it
    assert len(list((home / "beside").iterdir())) == 1
    dl.delete_dataset("one")
    assert not list((home / "datasets").iterdir())
    assert not list((home / "beside").iterdir())
    with pytest.raises(DatasetError, match="no dataset 'one'"):
        dl.load_dataset("one")
    with pytest.raises(DatasetMissingError, match="there are: none yet"):
        dl.delete_dataset("one")


def test_a_damaged_dataset_spoils_no_listing(npz, home):
    path = npz()
    for name in ("good", "no-facts", "bad-facts", "no-images", "half-images", "one-pixel"):
        dl.add_dataset(name, path)
    root = home / "datasets"
    (root / "no-facts/facts.json").unlink()
    (root / "bad-facts/facts.json").write_text(json.dumps({"classes": 3}))
    (root / "no-images/images.safetensors").unlink()
    images = root / "half-images/images.safetensors"
    images.write_bytes(images.read_bytes()[:1_000])
    images = root / "one-pixel/images.safetensors"
    images.write_bytes(images.read_bytes()[:-1] + b"!")
    assert {"good", "half-images", "one-pixel"} == {info.name for info in own.list_own()}
    assert own.list_damaged() == ["bad-facts", "no-facts", "no-images"]
    for name in ("no-facts", "bad-facts", "no-images", "half-images", "one-pixel"):
        with pytest.raises(DatasetDamagedError, match="delete it"):
            dl.load_dataset(name)
        dl.delete_dataset(name)


def test_two_processes_that_add_one_name_do_not_mix(npz, start_together):
    code = (
        "import digitlab as dl\nfrom digitlab.errors import DatasetError\n"
        "from digitlab.data.reading.read import read_file\n"
        "images = read_file(sys.argv[1])\ndl.load_dataset('optdigits')\nready()\n"
        "try:\n    dl.add_dataset('same', images)\n    print('added')\n"
        "except DatasetError:\n    print('taken')\n"
    )
    processes = start_together(code, [[npz()], [npz()]])
    assert sorted(p.stdout.read().strip() for p in processes) == ["added", "taken"]
    assert len(dl.load_dataset("same").test) == 8


def test_cached_data_is_told_apart_after_a_change(npz):
    dl.add_dataset("one", npz())
    stamp = files_stamp("one")
    dl.delete_dataset("one")
    dl.add_dataset("one", npz(**labelled(50)))
    assert files_stamp("one") != stamp


@pytest.mark.parametrize("kind", ["npz", "zip"])
@pytest.mark.parametrize(
    "classes",
    [
        *("ab", "0123456789", ["z", "a/b", "c d"], ["Zebra", "Ant", "Cat"]),
        *(["1", "2", "3"], ["one", "two"], ["-1", "1"], ["x;y;z;w;v;u", "1,5", " 7"]),
    ],
)
def test_an_export_is_read_back_the_same(kind, classes, npz, tmp_path):
    read = dl.read_images(npz(**labelled(60, "abcdefghij"[: len(classes)])), paper="as it is")
    dl.add_dataset("first", replace(read, classes=tuple(classes)))
    path = dl.export_dataset("first", tmp_path / f"first.{kind}")
    dl.add_dataset("again", path)
    assert own.read_facts("again").fingerprint == own.read_facts("first").fingerprint
    assert dl.read_images(path, classes=classes[::-1]).classes == tuple(classes[::-1])


def test_an_export_of_sorted_images_is_read_back(npz, tmp_path):
    images = np.zeros((60_000, 8, 8), np.uint8)
    images[:, 2:6, 2:6] = RNG.integers(0, 255, (60_000, 4, 4))
    read = dl.read_images(npz(**labelled(10)), size="as it is")
    labels = np.arange(60_000) // 30_000
    dl.add_dataset("first", replace(read, images=images[:, None], labels=labels))
    assert len(dl.read_images(dl.export_dataset("first", tmp_path / "first.npz"))) == 60_000


def test_what_would_not_be_read_back_is_not_exported(monkeypatch, npz, tmp_path):
    dl.add_dataset("first", npz())
    with monkeypatch.context() as patch:
        patch.setattr(limits, "MAX_IMAGES", 39)
        patch.setattr(own_files, "MAX_ENTRIES", 41)
        for kind in own_files.KINDS:
            with pytest.raises(ExportError, match="at most 39 images are read back; first has 40"):
                dl.export_dataset("first", tmp_path / f"first.{kind}")
    monkeypatch.setattr(limits, "MAX_UNPACKED", 220_000)
    with pytest.raises(ExportError, match=r"As NPZ, at most 18\.7 kB of 40 images are read back"):
        dl.export_dataset("first", tmp_path / "first.npz")
    monkeypatch.setattr(limits, "MAX_UNPACKED", 10_000)
    with pytest.raises(ExportError, match="would not be read back as ZIP: Unpacked"):
        dl.export_dataset("first", tmp_path / "first.zip")


def test_an_export_of_light_photos_is_not_inverted_again(optdigits, tmp_path, npz):
    arrays = labelled(20)
    arrays["images"] = 255 - arrays["images"]
    dl.add_dataset("light", npz(**arrays), paper="as it is")
    path = dl.export_dataset("light", tmp_path / "light.npz")
    assert (dl.read_images(path).images[:, 0, 0] == 255).all()


def test_writers_are_kept_and_are_in_one_part_only():
    images = RNG.integers(0, 255, (30, 1, 28, 28), np.uint8)
    labels, writers = np.arange(30) % 10, np.arange(30) % 3 + 1
    info = own.add_written("class-set", images, labels, writers, [2])
    assert "30 images of your own, drawn by 3 writers" in info.about
    facts, data = own.read_facts("class-set"), dl.load_dataset("class-set", val_fraction=0.0)
    assert facts.writers == tuple(writers[writers != 2]) + (2,) * 10
    assert np.array_equal(data.test.images, images[writers == 2])
    assert np.array_equal(data.train.labels, labels[writers != 2])
    with pytest.raises(DatasetError, match="need at least one"):
        own.add_written("none", images, labels, writers, [7])
