"""Statistics agree with the plain formulas on real images."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.data import statistics


def test_mean_and_deviation_are_those_of_all_pixels(optdigits):
    images = optdigits.train.images
    pixels = statistics.pixel_statistics(images)
    values = images.double() / 255
    assert pixels.mean == pytest.approx(float(values.mean()), abs=1e-9)
    assert pixels.std == pytest.approx(float(values.std(unbiased=False)), abs=1e-9)
    assert pixels.histogram.sum() == images.numel()


def test_mnist_has_the_figures_that_everybody_knows(mnist):
    whole = mnist.resplit(0.0).train
    pixels = statistics.pixel_statistics(whole.images)
    assert (round(pixels.mean, 4), round(pixels.std, 4)) == (0.1307, 0.3081)


def test_class_images_are_mean_and_deviation(optdigits):
    means, deviations = statistics.class_images(optdigits.train, 10)
    threes = optdigits.train.images[optdigits.train.labels == 3, 0].float()
    assert np.allclose(means[3], threes.mean(0), atol=1e-3)
    assert np.allclose(deviations[3], threes.std(0, unbiased=False), atol=1e-2)


def test_a_class_without_images_is_blank_and_not_nan(optdigits):
    means, deviations = statistics.class_images(optdigits.train, 11)
    assert not means[10].any()
    assert not deviations[10].any()
    assert not statistics.overlay(optdigits.train, 10, 5).any()


def test_an_overlay_of_one_image_is_its_ink(optdigits):
    first = statistics.overlay(optdigits.train, 7, 1, seed=2)
    assert set(np.unique(first)) <= {0.0, 1.0}
    many = statistics.overlay(optdigits.train, 7, 50)
    assert 0 < many.max() <= 1


def test_picking_filters_shuffles_and_repeats(optdigits):
    split = optdigits.train
    sevens = statistics.pick_indices(split, 7, None)
    assert (split.labels[sevens] == 7).all()
    assert (np.diff(sevens) > 0).all()
    shuffled = statistics.pick_indices(split, 7, 5)
    assert sorted(shuffled) == list(sevens)
    assert (shuffled == statistics.pick_indices(split, 7, 5)).all()
    assert (shuffled != statistics.pick_indices(split, 7, 6)).any()
