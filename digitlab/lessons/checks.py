"""The checks that a lesson's goals may use, each over what the learner has made.

A check looks at the learner's own work and says what it looked at: what was reached, or what is
missing. `CHECKS` has them by the names that lessons use.
"""

from __future__ import annotations

import re
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from digitlab.analysis.robustness_card import read_card
from digitlab.errors import DigitlabError
from digitlab.evaluation.comparison import compare_pair
from digitlab.lessons.criteria import (
    Condition,
    Outcome,
    RecipeField,
    RunCriteria,
    find_nearest,
    fits,
    quoted,
)
from digitlab.lessons.work import Work
from digitlab.runs.run import Run
from digitlab.words import counted, percent


class Check(BaseModel, ABC):
    """What a goal asks for; `judge` looks whether the learner's work has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    @abstractmethod
    def judge(self, work: Work) -> Outcome:
        """What the check says of the learner's work."""


class OneRun(RunCriteria, Check):
    """A run of one's own that fits the description."""

    def judge(self, work: Work) -> Outcome:
        return find_nearest(work.runs, self.conditions)


class FirstLoss(Check):
    """A run whose loss over its first steps is near a value, such as ln 10 = 2.303."""

    run: RunCriteria = RunCriteria()
    near: float
    within: float = Field(gt=0)

    def judge(self, work: Work) -> Outcome:
        return find_nearest(work.runs, self._conditions)

    def _conditions(self, run: Run) -> Iterator[Condition]:
        yield from self.run.conditions(run)
        steps = run.history.steps
        yield bool(steps), "it recorded no steps"
        first = max(steps[0]["loss_max"], steps[0]["loss"])
        yield (
            abs(first - self.near) <= self.within,
            f"its first loss is {first:.3f}; the goal is {self.near:.3f} ± {self.within:g}",
        )


class Gap(Check):
    """A run whose training accuracy is above its test accuracy by so much, as shares."""

    run: RunCriteria = RunCriteria()
    at_least: float | None = None
    at_most: float | None = None

    def judge(self, work: Work) -> Outcome:
        return find_nearest(work.runs, self._conditions)

    def _conditions(self, run: Run) -> Iterator[Condition]:
        yield from self.run.conditions(run)
        gap = gap_of(run)
        yield gap is not None, "it has no training or no test accuracy"
        points = f"{100 * gap:.1f} points"
        if self.at_least is not None:
            yield (
                gap >= self.at_least,
                f"its training accuracy is above its test accuracy by {points}; the goal asks for "
                f"{100 * self.at_least:.1f}",
            )
        if self.at_most is not None:
            yield (
                gap <= self.at_most,
                f"its training accuracy is above its test accuracy by {points}; the goal allows "
                f"{100 * self.at_most:.1f}",
            )


def gap_of(run: Run) -> float | None:
    """Training accuracy less test accuracy; None where one is not known."""
    record = run.record
    if record.train_accuracy is None or record.test_accuracy is None:
        return None
    return record.train_accuracy - record.test_accuracy


