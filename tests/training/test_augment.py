"""Augmentation changes images only as far as its recipe says, and the same for the same seed."""

from __future__ import annotations

import pytest
import torch

from digitlab.training.augment import augment
from digitlab.training.config import Augmentation

ONE_OF_EACH = {"rotation": 20, "shift": 0.1, "scale": 0.2, "shear": 15, "thickness": 1.0}


@pytest.fixture
def images(optdigits):
    """200 digits, float [200, 1, 28, 28] in 0…255."""
    return optdigits.train.images[:200].float()


def changed(images, seed=0, **recipe):
    return augment(images, Augmentation(**recipe), torch.Generator().manual_seed(seed))


def mass(images):
    return images.sum((1, 2, 3))


def centre(images):
    """Centre of mass of each image in pixels, [N, 2] (y, x)."""
    grid = torch.arange(28.0)
    down = (images.sum(3).squeeze(1) * grid).sum(1) / mass(images)
    across = (images.sum(2).squeeze(1) * grid).sum(1) / mass(images)
    return torch.stack([down, across], 1)


def test_a_recipe_of_zeros_changes_nothing(images):
    assert torch.equal(changed(images), images)
    assert not Augmentation().active


@pytest.mark.parametrize(("field", "amount"), ONE_OF_EACH.items())
def test_each_change_alone_changes_images_and_stays_within_paper_and_ink(images, field, amount):
    before = images.clone()
    seen = changed(images, **{field: amount})
    assert torch.equal(images, before)  # the caller's images are not touched
    assert seen.shape == images.shape
    assert (seen != images).flatten(1).any(1).float().mean() > 0.9
    assert float(seen.min()) >= 0
    assert float(seen.max()) <= 255.001
    assert Augmentation(**{field: amount}).active


def test_the_same_seed_gives_the_same_images_and_another_does_not(images):
    assert torch.equal(changed(images, 3, **ONE_OF_EACH), changed(images, 3, **ONE_OF_EACH))
    assert not torch.equal(changed(images, 3, **ONE_OF_EACH), changed(images, 4, **ONE_OF_EACH))


def test_every_image_gets_a_change_of_its_own(images):
    alike = images[:1].expand(50, -1, -1, -1)
    seen = changed(alike, rotation=20)
    assert len({tuple(image.flatten().tolist()) for image in seen}) == 50


def test_a_rotation_keeps_the_ink_and_its_place(images):
    seen = changed(images, rotation=45)
    assert float((mass(seen) / mass(images) - 1).abs().max()) < 0.05
    middle = torch.tensor([13.5, 13.5])
    arms = (centre(images) - middle).norm(dim=1) - (centre(seen) - middle).norm(dim=1)
    assert float(arms.abs().max()) < 0.2  # pixels: turned about the image's centre


def test_a_rotation_turns_by_at_most_its_degrees_and_both_ways():
    bar = torch.zeros(300, 1, 28, 28)
    bar[:, :, 13:15, 4:24] = 255
    seen = changed(bar, rotation=30)
    grid = torch.arange(28.0) - 13.5
    down, across = grid.view(-1, 1), grid.view(1, -1)
    mixed, tall, wide = ((seen * m).sum((1, 2, 3)) for m in (down * across, down**2, across**2))
    degrees = torch.rad2deg(0.5 * torch.atan2(2 * mixed, wide - tall))  # of the long axis
    assert 28 < float(degrees.max()) < 30.5
    assert -30.5 < float(degrees.min()) < -28
    assert abs(float(degrees.mean())) < 3


def test_a_shift_moves_by_at_most_its_share_of_the_side_and_both_ways(images):
    moved = centre(changed(images, shift=0.1)) - centre(images)
    assert float(moved.abs().max()) < 2.8 + 0.1
    assert float(moved.abs().max()) > 2.0
    for axis in (0, 1):
        assert float(moved[:, axis].min()) < -1
        assert float(moved[:, axis].max()) > 1


def test_a_scale_of_20_percent_changes_areas_from_64_to_144_percent(images):
    shares = mass(changed(images, scale=0.2)) / mass(images)
    assert 0.6 < float(shares.min()) < 0.75
    assert 1.25 < float(shares.max()) < 1.5


def test_thickness_makes_some_bolder_some_thinner_and_leaves_the_rest(images):
    ink = mass(changed(images, thickness=0.5)) / mass(images)
    assert 0.3 < float((ink == 1).float().mean()) < 0.7
    assert (ink > 1.05).any()
    assert (ink < 0.95).any()
