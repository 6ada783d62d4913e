"""`evaluate_logits` says what scikit-learn says, and says so in sentences when it cannot."""

from __future__ import annotations

import json
import warnings

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from sklearn import metrics as sk

from digitlab.errors import DigitlabError
from digitlab.evaluation import EvaluationError, evaluate_logits


def names(count: int) -> list[str]:
    return [f"class {i}" for i in range(count)]


def one_hot(predictions: list[int], classes: int, sharpness: float = 5.0) -> np.ndarray:
    return np.eye(classes, dtype=np.float32)[predictions] * sharpness


@st.composite
def problems(draw):
    classes = draw(st.sampled_from([2, 3, 10, 47]))
    images = draw(st.integers(1, 60))
    # Within ±15, as scikit-learn's log_loss clips probabilities at the smallest epsilon.
    numbers = st.floats(-15, 15, width=32, allow_subnormal=False)
    logits = draw(hnp.arrays(np.float32, (images, classes), elements=numbers))
    labels = draw(hnp.arrays(np.int64, images, elements=st.integers(0, classes - 1)))
    return logits, labels, classes


@settings(max_examples=80)
@given(problems())
def test_it_agrees_with_scikit_learn(problem):
    logits, labels, classes = problem
    result = evaluate_logits(logits, labels, names(classes))
    every = np.arange(classes)
    predicted = logits.argmax(1)

    assert result.accuracy == pytest.approx(sk.accuracy_score(labels, predicted))
    np.testing.assert_array_equal(
        result.confusion, sk.confusion_matrix(labels, predicted, labels=every)
    )
    probabilities = result.probabilities.astype(np.float64)
    assert result.loss == pytest.approx(
        sk.log_loss(labels, probabilities / probabilities.sum(1, keepdims=True), labels=every),
        rel=1e-4,
        abs=1e-6,
    )
    expected = sk.precision_recall_fscore_support(labels, predicted, labels=every, zero_division=0)
    for ours, theirs in zip(("precision", "recall", "f1", "support"), expected, strict=True):
        values = [getattr(metrics, ours) or 0 for metrics in result.per_class]
        np.testing.assert_allclose(values, theirs)


@settings(max_examples=50)
@given(problems())
def test_averages_are_those_of_scikit_learn_over_the_classes_present(problem):
    logits, labels, classes = problem
    result = evaluate_logits(logits, labels, names(classes))
    for average, ours in (("macro", result.macro), ("weighted", result.weighted)):
        theirs = sk.precision_recall_fscore_support(
            labels, logits.argmax(1), labels=np.unique(labels), average=average, zero_division=0
        )
        np.testing.assert_allclose(ours, theirs[:3])


@settings(max_examples=50)
@given(problems())
def test_every_metric_is_json_without_nan_and_within_its_interval(problem):
    logits, labels, classes = problem
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = evaluate_logits(logits, labels, names(classes))
        said = json.loads(json.dumps(result.to_dict(), allow_nan=False))

    low, high = said["accuracy_interval"]
    assert 0 <= low <= said["accuracy"] <= high <= 1
    assert np.sum(said["confusion"]) == said["n"] == len(labels)
    for metrics in said["per_class"]:
        for share in ("precision", "recall"):
            if metrics[share] is None:
                assert metrics[f"{share}_interval"] is None
            else:
                low, high = metrics[f"{share}_interval"]
                assert 0 <= low <= metrics[share] <= high <= 1


def test_counts_by_hand():
    labels = np.array([0, 0, 0, 2, 1, 2])
    result = evaluate_logits(one_hot([0, 0, 1, 2, 1, 1], 3), labels, ["a", "b", "c"])
    assert result.accuracy == 4 / 6
    assert result.confusion.tolist() == [[2, 1, 0], [0, 1, 0], [0, 1, 1]]
    assert result.confusion.dtype == np.int64
    b = result.per_class[1]
    assert (b.name, b.precision, b.recall, b.f1, b.support) == ("b", 1 / 3, 1.0, 0.5, 1)
    assert result.most_confused(5) == ((0, 1, 1), (2, 1, 1))
    assert result.most_confused(1) == ((0, 1, 1),)
    assert result.most_confused(0) == ()


def test_a_class_that_is_absent_or_never_read_has_no_number_rather_than_a_wrong_one():
    result = evaluate_logits(one_hot([0, 0], 3), np.array([0, 1]), ["a", "b", "c"])
    a, b, c = result.per_class
    assert (a.precision, a.recall) == (0.5, 1.0)
    assert (b.precision, b.recall, b.f1) == (None, 0.0, 0.0)  # never read as b
    assert (c.precision, c.recall, c.f1) == (None, None, None)  # and there is no c at all
    assert result.macro.recall == 0.5


def test_the_loss_stays_exact_where_exp_would_overflow():
    logits = np.array([[1e4, 0.0], [0.0, 1e4]], dtype=np.float32)
    assert evaluate_logits(logits, np.array([0, 1]), ["no", "yes"]).loss == 0.0
    assert evaluate_logits(logits, np.array([1, 1]), ["no", "yes"]).loss == pytest.approx(5e3)


def test_uniform_logits_cost_log_of_the_number_of_classes():
    result = evaluate_logits(np.zeros((4, 10), np.float32), np.arange(4), names(10))
    assert result.loss == pytest.approx(np.log(10))
    assert result.confidence == pytest.approx(0.1)
    assert result.predictions.tolist() == [0, 0, 0, 0]


def test_probabilities_confidence_and_predictions_belong_together():
    logits = np.random.default_rng(0).normal(size=(200, 10)).astype(np.float32)
    result = evaluate_logits(logits, np.zeros(200, np.int64), names(10))
    assert result.probabilities.dtype == result.confidence.dtype == np.float32
    np.testing.assert_allclose(result.probabilities.sum(1), 1, rtol=1e-5)
    np.testing.assert_array_equal(result.probabilities.argmax(1), result.predictions)
    np.testing.assert_allclose(result.probabilities.max(1), result.confidence, rtol=1e-6)


GOOD = (np.zeros((3, 2), np.float32), np.array([0, 1, 1]), ["no", "yes"])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({0: np.zeros((3, 5))}, r"\[images, 2\].*not \[3, 5\]"),
        ({0: np.zeros(3)}, r"\[images, 2\].*not \[3\]"),
        ({0: np.zeros((0, 2)), 1: np.zeros(0, int)}, "nothing to evaluate"),
        ({0: np.array([[0, 1], [np.nan, 0], [0, np.inf]])}, "2 of 3 rows.*row 1.*learning rate"),
        ({0: np.full((3, 2), 1e300)}, "finite"),
        ({0: np.array([["a", "b"]] * 3)}, "floating-point"),
        ({1: np.array([0, 1])}, r"\[3\].*not \[2\]"),
        ({1: np.array([0, 1, 2])}, r"0…1.*label 2 is 2"),
        ({1: np.array([0, -1, 1])}, "label 1 is -1"),
        ({1: np.array([0.0, 1.0, 1.0])}, "whole numbers"),
        ({2: ["alone"]}, "at least 2 classes"),
        ({2: "no"}, "sequence of names"),
    ],
)
def test_what_does_not_fit_together_is_told_in_a_sentence(change, says):
    arguments = [change.get(i, value) for i, value in enumerate(GOOD)]
    with pytest.raises(EvaluationError, match=says) as caught:
        evaluate_logits(*arguments)
    assert isinstance(caught.value, DigitlabError)
