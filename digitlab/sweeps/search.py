"""`Search`: what a sweep looks for, and how; read from YAML, kept in the store.

model: tuned-cnn                  # a preset, a saved architecture, a .yaml file or a spec
dataset: optdigits
recipe: {epochs: 5}               # changes of the model's own recipe, the same for all trials
search:                           # see `search_space`
  learning_rate: 0.0001 to 0.1 log
  layers.1.out_channels: 8, 16, 32
method: tpe                       # or random, or grid: every combination
pruning: median                   # or asha, or none
grace_epochs: 1                   # before which no trial is pruned
trials: 20
minutes: 60                       # of training, all trials together
seeds: 3                          # with which the best is trained at the end; 0: not at all
seed: 0                           # of what is drawn
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from digitlab.errors import ConfigError, DigitlabError
from digitlab.models.layer import shown
from digitlab.models.load import known_recipe
from digitlab.models.spec import ModelSpec, read_file
from digitlab.models.text import read_yaml
from digitlab.sweeps.grid import MOST, combine
from digitlab.sweeps.space import (
    Dimension,
    change,
    change_layers,
    check_space,
    read_space,
    without_effect,
)
from digitlab.training.config import TrainConfig

if TYPE_CHECKING:
    from digitlab.runs.experiment import Experiment

Method = Literal["random", "tpe", "grid"]
Pruning = Literal["none", "median", "asha"]
TRIALS = 20  # unless it is said how many
_WORDS = {"model", "dataset", "recipe", "search"}  # of a file, beside the fields of `Search`


class Search(BaseModel):
    """What a sweep looks for: an architecture and a recipe, the `space` of what is changed in them.

    `trials` bounds how many are trained, `minutes` for how long all of them together; the best by
    validation is then trained with `seeds` seeds. Raises ConfigError for what cannot be.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    name: Annotated[str, Field(max_length=120)] = ""
    spec: dict[str, Any]
    dataset: str
    config: dict[str, Any]
    space: dict[str, Any]
    method: Method = "tpe"
    pruning: Pruning = "none"
    grace_epochs: Annotated[int, Field(ge=1, le=1000)] = 1
    trials: Annotated[int, Field(ge=1, le=MOST)] = TRIALS
    minutes: Annotated[float | None, Field(gt=0, le=100_000)] = None
    seeds: Annotated[int, Field(ge=0, le=20)] = 3
    seed: Annotated[int, Field(ge=0, lt=2**31)] = 0

    def __init__(self, **values: Any) -> None:
        try:
            super().__init__(**values)
        except ValidationError as e:
            raise _explain(e) from e

    @cached_property
    def base(self) -> tuple[ModelSpec, TrainConfig]:
        """The architecture and the recipe that the trials change."""
        return ModelSpec.from_dict(self.spec), TrainConfig.from_dict(self.config)

    @cached_property
    def dimensions(self) -> tuple[Dimension, ...]:
        """What is searched, in the order in which it is drawn."""
        return read_space(self.space)

    @property
    def reconstructs(self) -> bool:
        """Whether trials are compared by their loss; else by their accuracy."""
        return TrainConfig.from_dict(self.config).task == "reconstruct"

    def score(self, accuracy: float | None, loss: float | None) -> float | None:
        """What trials are compared by, more being better: by validation, never by test."""
        if self.reconstructs:
            return None if loss is None else -loss
        return accuracy


# ---- reading a search ---------------------------------------------------------------------------