class Pair(Check):
    """Two runs of which the `second` is better than the `first`, on the same test images.

    `p_below` bounds McNemar's p-value. With `gap_share`, which is how much of the first's gap
    between training and test accuracy the second may have, it need only be as good on the test
    images. The best run of each description is taken.
    """

    first: RunCriteria
    second: RunCriteria
    p_below: float | None = Field(default=None, gt=0, le=1)
    gap_share: float | None = Field(default=None, ge=0, le=1)

    def judge(self, work: Work) -> Outcome:
        pair = []
        for which, criteria in (("first", self.first), ("second", self.second)):
            fitting = [run for run in work.runs if fits(run, criteria)]
            if not fitting:
                lack = find_nearest(work.runs, criteria.conditions).sentence
                return Outcome(False, f"The {which} of the two is missing. {lack}")
            pair.append(max(fitting, key=lambda run: run.record.test_accuracy or 0))
        return self._compare(*pair)

    def _compare(self, first: Run, second: Run) -> Outcome:
        names, ids = f"{quoted(first)} and {quoted(second)}", (first.id, second.id)
        if self.gap_share is not None:
            before, after = gap_of(first), gap_of(second)
            if before is None or after is None:
                return Outcome(False, f"{names} need a training and a test accuracy.", ids)
            summary = f"The gap is {100 * before:.1f} points before and {100 * after:.1f} after"
            if after > before * self.gap_share:
                summary += f"; the goal allows {100 * before * self.gap_share:.1f}"
                return Outcome(False, f"{summary} ({names}).", ids)
            accuracies = [run.record.test_accuracy for run in (first, second)]
            if accuracies[1] < accuracies[0]:
                fell = " to ".join(map(percent, accuracies))
                return Outcome(
                    False, f"{summary}, but the test accuracy fell from {fell} ({names}).", ids
                )
            return Outcome(True, f"{summary} ({names}).", ids)
        try:
            compared = compare_pair(first.evaluate("test"), second.evaluate("test"))
        except DigitlabError as e:
            return Outcome(False, f"{names} cannot be compared: {e}", ids)
        summary = (
            f"{quoted(second)} reads {compared.only_b:,} images that {quoted(first)} misreads, and "
            f"misreads {compared.only_a:,} that it reads (McNemar p = {compared.p_value:.2g})"
        )
        if compared.difference <= 0:
            return Outcome(False, f"{summary}: it is not better.", ids)
        if self.p_below is not None and compared.p_value >= self.p_below:
            return Outcome(False, f"{summary}; the goal asks for p below {self.p_below:g}.", ids)
        return Outcome(True, f"{summary}.", ids)


class Several(Check):
    """So many runs of one architecture and dataset that differ in one field of the recipe.

    With the field "seed" they are the same but for chance.
    """

    field: RecipeField
    count: int = Field(ge=2, le=20)
    run: RunCriteria = RunCriteria()

    def judge(self, work: Work) -> Outcome:
        fitting = [run for run in work.runs if fits(run, self.run)]
        groups: dict[str, dict[Any, Run]] = {}
        for run in fitting:
            rest = run.config.changed(**{self.field: getattr(type(run.config)(), self.field)})
            key = repr((run.spec, run.record.dataset, rest))
            groups.setdefault(key, {})[getattr(run.config, self.field)] = run
        best = max(groups.values(), key=len, default={})
        name = self.field.replace("_", " ")
        ids = tuple(run.id for run in best.values())
        if len(best) >= self.count:
            return Outcome(True, f"{len(best)} runs differ in their {name} alone.", ids)
        if not fitting:
            return Outcome(False, find_nearest(work.runs, self.run.conditions).sentence)
        return Outcome(
            False,
            f"You have {counted(len(best), 'such run')}; the goal asks for {self.count} that "
            f"differ in their {name} alone: the data and all else of the recipe is the same.",
            ids,
        )


class Drawings(Check):
    """So many drawings kept in one collection, of which so many were read as they are labelled."""

    count: int = Field(ge=1, le=5_000)
    read: int = Field(default=0, ge=0)

    def judge(self, work: Work) -> Outcome:
        most = max(
            work.drawings, key=lambda item: (min(item.count, self.count), item.read), default=None
        )
        if most is None:
            return Outcome(False, "You have kept no drawing yet: draw a digit, and keep it.")
        drawings = counted(most.count, "drawing")
        summary = f"Your collection {most.name} has {drawings}; {most.read} were read rightly"
        if most.count < self.count:
            return Outcome(False, f"{summary}; the goal asks for {self.count} drawings.")
        if most.read < self.read:
            return Outcome(False, f"{summary}; the goal asks for {self.read}.")
        return Outcome(True, f"{summary}.")


class Corrections(Check):
    """A version of a dataset of one's own in which so many labels were changed."""

    count: int = Field(ge=1)

    def judge(self, work: Work) -> Outcome:
        best = max(work.corrections.items(), key=lambda item: item[1], default=None)
        if best is None:
            return Outcome(
                False, "You have saved no version of a dataset with corrected labels yet."
            )
        name, count = best
        summary = f"In {name} you changed {counted(count, 'label')}"
        if count < self.count:
            return Outcome(False, f"{summary}; the goal asks for {self.count}.")
        return Outcome(True, f"{summary}.")


