"""Classifiers compared: whether a difference is real, what changed, and what each costs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Any, NamedTuple

import numpy as np

from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.intervals import Interval
from digitlab.evaluation.metrics import Evaluation

_NO_SPREAD = 1e-12  # less is rounding


class ClassDifference(NamedTuple):
    """What one class gained from A to B, −1…1; None where A or B has no such figure."""

    name: str
    recall: float | None
    f1: float | None
    support: int


@dataclass(frozen=True, eq=False)
class PairComparison:
    """Two classifiers, A and B, on the same `n` labelled images.

    `both_right`, `only_a`, `only_b` and `both_wrong` count images by who read them rightly, and
    `difference` is B's accuracy minus A's, −1…1. `p_value` is McNemar's exact test: see `mcnemar`.
    `confusion` int64 [C, C] is B's confusion matrix minus A's. `newly_right` and `newly_wrong`,
    int64, are positions in the split: what B reads and A misses, and the other way round, the
    most confident misreading first. `per_class` has one ClassDifference a class.
    """

    n: int
    both_right: int
    only_a: int
    only_b: int
    both_wrong: int
    difference: float
    p_value: float
    confusion: np.ndarray
    newly_right: np.ndarray
    newly_wrong: np.ndarray
    per_class: tuple[ClassDifference, ...]


class SeedSummary(NamedTuple):
    """Accuracies of one configuration over its seeds, 0…1.

    `sd` is the sample's standard deviation (n − 1). `interval` holds the mean that endless seeds
    would have, with 95 % confidence, if accuracies are spread normally (Student's t); its ends
    are cut at 0 and 1.
    """

    n: int
    mean: float
    sd: float
    interval: Interval


class SeedDifference(NamedTuple):
    """Mean accuracy of B's seeds minus that of A's, −1…1, its 95 % interval and its p-value."""

    difference: float
    interval: Interval
    p_value: float


def compare_pair(a: Evaluation, b: Evaluation) -> PairComparison:
    """What changes from A to B. EvaluationError unless both were measured on the same labels."""
    check_same_labels((a, b))
    right_a, right_b = (result.predictions == result.labels for result in (a, b))
    newly_right, newly_wrong = right_b & ~right_a, right_a & ~right_b
    only_a, only_b = int(newly_wrong.sum()), int(newly_right.sum())
    return PairComparison(
        n=a.n,
        both_right=int((right_a & right_b).sum()),
        only_a=only_a,
        only_b=only_b,
        both_wrong=int((~right_a & ~right_b).sum()),
        difference=(only_b - only_a) / a.n,
        p_value=mcnemar(only_a, only_b),
        confusion=b.confusion - a.confusion,
        newly_right=_surest_first(newly_right, a.confidence),
        newly_wrong=_surest_first(newly_wrong, b.confidence),
        per_class=class_differences(a, b),
    )


def mcnemar(only_a: int, only_b: int) -> float:
    """Two-sided p-value of McNemar's exact test, 0…1.

    `only_a` images were read rightly by A alone and `only_b` by B alone; images on which both are
    right or both wrong say nothing of who is better. If neither is, each of the images in dispute
    falls to A or B as a fair coin falls: the p-value is how often so uneven a split, either way,
    then comes up. 1 where nothing is in dispute.

    It speaks of these two trained networks and of the luck of the draw of images, not of the luck
    of the training seed.

    Source: Q. McNemar, "Note on the sampling error of the difference between correlated
    proportions or percentages", Psychometrika 12 (1947), pp. 153–157; exact as a sign test.
    """
    from scipy.stats import binomtest

    if only_a < 0 or only_b < 0:
        raise EvaluationError(f"Counts of images are 0 or more; not {only_a} and {only_b}.")
    if only_a + only_b == 0:
        return 1.0
    return float(binomtest(only_b, only_a + only_b, 0.5).pvalue)


def class_differences(a: Evaluation, b: Evaluation) -> tuple[ClassDifference, ...]:
    """Recall and F1 of B minus those of A, class by class.

    EvaluationError unless both were measured on the same labels.
    """
    check_same_labels((a, b))
    return tuple(
        ClassDifference(
            name=of_a.name,
            recall=_minus(of_b.recall, of_a.recall),
            f1=_minus(of_b.f1, of_a.f1),
            support=of_a.support,
        )
        for of_a, of_b in zip(a.per_class, b.per_class, strict=True)
    )


def missed_by_all(results: Sequence[Evaluation]) -> np.ndarray:
    """Positions, int64, of the images that every classifier misread, the hardest first.

    The hardest has the lowest mean probability of its true class. EvaluationError
    without a classifier, or where they were not measured on the same labels.
    """
    check_same_labels(results)
    labels = results[0].labels
    missed = np.all([result.predictions != labels for result in results], axis=0)
    rows = np.flatnonzero(missed)
    likelihood = np.mean([result.probabilities[rows, labels[rows]] for result in results], axis=0)
    return rows[np.argsort(likelihood, kind="stable")]


def same_labels(a: Evaluation, b: Evaluation) -> bool:
    """Whether both were measured on the same labels of the same classes, image by image."""
    return a.classes == b.classes and np.array_equal(a.labels, b.labels)


def pareto_frontier(costs: Sequence[float], gains: Sequence[float]) -> list[int]:
    """Indices of the points that no other point beats, the cheapest first.

    A point is beaten by one that costs no more and gains no less, and is better in one of the
    two; of equal points all stay. EvaluationError where the lengths differ.
    """
    if len(costs) != len(gains):
        raise EvaluationError(f"Each cost needs a gain; not {len(costs)} and {len(gains)} of them.")
    order = sorted(range(len(costs)), key=lambda i: (costs[i], -gains[i]))
    frontier: list[int] = []
    for i in order:
        last = frontier[-1] if frontier else None
        equal = last is not None and (costs[i], gains[i]) == (costs[last], gains[last])
        if last is None or equal or gains[i] > gains[last]:
            frontier.append(i)
    return frontier


def summarize_seeds(accuracies: Sequence[float]) -> SeedSummary:
    """Mean, deviation and 95 % t-interval of accuracies, 0…1, each of another seed.

    EvaluationError for fewer than two: one seed says nothing of how far seeds spread.
    """
    from scipy.stats import t

    values = np.asarray(accuracies, dtype=np.float64)
    if values.ndim != 1 or len(values) < 2:
        raise EvaluationError(
            f"A spread over seeds needs at least 2 accuracies; not {values.size}."
        )
    mean, sd = float(values.mean()), float(values.std(ddof=1))
    reach = float(t.ppf(0.975, len(values) - 1)) * sd / sqrt(len(values))
    return SeedSummary(
        len(values), mean, sd, Interval(max(0.0, mean - reach), min(1.0, mean + reach))
    )


def compare_seeds(
    a: Sequence[float], b: Sequence[float], *, paired: bool = False
) -> SeedDifference:
    """Two configurations by their accuracies, 0…1, of two seeds and more each: Welch's t-test.

    With `paired` both have the same seeds in the same order, and the test is Student's of the
    differences, which a seed that is good or bad for both does not spread. Where nothing is spread
    there is nothing to judge by: the p-value is then 1 for equal means and 0 otherwise, and of
    pairs that of the sign test. EvaluationError for fewer than two seeds of either, and for pairs
    that do not fit.
    Source: B. L. Welch, "The generalization of 'Student's' problem when several different
    population variances are involved", Biometrika 34 (1947), pp. 28–35.
    """
    from scipy.stats import ttest_ind, ttest_rel

    first, second = summarize_seeds(a), summarize_seeds(b)
    if paired and first.n != second.n:
        raise EvaluationError(f"Pairs need as many seeds of both; not {first.n} and {second.n}.")
    difference = second.mean - first.mean
    spread = np.ptp(np.subtract(b, a)) if paired else first.sd + second.sd
    if spread < _NO_SPREAD:
        p = 2 * 0.5**first.n if paired else 0.0
        p = p if abs(difference) > _NO_SPREAD else 1.0
        return SeedDifference(difference, Interval(difference, difference), p)
    test = ttest_rel(b, a) if paired else ttest_ind(b, a, equal_var=False)
    low, high = test.confidence_interval(0.95)
    return SeedDifference(difference, Interval(float(low), float(high)), float(test.pvalue))


def differing(settings: Sequence[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Only the settings that are not the same for all: name → one value for each mapping.

    Mappings within a mapping are taken apart ("augmentation.rotation"); a setting that a mapping
    does not have counts as None.
    """
    flat = [dict(_flattened(mapping)) for mapping in settings]
    names = dict.fromkeys(name for mapping in flat for name in mapping)
    rows = {name: [mapping.get(name) for mapping in flat] for name in names}
    return {name: row for name, row in rows.items() if any(value != row[0] for value in row)}


def with_elapsed(epochs: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """The epochs of a history, each with `elapsed`: seconds of training up to its end.

    None from the first epoch on whose own `seconds` are not known.
    """
    elapsed: float | None = 0.0
    rows = []
    for epoch in epochs:
        seconds = epoch.get("seconds")
        elapsed = None if elapsed is None or seconds is None else elapsed + seconds
        rows.append({**epoch, "elapsed": elapsed})
    return rows


def check_same_labels(results: Sequence[Evaluation]) -> None:
    """EvaluationError for nothing, and for results on different labels."""
    if not results:
        raise EvaluationError("There is nothing to compare: give at least one evaluation.")
    first = results[0]
    for other in results[1:]:
        if not same_labels(first, other):
            raise EvaluationError(
                f"Only classifiers measured on the same labelled images can be compared; these "
                f"were measured on {first.n:,} images of {len(first.classes)} classes and on "
                f"{other.n:,} others of {len(other.classes)}. Evaluate both on the same split."
            )


def _surest_first(selected: np.ndarray, confidence: np.ndarray) -> np.ndarray:
    rows = np.flatnonzero(selected)
    return rows[np.argsort(-confidence[rows], kind="stable")]


def _minus(b: float | None, a: float | None) -> float | None:
    return None if a is None or b is None else b - a


def _flattened(mapping: Mapping[str, Any], prefix: str = "") -> Any:
    for name, value in mapping.items():
        if isinstance(value, Mapping):
            yield from _flattened(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value
