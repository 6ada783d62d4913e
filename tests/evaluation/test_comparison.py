"""Comparing classifiers: McNemar counted by hand, and differences that say what changed."""

from __future__ import annotations

from math import comb, sqrt

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from digitlab.evaluation import EvaluationError, evaluate_logits
from digitlab.evaluation.comparison import (
    class_differences,
    compare_pair,
    differing,
    mcnemar,
    missed_by_all,
    pareto_frontier,
    same_labels,
    summarize_seeds,
    with_elapsed,
)

CLASSES = tuple("abc")


def answers(read, labels, sure=3.0):
    """The evaluation of a classifier that reads these classes, with this logit for each."""
    logits = np.zeros((len(read), len(CLASSES)), np.float32)
    logits[np.arange(len(read)), read] = sure
    return evaluate_logits(logits, np.array(labels), CLASSES)


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_share_of_coin_tosses_at_least_as_uneven(only_a, only_b):
    tosses = only_a + only_b
    as_uneven = sum(
        comb(tosses, heads)
        for heads in range(tosses + 1)
        if abs(2 * heads - tosses) >= abs(only_a - only_b)
    )
    assert mcnemar(only_a, only_b) == pytest.approx(as_uneven / 2**tosses, rel=1e-9)


def test_mcnemar_does_not_care_who_is_called_a():
    assert (
        mcnemar(3, 14)
        == mcnemar(14, 3)
        == pytest.approx(2 * sum(comb(17, k) for k in range(4)) / 2**17)
    )


def test_nothing_in_dispute_is_no_evidence():
    assert mcnemar(0, 0) == 1.0


def test_a_negative_count_is_refused():
    with pytest.raises(EvaluationError, match="not -1 and 2"):
        mcnemar(-1, 2)


def test_mcnemar_rejects_as_seldom_as_it_promises():
    """Two equally good networks: p ≤ 0.05 comes up in at most one comparison of twenty."""
    rng = np.random.default_rng(0)
    disputed = rng.integers(5, 80, 2_000)
    for_b = rng.binomial(disputed, 0.5)
    rejected = [mcnemar(n - b, b) <= 0.05 for n, b in zip(disputed, for_b, strict=True)]
    assert np.mean(rejected) <= 0.05


def test_a_pair_is_counted_image_by_image():
    labels = [0, 0, 1, 1, 2, 2]
    a = answers([0, 1, 1, 0, 0, 0], labels)
    b = answers([0, 0, 0, 1, 2, 0], labels)
    pair = compare_pair(a, b)
    assert (pair.both_right, pair.only_a, pair.only_b, pair.both_wrong) == (1, 1, 3, 1)
    assert pair.difference == pytest.approx(b.accuracy - a.accuracy)
    assert pair.p_value == mcnemar(1, 3)
    assert sorted(pair.newly_right) == [1, 3, 4]
    assert pair.newly_wrong.tolist() == [2]
    np.testing.assert_array_equal(pair.confusion, b.confusion - a.confusion)
    assert pair.confusion.sum() == 0


@given(st.integers(1, 80), st.integers(0, 2**32 - 1))
def test_a_pair_agrees_with_the_two_evaluations(n, seed):
    rng = np.random.default_rng(seed)
    labels, read_a, read_b = rng.integers(0, 3, (3, n))
    a, b = answers(read_a, labels), answers(read_b, labels)
    pair, back = compare_pair(a, b), compare_pair(b, a)
    assert pair.both_right + pair.only_a + pair.only_b + pair.both_wrong == pair.n == n
    assert pair.difference == pytest.approx(b.accuracy - a.accuracy)
    assert back.difference == -pair.difference
    assert back.p_value == pair.p_value
    np.testing.assert_array_equal(np.sort(pair.newly_right), np.sort(back.newly_wrong))
    for row, of_a, of_b in zip(pair.per_class, a.per_class, b.per_class, strict=True):
        if of_a.support:
            assert row.recall == pytest.approx(of_b.recall - of_a.recall)
        else:
            assert row.recall is None


def test_the_surest_misreading_comes_first():
    labels = np.array([0, 0, 0])
    logits = np.array([[0, 1, 0], [0, 9, 0], [0, 4, 0]], np.float32)
    a = evaluate_logits(logits, labels, CLASSES)
    assert compare_pair(a, answers([0, 0, 0], labels)).newly_right.tolist() == [1, 2, 0]
    assert compare_pair(answers([0, 0, 0], labels), a).newly_wrong.tolist() == [1, 2, 0]


def test_other_labels_cannot_be_compared():
    a, b = answers([0, 1], [0, 1]), answers([0, 1], [0, 2])
    assert not same_labels(a, b)
    assert same_labels(a, answers([2, 2], [0, 1]))
    for compare in (compare_pair, class_differences):
        with pytest.raises(EvaluationError, match="same labelled images"):
            compare(a, b)
    with pytest.raises(EvaluationError, match="same labelled images"):
        missed_by_all([a, b])
    assert not same_labels(a, answers([0, 1, 1], [0, 1, 1]))


def test_other_class_names_cannot_be_compared():
    a = answers([0, 1], [0, 1])
    other = evaluate_logits(a.logits, a.labels, ("x", "y", "z"))
    assert not same_labels(a, other)