class Robust(Check):
    """Two runs with a robustness card, of which one loses more accuracy than the other.

    At `severity` of the `corruption`, the worst of the learner's measured runs loses at least
    `at_least` more of its accuracy, as a share, than the best.
    """

    corruption: str
    severity: float
    at_least: float = Field(ge=0, le=1)

    def judge(self, work: Work) -> Outcome:
        losses = {run.id: loss for run in work.runs if (loss := self._loss(run)) is not None}
        if len(losses) < 2:
            measured = counted(len(losses), "run")
            return Outcome(
                False,
                f"The robustness of {measured} of yours was measured; the goal needs two: open "
                "each on the Results page, and choose Robustness there.",
                tuple(losses),
            )
        least, most = min(losses, key=losses.get), max(losses, key=losses.get)
        names = {run.id: quoted(run) for run in work.runs}
        summary = (
            f"{self.corruption.capitalize()} of {self.severity:g} costs {names[least]} "
            f"{100 * losses[least]:.1f} points of accuracy, and {names[most]} "
            f"{100 * losses[most]:.1f}"
        )
        reached = losses[most] - losses[least] >= self.at_least
        goal = f"; the goal asks for a difference of {100 * self.at_least:.0f}"
        return Outcome(reached, f"{summary}{'' if reached else goal}.", (least, most))

    def _loss(self, run: Run) -> float | None:
        card = read_card(run)
        if card is None:
            return None
        curve = next((curve for curve in card.curves if curve.name == self.corruption), None)
        if curve is None:
            return None
        return next(
            (
                card.accuracy - level.correct / curve.n
                for level in curve.levels
                if level.severity == self.severity
            ),
            None,
        )


_BETWEEN = r"\s*(?:→|->|-|,|and|/)?\s*"  # the two classes of a pair


class Noted(Check):
    """A run whose note names its most confused pair, as "4 → 9" or "4 9", and so many of the test
    images that it misreads, by their positions.
    """

    images: int = Field(ge=1, le=100)
    run: RunCriteria = RunCriteria()

    def judge(self, work: Work) -> Outcome:
        noted = [run for run in work.runs if run.record.note.strip()]
        if not noted:
            return Outcome(
                False,
                "None of your runs has a note: open one on the Train page, and choose Name and "
                "note there.",
            )
        return find_nearest(noted, self._conditions)

    def _conditions(self, run: Run) -> Iterator[Condition]:
        yield from self.run.conditions(run)
        result, note = run.evaluate("test"), run.record.note
        pairs = result.most_confused(1)
        yield bool(pairs), "it misreads no image"
        ends = [re.escape(result.classes[label]) for label in pairs[0][:2]]
        either = "|".join(_BETWEEN.join(order) for order in (ends, ends[::-1]))
        pair = re.match(rf"\s*({either})\b", note)
        yield (
            pair is not None,
            "its note does not begin with the pair that it confuses most, the true class first, as "
            "in 4 → 9",
        )
        misread = set(map(str, (result.predictions != result.labels).nonzero()[0]))
        named = misread & set(re.findall(r"\d+", note[pair.end() :]))
        yield (
            len(named) >= self.images,
            f"its note names {counted(len(named), 'image')} that it misreads; the goal asks for "
            f"{self.images}",
        )


class Answered(Check):
    """So many predictions made: answers to the lesson's questions, right or not."""

    count: int = Field(ge=1)

    def judge(self, work: Work) -> Outcome:
        summary = f"You made {counted(work.predictions, 'prediction')}"
        if work.predictions < self.count:
            return Outcome(False, f"{summary}; the goal asks for {self.count}.")
        return Outcome(True, f"{summary}.")


CHECKS: dict[str, type[Check]] = {
    "run": OneRun,
    "first loss": FirstLoss,
    "gap": Gap,
    "pair": Pair,
    "several": Several,
    "drawings": Drawings,
    "corrections": Corrections,
    "robust": Robust,
    "noted": Noted,
    "answered": Answered,
}
"""The checks by the names that lessons use."""
