"""`Evaluation.errors`: every mistake once, the most confident first, found by cell and position."""

from __future__ import annotations

import time

import numpy as np
import pytest

from digitlab.evaluation import EvaluationError, Mistakes, evaluate_logits

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
    assert [type(value) for value in page[0]] == [int] * 3 + [float] * 4
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
    start = time.process_time()
    result = evaluate_logits(logits, labels, CLASSES)
    assert len(result.errors.where(true=1, predicted=7)) == result.confusion[1, 7]
    assert time.process_time() - start < 2  # about 0.03 s on an idle core


def test_orders_say_what_they_promise(result):
    errors = result.errors
    assert (np.diff(errors.ordered("loss").loss) <= 0).all()
    assert (np.diff(errors.ordered("margin").margin) >= 0).all()
    assert errors.ordered().position.tolist() == errors.position.tolist()
    for by in ("loss", "margin", "pair"):
        assert sorted(errors.ordered(by).position) == sorted(errors.position)
    with pytest.raises(EvaluationError, match="confidence, loss, margin, pair; not 'size'"):
        errors.ordered("size")


def test_by_pair_the_one_confused_most_stands_first_and_each_stays_together(result):
    ordered = result.errors.ordered("pair")
    pairs = [(m.true, m.predicted) for m in ordered]
    runs = [pair for pair, before in zip(pairs, [None, *pairs], strict=False) if pair != before]
    assert len(runs) == len(set(pairs))
    counts = [pairs.count(pair) for pair in runs]
    assert counts == sorted(counts, reverse=True)


def test_loss_and_margin_are_those_of_the_probabilities(result):
    first = result.errors[0]
    assert first.loss == pytest.approx(-np.log(first.true_probability), rel=1e-4)
    gap = np.log(first.confidence) - np.log(first.true_probability)
    assert first.margin == pytest.approx(gap, rel=1e-4)
    assert first.margin > 0


def test_only_the_confident_ones(result):
    sure = result.errors.where(above=0.9)
    assert 0 < len(sure) < len(result.errors)
    assert sure.confidence.min() >= 0.9


def test_a_cell_a_row_and_a_column_name_their_images(result):
    read, labels = result.predictions, result.labels
    row, column = result.positions(true=4), result.positions(predicted=9)
    assert set(row) == set(np.flatnonzero((labels == 4) & (read != 4)))
    assert set(column) == set(np.flatnonzero((labels != 9) & (read == 9)))
    cell = result.positions(true=4, predicted=9)
    assert set(cell) == set(np.flatnonzero((labels == 4) & (read == 9)))
    hits = result.positions(true=4, predicted=4)
    assert set(hits) == set(np.flatnonzero((labels == 4) & (read == 4)))
    assert (np.diff(result.confidence[hits]) >= 0).all()
    assert len(result.positions()) == len(result.errors)
