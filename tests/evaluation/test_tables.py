"""Tables as CSV: read back, they are what the evaluation says."""

from __future__ import annotations

import csv
import io

import numpy as np
import pandas as pd
import pytest

from digitlab.evaluation import tables
from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.metrics import evaluate_logits

CLASSES = ("zero", "=1+1", "a,b")


@pytest.fixture
def result():
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(200, 3)).astype(np.float32) * 5
    return evaluate_logits(logits, rng.integers(0, 2, 200), CLASSES)  # nobody is of the last


def read(text):
    return list(csv.reader(io.StringIO(text)))


def test_predictions_read_back_are_equal(result):
    table = pd.read_csv(io.StringIO(tables.predictions_csv(result)), dtype={"label": str})
    assert table["index"].tolist() == list(range(200))
    names = np.array(["zero", "'=1+1", "a,b"])
    assert table["label"].tolist() == names[result.labels].tolist()
    assert table["predicted"].tolist() == names[result.predictions].tolist()
    probabilities = table.filter(like="p_").to_numpy(dtype=np.float32)
    np.testing.assert_array_equal(probabilities, result.probabilities)


def test_kaggle_counts_from_one(result):
    rows = read(tables.kaggle_csv(result))
    assert rows[0] == ["ImageId", "Label"]
    assert [int(row[0]) for row in rows[1:]] == list(range(1, 201))
    assert [int(row[1]) for row in rows[1:]] == result.predictions.tolist()


def test_classes_and_confusion_are_those_of_the_evaluation(result):
    rows = pd.read_csv(io.StringIO(tables.classes_csv(result)))
    assert rows["support"].tolist() == [row.support for row in result.per_class]
    assert rows["recall"][0] == result.per_class[0].recall
    assert rows["recall_low"][0] == result.per_class[0].recall_interval.low
    assert np.isnan(rows["recall"][2])  # undefined is empty, and no zero
    counts = [[int(value) for value in row[1:]] for row in read(tables.confusion_csv(result))[1:]]
    np.testing.assert_array_equal(counts, result.confusion)


def test_what_a_spreadsheet_would_run_is_quoted_and_numbers_are_not(result):
    for text in (tables.predictions_csv(result), tables.confusion_csv(result)):
        assert not any(cell.startswith("=") for row in read(text) for cell in row)
    assert read(tables.written(["a"], [[-1.5], ["-1.5"], ["-x"]]))[1:] == [
        ["-1.5"],
        ["-1.5"],
        ["'-x"],
    ]


def test_epochs_leave_empty_what_was_not_measured():
    rows = read(tables.epochs_csv([{"epoch": 1, "val_loss": None}, {"epoch": 2, "val_loss": 0.5}]))
    assert rows == [["epoch", "val_loss"], ["1", ""], ["2", "0.5"]]
    assert read(tables.epochs_csv([])) == [["epoch"]]


def test_answers_of_several_stand_side_by_side(result):
    rows = read(tables.answers_csv(["a", "b"], [result, result]))
    assert rows[0] == ["index", "label", "a", "b"]
    assert all(row[2] == row[3] for row in rows[1:])
    other = evaluate_logits(result.logits, 1 - result.labels, CLASSES)
    with pytest.raises(EvaluationError):
        tables.answers_csv(["a", "b"], [result, other])


@pytest.mark.parametrize("lead", ["", " ", "\n", "\t\r\n", "\u00a0", "\ufeff", "\u200b "])
def test_no_cell_is_a_formula_after_space_either(lead):
    cells = [f"{lead}{sign}A1" for sign in "=+-@＝＠"] + [f"{lead}x=A1"]
    expected = [f"'{cell}" for cell in cells[:-1]] + cells[-1:]
    assert read(tables.written(["a"], [[cell] for cell in cells]))[1:] == [[c] for c in expected]
