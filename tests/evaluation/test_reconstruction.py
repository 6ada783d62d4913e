"""Reconstruction errors are summed up rightly."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.reconstruction import evaluate_errors, separate

ERRORS, LABELS = np.array([0.1, 0.4, 0.2, 0.3]), np.array([0, 1, 0, 1])


def test_errors_are_summed_up_for_all_and_for_each_class():
    result = evaluate_errors(ERRORS, LABELS, ("a", "b", "c"))
    assert (result.n, result.error, result.median) == (4, pytest.approx(0.25), pytest.approx(0.25))
    half = 1.96 * ERRORS.std(ddof=1) / 2
    assert result.interval == pytest.approx((0.25 - half, 0.25 + half), abs=1e-4)
    assert [row.error for row in result.per_class] == [
        pytest.approx(0.15), pytest.approx(0.35), None]  # fmt: skip
    assert result.best(2).tolist() == [0, 2]
    assert result.worst(3).tolist() == [1, 3, 2]
    assert result.to_dict()["per_class"][0] == {
        "name": "a", "error": pytest.approx(0.15), "count": 2}  # fmt: skip
    assert "4 images, error 0.2500" in repr(result)


@pytest.mark.parametrize("errors", [[], [np.nan], [[0.1]]])
def test_what_is_no_error_is_refused(errors):
    with pytest.raises(EvaluationError, match="finite numbers, one for each image"):
        evaluate_errors(errors, np.zeros(len(errors), int), ("a", "b"))


def test_larger_errors_of_strange_images_separate_them():
    known = np.linspace(0, 1, 101)
    separation = separate(known, np.array([0.96, 2.0, 3.0, 0.5]))
    assert separation.threshold == pytest.approx(0.95)
    assert separation.detection_rate == 0.75
    assert separation.area == pytest.approx((97 / 101 + 1 + 1 + 50.5 / 101) / 4, abs=0.01)
    with pytest.raises(EvaluationError, match="images of both kinds"):
        separate(known, np.array([]))
