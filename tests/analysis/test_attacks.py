"""Attacks: within their box, never worse for the attacker with more room, none without gradient."""

from __future__ import annotations

import pytest
import torch

import digitlab as dl
from digitlab.analysis.attacks import (
    attacked,
    is_differentiable,
    pixel_model,
    survive_fgsm,
    survive_pgd,
)
from digitlab.training.config import TrainConfig

EPSILONS = (0.02, 0.1, 0.3)


@pytest.fixture
def subject(run_id, optdigits):
    """A run's logits as a function of pixels in 0…1, 80 images and their labels."""
    run = dl.open_run(run_id)
    pixels = optdigits.test.images[:80].float() / 255
    return run, pixel_model(run.model, run.normalization), pixels, optdigits.test.labels[:80]


def test_pixels_in_0_to_1_give_the_run_s_own_logits(subject, optdigits):
    run, logits_of, pixels, _ = subject
    expected = run.predict_logits(optdigits.test.images[:80])
    torch.testing.assert_close(logits_of(pixels).detach(), expected, rtol=1e-4, atol=1e-4)


def test_more_room_fools_more_and_a_search_fools_at_least_as_many_as_a_step(subject):
    _, logits_of, pixels, labels = subject
    by_step = survive_fgsm(logits_of, pixels, labels, EPSILONS)
    found = survive_pgd(logits_of, pixels, labels, EPSILONS, torch.Generator().manual_seed(0))
    by_search = list(found)
    right = (logits_of(pixels).argmax(1) == labels).sum()
    counts = [int(kept.sum()) for kept in by_search]
    assert right >= counts[0] >= counts[1] >= counts[2]
    assert counts[2] <= 2  # 0.3 of the range, on a linear model
    for step, search in zip(by_step, by_search, strict=True):
        assert search.sum() <= step.sum() + 1


def test_a_step_against_a_linear_model_is_exact(subject):
    """For logits W·x the loss's gradient sign is the worst direction of two classes."""
    torch.manual_seed(0)
    weights = torch.randn(2, 784)
    _, _, pixels, _ = subject
    reach = (weights[0] - weights[1]).abs().sum()

    def unbounded(x):
        return x.flatten(1) @ weights.T

    middle = 0.5 + 0.0 * pixels  # far from 0 and 1, where clipping would matter
    labels = unbounded(middle).argmax(1)
    gap = (middle.flatten(1) @ (weights[0] - weights[1])).abs()
    for epsilon in (0.001, 0.05):
        (kept,) = survive_fgsm(unbounded, middle, labels, [epsilon])
        assert torch.equal(kept, gap > epsilon * reach)


def test_an_attacked_image_stays_in_its_box_and_fools_as_the_counts_say(subject):
    _, logits_of, pixels, labels = subject
    for i in range(3):
        found = attacked(
            logits_of, pixels[i], int(labels[i]), EPSILONS, torch.Generator().manual_seed(0)
        )
        for changed in found.values():
            assert changed.shape == (3, *pixels[i].shape)
            moved = (changed - pixels[i]).abs().amax((1, 2, 3))
            assert (moved <= torch.tensor(EPSILONS) + 1e-6).all()
            assert changed.min() >= 0
            assert changed.max() <= 1
        by_step = survive_fgsm(logits_of, pixels[i][None], labels[i][None], EPSILONS)
        right = logits_of(found["fgsm"]).argmax(1) == labels[i]
        assert right.tolist() == [bool(kept) for kept in by_step]
        assert logits_of(found["pgd"]).argmax(1)[-1] != labels[i]  # 0.3, on a linear model


def test_a_classical_model_has_no_gradient(optdigits):
    run = dl.train("naive-bayes", optdigits, TrainConfig(), progress=False)
    assert not is_differentiable(run.model)
