"""What someone studying a result sees: hits kept quiet, errors in words, intervals."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.evaluation import evaluate_logits
from digitlab.figures.evaluation import confusion_matrix, per_class_metrics

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


@pytest.mark.parametrize("mode", ["counts", "row-shares", "column-shares", "errors"])
def test_every_cell_can_be_clicked_and_tells_its_labels_and_count(result, mode):
    figure = confusion_matrix(result.confusion, DIGITS, mode)
    clicked = {(true, predicted): count for true, predicted, count in cells(figure).customdata}
    assert len(clicked) == 100
    assert all(result.confusion[cell] == count for cell, count in clicked.items())


def test_long_names_of_classes_leave_room_for_the_matrix():
    names = ["a" * 80, "b" * 80]
    figure = confusion_matrix(np.eye(2, dtype=int), names)
    for axis in (figure.layout.xaxis, figure.layout.yaxis):
        assert max(map(len, axis.ticktext)) <= 24
    assert names[1] in words(figure, 1, 0)


def test_rows_are_true_and_the_first_is_on_top():
    figure = confusion_matrix(np.eye(2, dtype=int), ["a", "b"])
    assert figure.layout.yaxis.title.text == "true"
    assert figure.layout.xaxis.title.text == "predicted"
    top, bottom = figure.layout.yaxis.range[1], figure.layout.yaxis.range[0]
    assert top < bottom


def test_an_error_stands_out_next_to_a_thousand_hits():
    confusion = np.diag([1000, 1000, 1000])
    confusion[0, 1], confusion[2, 0] = 1, 20
    hits, errors, *_ = confusion_matrix(confusion, ["a", "b", "c"]).data
    assert np.isnan(np.asarray(errors.z)[1, 1])  # hits are no part of the errors' scale
    assert np.asarray(errors.z)[0, 1] > 0.2 * errors.zmax  # one error is seen beside twenty
    assert hits.colorscale != errors.colorscale


def test_the_modes_write_counts_shares_and_errors():
    confusion = np.array([[9, 1], [0, 4]])
    texts = {
        mode: np.asarray(confusion_matrix(confusion, ["a", "b"], mode).data[-3].text).tolist()
        for mode in ("counts", "row-shares", "column-shares", "errors")
    }
    assert texts["counts"] == [["9", "1"], ["", "4"]]
    assert texts["row-shares"] == [["90.0", "10.0"], ["", "100.0"]]
    assert texts["column-shares"] == [["100.0", "20.0"], ["", "80.0"]]
    assert texts["errors"] == [["", "1"], ["", ""]]


@pytest.mark.parametrize("mode", ["counts", "row-shares", "column-shares", "errors"])
def test_perfect_and_empty_matrices_are_drawn(mode):
    for confusion in (np.diag([5, 5]), np.zeros((2, 2), int)):
        assert confusion_matrix(confusion, ["a", "b"], mode).to_json()


def test_47_classes_have_cells_without_numbers():
    names = [str(i) for i in range(47)]
    figure = confusion_matrix(np.eye(47, dtype=int), names)
    assert figure.data[0].texttemplate is None
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
    high = f1.x[0] + f1.error_x.array[0]
    assert high == pytest.approx(100 * first.f1_interval[1])


def test_a_class_that_was_never_read_has_no_point_for_precision():
    metrics = evaluate_logits(np.eye(3)[[0, 0]], np.array([0, 1]), ["a", "b", "c"]).per_class
    precision, recall, _ = per_class_metrics(metrics).data
    assert len(precision.x) == 1
    assert len(recall.x) == 2


def test_heads_stand_for_the_mistakes_of_a_row_and_of_a_column(result):
    heads = confusion_matrix(result.confusion, DIGITS).data[-2]
    clicked = {tuple(entry[:2]): entry[2] for entry in heads.customdata}
    assert len(clicked) == 20
    for label in range(10):
        assert clicked[label, -1] == len(result.positions(true=label))
        assert clicked[-1, label] == len(result.positions(predicted=label))
    assert list(heads.text) == DIGITS * 2


def test_long_names_stand_beside_their_heads():
    figure = confusion_matrix(np.eye(2, dtype=int), ["Ankle boot", "Bag"])
    assert figure.layout.yaxis.showticklabels
    assert set(figure.data[-2].text) == {"▸", "▾"}
    assert not confusion_matrix(np.eye(2, dtype=int), "ab").layout.yaxis.showticklabels


def test_another_order_moves_cells_and_keeps_what_they_stand_for(result):
    order = [3, 1, 0, 2, 4, 5, 9, 8, 7, 6]
    figure = confusion_matrix(result.confusion, DIGITS, order=order)
    points = cells(figure)
    for x, y, (true, predicted, count) in zip(points.x, points.y, points.customdata, strict=True):
        assert (order[y], order[x]) == (true, predicted)
        assert count == result.confusion[true, predicted]
    assert list(figure.layout.yaxis.ticktext) == [DIGITS[label] for label in order]
    text = np.asarray(figure.data[0].text)
    assert text[0, 0] == str(result.confusion[3, 3])


@pytest.mark.parametrize(
    ("chosen", "frame"),
    [
        ((1, 2), (1.5, 2.5, 0.5, 1.5)),
        ((1, None), (-1.5, 2.5, 0.5, 1.5)),
        ((None, 2), (1.5, 2.5, -1.5, 2.5)),
    ],
)
def test_what_is_chosen_has_a_frame(chosen, frame):
    figure = confusion_matrix(np.eye(3, dtype=int), "abc", chosen=chosen)
    (shape,) = figure.layout.shapes
    assert (shape.x0, shape.x1, shape.y0, shape.y1) == frame
    assert not confusion_matrix(np.eye(3, dtype=int), "abc").layout.shapes