def read_search(source: str | Path | Mapping[str, Any], **settings: Any) -> Search:
    """The search in a YAML file, in its text, or in plain data; its model and space are checked.

    `settings` replace those that it has. Raises ConfigError or SpecError, with the line of what is
    wrong in YAML, and DatasetError.
    """
    data = source
    if isinstance(source, str | Path):
        is_text = "\n" in str(source)
        data = read_yaml(str(source) if is_text else read_file(source))
    if not isinstance(data, Mapping):
        raise ConfigError(f"A search has model, dataset and search; not {shown(data)}.")
    data = {str(key): value for key, value in data.items()}
    known = _WORDS | set(Search.model_fields) - {"spec", "config", "space"}
    for key in data:
        if key not in known:
            near = difflib.get_close_matches(key, known, 1)
            hint = f"Did you mean {near[0]!r}?" if near else f"It has {', '.join(sorted(known))}."
            raise ConfigError(f"A search has no {key!r}. {hint}", field=key)
    for key in ("model", "search"):
        if key not in data:
            raise ConfigError(f"A search needs {key!r}: see `python -m digitlab sweep --help`.")
    model, dataset = data.pop("model"), data.pop("dataset", "mnist")
    model = ModelSpec.from_dict(model) if isinstance(model, Mapping) else model
    recipe = data.pop("recipe", None) or {}
    if not isinstance(recipe, Mapping):
        raise ConfigError(f"recipe is a mapping of fields to values; not {shown(recipe)}.")
    config = TrainConfig.from_dict({**known_recipe(model), **recipe})
    return make_search(model, dataset, data.pop("search"), config, **data | settings)


def make_search(
    model: str | ModelSpec,
    dataset: str,
    space: Mapping[str, Any] | Sequence[str],
    config: TrainConfig | None = None,
    **settings: Any,
) -> Search:
    """A search around an architecture and a recipe, after checking all that can be before trials.

    `settings` are those of `Search`. Raises SpecError, ConfigError or DatasetError.
    """
    from digitlab.execution.prepare import plan

    if not isinstance(dataset, str):
        raise ConfigError(f"dataset is the name of one; not {shown(dataset)}.", field="dataset")
    base = plan(model, dataset, config)
    if not base.dataset.val_fraction:
        raise ConfigError(
            "Trials are compared on the validation images, of which a val_fraction of 0 leaves "
            "none; use a larger one, such as 0.1.",
            field="val_fraction",
        )
    dimensions = check_space(read_space(space), base.spec, base.config)
    if settings.get("method") == "grid" and "trials" not in settings:
        settings["trials"] = len(grid_of(dimensions))
    search = Search(
        **{"name": _name(base, dimensions), **settings},
        spec=base.spec.to_dict(),
        dataset=dataset,
        config=base.config.model_dump(),
        space={dimension.name: dimension.to_data() for dimension in dimensions},
    )
    if search.method == "grid":  # each can be carried out, or none is begun
        for values in grid_of(dimensions)[: search.trials]:
            plan_trial(search, values)
    return search


def _name(base: Experiment, dimensions: Sequence[Dimension]) -> str:
    names = " × ".join(dimension.name for dimension in dimensions)
    return f"{base.spec.name}: {names}"[:120]


def grid_of(dimensions: Sequence[Dimension]) -> list[dict[str, Any]]:
    """Every combination, as several values of a recipe are combined; the last changes fastest.

    Raises ConfigError for a range without steps, and RunError for too many.
    """
    for dimension in dimensions:
        if dimension.values is None:
            raise ConfigError(
                f"A grid needs the values of {dimension.name}, and {dimension} has too many. List "
                "some, give a step, or use the method random or tpe.",
                field=dimension.name,
            )
    return combine({dimension.name: dimension.values for dimension in dimensions})


def plan_trial(search: Search, values: Mapping[str, Any]) -> Experiment:
    """The experiment with these values; raises what `plan` raises, and names them."""
    from digitlab.execution.prepare import plan

    spec, config = search.base
    layers = {d.name: values[d.name] for d in search.dimensions if d.of_layer and d.name in values}
    fields = {name: value for name, value in values.items() if name not in layers}
    try:
        if search.method != "grid":  # whose values are all as they are listed
            fields |= without_effect(config, {**config.model_dump(), **fields})
        return plan(change_layers(spec, layers), search.dataset, change(config, fields))
    except DigitlabError as e:
        named = ", ".join(f"{name} {value}" for name, value in values.items())
        e.args = (f"{named}: {e}",)
        raise


def _explain(error: ValidationError) -> ConfigError:
    first = error.errors()[0]
    field = ".".join(str(part) for part in first["loc"])
    if first["type"] == "extra_forbidden":
        return ConfigError(f"A search has no {field!r}.", field=field)
    reason = first["msg"][0].lower() + first["msg"][1:]
    return ConfigError(f"{field}: {reason}; not {shown(first.get('input'))}.", field=field)
