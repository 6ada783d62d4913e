"""How far a measured share can be trusted: Wilson's interval for a proportion."""

from __future__ import annotations

from math import sqrt
from typing import NamedTuple

Z_95 = 1.959963984540054  # the normal distribution's 97.5 % quantile


class Interval(NamedTuple):
    """Bounds of a share, 0…1, both included."""

    low: float
    high: float


def wilson_interval(successes: int, trials: int) -> Interval | None:
    """Wilson's 95 % interval for `successes` out of `trials`; None where nothing was tried.

    Unlike the textbook's ±1.96·√(p(1−p)/n) it stays within 0…1 and has a width at 0 and at 100 %,
    which is where good digit classifiers live. It speaks of the luck of the draw of test images
    alone, not of the luck of the training seed.

    Source: E. B. Wilson, "Probable inference, the law of succession, and statistical inference",
    JASA 22 (1927), pp. 209–212.
    """
    if trials == 0:
        return None
    share = successes / trials
    shrink = 1 + Z_95**2 / trials
    centre = (share + Z_95**2 / (2 * trials)) / shrink
    reach = Z_95 / shrink * sqrt(share * (1 - share) / trials + Z_95**2 / (4 * trials**2))
    # At 0 and at 100 % the bound is exact; rounding must not put it a hair inside.
    low = 0.0 if successes == 0 else max(0.0, centre - reach)
    high = 1.0 if successes == trials else min(1.0, centre + reach)
    return Interval(low, high)