def test_missed_by_all_finds_the_hardest_first():
    labels = [0, 1, 2, 0]
    first = answers([1, 1, 0, 1], labels)
    logits = np.array([[0, 1, 0], [0, 9, 0], [0, 9, 0], [0, 9, 0]], np.float32)
    second = evaluate_logits(logits, np.array(labels), CLASSES)
    missed = missed_by_all([first, second])
    assert sorted(missed) == [0, 2, 3]
    assert missed[-1] == 0  # which the second one nearly read
    assert missed_by_all([first, answers(labels, labels)]).size == 0
    with pytest.raises(EvaluationError, match="nothing to compare"):
        missed_by_all([])


def test_the_frontier_is_what_no_other_beats():
    costs = [10, 20, 20, 5, 40]
    gains = [0.9, 0.95, 0.97, 0.8, 0.96]
    assert pareto_frontier(costs, gains) == [3, 0, 2]


@given(st.lists(st.tuples(st.integers(1, 9), st.integers(0, 9)), max_size=12))
def test_a_point_is_on_the_frontier_unless_one_beats_it(points):
    def beats(one, other):
        return one != other and one[0] <= other[0] and one[1] >= other[1]

    expected = {i for i, p in enumerate(points) if not any(beats(q, p) for q in points)}
    found = pareto_frontier([p[0] for p in points], [p[1] for p in points])
    assert set(found) == expected
    assert len(found) == len(expected)
    assert [points[i][0] for i in found] == sorted(points[i][0] for i in found)


def test_a_frontier_needs_a_gain_for_each_cost():
    with pytest.raises(EvaluationError, match="2 and 1"):
        pareto_frontier([1, 2], [0.5])


def test_seeds_have_students_interval():
    """Student's table: 4.303 at 2 degrees of freedom."""
    found = summarize_seeds([0.95, 0.96, 0.97])
    assert found.n == 3
    assert found.mean == pytest.approx(0.96)
    assert found.sd == pytest.approx(0.01)
    reach = 4.3027 * 0.01 / sqrt(3)
    assert found.interval == pytest.approx((0.96 - reach, 0.96 + reach), abs=1e-5)


def test_an_interval_of_seeds_stays_among_the_shares():
    assert summarize_seeds([0.99, 1.0]).interval.high == 1.0
    assert summarize_seeds([0.0, 0.3]).interval.low == 0.0
    assert summarize_seeds([0.9, 0.9]).interval == (0.9, 0.9)


@pytest.mark.parametrize("accuracies", [[], [0.9]])
def test_one_seed_has_no_spread(accuracies):
    with pytest.raises(EvaluationError, match="at least 2"):
        summarize_seeds(accuracies)


def test_only_what_differs_is_listed():
    one = {"lr": 0.1, "epochs": 3, "augmentation": {"shift": 0.1, "scale": 0.0}, "device": "cpu"}
    two = {"lr": 0.1, "epochs": 5, "augmentation": {"shift": 0.0, "scale": 0.0}, "clip": None}
    assert differing([one, two]) == {
        "epochs": [3, 5],
        "augmentation.shift": [0.1, 0.0],
        "device": ["cpu", None],
    }
    assert differing([one, one]) == {}
    assert differing([]) == {}


def test_elapsed_adds_up_until_a_time_is_unknown():
    epochs = [{"epoch": 1, "seconds": 2.0}, {"epoch": 2, "seconds": 3.0}, {"epoch": 3}]
    assert [row["elapsed"] for row in with_elapsed(epochs)] == [2.0, 5.0, None]
    assert "elapsed" not in epochs[0]


def test_the_same_seeds_of_both_are_compared_in_pairs():
    from scipy.stats import ttest_rel

    from digitlab.evaluation.comparison import compare_seeds

    a, b = [0.2, 0.5, 0.9], [0.21, 0.52, 0.91]
    result = compare_seeds(a, b, paired=True)
    assert result.p_value == pytest.approx(ttest_rel(a, b).pvalue)
    assert result.p_value < 0.1 < 0.9 < compare_seeds(a, b).p_value
    # Twice the same difference is no proof; that of the images is as coarse as they are few.
    assert compare_seeds([0.5, 0.6], [0.51, 0.61], paired=True).p_value == 0.5
    assert compare_seeds(a, a, paired=True).p_value == 1
    with pytest.raises(EvaluationError, match="as many seeds"):
        compare_seeds(a, b[:2], paired=True)


def test_seeds_are_compared_by_welchs_test():
    from scipy.stats import ttest_ind

    from digitlab.evaluation.comparison import compare_seeds

    a, b = [0.91, 0.93, 0.90], [0.95, 0.96, 0.99, 0.94]
    found = compare_seeds(a, b)
    assert found.difference == pytest.approx(np.mean(b) - np.mean(a))
    assert found.p_value == pytest.approx(ttest_ind(a, b, equal_var=False).pvalue)
    assert found.interval.low < found.difference < found.interval.high
    assert compare_seeds([0.9, 0.9], [0.9, 0.9]).p_value == 1
    assert compare_seeds([0.9, 0.9], [0.8, 0.8]).p_value == 0
