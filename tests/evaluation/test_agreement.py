"""Agreement beyond chance equals scikit-learn's, one matrix at a time or many at once."""

from __future__ import annotations

import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from digitlab.evaluation import EvaluationError, evaluate_logits
from digitlab.evaluation.agreement import SUMMARIES, summarize_confusions


@st.composite
def readings(draw):
    """Logits without ties, labels of some of the classes only, and the number of classes."""
    classes = draw(st.sampled_from([2, 3, 10, 47]))
    images = draw(st.integers(1, 80))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    present = rng.permutation(classes)[: draw(st.integers(1, classes))]
    labels = rng.choice(present, images)
    logits = rng.normal(size=(images, classes)) + draw(st.floats(0, 4)) * np.eye(classes)[labels]
    return logits.astype(np.float32), labels, classes


def evaluate(problem):
    logits, labels, classes = problem
    return evaluate_logits(logits, labels, [str(i) for i in range(classes)])


@settings(max_examples=80)
@given(readings())
def test_it_agrees_with_scikit_learn(problem):
    logits, labels, classes = problem
    result = evaluate(problem)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        kappa = sk.cohen_kappa_score(labels, result.predictions)
        balanced = sk.balanced_accuracy_score(labels, result.predictions)
        matthews = sk.matthews_corrcoef(labels, result.predictions)
    assert result.balanced_accuracy == pytest.approx(balanced)
    assert result.matthews == pytest.approx(matthews, abs=1e-9)
    if np.isnan(kappa):
        assert result.cohen_kappa is None
    else:
        assert result.cohen_kappa == pytest.approx(kappa, abs=1e-9)
    if classes > 2:  # with two, scikit-learn wants one column of scores
        top = sk.top_k_accuracy_score(labels, logits, k=2, labels=np.arange(classes))
        assert result.top_k(2) == pytest.approx(top)
    assert result.top_k(1) == result.accuracy
    assert result.top_k(classes) == 1


@settings(max_examples=30)
@given(readings())
def test_many_matrices_at_once_give_what_each_gives_alone(problem):
    confusion = evaluate(problem).confusion
    stack = np.stack([confusion, confusion.T + 1, 2 * confusion])
    together = summarize_confusions(stack)
    assert tuple(together) == SUMMARIES
    for i, one in enumerate(stack):
        alone = summarize_confusions(one)
        for name in SUMMARIES:
            np.testing.assert_allclose(together[name][i], alone[name])


@settings(max_examples=30)
@given(readings())
def test_the_bootstrap_holds_the_figures_and_is_the_same_each_time(problem):
    result = evaluate(problem)
    said = summarize_confusions(result.confusion)
    assert result.intervals == evaluate(problem).intervals
    for name, (low, high) in result.intervals.items():
        assert -1 <= low <= high <= 1
        if name in ("accuracy", "cohen_kappa") and not np.isnan(said[name]):
            assert low - 0.2 <= said[name] <= high + 0.2


def test_the_bootstrap_is_about_as_wide_as_wilson():
    confusion = np.array([[900, 100], [50, 950]])
    labels, read = np.indices((2, 2)).reshape(2, -1).repeat(confusion.ravel(), axis=1)
    result = evaluate_logits(np.eye(2)[read], labels, ["a", "b"])
    low, high = result.intervals["accuracy"]
    assert (low, high) == pytest.approx(result.accuracy_interval, abs=3e-3)


def test_of_equal_logits_the_lower_label_comes_first():
    result = evaluate_logits(np.zeros((3, 3)), np.arange(3), ["a", "b", "c"])
    assert [result.top_k(k) for k in (1, 2, 3)] == pytest.approx([1 / 3, 2 / 3, 1])
    with pytest.raises(EvaluationError, match="k must be 1 or more"):
        result.top_k(0)
