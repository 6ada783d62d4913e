"""Datasets in their publishers' own files: small ones, in the real form, are read back right."""

from __future__ import annotations

import io
from dataclasses import replace

import numpy as np
import pytest
import torch
from scipy.io import savemat

import digitlab as dl
from digitlab.data import affine, catalog, registry
from digitlab.errors import DatasetDamagedError, DatasetMissingError

RNG = np.random.default_rng(0)
TRAIN, TEST = 40, 20


@pytest.fixture
def place(monkeypatch, tmp_path):
    """A function that writes a dataset's files, and lets the catalog expect their sizes."""
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path))

    def write(name, files, train=TRAIN, test=TEST):
        for path, content in files.items():
            (tmp_path / path).parent.mkdir(parents=True, exist_ok=True)
            (tmp_path / path).write_bytes(content)
        info = replace(registry.find_dataset(name), train_size=train, test_size=test)
        monkeypatch.setattr(catalog, "CATALOG", {**catalog.CATALOG, name: info})
        return info

    return write


def images(count, *shape):
    return RNG.integers(0, 256, (count, *shape), dtype=np.uint8)


def saved(save, *values, **named):
    buffer = io.BytesIO()
    save(buffer, *values, **named)
    return buffer.getvalue()


def idx(array):
    sizes = b"".join(length.to_bytes(4, "big") for length in array.shape)
    return bytes([0, 0, 8, array.ndim]) + sizes + array.tobytes()


@pytest.mark.parametrize(("split", "first"), [("balanced", 0), ("letters", 1), ("byclass", 0)])
def test_emnist_has_letters_that_stand_upright(place, split, first):
    info = registry.find_dataset(f"emnist-{split}")
    x, y = images(60, 28, 28), (np.arange(60) % len(info.classes) + first).astype(np.uint8)
    parts = (x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:])
    place(info.name, dict(zip(info.files, map(idx, parts), strict=True)))
    data = dl.load_dataset(info.name, val_fraction=0)
    assert torch.equal(data.train.images[:, 0], torch.from_numpy(x[:TRAIN]).transpose(1, 2))
    assert data.train.labels.tolist() == (y[:TRAIN] - first).tolist()
    assert "A" in data.classes


def test_kuzushiji_49_is_four_npz_files(place):
    x, y = images(60, 28, 28), (np.arange(60) % 49).astype(np.uint8)
    parts = (x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:])
    info = registry.find_dataset("kuzushiji-49")
    place(
        "kuzushiji-49",
        {
            name: saved(np.savez_compressed, part)
            for name, part in zip(info.files, parts, strict=True)
        },
    )
    data = dl.load_dataset("kuzushiji-49", val_fraction=0)
    np.testing.assert_array_equal(data.test.images[:, 0].numpy(), x[TRAIN:])
    assert (data.classes[0], data.classes[48], len(data.classes)) == ("あ", "ゝ", 49)


@pytest.mark.parametrize("name", ["pathmnist", "octmnist"])
def test_medmnist_is_one_npz_with_three_parts(place, name):
    info = registry.find_dataset(name)
    shape = (28, 28, 3) if info.shape[0] == 3 else (28, 28)
    parts = {"train": images(30, *shape), "val": images(10, *shape), "test": images(20, *shape)}
    arrays = {f"{part}_images": x for part, x in parts.items()}
    arrays |= {f"{part}_labels": np.arange(len(x))[:, None] % 4 for part, x in parts.items()}
    place(name, {info.files[0]: saved(np.savez_compressed, **arrays)})
    data = dl.load_dataset(name, val_fraction=0)
    assert data.input_shape == info.shape
    joined = np.concatenate([parts["train"], parts["val"]]).reshape(40, 28, 28, -1)
    np.testing.assert_array_equal(data.train.images.numpy(), np.moveaxis(joined, 3, 1))


