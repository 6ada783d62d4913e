"""Which of the learner's runs a check means, and the run that comes nearest to what it asks for."""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, NamedTuple

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from digitlab.errors import DigitlabError
from digitlab.models.classical.catalog import classical_kind
from digitlab.runs.run import Run
from digitlab.training.config import TrainConfig
from digitlab.words import counted, percent


def _check_field(name: str) -> str:
    if name not in TrainConfig.model_fields:
        near = difflib.get_close_matches(name, TrainConfig.model_fields, n=3) or ["epochs"]
        raise ValueError(f"a recipe has no field {name!r}, but {' and '.join(near)}")
    return name


RecipeField = Annotated[str, AfterValidator(_check_field)]
Condition = tuple[bool, str]  # whether it holds, and what is said where it does not


class _Look(NamedTuple):
    """How many conditions hold on a run, and what it lacks; None where they all do."""

    run: Run
    held: int
    lack: str | None


@dataclass(frozen=True)
class Outcome:
    """What a check found: whether the goal is reached, and the sentence that says by what, or what
    is missing. `runs` are the ids of the runs that it is about.
    """

    reached: bool
    sentence: str
    runs: tuple[str, ...] = ()


class RunCriteria(BaseModel):
    """Which runs are meant: each field that is given must hold. Accuracies are shares from 0 to 1.

    `layers` are types that the network must have, `only_layers` all that it may have and
    `without_layers` such as it may not have; `bottleneck` is how many neurons one of its hidden
    linear layers has. `recipe` are fields of the recipe with their values; `augmented` says whether
    images are changed at random. `at_least` and `at_most` bound the test accuracy,
    `at_least_train` that on the training images.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    dataset: str | None = None
    model: str | None = None
    kind: Literal["classical", "network"] | None = None  # classical: fitted by scikit-learn
    layers: tuple[str, ...] = ()
    only_layers: tuple[str, ...] = ()
    without_layers: tuple[str, ...] = ()
    bottleneck: int | None = Field(default=None, ge=1)
    at_least_parameters: int | None = None
    at_most_parameters: int | None = None
    at_most_images: int | None = None  # that it learnt from
    recipe: dict[RecipeField, Any] = {}
    augmented: bool | None = None
    at_least: float | None = Field(default=None, ge=0, le=1)  # test accuracy
    at_most: float | None = Field(default=None, ge=0, le=1)
    at_least_train: float | None = Field(default=None, ge=0, le=1)  # training accuracy

    def conditions(self, run: Run) -> Iterator[Condition]:
        """Every condition on a run, the more general first."""
        record = run.record
        if self.dataset:
            yield (
                record.dataset == self.dataset,
                f"it learnt from {record.dataset}, not from {self.dataset}",
            )
        ended = record.status in ("finished", "stopped")
        yield ended, f"its training was not finished: it is {record.status}"
        if self.model:
            yield record.model == self.model, f"its model is {record.model}, not {self.model}"
        yield from self._about_layers(run)
        yield from self._about_recipe(run)
        for limit, says, fits in (
            (self.at_most_parameters, "allows", lambda n, limit: n <= limit),
            (self.at_least_parameters, "asks for", lambda n, limit: n >= limit),
        ):
            if limit is not None:
                yield (
                    fits(record.parameters, limit),
                    f"it has {record.parameters:,} parameters; the goal {says} {limit:,}",
                )
        if self.at_most_images is not None:
            images = record.data.train_images or 0
            yield (
                0 < images <= self.at_most_images,
                f"it learnt from {images:,} images; the goal allows {self.at_most_images:,}",
            )
        yield from self._about_results(run)

    def _about_layers(self, run: Run) -> Iterator[Condition]:
        layers = [layer for _, layer in run.spec.walk()]
        types = {layer.type for layer in layers}
        if self.kind:
            classical = classical_kind(run.spec) is not None
            right = classical == (self.kind == "classical")
            is_what = "fitted by scikit-learn, no" if classical else "a network, not one of"
            kinds = "network" if classical else "scikit-learn's models"
            yield right, f"it is {is_what} {kinds}"
        lacking = sorted(set(self.layers) - types)
        if self.layers:
            yield not lacking, f"it has no {' and no '.join(lacking)}"
        if self.only_layers:
            others = sorted(types - set(self.only_layers))
            allowed = " and ".join(self.only_layers)
            yield not others, f"it also has {', '.join(others)}; the goal allows only {allowed}"
        if self.without_layers:
            others = sorted(types & set(self.without_layers))
            yield not others, f"it has {', '.join(others)}, which the goal does not allow"
        if self.bottleneck:
            sizes = [layer.args.get("out_features") for layer in layers if layer.type == "Linear"]
            yield (
                self.bottleneck in sizes[:-1],
                f"none of its hidden layers has {counted(self.bottleneck, 'neuron')}",
            )

    def _about_recipe(self, run: Run) -> Iterator[Condition]:
        for field, value in self.recipe.items():
            own = getattr(run.config, field)
            name = field.replace("_", " ")
            yield own == value, f"its recipe has {name} {own}; the goal asks for {value}"
        if self.augmented is not None:
            own = run.config.augmentation != type(run.config)().augmentation
            yield (
                own == self.augmented,
                f"it was trained {'with' if own else 'without'} augmentation; the goal asks for "
                f"one {'without' if own else 'with'} it",
            )

    def _about_results(self, run: Run) -> Iterator[Condition]:
        record = run.record
        for accuracy, of, least, most in (
            (record.test_accuracy, "test", self.at_least, self.at_most),
            (record.train_accuracy, "training", self.at_least_train, None),
        ):
            if least is not None or most is not None:
                yield accuracy is not None, f"it has no {of} accuracy"
            if accuracy is not None and least is not None:
                yield (
                    accuracy >= least,
                    f"its {of} accuracy is {percent(accuracy)}; the goal asks for {percent(least)}",
                )
            if accuracy is not None and most is not None:
                yield (
                    accuracy <= most,
                    f"its {of} accuracy is {percent(accuracy)}; the goal allows {percent(most)}",
                )


def find_nearest(runs: Sequence[Run], conditions: Callable[[Run], Iterable[Condition]]) -> Outcome:
    """The newest of the runs on which all conditions hold, or that on which most do."""
    if not runs:
        return Outcome(False, "You have no run yet: train one.")
    nearest = max(
        (_look(run, conditions) for run in runs), key=lambda look: (look.lack is None, look.held)
    )
    name, ids = quoted(nearest.run), (nearest.run.id,)
    if nearest.lack is None:
        return Outcome(True, f"{name} reaches it.", ids)
    if len(runs) == 1:
        return Outcome(False, f"Your run {name} does not reach it: {nearest.lack}.", ids)
    return Outcome(
        False, f"Of your {len(runs)} runs {name} comes nearest, but {nearest.lack}.", ids
    )


def _look(run: Run, conditions: Callable[[Run], Iterable[Condition]]) -> _Look:
    held = 0
    try:
        for holds, lack in conditions(run):
            if not holds:
                return _Look(run, held, lack)
            held += 1
    except DigitlabError as e:
        return _Look(run, -1, f"it cannot be opened: {e}")
    return _Look(run, held, None)


def quoted(run: Run) -> str:
    return f"“{run.record.name}”"


def fits(run: Run, criteria: RunCriteria) -> bool:
    """Whether all that is wanted holds of the run; not where it cannot be opened."""
    try:
        return all(holds for holds, _ in criteria.conditions(run))
    except DigitlabError:
        return False
