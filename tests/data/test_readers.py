"""Readers: every dataset's files as images and labels, and files that are bad."""

from __future__ import annotations

import bz2
import gzip
from dataclasses import replace

import numpy as np
import pytest
import torch
from sklearn.datasets import load_digits

import digitlab as dl
from digitlab.data import catalog, readers, registry
from digitlab.errors import DatasetDamagedError, DatasetMissingError


def test_optdigits_are_the_digits_of_scikit_learn():
    digits = load_digits()
    small = torch.from_numpy((digits.images * (255 / 16)).round().astype(np.uint8))
    data = dl.load_dataset("optdigits", val_fraction=0)
    images = torch.cat([data.train.images, data.test.images])
    labels = torch.cat([data.train.labels, data.test.labels])
    assert _rows(images, labels) == _rows(readers.frame(small), digits.target)


def _rows(images, labels):
    """Each image's bytes with its label, in an order of their own."""
    pairs = zip(images, labels, strict=True)
    return sorted((bytes(image.numpy()), int(label)) for image, label in pairs)


def test_mnist_is_read_whole_and_right(mnist):
    assert (len(mnist.train), len(mnist.val), len(mnist.test)) == (54_000, 6_000, 10_000)
    assert mnist.test.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
    assert torch.bincount(mnist.test.labels)[1] == 1135


def test_a_missing_dataset_says_where_and_what_to_do(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    with pytest.raises(DatasetMissingError) as caught:
        dl.load_dataset("mnist")
    assert str(tmp_path) in str(caught.value)
    assert "--download mnist" in str(caught.value)
    assert "optdigits" in str(caught.value)


def _idx(array: np.ndarray) -> bytes:
    kind = {"uint8": 8, "int32": 12}[str(array.dtype)]
    head = bytes([0, 0, kind, array.ndim]) + b"".join(n.to_bytes(4, "big") for n in array.shape)
    return head + array.astype(array.dtype.newbyteorder(">")).tobytes()


@pytest.fixture
def small_idx(monkeypatch, tmp_path):
    """A function that writes IDX files of a dataset in torchvision's layout, a few images each."""
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))

    def write(name: str, train: int, test: int, labels_dtype=np.uint8, fields: int = 0):
        info = registry.find_dataset(name)
        sizes = {info.files[0]: train, info.files[2]: test}
        made = {}
        for images_file, count in sizes.items():
            labels_file = info.files[info.files.index(images_file) + 1]
            images = np.random.default_rng(0).integers(0, 256, (count, 28, 28), dtype=np.uint8)
            labels = (np.arange(count) % 10).astype(labels_dtype)
            if fields:
                labels = np.stack([labels, *[labels * 0 + 99] * (fields - 1)], axis=1)
            for path, array in ((images_file, images), (labels_file, labels)):
                (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
                (tmp_path / path).write_bytes(_idx(array))
            made[images_file] = images
        changed = {"train_size": train, "test_size": test}
        fake = replace(info, **changed)
        monkeypatch.setattr(catalog, "CATALOG", {**catalog.CATALOG, name: fake})
        return list(made.values())

    return write


def test_emnist_is_turned_upright(small_idx):
    train, _ = small_idx("emnist-digits", 40, 20)
    data = dl.load_dataset("emnist-digits", val_fraction=0.0)
    assert torch.equal(data.train.images[:, 0], torch.from_numpy(train).transpose(1, 2))


def test_qmnist_takes_the_class_from_its_eight_fields(small_idx):
    small_idx("qmnist", 40, 20, labels_dtype=np.int32, fields=8)
    data = dl.load_dataset("qmnist", val_fraction=0.0)
    assert data.train.labels.tolist() == [i % 10 for i in range(40)]
    assert len(data.test) == 20


@pytest.mark.parametrize("name", ["mnist", "fashion-mnist", "kmnist"])
def test_the_mnist_family_is_read_as_it_is(small_idx, name):
    _, test = small_idx(name, 40, 20)
    data = dl.load_dataset(name)
    assert torch.equal(data.test.images[:, 0], torch.from_numpy(test))
    assert len(data.classes) == 10


@pytest.mark.parametrize("place", ["MNIST", "MNIST/raw", ""])
@pytest.mark.parametrize("form", ["{}", "{}.gz", "kaggle", "kaggle folder"])
def test_mnist_is_found_where_and_as_people_have_it(small_idx, tmp_path, place, form):
    _, test = small_idx("mnist", 40, 20)
    for file in registry.find_dataset("mnist").files:
        path = tmp_path / file
        content = path.read_bytes()
        path.unlink()
        if "train-labels" in path.name:
            content = content[:8] + bytes([5, 0, 4, 1, 9]) + content[13:]
        name = form.format(path.name)
        if form.startswith("kaggle"):
            name = path.name.replace("-idx", ".idx")
            name = f"{path.name}/{name}" if form == "kaggle folder" else name
        target = tmp_path / place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    assert registry.is_available("mnist")
    assert registry.files_stamp("mnist")[1] > 0
    assert torch.equal(dl.load_dataset("mnist").test.images[:, 0], torch.from_numpy(test))


def test_another_dataset_s_files_in_the_data_folder_are_not_taken_for_mnist(small_idx, tmp_path):
    small_idx("mnist", 40, 20)
    for file in registry.find_dataset("mnist").files:
        (tmp_path / file).rename(tmp_path / (tmp_path / file).name)
    with pytest.raises(DatasetDamagedError, match="not MNIST's labels"):
        dl.load_dataset("mnist")


def test_usps_is_placed_in_the_middle_of_28_by_28(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))
    rng = np.random.default_rng(0)
    for path in ("usps.bz2", "usps.t.bz2"):
        lines = []
        for label in range(1, 11):
            values = rng.uniform(-1, 1, 256)
            lines.append(f"{label} " + " ".join(f"{i + 1}:{v:.4f}" for i, v in enumerate(values)))
        (tmp_path / path).write_bytes(bz2.compress(("\n".join(lines) + "\n").encode()))
    info = registry.find_dataset("usps")
    fake = replace(info, train_size=10, test_size=10)
    monkeypatch.setattr(catalog, "CATALOG", {**catalog.CATALOG, "usps": fake})
    data = dl.load_dataset("usps", val_fraction=0.0)
    assert data.train.images.shape == (10, 1, 28, 28)
    assert data.train.labels.tolist() == list(range(10))
    outside = data.train.images.clone()
    outside[:, :, 4:24, 4:24] = 0
    assert not outside.any()
    assert data.train.images[:, :, 4:24, 4:24].float().std() > 20


