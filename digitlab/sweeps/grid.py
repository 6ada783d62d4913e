"""Sweeps: every combination of some models and values of a recipe, queued together."""

from __future__ import annotations

import itertools
import math
import secrets
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from digitlab.errors import ConfigError, DigitlabError, RunError
from digitlab.jobs.compute import call, requests
from digitlab.jobs.queue import add_waiting
from digitlab.models.classical.catalog import classical_kind
from digitlab.models.load import load_model
from digitlab.runs.record import Sweep
from digitlab.sweeps.space import change
from digitlab.training.config import TrainConfig

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.runs.experiment import Experiment
    from digitlab.runs.run import Run

MOST = 200  # combinations: more are hardly meant
APART = 1e-3  # seconds between the runs' times, which keep the order in which they were asked for


def combine(values: Mapping[str, Sequence[Any]]) -> list[dict[str, Any]]:
    """Every combination of the values of some fields: `{"seed": [0, 1]}` gives two dicts.

    The last field changes fastest; a value that is listed twice counts once. Raises RunError where
    there are more than MOST, and ConfigError for a field without a value.
    """
    lists = [_distinct(options) for options in values.values()]
    count = math.prod(map(len, lists))
    if not count:
        name = next(name for name, options in values.items() if not len(options))
        raise ConfigError(f"{name} has no value; a sweep needs at least one of each.", field=name)
    if count > MOST:
        raise RunError(f"These are {count:,} combinations, and at most {MOST} can be trained.")
    return [dict(zip(values, chosen, strict=True)) for chosen in itertools.product(*lists)]


def _distinct(options: Sequence[Any]) -> list[Any]:
    try:
        return list(dict.fromkeys(options))
    except TypeError:  # lists
        return [v for i, v in enumerate(options) if v not in options[:i]]


def plan_sweep(
    models: Sequence[tuple[str | ModelSpec, TrainConfig]],
    dataset: str,
    values: Mapping[str, Sequence[Any]],
) -> list[Experiment]:
    """An experiment for each model, with its recipe, and each combination of the `values`.

    A field of the augmentation is called "augmentation.rotation". A classical model takes the
    values of those fields only that it uses. Raises what `plan` raises, with the combination that
    cannot be carried out, and RunError for too many.
    """
    experiments = []
    for model, config, combination in assign(models, values):
        try:
            recipe = change(config, combination)
            experiments.append(call(requests.plan, model, dataset, recipe))
        except DigitlabError as e:
            named = [str(getattr(model, "name", model))] if len(models) > 1 else []
            named += [f"{name} {value}" for name, value in combination.items()]
            if named:
                e.args = (f"{', '.join(named)}: {e}",)
            raise
    return experiments


def assign(
    models: Sequence[tuple[str | ModelSpec, TrainConfig]], values: Mapping[str, Sequence[Any]]
) -> list[tuple[str | ModelSpec, TrainConfig, dict[str, Any]]]:
    """What `plan_sweep` plans: each model with its recipe and a combination of the values."""
    combine({"model": range(len(models)), **values})  # which says if there are too many
    assigned = []
    for model, config in models:
        fields = values
        if classical_kind(load_model(model)) is not None:
            used = TrainConfig.names_for_classical()
            fields = {name: options for name, options in values.items() if name in used}
        assigned += [(model, config, combination) for combination in combine(fields)]
    return assigned


def new_sweep(name: str) -> Sweep:
    """A sweep of its own id."""
    return Sweep(id=f"sweep-{secrets.token_hex(4)}", name=name.strip()[:120])


def submit_sweep(experiments: Sequence[Experiment], name: str = "") -> Sweep:
    """Put runs of planned experiments into the queue together, in this order; all or none.

    Raises RunError where so many may not wait.
    """
    if not experiments:
        raise ConfigError("A sweep needs at least one combination.")
    sweep = new_sweep(name or f"{len(experiments)} runs")
    records = [call(requests.make_record, each, sweep=sweep) for each in experiments]
    first = records[0].created
    ordered = [record.changed(created=first + APART * i) for i, record in enumerate(records)]
    add_waiting(*ordered)
    return sweep


def train_sweep(
    experiments: Sequence[Experiment], name: str = "", *, progress: bool = True
) -> list[Run]:
    """Carry out planned experiments here, one after the other; Ctrl-C stops one and the rest."""
    from digitlab.execution.train import carry_out

    sweep, runs = new_sweep(name or f"{len(experiments)} runs"), []
    for experiment in experiments:
        runs.append(carry_out(experiment, sweep=sweep, progress=progress))
        if runs[-1].record.status == "stopped":
            break
    return runs
