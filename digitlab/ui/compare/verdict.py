"""Whether a difference is real, in sentences that do not say more than the test does."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.comparison import PairComparison, SeedDifference, SeedSummary
    from digitlab.evaluation.metrics import Evaluation

SURPRISING = 0.05  # one in twenty: where the field draws its line, for want of a better one
_NUMBERS = (
    "no one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
)


def verdict(
    pair: PairComparison, a: Evaluation, b: Evaluation, a_name: str = "A", b_name: str = "B"
) -> str:
    """Who is better on these images, by how much, and how often chance alone does as much."""
    if not pair.only_a + pair.only_b:
        return (
            f"{a_name} and {b_name} read and miss the very same images: there is nothing between "
            "them that these images could tell."
        )
    images = f"Of {pair.n:,} test images,"
    if pair.only_a == pair.only_b:
        return (
            f"**{a_name} and {b_name} are equally accurate** ({percent(a.accuracy)}), though "
            f"not on the same images. {images} {b_name} reads {pair.only_b:,} that {a_name} "
            f"misses, and misses as many that {a_name} reads."
        )
    if pair.difference > 0:
        better, worse, gained, lost = b_name, a_name, pair.only_b, pair.only_a
        high, low = b.accuracy, a.accuracy
    else:
        better, worse, gained, lost = a_name, b_name, pair.only_a, pair.only_b
        high, low = a.accuracy, b.accuracy
    return (
        f"**{better} is better by {points(abs(pair.difference), pair.n)} points** "
        f"({percent(high)} against {percent(low)}). {images} it reads {gained:,} that "
        f"{worse} misses, and misses {lost:,} that {worse} reads. If both were equally good, "
        f"a difference at least this large, either way, would come up by chance "
        f"**{chance(pair.p_value)}**. {_conclusion(pair.p_value)}"
    )


def seeds_verdict(
    found: SeedDifference, a: SeedSummary, b: SeedSummary, a_name: str = "A", b_name: str = "B"
) -> str:
    """Which configuration is better over its seeds, and whether seeds alone explain it."""
    better, worse = (b_name, a_name) if found.difference > 0 else (a_name, b_name)
    sign = 1 if found.difference > 0 else -1
    low, high = sorted(sign * end for end in found.interval)
    text = (
        f"Over {a.n} and {b.n} seeds, **{better} is on average "
        f"{100 * abs(found.difference):.2f} points better than {worse}** (95 %: "
        f"{_signed(low)} to {_signed(high)}). If the configurations were equally good, seeds "
        f"would do at least as much **{chance(found.p_value)}** (Welch's t-test)."
    )
    if found.p_value > SURPRISING:
        return f"{text} That is too often to tell the two apart: more seeds would say more."
    return f"{text} So the luck of the seed is a poor explanation of it."


def chance(p: float) -> str:
    """A p-value as people say it: "about one time in six"."""
    if p >= 0.95:
        return "nearly always"
    if p >= 0.28:
        return f"about {_NUMBERS[round(10 * p)]} times in ten"
    if p >= 0.001:
        times = round(1 / p)
        if times >= 20:  # two digits: more would claim more than the test can know
            step = 10 ** (len(str(times)) - 2)
            times = round(times / step) * step
        return f"about one time in {_NUMBERS[times] if times <= 12 else f'{times:,}'}"
    return "less than one time in a million" if p < 1e-6 else "less than one time in 1,000"


def _signed(share: float) -> str:
    return f"{100 * share:.2f}".replace("-", "−")


def points(difference: float, images: int) -> str:
    """A difference of accuracies, 0…1, in points, with as many digits as one image needs."""
    return f"{100 * difference:.{2 if images <= 10_000 else 3}f}"


def _conclusion(p: float) -> str:
    if p > SURPRISING:
        return (
            "That is too often to tell them apart: these images do not show which one is better, "
            "nor that they are equally good."
        )
    return "So chance in the choice of test images is a poor explanation of it."