def test_framing_keeps_a_digit_upright_and_in_its_place():
    small = torch.zeros(1, 8, 8, dtype=torch.uint8)
    small[0, 0, 7] = 255  # the top right corner
    framed = readers.frame(small)[0]
    row, column = divmod(int(framed.argmax()), 28)
    assert row < 8
    assert column > 20


@pytest.mark.parametrize("keep", [0.0001, 0.5, 0.999])
def test_a_truncated_file_is_named_with_a_remedy(small_idx, tmp_path, keep):
    small_idx("mnist", 40, 20)
    path = tmp_path / registry.find_dataset("mnist").files[0]
    whole = path.read_bytes()
    path.write_bytes(whole[: max(1, int(len(whole) * keep))])
    with pytest.raises(DatasetDamagedError, match="truncated or corrupt") as caught:
        dl.load_dataset("mnist")
    assert str(path.parent) in str(caught.value)
    assert "--download mnist" in str(caught.value)


def test_files_of_another_kind_are_refused(small_idx, tmp_path):
    small_idx("mnist", 40, 20)
    (tmp_path / registry.find_dataset("mnist").files[1]).write_bytes(gzip.compress(b"not labels"))
    with pytest.raises(DatasetDamagedError):
        dl.load_dataset("mnist")


def test_a_label_out_of_range_is_refused(small_idx, tmp_path):
    small_idx("mnist", 40, 20)
    path = tmp_path / registry.find_dataset("mnist").files[1]
    whole = bytearray(path.read_bytes())
    whole[-1] = 77
    path.write_bytes(bytes(whole))
    with pytest.raises(DatasetDamagedError, match="a label outside 0 to 9"):
        dl.load_dataset("mnist")


def test_too_few_images_are_refused(small_idx, monkeypatch):
    small_idx("mnist", 40, 20)
    info = registry.find_dataset("mnist")
    fake = replace(info, train_size=41)
    monkeypatch.setattr(catalog, "CATALOG", {**catalog.CATALOG, "mnist": fake})
    with pytest.raises(DatasetDamagedError, match="40 images and 40 labels instead of 41"):
        dl.load_dataset("mnist")
