"""One class against the rest: curves and areas equal scikit-learn's."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from digitlab.evaluation import EvaluationError, evaluate_logits, one_vs_rest
from digitlab.evaluation.curves import mean_areas, precision_recall_curve, roc_curve


@st.composite
def scored(draw):
    """Scores with many ties, and truths of both kinds."""
    count = draw(st.integers(2, 60))
    scores = draw(
        st.lists(st.sampled_from([0.0, 0.1, 0.25, 0.5, 1.0]), min_size=count, max_size=count)
    )
    truths = draw(st.lists(st.booleans(), min_size=count - 2, max_size=count - 2))
    return np.array(scores), np.array([*truths, True, False])


@settings(max_examples=120)
@given(scored())
def test_roc_agrees_with_scikit_learn(problem):
    scores, truths = problem
    curve = roc_curve(scores, truths)
    x, y, thresholds = sk.roc_curve(truths, scores, drop_intermediate=False)
    np.testing.assert_allclose(curve.x, x)
    np.testing.assert_allclose(curve.y, y)
    np.testing.assert_allclose(curve.thresholds, thresholds)
    assert curve.area == pytest.approx(sk.roc_auc_score(truths, scores))


@settings(max_examples=120)
@given(scored())
def test_precision_recall_agrees_with_scikit_learn(problem):
    scores, truths = problem
    curve = precision_recall_curve(scores, truths)
    precision, recall, _ = sk.precision_recall_curve(truths, scores)
    np.testing.assert_allclose(curve.x, recall[::-1])
    np.testing.assert_allclose(curve.y, precision[::-1])
    assert curve.area == pytest.approx(sk.average_precision_score(truths, scores))


@settings(max_examples=30)
@given(st.integers(0, 2**32 - 1), st.sampled_from([2, 10, 47]), st.integers(1, 47))
def test_every_class_of_an_evaluation_has_its_own_or_none(seed, classes, present):
    rng = np.random.default_rng(seed)
    labels = rng.integers(0, min(present, classes), 120)
    logits = rng.normal(size=(120, classes)).astype(np.float32)
    result = evaluate_logits(logits, labels, [str(i) for i in range(classes)])
    curves = one_vs_rest(result)
    areas = []
    for label, curve in enumerate(curves):
        positive = labels == label
        assert curve.support == positive.sum()
        if positive.all() or not positive.any():
            assert curve.roc is curve.precision_recall is None
            continue
        exact = np.exp(logits.astype(float))
        exact = exact[:, label] / exact.sum(1)
        areas.append(sk.roc_auc_score(positive, exact))
        assert curve.roc.area == pytest.approx(areas[-1])
        average = sk.average_precision_score(positive, exact)
        assert curve.precision_recall.area == pytest.approx(average)
    assert (
        mean_areas(curves) is None
        if not areas
        else mean_areas(curves)[0] == pytest.approx(np.mean(areas))
    )


def test_a_thinned_curve_keeps_its_ends_its_area_and_its_shape():
    rng = np.random.default_rng(0)
    truths = rng.random(20_000) < 0.1
    curve = precision_recall_curve(rng.normal(size=20_000) + truths, truths)
    thin = curve.thinned(200)
    assert len(thin.x) <= 202 < len(curve.x)
    assert (thin.x[0], thin.y[0], thin.x[-1]) == (curve.x[0], curve.y[0], curve.x[-1])
    assert thin.area == curve.area
    assert np.abs(np.interp(curve.x, thin.x, thin.y) - curve.y)[500:].max() < 0.03


def test_a_curve_without_the_class_is_refused_in_words():
    with pytest.raises(EvaluationError, match="of the class and of other classes"):
        roc_curve(np.arange(3.0), np.ones(3, bool))
    with pytest.raises(EvaluationError, match="needs images of the class"):
        precision_recall_curve(np.arange(3.0), np.zeros(3, bool))


def test_a_thinned_roc_curve_loses_nothing_but_points_on_straight_lines():
    rng = np.random.default_rng(0)
    truths = rng.random(5_000) < 0.1
    curve = roc_curve(rng.normal(size=5_000) + 6 * truths, truths)
    thin = curve.thinned()
    assert len(thin.x) < 100
    assert np.trapezoid(thin.y, thin.x) == pytest.approx(curve.area)
