"""Whether a difference is significant, in sentences that do not claim more than the test."""

from __future__ import annotations

from typing import TYPE_CHECKING

from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.evaluation.comparison import PairComparison, SeedDifference, SeedSummary
    from digitlab.evaluation.metrics import Evaluation

SIGNIFICANT = 0.05  # the usual level
_NUMBERS = (
    "no one two three four five six seven eight nine ten eleven twelve".split()  # noqa: SIM905
)


def verdict(
    pair: PairComparison, a: Evaluation, b: Evaluation, a_name: str = "A", b_name: str = "B"
) -> str:
    """Which run is better on these images, by how much, and the p-value, in plain text."""
    if not pair.only_a + pair.only_b:
        return (
            f"{a_name} and {b_name} misread exactly the same images, so these images show no "
            "difference."
        )
    images = f"Of {pair.n:,} test images,"
    if pair.only_a == pair.only_b:
        return (
            f"**{a_name} and {b_name} are equally accurate** ({percent(a.accuracy)}), but "
            f"not on the same images. {images} {b_name} reads {pair.only_b:,} correctly that "
            f"{a_name} misreads, and misreads as many that {a_name} reads correctly."
        )
    if pair.difference > 0:
        better, worse, gained, lost = b_name, a_name, pair.only_b, pair.only_a
        high, low = b.accuracy, a.accuracy
    else:
        better, worse, gained, lost = a_name, b_name, pair.only_a, pair.only_b
        high, low = a.accuracy, b.accuracy
    return (
        f"**{better} is better by {points(abs(pair.difference), pair.n)} points** "
        f"({percent(high)} against {percent(low)}). {images} it reads {gained:,} correctly that "
        f"{worse} misreads, and misreads {lost:,} that {worse} reads correctly. If both were "
        f"equally good, a difference at least this large, either way, would occur by chance "
        f"**{chance(pair.p_value)}**. {_conclusion(pair.p_value)}"
    )


def seeds_verdict(
    result: SeedDifference,
    a: SeedSummary,
    b: SeedSummary,
    a_name: str = "A",
    b_name: str = "B",
    *,
    paired: bool = False,
) -> str:
    """Which configuration is better on average, and whether seeds alone explain it.

    `paired` where both have the same seeds and were compared so.
    """
    better, worse = (b_name, a_name) if result.difference > 0 else (a_name, b_name)
    sign = 1 if result.difference > 0 else -1
    low, high = sorted(sign * end for end in result.interval)
    if f"{100 * abs(result.difference):.2f}" == "0.00":
        outcome = f"**{a_name} and {b_name} are on average equally accurate**"
    else:
        gap = f"{100 * abs(result.difference):.2f} points"
        outcome = f"**{better} is on average {gap} better than {worse}**"
    seeds = f"the same {a.n} seeds" if paired else f"{a.n} and {b.n} seeds"
    test = "Student's t-test of the pairs with the same seed" if paired else "Welch's t-test"
    text = (
        f"Over {seeds}, {outcome} (95 %: "
        f"{_signed(low)} to {_signed(high)}). If the configurations were equally good, a "
        f"difference at least this large would occur by chance **{chance(result.p_value)}** "
        f"({test})."
    )
    if result.p_value > SIGNIFICANT:
        return f"{text} That is too often to tell the two apart: train more seeds."
    return f"{text} So the seeds alone are an unlikely explanation."


def chance(p: float) -> str:
    """A p-value in plain text: "about one time in six"."""
    if p >= 0.95:
        return "nearly always"
    if p >= 0.28:
        return f"about {_NUMBERS[round(10 * p)]} times in ten"
    if p >= 0.001:
        times = round(1 / p)
        if times >= 20:  # two digits: more would suggest a precision that the test does not have
            step = 10 ** (len(str(times)) - 2)
            times = round(times / step) * step
        return f"about one time in {_NUMBERS[times] if times <= 12 else f'{times:,}'}"
    return "less than one time in a million" if p < 1e-6 else "less than one time in 1,000"


def _signed(share: float) -> str:
    return f"{100 * share:.2f}".replace("-", "−")


def points(difference: float, images: int) -> str:
    """A difference of accuracies, 0…1, in points, with enough digits to show a single image."""
    return f"{100 * difference:.{2 if images <= 10_000 else 3}f}"


def _conclusion(p: float) -> str:
    if p > SIGNIFICANT:
        return (
            "That is too often to tell them apart: these images show neither which one is better "
            "nor that they are equally good."
        )
    return "So the choice of test images alone is an unlikely explanation."
