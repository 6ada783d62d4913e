"""What someone studying a result sees: hits kept quiet, errors in words, intervals."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.evaluation import evaluate_logits
from digitlab.figures.evaluation import confusion_matrix, most_confused_bars, per_class_metrics

DIGITS = [str(i) for i in range(10)]


@pytest.fixture(scope="module")
def result():
    rng = np.random.default_rng(1)
    labels = np.repeat(np.arange(10), 100)
    logits = 4 * np.eye(10, dtype=np.float32)[labels] + rng.normal(size=(1000, 10)) * 1.6
    return evaluate_logits(logits.astype(np.float32), labels, DIGITS)


def cells(figure):
    return figure.data[-1]


def words(figure, true: int, predicted: int) -> str:
    points = cells(figure)
    return points.hovertext[[tuple(c[:2]) for c in points.customdata].index((true, predicted))]


def test_the_hover_says_it_in_words():
    confusion = np.diag([1000, 1])
    confusion[0, 1] = 12
    figure = confusion_matrix(confusion, ["4", "9"])
    assert words(figure, 0, 1) == "true 4 read as 9: 12 images (1.2 % of all 4s)"
    assert words(figure, 1, 1) == "true 9 read as 9: 1 image (100.0 % of all 9s)"
    assert words(figure, 1, 0) == "true 9 read as 4: no images"


@pytest.mark.parametrize("mode", ["counts", "row-shares", "errors"])
def test_every_cell_can_be_clicked_and_tells_its_labels_and_count(result, mode):
    figure = confusion_matrix(result.confusion, DIGITS, mode)
    clicked = {(true, predicted): count for true, predicted, count in cells(figure).customdata}
    assert len(clicked) == 100
    assert all(result.confusion[cell] == count for cell, count in clicked.items())


def test_rows_are_true_and_the_first_is_on_top():
    figure = confusion_matrix(np.eye(2, dtype=int), ["a", "b"])
    assert figure.layout.yaxis.title.text == "true"
    assert figure.layout.xaxis.title.text == "predicted"
    top, bottom = figure.layout.yaxis.range[1], figure.layout.yaxis.range[0]
    assert top < bottom


def test_an_error_stands_out_next_to_a_thousand_hits():
    confusion = np.diag([1000, 1000, 1000])
    confusion[0, 1], confusion[2, 0] = 1, 20
    hits, errors, _ = confusion_matrix(confusion, ["a", "b", "c"]).data
    assert np.isnan(np.asarray(errors.z)[1, 1])  # hits are no part of the errors' scale
    assert np.asarray(errors.z)[0, 1] > 0.2 * errors.zmax  # one error is seen beside twenty
    assert hits.colorscale != errors.colorscale


def test_the_three_modes_write_counts_shares_and_errors():
    confusion = np.array([[9, 1], [0, 4]])
    texts = {
        mode: np.asarray(confusion_matrix(confusion, ["a", "b"], mode).data[-2].text).tolist()
        for mode in ("counts", "row-shares", "errors")
    }
    assert texts["counts"] == [["9", "1"], ["", "4"]]
    assert texts["row-shares"] == [["90.0", "10.0"], ["", "100.0"]]
    assert texts["errors"] == [["", "1"], ["", ""]]


@pytest.mark.parametrize("mode", ["counts", "row-shares", "errors"])
def test_perfect_and_empty_matrices_are_drawn(mode):
    for confusion in (np.diag([5, 5]), np.zeros((2, 2), int)):
        assert confusion_matrix(confusion, ["a", "b"], mode).to_json()


def test_47_classes_have_cells_without_numbers():
    names = [str(i) for i in range(47)]
    figure = confusion_matrix(np.eye(47, dtype=int), names)
    assert figure.data[0].text is None
    assert len(cells(figure).x) == 47 * 47


def test_each_class_has_precision_recall_and_f1_with_their_intervals(result):
    precision, recall, f1 = per_class_metrics(result.per_class).data
    assert list(recall.x) == pytest.approx([100 * m.recall for m in result.per_class])
    first = result.per_class[0]
    high = precision.x[0] + precision.error_x.array[0]
    low = precision.x[0] - precision.error_x.arrayminus[0]
    assert (low, high) == pytest.approx([100 * bound for bound in first.precision_interval])
    assert "95 % interval" in recall.customdata[0]
    assert "100 images" in recall.customdata[0]
    assert f1.error_x.array is None


def test_a_class_that_was_never_read_has_no_point_for_precision():
    metrics = evaluate_logits(np.eye(3)[[0, 0]], np.array([0, 1]), ["a", "b", "c"]).per_class
    precision, recall, _ = per_class_metrics(metrics).data
    assert len(precision.x) == 1
    assert len(recall.x) == 2


def test_the_pairs_confused_most_have_a_bar_each(result):
    pairs = result.most_confused(5)
    bars = most_confused_bars(pairs, DIGITS).data[0]
    assert list(bars.x) == [pair.count for pair in pairs]
    assert bars.y[0] == f"{pairs[0].true} read as {pairs[0].predicted}"
    assert list(bars.customdata[0]) == list(pairs[0])


def test_a_flawless_model_is_told_so():
    assert most_confused_bars((), DIGITS).layout.annotations[0].text == "nothing was confused"
