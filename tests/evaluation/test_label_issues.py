"""Suspicious labels: those that were swapped come first, and MNIST's known ones surface."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.analysis.recognize import default_reader
from digitlab.evaluation import EvaluationError
from digitlab.evaluation.label_issues import (
    QUICK_MODELS,
    cross_validate,
    find_label_issues,
    pool_probabilities,
)

# Test images of MNIST where fewer than 3 of 5 people chose the given label: cleanlab/label-errors,
# Northcutt, Athalye, Mueller: Pervasive label errors in test sets, 2021.
KNOWN = {947, 1621, 1901, 2130, 2462, 2597, 2654, 3520, 3558, 5937, 6651, 6783, 8527, 9679, 9729}


def test_the_bundled_reader_brings_up_mnist_s_known_label_errors():
    """9 of the 15 are within its first 60 flags of 10,000; by chance it would be 0.09."""
    result = default_reader().evaluate("test")
    first = find_label_issues(result.probabilities, result.labels).first(60).position.tolist()
    assert len(KNOWN & set(first)) >= 8
    assert {1901, 9729} <= set(first[:30])  # which strong networks all miss


def test_one_half_as_often_wrong_counts_twice_and_nobody_has_a_veto():
    sure, doubtful = np.array([[0.9, 0.1]]), np.array([[0.2, 0.8]])
    pooled = pool_probabilities([sure, doubtful], [0.01, 0.02])
    expected = sure ** (2 / 3) * doubtful ** (1 / 3)
    np.testing.assert_allclose(pooled, expected / expected.sum(), rtol=1e-5)
    veto = pool_probabilities([np.array([[0.0, 1.0]])] + 9 * [np.array([[0.99, 0.01]])], [0.0] * 10)
    assert veto[0, 0] > 0.9
    np.testing.assert_allclose(pool_probabilities([sure], [0.3]), sure, rtol=1e-5)


def test_opinions_that_do_not_fit_together_are_refused():
    for opinions, errors in (
        ([], []),
        ([np.ones((2, 2))], [0.1, 0.2]),
        ([np.ones((2, 2)), np.ones((3, 2))], [0.1, 0.1]),
    ):
        with pytest.raises(EvaluationError, match="pooled"):
            pool_probabilities(opinions, errors)


@pytest.fixture
def swapped(optdigits):
    """Training images [N, 784], labels of which 20 are wrong, and which."""
    train = optdigits.train
    labels, rows = train.labels.numpy().copy(), np.arange(0, 1000, 50)
    labels[rows] = (labels[rows] + 3) % 10
    return train.images.flatten(1).numpy() / 255, labels, set(rows.tolist())


@pytest.mark.parametrize("model", QUICK_MODELS)
def test_swapped_labels_are_found_by_cross_validation(swapped, model):
    features, labels, wrong = swapped
    told = []
    probabilities = cross_validate(
        features, labels, 10, model=model, on_progress=lambda *at: told.append(at)
    )
    assert probabilities.shape == (len(labels), 10)
    np.testing.assert_allclose(probabilities.sum(1), 1, atol=1e-4)
    assert told == [(done, 5) for done in range(1, 6)]
    found = find_label_issues(probabilities, labels)
    assert len(wrong & set(found.first(30).position.tolist())) >= 17
    flagged = set(found.position[found.flagged].tolist())
    assert len(wrong & flagged) >= 15
    assert (np.diff(found.quality) >= 0).all()


def test_the_suggestion_is_the_true_class(swapped):
    features, labels, wrong = swapped
    found = find_label_issues(cross_validate(features, labels, 10), labels)
    of = dict(zip(found.position.tolist(), found.suggested.tolist(), strict=True))
    right = sum(of[row] == (labels[row] - 3) % 10 for row in wrong)
    assert right >= 17


def test_two_classes_a_class_without_images_and_a_single_one():
    sure = np.array([[0.9, 0.1], [0.2, 0.8], [0.95, 0.05], [0.99, 0.01]])
    found = find_label_issues(sure, np.array([0, 1, 0, 1]))
    assert found.position[0] == 3
    assert found.suggested[0] == 0
    three = np.column_stack([sure, np.full(4, 1e-6)])
    assert find_label_issues(three, np.array([0, 1, 0, 1])).position[0] == 3
    assert not find_label_issues(sure, np.zeros(4, dtype=int)).flagged.any()


def test_what_cannot_be_judged_is_refused():
    with pytest.raises(EvaluationError, match=r"\[images, classes\]; not \[3\]"):
        find_label_issues(np.ones(3), np.zeros(3, dtype=int))
    with pytest.raises(EvaluationError, match="smallest class has 2"):
        cross_validate(np.random.rand(12, 4), np.array([0] * 10 + [1] * 2), 2)
    with pytest.raises(EvaluationError, match="not 'forest'"):
        cross_validate(np.ones((4, 2)), np.zeros(4, dtype=int), 2, model="forest")
