"""Normalisation does what its formula says, the same in training and in use."""

from __future__ import annotations

import pytest
import torch

from digitlab.training.normalize import Normalization, make_normalization


def test_the_datasets_own_makes_mean_0_and_deviation_1(optdigits):
    images = optdigits.train.images
    seen = make_normalization("dataset", images)(images)
    assert seen.dtype == torch.float32
    assert seen.shape == images.shape
    assert float(seen.mean()) == pytest.approx(0, abs=1e-4)
    assert float(seen.std(unbiased=False)) == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize(("kind", "paper", "ink"), [("half", -1.0, 1.0), ("none", 0.0, 1.0)])
def test_the_fixed_ones_map_paper_and_ink_to_round_numbers(optdigits, kind, paper, ink):
    pixels = torch.tensor([[[[0, 255]]]], dtype=torch.uint8)
    seen = make_normalization(kind, optdigits.train.images)(pixels)
    assert seen.flatten().tolist() == pytest.approx([paper, ink], abs=1e-6)


def test_it_is_the_formula_and_leaves_its_input_alone():
    pixels = torch.arange(256, dtype=torch.uint8).view(1, 1, 16, 16)
    before = pixels.clone()
    seen = Normalization(0.13, 0.31)(pixels)
    assert torch.allclose(seen, (pixels.double() / 255 - 0.13).div(0.31).float(), atol=1e-5)
    assert torch.equal(pixels, before)


def test_images_that_are_all_alike_do_not_become_infinite():
    blank = torch.full((5, 1, 28, 28), 7, dtype=torch.uint8)
    assert torch.isfinite(make_normalization("dataset", blank)(blank)).all()
