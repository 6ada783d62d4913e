"""Confidence intervals: Wilson's for shares, a bootstrap for other metrics."""

from __future__ import annotations

from collections.abc import Sequence
from math import sqrt
from typing import NamedTuple

import numpy as np

from digitlab.evaluation.agreement import summarize_confusions

Z_95 = 1.959963984540054  # the normal distribution's 97.5 % quantile
RESAMPLES = 1_000


class Interval(NamedTuple):
    """Bounds of a share, 0…1, both included."""

    low: float
    high: float


def wilson_interval(successes: int, trials: int) -> Interval | None:
    """Wilson's 95 % interval for `successes` out of `trials`; None where nothing was tried.

    Unlike the textbook's ±1.96·√(p(1−p)/n) it stays within 0…1 and has a width at 0 and at 100 %,
    near which good digit classifiers are. It covers the random choice of the test images only,
    not that of the training seed.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927), pp. 209–212.
    """
    if trials == 0:
        return None
    share = successes / trials
    shrink = 1 + Z_95**2 / trials
    centre = (share + Z_95**2 / (2 * trials)) / shrink
    reach = Z_95 / shrink * sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    # At 0 and at 100 % the bound is exact; rounding must not move it inside.
    low = 0.0 if successes == 0 else max(0.0, centre - reach)
    high = 1.0 if successes == trials else min(1.0, centre + reach)
    return Interval(low, high)


def share_places(intervals: Sequence[Interval]) -> list[int]:
    """The places, from 1, of contestants whose intervals are ordered from the best to the worst.

    Whoever's interval overlaps that of the best of a place shares it; the next place counts all who
    are before it. So no place rests on chance alone, and nobody is carried to a place by a chain of
    others between.
    """
    places: list[int] = []
    for i, interval in enumerate(intervals):
        best = intervals[places[-1] - 1] if places else None
        places.append(places[-1] if best and interval.high >= best.low else i + 1)
    return places


def f1_interval(hits: int, support: int, predicted: int) -> Interval | None:
    """A 95 % interval for the F1 of a class; None where it has none.

    F1 is no share of independent trials, but F* = hits / (images that are or were read as the
    class) is one, and F1 = 2·F* / (1 + F*) grows with it: Wilson's bounds for F* give bounds for
    F1.

    Source: D. Hand, P. Christen, N. Kirielle, "F*: an interpretable transformation of the
    F-measure", Machine Learning 110 (2021), pp. 451–456.
    """
    bounds = wilson_interval(hits, support + predicted - hits)
    return Interval(*(2 * bound / (1 + bound) for bound in bounds)) if bounds else None


def bootstrap_intervals(
    confusion: np.ndarray, *, resamples: int = RESAMPLES, seed: int = 0
) -> dict[str, Interval]:
    """95 % percentile intervals of `agreement.SUMMARIES`, for a confusion matrix int64 [C, C].

    As many images as there are get drawn again with replacement, `resamples` times; only the cell
    of the matrix matters to these figures, so that each draw is one multinomial draw of cells. A
    figure that is undefined has none.

    Source: B. Efron, "Bootstrap methods: another look at the jackknife", Annals of Statistics 7
    (1979), pp. 1–26.
    """
    confusion = np.asarray(confusion, dtype=np.int64)
    filled = np.flatnonzero(confusion)
    counts = confusion.flat[filled]
    total = int(counts.sum())
    drawn = np.random.default_rng(seed).multinomial(total, counts / total, size=resamples)
    stack = np.zeros((resamples, confusion.size), dtype=np.int64)
    stack[:, filled] = drawn
    figures = summarize_confusions(stack.reshape(resamples, *confusion.shape))
    defined = {name: values[~np.isnan(values)] for name, values in figures.items()}
    return {
        name: Interval(*(float(bound) for bound in np.quantile(values, (0.025, 0.975))))
        for name, values in defined.items()
        if len(values)
    }
