"""Loading a dataset by its name: what comes, and how soon."""

from __future__ import annotations

import time

import torch

import digitlab as dl


def test_optdigits_needs_no_file(monkeypatch, tmp_path):
    monkeypatch.setenv("DIGITLAB_DATA", str(tmp_path / "nothing here"))
    data = dl.load_dataset("optdigits")
    assert len(data.train) + len(data.val) + len(data.test) == 1797
    assert data.input_shape == (1, 28, 28)
    assert (len(data.test), len(data.train) + len(data.val)) == (
        data.info.test_size,
        data.info.train_size,
    )


def test_images_are_uint8_and_labels_int64(optdigits):
    for name in dl.SPLITS:
        split = optdigits.split(name)
        assert split.images.dtype == torch.uint8
        assert split.images.shape[1:] == (1, 28, 28)
        assert split.labels.dtype == torch.int64
        assert len(split.images) == len(split.labels) == len(split.indices)


def test_mnist_loads_in_well_under_a_second(mnist):
    best = min(_seconds_to_load() for _ in range(3))
    assert best < 1.0


def _seconds_to_load() -> float:
    began = time.process_time()
    dl.load_dataset("mnist")
    return time.process_time() - began
