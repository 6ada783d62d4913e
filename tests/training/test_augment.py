"""Augmentation changes images only as far as its recipe says, and the same for the same seed."""

from __future__ import annotations

import math

import pytest
import torch

from digitlab.training.augment import SMOOTHNESS, augment
from digitlab.training.config import Augmentation

ONE_OF_EACH = {
    **{"rotation": 20, "shift": 0.1, "scale": 0.2, "shear": 15, "thickness": 1.0},
    **{"elastic": 1.2, "noise": 0.1, "erasing": 1.0},
}


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


def test_to_change_one_setting_leaves_the_others_chance_as_it_was(images):
    turned = changed(images, rotation=20)
    both = changed(images, rotation=20, erasing=0.3)
    untouched = (turned == both).flatten(1).all(1)
    assert 0.5 < float(untouched.float().mean()) < 0.9


def test_going_on_from_the_generators_state_gives_what_would_have_come(images):
    recipe = Augmentation(**ONE_OF_EACH)
    chance = torch.Generator().manual_seed(7)
    augment(images, recipe, chance)
    state = chance.get_state()
    torch.rand(100)  # the global generator has no say
    expected = augment(images, recipe, chance)
    chance = torch.Generator()
    chance.set_state(state)
    assert torch.equal(augment(images, recipe, chance), expected)


def displacement(n=400, elastic=1.0):
    """How far each pixel is moved by an elastic change alone, in pixels [N, 28, 28, 2]."""
    ramps = torch.arange(28.0).expand(n, 1, 28, 28) * 9
    across = changed(ramps, elastic=elastic) / 9 - ramps / 9
    ramps = ramps.transpose(2, 3)
    down = changed(ramps, elastic=elastic) / 9 - ramps / 9
    return torch.stack([across, down], -1)[:, 0, 4:-4, 4:-4]


@pytest.mark.parametrize("elastic", [0.5, 1.0])
def test_an_elastic_change_moves_points_by_its_pixels_in_all_directions(elastic):
    moved = displacement(elastic=elastic)
    assert float(moved.std()) == pytest.approx(elastic, rel=0.05)
    assert abs(float(moved.mean())) < 0.05 * elastic
    by_place = moved.std(0)
    assert float(by_place.max() / by_place.min()) < 1.5  # as much at the border as in the middle


def test_an_elastic_change_is_smooth_as_simards_is():
    moved = displacement()
    for apart in (2, 4, 8):
        together = (moved[:, :, apart:] * moved[:, :, :-apart]).mean() / moved.var()
        smoothed = math.exp(-(apart**2) / (4 * SMOOTHNESS**2))  # of noise under a Gaussian
        assert float(together) == pytest.approx(smoothed, abs=0.06)


def test_noise_has_the_deviation_asked_for_and_stays_within_the_range():
    grey = torch.full((50, 1, 28, 28), 128.0)
    assert float(changed(grey, noise=0.1).std()) == pytest.approx(25.5, rel=0.02)
    seen = changed(grey, noise=1.0)
    assert (float(seen.min()), float(seen.max())) == (0, 255)


def test_erasing_puts_one_rectangle_into_its_share_of_the_images():
    paper = torch.full((2000, 1, 28, 28), -1.0)
    erased = changed(paper, erasing=0.4)[:, 0] >= 0
    touched = erased.flatten(1).any(1)
    assert float(touched.float().mean()) == pytest.approx(0.4, abs=0.04)
    rows, columns = erased.any(2).sum(1)[touched], erased.any(1).sum(1)[touched]
    areas = erased.flatten(1).sum(1)[touched]
    assert torch.equal(rows * columns, areas)  # a full rectangle, and in one piece:
    for side in (erased.any(2), erased.any(1)):
        assert int((side[:, 1:] & ~side[:, :-1]).sum(1).max()) <= 1
    assert 0.005 < float(areas.min()) / 784 < 0.04
    assert 0.25 < float(areas.max()) / 784 < 0.36
    assert erased[:, 0].any()  # up to every border
    assert erased[:, -1].any()
    values = changed(paper, erasing=1.0)
    assert float(values[values >= 0].mean()) == pytest.approx(127.5, abs=2)


@pytest.mark.parametrize("shape", [(3, 1, 20, 32), (1, 3, 28, 28)])
def test_other_shapes_are_changed_as_well(shape):
    images = torch.rand(shape) * 255
    seen = changed(images, **ONE_OF_EACH)
    assert seen.shape == images.shape
    assert not torch.equal(seen, images)
