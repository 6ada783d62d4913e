"""Declining below a confidence: counts add up, and the curve is what one gets by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from digitlab.evaluation import EvaluationError, coverage_curve, decline_below, evaluate_logits


def evaluation(seed: int, images: int = 60, classes: int = 5):
    rng = np.random.default_rng(seed)
    logits = rng.integers(-2, 3, size=(images, classes)).astype(np.float32)  # with ties
    return evaluate_logits(logits, rng.integers(0, classes, images), list("abcde")[:classes])


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1), st.floats(0, 1))
def test_who_is_answered_and_what_it_costs(seed, threshold):
    result = evaluation(seed)
    said = decline_below(result, threshold)
    kept = result.confidence >= threshold
    right = result.predictions == result.labels
    assert (said.answered, said.declined) == (kept.sum(), (~kept).sum())
    assert said.spared + said.lost == said.declined
    assert said.spared == (~kept & ~right).sum()
    if said.answered:
        assert said.accuracy == right[kept].mean()
        assert said.interval.low <= said.accuracy <= said.interval.high
    else:
        assert said.accuracy is said.interval is None


@settings(max_examples=60)
@given(st.integers(0, 2**32 - 1))
def test_each_point_of_the_curve_is_a_threshold(seed):
    result = evaluation(seed)
    curve = coverage_curve(result)
    assert (np.diff(curve.coverage) > 0).all()
    assert (np.diff(curve.threshold) < 0).all()
    assert (curve.coverage[-1], curve.accuracy[-1]) == (1, pytest.approx(result.accuracy))
    for coverage, accuracy, threshold in zip(
        curve.coverage, curve.accuracy, curve.threshold, strict=True
    ):
        said = decline_below(result, threshold)
        assert (said.answered / result.n, said.accuracy) == pytest.approx((coverage, accuracy))


def test_sure_mistakes_cost_more_than_unsure_ones():
    logits = np.array([[4, 0], [3, 0], [2, 0], [1, 0]], dtype=np.float32)
    unsure = evaluate_logits(logits, np.array([0, 0, 0, 1]), ["a", "b"])
    sure = evaluate_logits(logits, np.array([1, 0, 0, 0]), ["a", "b"])
    assert coverage_curve(unsure).area_under_risk == pytest.approx(0.25 / 4)
    assert coverage_curve(sure).area_under_risk == pytest.approx((1 + 1 / 2 + 1 / 3 + 1 / 4) / 4)


def test_a_confidence_above_one_is_refused():
    with pytest.raises(EvaluationError, match="between 0 and 1"):
        decline_below(evaluation(0), 1.5)
