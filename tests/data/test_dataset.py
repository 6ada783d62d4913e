"""A dataset's splits: stratified, seeded and apart."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.errors import DatasetError


def test_validation_is_a_stratified_tenth(optdigits):
    whole = torch.cat([optdigits.train.labels, optdigits.val.labels])
    assert len(optdigits.val) == round(0.1 * len(whole))
    for label in range(10):
        share = (optdigits.val.labels == label).sum() / (whole == label).sum()
        assert 0.09 < share < 0.11


def test_train_and_validation_never_share_an_image(optdigits):
    train, val = set(optdigits.train.indices.tolist()), set(optdigits.val.indices.tolist())
    assert not train & val
    assert train | val == set(range(len(train) + len(val)))


def test_the_same_seed_gives_the_same_split_and_another_seed_another(optdigits):
    again = dl.load_dataset("optdigits")
    other = dl.load_dataset("optdigits", seed=1)
    assert torch.equal(again.val.indices, optdigits.val.indices)
    assert not torch.equal(other.val.indices, optdigits.val.indices)
    assert torch.equal(other.test.images, optdigits.test.images)


def test_resplitting_equals_loading_with_that_fraction(optdigits):
    loaded = dl.load_dataset("optdigits", val_fraction=0.25, seed=3)
    resplit = optdigits.resplit(0.25, 3)
    assert torch.equal(resplit.val.images, loaded.val.images)
    assert torch.equal(resplit.train.labels, loaded.train.labels)
    assert resplit.fingerprint == optdigits.fingerprint == loaded.fingerprint


def test_a_subset_keeps_the_shares_of_the_classes(optdigits):
    small = optdigits.subset(200)
    assert len(small.train) == 200
    assert torch.bincount(small.train.labels).min() >= 18


@pytest.mark.parametrize("fraction", [-0.1, 0.6, 1.0, float("nan")])
def test_an_impossible_validation_fraction_is_refused(optdigits, fraction):
    with pytest.raises(DatasetError, match=r"between 0 and 0\.5"):
        optdigits.resplit(fraction)


def test_no_validation_is_possible(optdigits):
    assert len(optdigits.resplit(0.0).val) == 0


def test_an_unknown_split_is_answered_with_the_known_ones(optdigits):
    with pytest.raises(DatasetError, match="train, val, test"):
        optdigits.split("validation")
