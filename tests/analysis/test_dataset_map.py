"""The map of a dataset and its outliers."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.errors import DatasetError
from digitlab.evaluation import EvaluationError


def test_images_of_a_class_lie_together_on_the_map(optdigits):
    for basis in ("network", "pixels"):
        drawn = dl.map_dataset(optdigits, "train", basis=basis)
        assert sorted(drawn.table.position[drawn.rows].tolist()) == list(range(1_294))
        labels = drawn.table.labels[drawn.rows]
        middles = np.stack([drawn.points[labels == label].mean(0) for label in range(10)])
        own = np.linalg.norm(drawn.points - middles[labels], axis=1).mean()
        assert own < 0.75 * np.linalg.norm(drawn.points - drawn.points.mean(0), axis=1).mean()


def test_what_is_not_on_offer_is_refused(optdigits):
    with pytest.raises(EvaluationError, match="pca, tsne"):
        dl.map_dataset(optdigits, method="umap")
    with pytest.raises(DatasetError, match="network or pixels"):
        dl.map_dataset(optdigits, basis="hog")
    with pytest.raises(DatasetError, match="train, val, test"):
        dl.map_dataset(optdigits, "all")
    empty = {name: replace(optdigits.split(name), images=optdigits.split(name).images[:0],
             labels=optdigits.split(name).labels[:0], indices=optdigits.split(name).indices[:0])
             for name in dl.SPLITS}  # fmt: skip
    with pytest.raises(DatasetError, match="fewer than 3"):
        dl.map_dataset(replace(optdigits, **empty))


def test_noise_and_an_image_of_another_class_are_the_farthest_from_their_class(optdigits):
    train = optdigits.train
    images = train.images.clone()
    images[5] = torch.randint(0, 256, images[5].shape, generator=torch.Generator().manual_seed(0))
    images[6] = 255 - images[6]
    outliers = dl.find_outliers(replace(optdigits, train=replace(train, images=images)))
    first = [outliers.table.place(row) for row in outliers.rows[:4]]
    assert {("train", 5), ("train", 6)} <= set(first)
    assert (np.diff(outliers.distance) <= 0).all()
    assert outliers.distance[0] > 2
