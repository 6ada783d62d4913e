"""The trials of a sweep, read from its runs.

These are the truth: one that somebody deletes or resumes by hand counts as it is.
"""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Literal

from digitlab.models.spec import ModelSpec
from digitlab.runs.record import RunRecord
from digitlab.sweeps.search import Search
from digitlab.sweeps.space import Dimension, is_used, read_value
from digitlab.training.config import TrainConfig
from digitlab.words import in_short

State = Literal["waiting", "running", "finished", "pruned", "failed"]
RESUMED = 3  # times that a trial is resumed whose process died
_ENDED = ("finished", "pruned", "failed")


@dataclass(frozen=True)
class Trial:
    """One choice of values, and what came of it.

    `values` are those of the dimensions that have an effect. `score` is the validation accuracy
    (of autoencoders the negative loss) of the weights that the run kept, None before it ended.
    """

    number: int
    record: RunRecord
    values: dict[str, Any]
    state: State
    score: float | None

    @property
    def run_id(self) -> str:
        """The id of its run."""
        return self.record.id

    @property
    def words(self) -> str:
        """Its number and its values in a line."""
        values = ", ".join(f"{name} {in_short(value)}" for name, value in self.values.items())
        return f"trial {self.number}: {values}"

    @property
    def status(self) -> str:
        """Its state, or of one that ended without a result how: stopped, paused or failed."""
        return self.record.status if self.state == "failed" else self.state

    @property
    def pruned(self) -> str:
        """Why it was ended early; empty where it was not."""
        return self.record.data.sweep.pruned if self.state == "pruned" else ""


def read_trials(search: Search, records: Sequence[RunRecord]) -> list[Trial]:
    """The trials among a sweep's runs, by their numbers."""
    labelled = [r for r in records if r.data.sweep and r.data.sweep.trial is not None]
    trials = [_read_trial(search, record) for record in labelled]
    return sorted(trials, key=lambda trial: trial.number)


@lru_cache(maxsize=2_000)
def _read_values(dimensions: tuple[Dimension, ...], spec: str, config: str) -> dict[str, Any]:
    """The values of a run's spec and recipe, as JSON; pages ask for the same ones every second."""
    network, recipe = ModelSpec.from_json(spec), TrainConfig.from_dict(json.loads(config))
    fields = recipe.model_dump()
    return {
        dimension.name: read_value(dimension, network, recipe)
        for dimension in dimensions
        if is_used(dimension.name, fields)
    }


def _read_trial(search: Search, record: RunRecord) -> Trial:
    state = _state(record)
    spec, config = json.dumps(record.spec), json.dumps(record.config)
    values = dict(_read_values(search.dimensions, spec, config))
    score = search.score(record.val_accuracy, record.val_loss) if state in _ENDED else None
    if score is not None and not math.isfinite(score):
        score = None
    if state == "finished" and score is None:
        state = "failed"
    return Trial(record.data.sweep.trial, record, values, state, score)


def _state(record: RunRecord) -> State:
    label = record.data.sweep
    if record.status in ("running", "finished"):
        return record.status
    if label.pruned:
        return "pruned"
    if record.status == "queued" or (record.status == "interrupted" and label.resumed < RESUMED):
        return "waiting"
    return "failed"


def best_trial(trials: Sequence[Trial]) -> Trial | None:
    """The finished trial that is best on validation; of equal ones that with the smaller loss."""
    finished = [trial for trial in trials if trial.state == "finished"]
    return max(
        finished, key=lambda trial: (trial.score, -(trial.record.val_loss or 0.0)), default=None
    )
