"""The preview shows what training sees: the same function, a seed, and the images themselves."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from digitlab.training.augment import augment
from digitlab.training.config import Augmentation
from digitlab.training.preview import preview

RECIPE = Augmentation(rotation=15, elastic=1.0, noise=0.1, erasing=0.5, thickness=0.5)


def test_the_preview_is_what_training_makes_of_the_same_images(optdigits):
    before, after, labels = preview(optdigits.train, RECIPE, seed=3)
    assert before.shape == after.shape == (16, 1, 28, 28)
    generator = torch.Generator().manual_seed(3)
    trained_on = augment(torch.from_numpy(before).float(), RECIPE, generator)
    assert np.abs(after - trained_on.numpy()).max() <= 0.5
    rows = [
        np.flatnonzero((optdigits.train.images.numpy() == image).all((1, 2, 3)))[0]
        for image in before
    ]
    assert optdigits.train.labels[rows].tolist() == labels


def test_a_seed_gives_the_same_images_and_another_gives_others(optdigits):
    first, again, other = (preview(optdigits.train, RECIPE, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first[1], again[1])
    assert not np.array_equal(first[0], other[0])


@pytest.mark.parametrize("count", [5, 16])
def test_without_a_change_both_are_alike(optdigits, count):
    before, after, _ = preview(optdigits.train, Augmentation(), seed=0, count=count)
    assert len(before) == count
    assert np.array_equal(before, after)
