"""Corruptions: by degrees, the same for the same seed, and each what its name says."""

from __future__ import annotations

import pytest
import torch

from digitlab.analysis.corruption_kinds import CORRUPTIONS
from digitlab.analysis.corruptions import corrupt
from digitlab.errors import RunError


@pytest.fixture
def images(optdigits):
    return optdigits.test.images[:60]


def changed(images, name, severity, seed=0):
    return corrupt(images, name, severity, torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_every_corruption_is_gradual_seeded_and_leaves_its_input_alone(images, name):
    one, before = CORRUPTIONS[name], images.clone()
    neutral = one.severities.index(one.neutral)
    assert torch.equal(changed(images, name, one.neutral), images)
    far = []
    for severity in one.severities:
        made = changed(images, name, severity)
        assert made.shape == images.shape
        assert made.dtype == torch.uint8
        assert torch.equal(made, changed(images, name, severity))
        far.append((made.float() - images.float()).abs().mean().item())
    assert torch.equal(images, before)
    assert far[neutral] == 0
    above, below = far[neutral:], far[: neutral + 1][::-1]
    assert above == sorted(above)  # further from neutral is further from the image
    assert below == sorted(below)


@pytest.mark.parametrize("name", ["shift", "noise", "occlusion"])
def test_another_seed_is_another_chance(images, name):
    worst = CORRUPTIONS[name].severities[-1]
    assert not torch.equal(changed(images, name, worst), changed(images, name, worst, seed=1))


def centre(images):
    """Centres of mass [N, 2] in pixels."""
    ink = images[:, 0].float()
    places = torch.arange(28.0)
    total = ink.sum(dim=(1, 2))
    rows = (ink.sum(2) * places).sum(1) / total
    columns = (ink.sum(1) * places).sum(1) / total
    return torch.stack([rows, columns], 1)


def test_a_shift_moves_by_so_many_pixels(images):
    moved = centre(changed(images, "shift", 3)) - centre(images)
    assert moved.norm(dim=1).median() == pytest.approx(3, abs=0.15)


def test_scale_thickness_and_occlusion_change_the_ink(images):
    ink = images.float().sum()
    assert changed(images, "scale", 0.5).float().sum() / ink == pytest.approx(0.25, abs=0.05)
    assert changed(images, "thickness", 1).float().sum() > 1.3 * ink
    assert changed(images, "thickness", -0.5).float().sum() < 0.9 * ink
    white = torch.full_like(images, 255)
    assert (changed(white, "occlusion", 8) == 0).sum(dim=(1, 2, 3)).tolist() == [64] * 60


def test_full_inversion_is_the_negative_and_half_of_it_is_grey(images):
    assert torch.equal(changed(images, "inversion", 1), 255 - images)
    assert changed(images, "inversion", 0.5).float().std() < 1


def test_rotation_turns_half_each_way(images):
    one = images[:1].repeat(40, 1, 1, 1)
    assert len(changed(one, "rotation", 30).flatten(1).unique(dim=0)) == 2


def test_an_unknown_corruption_is_refused(images):
    with pytest.raises(RunError, match=r"one of shift, rotation, .*; not 'rain'"):
        changed(images, "rain", 1)
