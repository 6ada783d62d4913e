"""Confidences against hits: the bins, the scores and the temperature tell the truth."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from digitlab.evaluation import (
    EvaluationError,
    calibrate,
    evaluate_logits,
    fit_temperature,
    rescale,
)


def sampled(images: int, classes: int, seed: int, sharper: float = 1.0):
    """Labels drawn from the very probabilities that the logits give, then made `sharper`."""
    rng = np.random.default_rng(seed)
    logits = rng.normal(size=(images, classes)) * 2
    shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
    labels = (shares.cumsum(1) > rng.random((images, 1))).argmax(1)
    names = [str(i) for i in range(classes)]
    return evaluate_logits((sharper * logits).astype(np.float32), labels, names)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 3, 10, 47]), st.integers(1, 200))
def test_brier_and_loss_agree_with_scikit_learn(seed, classes, images):
    result = sampled(images, classes, seed)
    said = calibrate(result)
    shares = np.exp(result.logits.astype(float))
    shares /= shares.sum(1, keepdims=True)
    every = np.arange(classes)
    brier = ((shares - np.eye(classes)[result.labels]) ** 2).sum(1).mean()
    assert said.brier == pytest.approx(brier)
    if classes == 2:
        half = sk.brier_score_loss(result.labels, shares[:, 1], labels=[0, 1], pos_label=1)
        assert said.brier == pytest.approx(2 * half)
    assert said.loss == pytest.approx(sk.log_loss(result.labels, shares, labels=every), abs=1e-6)


@settings(max_examples=40)
@given(st.integers(0, 2**32 - 1), st.integers(1, 40))
def test_the_bins_hold_every_image_once_and_make_the_ece(seed, bins):
    result = sampled(300, 10, seed)
    said = calibrate(result, bins)
    assert sum(one.count for one in said.bins) == 300
    ece = 0.0
    for one in said.bins:
        inside = (result.confidence > one.low) & (result.confidence <= one.high)
        assert one.count == pytest.approx(inside.sum(), abs=1)  # float32 beside float64
        if one.count:
            assert one.low <= one.confidence <= one.high + 1e-9
            assert one.interval.low <= one.accuracy <= one.interval.high
            ece += one.count / 300 * abs(one.accuracy - one.confidence)
    assert said.ece == pytest.approx(ece)


def test_honest_probabilities_are_found_well_calibrated_and_sharpened_ones_not():
    assert calibrate(sampled(20_000, 10, 0)).ece < 0.02
    assert calibrate(sampled(20_000, 10, 0, sharper=3)).ece > 0.15


@pytest.mark.parametrize("sharper", [0.5, 1.0, 3.0])
def test_the_temperature_undoes_what_made_the_network_too_sure(sharper):
    assert fit_temperature(sampled(20_000, 10, 1, sharper)) == pytest.approx(sharper, rel=0.05)


def test_rescaling_tells_before_and_after_and_leaves_the_answers_alone():
    validation, test = sampled(5_000, 10, 2, 3.0), sampled(5_000, 10, 3, 3.0)
    found = rescale(validation, test, bins=10)
    assert found.before == calibrate(test, 10)
    assert found.after.loss < found.before.loss
    assert found.after.ece < found.before.ece
    assert found.after.accuracy == found.before.accuracy
    assert len(found.after.bins) == 10


def test_a_temperature_can_make_the_ece_worse_and_that_is_said():
    """Fitted where the network was too sure, judged where it was not."""
    found = rescale(sampled(5_000, 10, 2, 3.0), sampled(5_000, 10, 3, 1.0))
    assert found.after.ece > found.before.ece
    assert found.after.loss > found.before.loss


def test_a_flawless_network_gets_a_temperature_that_has_an_end():
    result = evaluate_logits(20 * np.eye(3), np.arange(3), ["a", "b", "c"])
    assert 0.009 < fit_temperature(result) < 101
    said = calibrate(result)
    assert (said.ece, said.brier) == pytest.approx((0, 0), abs=1e-6)


@pytest.mark.parametrize("bins", [0, -1, 1_001])
def test_odd_numbers_of_bins_are_refused(bins):
    with pytest.raises(EvaluationError, match="1 to 1,000 bins"):
        calibrate(sampled(5, 3, 0), bins)


def test_a_temperature_is_positive_and_of_the_same_classes():
    with pytest.raises(EvaluationError, match="positive"):
        calibrate(sampled(5, 3, 0), temperature=0.0)
    with pytest.raises(EvaluationError, match="same classes"):
        rescale(sampled(5, 3, 0), sampled(5, 2, 0))
