"""`Evaluation.errors`: every mistake once, the most confident first, found by cell and position."""

from __future__ import annotations

import time

import numpy as np
import pytest

from digitlab.evaluation import Mistakes, evaluate_logits

CLASSES = [str(i) for i in range(10)]


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(3)
    logits = rng.normal(size=(500, 10)).astype(np.float32) * 3
    return evaluate_logits(logits, rng.integers(0, 10, 500), CLASSES)


def test_they_are_exactly_the_images_that_were_read_wrongly(result):
    wrong = np.flatnonzero(result.predictions != result.labels)
    assert sorted(result.errors.position.tolist()) == wrong.tolist()
    assert len(result.errors) == result.n - round(result.accuracy * result.n)


def test_the_most_confident_mistake_comes_first(result):
    assert (np.diff(result.errors.confidence) <= 0).all()
    first = result.errors[0]
    assert first.true == result.labels[first.position] != first.predicted
    assert first.confidence == pytest.approx(result.confidence[first.position])
    assert first.true_probability == pytest.approx(result.probabilities[first.position, first.true])


def test_mistakes_too_confident_for_float32_are_still_told_apart():
    logits = np.array([[30, 0], [60, 0], [45, 0]], dtype=np.float32)
    errors = evaluate_logits(logits, np.array([1, 1, 1]), ["no", "yes"]).errors
    assert errors.confidence.tolist() == [1.0, 1.0, 1.0]
    assert errors.position.tolist() == [1, 2, 0]


def test_equally_confident_mistakes_keep_the_order_of_the_split():
    logits = np.array([[5, 0]] * 4, dtype=np.float32)
    errors = evaluate_logits(logits, np.array([1, 0, 1, 1]), ["no", "yes"]).errors
    assert errors.position.tolist() == [0, 2, 3]


def test_a_cell_of_the_confusion_gives_its_images(result):
    for true, predicted, count in result.most_confused(5):
        cell = result.errors.where(true=true, predicted=predicted)
        assert len(cell) == count == result.confusion[true, predicted]
        assert {(m.true, m.predicted) for m in cell} == {(true, predicted)}
    assert len(result.errors.where(true=4)) == result.confusion[4].sum() - result.confusion[4, 4]


def test_they_slice_like_a_list_and_hold_plain_numbers(result):
    page = result.errors[10:15]
    assert isinstance(page, Mistakes)
    assert list(page) == [result.errors[i] for i in range(10, 15)]
    assert [type(value) for value in page[0]] == [int, int, int, float, float]
    with pytest.raises(IndexError):
        result.errors[len(result.errors)]


def test_no_mistakes_is_an_empty_sequence():
    result = evaluate_logits(np.eye(3, dtype=np.float32), np.arange(3), ["a", "b", "c"])
    assert not result.errors
    assert result.most_confused(3) == ()
    assert result.to_dict()["errors"] == 0


def test_sixty_thousand_images_are_evaluated_in_a_moment():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(60_000, 10)).astype(np.float32)
    labels = rng.integers(0, 10, 60_000)
    start = time.perf_counter()
    result = evaluate_logits(logits, labels, CLASSES)
    assert len(result.errors.where(true=1, predicted=7)) == result.confusion[1, 7]
    assert time.perf_counter() - start < 2  # about 0.03 s on an idle core
