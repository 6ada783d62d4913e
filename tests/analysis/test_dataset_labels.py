"""Label issues without a run: labels that were swapped come first, and MNIST's known ones too."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

import digitlab as dl
from digitlab.data.info import SPLITS

# Test images of MNIST where fewer than 3 of 5 people chose the given label: cleanlab/label-errors,
# Northcutt, Athalye, Mueller: Pervasive label errors in test sets, 2021.
KNOWN = {947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729}


def with_swaps(data, share=0.03, seed=0):
    """The dataset with a share of its training labels changed, and their positions."""
    rng = np.random.default_rng(seed)
    rows = rng.choice(len(data.train), round(share * len(data.train)), replace=False)
    labels = data.train.labels.clone()
    shift = rng.integers(1, len(data.classes), len(rows))
    labels[rows] = (labels[rows] + torch.from_numpy(shift)) % len(data.classes)
    return replace(data, train=replace(data.train, labels=labels)), set(rows.tolist())


def first_of(issues, split, count):
    table = issues.table
    rows = issues.rows[table.split[issues.rows] == SPLITS.index(split)]
    return set(table.position[rows[:count]].tolist())


def test_swapped_labels_come_first_and_are_suggested_right(optdigits):
    """All 39 swapped labels come first; confident learning flags 34 of them and 2 others."""
    data, swapped = with_swaps(optdigits)
    issues = dl.find_label_issues(data)
    assert len(first_of(issues, "train", len(swapped)) & swapped) >= 0.95 * len(swapped)
    right = optdigits.train.labels
    table = issues.table
    flagged = {
        int(table.position[row])
        for row, flag in zip(issues.rows, issues.flagged, strict=True)
        if flag and table.place(row).split == "train"
    }
    assert len(flagged & swapped) >= 0.8 * len(swapped)
    assert len(flagged - swapped) <= 3
    for row, suggested in zip(issues.rows, issues.suggested, strict=True):
        split, position = table.place(row)
        if split == "train" and position in swapped and position in flagged:
            assert suggested == right[position]
    assert issues.accuracy > 0.95


def test_images_of_any_shape_and_two_classes_do(optdigits):
    def small(split):
        pair = split.labels < 2
        images = split.images[pair][:, :, ::2, ::2].repeat(1, 3, 1, 1)
        return replace(split, images=images, labels=split.labels[pair], indices=split.indices[pair])

    parts = {name: small(optdigits.split(name)) for name in SPLITS}
    data = replace(optdigits, info=replace(optdigits.info, classes=("no", "yes")), **parts)
    changed, swapped = with_swaps(data)
    issues = dl.find_label_issues(changed)
    assert len(first_of(issues, "train", len(swapped)) & swapped) >= 0.8 * len(swapped)
    assert len(dl.map_dataset(changed).points) == len(changed.train)
    assert len(dl.find_outliers(changed)) == len(issues)
    assert dl.find_duplicates(changed).table.total == len(issues)


@pytest.mark.slow
def test_mnist_s_known_label_errors_come_up_without_a_run(mnist):
    """13 of 15 among the first 50 of 10,000 test images; by chance 0.1."""
    issues = dl.find_label_issues(mnist)
    assert len(KNOWN & first_of(issues, "test", 50)) >= 12
