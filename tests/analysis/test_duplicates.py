"""Near-duplicates: copies that were put into a dataset come up, and nothing else does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.analysis.duplicates import KINDS


@pytest.fixture
def leaking(optdigits):
    """Optdigits whose first four test images are copies of training images: the same, shifted by
    two pixels, with noise, and with another label."""
    test = optdigits.test
    images, labels = test.images.clone(), test.labels.clone()
    images[:4], labels[:4] = optdigits.train.images[:4], optdigits.train.labels[:4]
    images[1] = images[1].roll((1, 2), (1, 2))
    noise = torch.from_numpy(np.random.default_rng(0).normal(0, 6, images[2].shape))
    images[2] = (images[2] + noise).clamp(0, 255).to(torch.uint8)
    labels[3] = (labels[3] + 1) % 10
    return replace(optdigits, test=replace(test, images=images, labels=labels))


def pairs_of(duplicates, first, second):
    """Position in the first split → position in the second, and the kind."""
    table = duplicates.table
    found = {}
    for pair in duplicates.between(first, second):
        a, b = (table.place(row) for row in (duplicates.first[pair], duplicates.second[pair]))
        found[a.position, b.position] = KINDS[duplicates.kind[pair]]
    return found


def test_copies_in_another_split_are_found_by_their_kind(leaking):
    steps = set()
    found = dl.find_duplicates(leaking, lambda step, done, total: steps.add(step))
    pairs = pairs_of(found, "train", "test")
    expected = {(0, 0): "same", (1, 1): "shifted", (2, 2): "near", (3, 3): "same"}
    assert {key: pairs.get(key) for key in expected} == expected
    assert len(pairs) <= 6  # two thin ones of eight pixels may be alike
    assert found.leaks()["train", "test"] == len({position for _, position in pairs})
    assert steps >= {"Reading the images", "Comparing the images", "Checking the nearest"}
    (pair,) = np.flatnonzero(found.other_label)
    assert found.table.place(found.second[pair]) == ("test", 3)
    assert (found.difference[found.kind == 0] == 0).all()


def test_the_second_time_nothing_is_computed(leaking):
    first, steps = dl.find_duplicates(leaking), []
    second = dl.find_duplicates(leaking, lambda *step: steps.append(step))
    assert not steps
    assert np.array_equal(first.second, second.second)


def test_many_copies_are_each_paired_with_the_first(optdigits):
    train = optdigits.train
    images = train.images.clone()
    images[:30] = images[0]
    found = dl.find_duplicates(replace(optdigits, train=replace(train, images=images)))
    same = np.flatnonzero(found.kind == 0)
    assert len(same) == 29
    assert len(set(found.first[same].tolist())) == 1
    assert found.leaks()["train", "train"] >= 30