def test_mnist_c_has_the_test_images_of_every_corruption(place):
    info = registry.find_dataset("mnist-c")
    files = {
        name: saved(np.save, images(4, 28, 28, 1) if "images" in name else np.arange(4))
        for name in info.files
    }
    place("mnist-c", files, 4, 60)
    data = dl.load_dataset("mnist-c", val_fraction=0)
    first = np.load(io.BytesIO(files["mnist_c/shot_noise/test_images.npy"]))
    np.testing.assert_array_equal(data.test.images[:4, 0].numpy(), first[..., 0])
    assert data.test.labels.tolist() == [0, 1, 2, 3] * 15


@pytest.mark.parametrize("name", ["svhn", "svhn-grey"])
def test_svhn_has_ten_for_zero(place, name):
    x, y = images(60, 32, 32, 3), (np.arange(60) % 10 + 1).astype(np.uint8)
    parts = ((x[:TRAIN], y[:TRAIN]), (x[TRAIN:], y[TRAIN:]))
    info = registry.find_dataset(name)
    files = (saved(savemat, {"X": np.moveaxis(a, 0, 3), "y": b[:, None]}) for a, b in parts)
    place(name, dict(zip(info.files, files, strict=True)))
    data = dl.load_dataset(name, val_fraction=0)
    assert data.input_shape == info.shape
    assert data.train.labels[:10].tolist() == [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]
    if info.shape[0] == 3:
        np.testing.assert_array_equal(data.test.images.numpy(), np.moveaxis(x[TRAIN:], 3, 1))


def test_cifar_10_is_read_from_its_binary_version(place):
    info = registry.find_dataset("cifar-10")
    x, y = images(60, 3, 32, 32), (np.arange(60) % 10).astype(np.uint8)
    rows = np.concatenate([y[:, None], x.reshape(60, -1)], axis=1)
    batches = (batch.tobytes() for batch in np.split(rows, 6))
    place("cifar-10", dict(zip(info.files, batches, strict=True)), 50, 10)
    data = dl.load_dataset("cifar-10", val_fraction=0)
    np.testing.assert_array_equal(data.test.images.numpy(), x[50:])
    assert data.test.labels.tolist() == list(range(10))
    assert data.classes[9] == "truck"


def test_a_file_that_is_missing_or_damaged_is_told_with_where_to_get_it(place):
    place("svhn", {})
    with pytest.raises(DatasetMissingError, match="housenumbers"):
        dl.load_dataset("svhn")
    place("svhn", dict.fromkeys(registry.find_dataset("svhn").files, b"MATLAB 5.0 MAT-file"))
    with pytest.raises(DatasetDamagedError, match="Get it again"):
        dl.load_dataset("svhn")


def test_affine_mnist_moves_digits_and_keeps_their_ink(optdigits):
    digits = optdigits.train.images[:200]
    moved = affine.transform(digits, 0)
    assert moved.shape == (200, 1, 40, 40)
    assert torch.equal(moved, affine.transform(digits, 0))
    assert not torch.equal(moved, affine.transform(digits, 1))
    share = moved.float().sum((1, 2, 3)) / digits.float().sum((1, 2, 3))
    assert share.min() > 0.8**2 * 0.9  # nothing is cut off
    assert share.max() < 1.2**2 * 1.1
    columns = (moved > 0).any(2)[:, 0].int()
    assert columns.argmax(1).float().std() > 3  # they lie anywhere
    still = affine.transform(torch.zeros(1, 1, 28, 28, dtype=torch.uint8), 0)
    assert not still.any()


def test_affine_mnist_is_made_of_mnist_s_files(place):
    info = registry.find_dataset("affine-mnist")
    x, y = images(60, 28, 28), (np.arange(60) % 10).astype(np.uint8)
    parts = (x[:TRAIN], y[:TRAIN], x[TRAIN:], y[TRAIN:])
    place("affine-mnist", dict(zip(info.files, map(idx, parts), strict=True)))
    data = dl.load_dataset("affine-mnist", val_fraction=0)
    assert data.input_shape == (1, 40, 40)
    assert data.train.labels.tolist() == y[:TRAIN].tolist()
