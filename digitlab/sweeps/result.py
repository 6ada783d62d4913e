"""`SweepResult`: what is known of a sweep, and `sweep`, which carries one out."""

from __future__ import annotations

import statistics
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from digitlab.errors import ConfigError
from digitlab.jobs import queue
from digitlab.runs import store
from digitlab.runs.record import RunRecord
from digitlab.runs.run import Run
from digitlab.sweeps import study
from digitlab.sweeps.search import Search, make_search, read_search
from digitlab.sweeps.state import SweepState, get_state
from digitlab.sweeps.sweep import keep_going, start_sweep, stop_sweep
from digitlab.sweeps.trials import State, Trial, best_trial, read_trials
from digitlab.words import counted, percent

if TYPE_CHECKING:
    from digitlab.models.spec import ModelSpec
    from digitlab.training.config import TrainConfig

LOOK_SECONDS = 0.3
Phase = Literal["searching", "retraining", "finished", "stopped"]


@dataclass(frozen=True)
class SweepResult:
    """A sweep as it is now: its `search`, its `trials` by their number, and what came of them.

    `retrained` are the runs of the best configuration with other seeds; `phase` is "searching",
    "retraining", "finished" or "stopped", the last with its reason in `message`.
    """

    id: str
    search: Search
    trials: list[Trial]
    retrained: list[Run]
    phase: Phase
    message: str = ""

    @property
    def name(self) -> str:
        """What it is called."""
        return self.search.name

    @cached_property
    def best(self) -> Trial | None:
        """The finished trial that is best on validation; None before one has finished."""
        return best_trial(self.trials)

    @cached_property
    def importance(self) -> dict[str, float]:
        """How much each dimension decided which trials were good; see `study.importance`."""
        return study.importance(self.search, self.trials)

    @property
    def test(self) -> tuple[float, float] | None:
        """Mean and standard deviation of the retrained runs' test accuracy, once all have ended.

        Of autoencoders of their test loss. The deviation of a single run is 0. None before, so that
        nothing is chosen by it.
        """
        if self.phase != "finished":
            return None
        name = "test_loss" if self.search.reconstructs else "test_accuracy"
        records = [run.record for run in self.retrained if run.record.status == "finished"]
        values = [v for v in (getattr(record, name) for record in records) if v is not None]
        if not values:
            return None
        return statistics.mean(values), statistics.stdev(values) if len(values) > 1 else 0.0

    @property
    def test_in_words(self) -> str:
        """`test` as people read it; a dash before it is known."""
        if self.test is None:
            return "–"
        parts = self.test if len(self.retrained) > 1 else self.test[:1]
        return " ± ".join(f"{v:.4f}" if self.search.reconstructs else percent(v) for v in parts)

    def count(self, *states: State) -> int:
        """How many trials are in these states."""
        return sum(trial.state in states for trial in self.trials)

    def best_so_far(self) -> list[tuple[int, float]]:
        """The number of each finished trial, and the best score up to it."""
        scores, best = [], None
        for trial in self.trials:
            if trial.state == "finished":
                best = trial.score if best is None else max(best, trial.score)
                scores.append((trial.number, best))
        return scores

    def in_words(self, score: float | None) -> str:
        """A score as people read it: an accuracy in percent, or a loss."""
        if score is None:
            return "–"
        return f"{-score:.4f}" if self.search.reconstructs else percent(score)

    def summary(self) -> str:
        """How far it is, in a line."""
        ended = self.count("finished", "pruned", "failed")
        parts = [f"{ended} of {counted(self.search.trials, 'trial')} ended"]
        for state in ("pruned", "failed"):
            parts += [f"{self.count(state)} {state}"] if self.count(state) else []
        if self.phase == "retraining":
            done = sum(not run.record.active for run in self.retrained)
            parts.append(f"{done} of {counted(self.search.seeds, 'seed')} of the best trained")
        if self.best:
            parts.append(f"best {self.in_words(self.best.score)} ({self.best.words})")
        return ", ".join(parts)

    def to_dict(self) -> dict[str, Any]:
        """Plain data: what was searched, each trial, the best, and the test at the end."""
        return {
            "sweep_id": self.id,
            "name": self.name,
            "phase": self.phase,
            "message": self.message,
            "search": self.search.model_dump(exclude={"spec", "config"}),
            "trials": [
                {
                    "trial": trial.number,
                    "run_id": trial.run_id,
                    "state": trial.state,
                    "score": trial.score,
                    "values": trial.values,
                    "pruned": trial.pruned,
                }
                for trial in self.trials
            ],
            "best": self.best and self.best.number,
            "importance": self.importance,
            "test_mean": self.test and self.test[0],
            "test_deviation": self.test and self.test[1],
        }


def open_sweep(sweep_id: str) -> SweepResult:
    """A sweep as it is now, from its runs. RunNotFoundError where there is none of that id."""
    state = get_state(sweep_id)
    return read_result(state, store.list_sweep(state.id))


def measure_importance(sweep_id: str) -> dict[str, float]:
    """`SweepResult.importance` of a sweep; Optuna loads scikit-learn for it."""
    return open_sweep(sweep_id).importance


def read_result(state: SweepState, records: Sequence[RunRecord]) -> SweepResult:
    """What the runs of a sweep say."""
    final = [Run(record) for record in records if record.data.sweep.final]
    phase: Phase = "retraining" if final else "searching"
    if not state.is_open:
        phase = "finished" if state.ended else "stopped"
    trials = read_trials(state.search, records)
    return SweepResult(state.id, state.search, trials, final, phase, state.stopped)


def sweep(
    model: str | Path | ModelSpec | Search,
    dataset: str = "mnist",
    space: Mapping[str, Any] | Sequence[str] | None = None,
    config: TrainConfig | None = None,
    *,
    progress: bool = True,
    **settings: Any,
) -> SweepResult:
    """Search the best configuration: many trainings, compared on validation, the best trained anew.

    `space` maps fields of the recipe, and arguments of layers, to their values: a list, or a range
    such as "0.0001 to 0.1 log"; see `digitlab.sweeps.space`. `settings` are those of a search:
    method ("tpe", "random" or "grid"), pruning ("none", "median" or "asha"), grace_epochs, trials,
    minutes, seeds, seed, name. Without a `space` the first argument is a search's YAML file.

    The runs train in the background, as many at once as DIGITLAB_MAX_JOBS allows; this waits for
    them, and shows how far they are on stderr unless `progress` is False. Ctrl-C stops the sweep;
    `resume_sweep` lets it go on. Raises ConfigError, SpecError or DatasetError before anything is
    stored.
    """
    if isinstance(model, Search):
        search = model
    elif space is None:
        if not isinstance(model, str | Path) or config is not None:
            raise ConfigError("A sweep needs a search space, or the path of a search's YAML file.")
        search = read_search(model, **settings)
    else:
        search = make_search(model, dataset, space, config, **settings)
    return wait_for_sweep(start_sweep(search), progress=progress)


def wait_for_sweep(sweep_id: str, *, progress: bool = True) -> SweepResult:
    """Wait until a sweep has ended or is stopped, and show how far it is; Ctrl-C stops it."""
    shown, result = "", open_sweep(sweep_id)
    try:
        while result.phase in ("searching", "retraining"):
            if progress and result.summary() != shown:
                shown = result.summary()
                print(shown, file=sys.stderr, flush=True)
            time.sleep(LOOK_SECONDS)
            queue.reconcile()
            keep_going(sweep_id)
            result = open_sweep(sweep_id)
    except KeyboardInterrupt:
        stop_sweep(sweep_id)
        return open_sweep(sweep_id)
    if progress and result.summary() != shown:
        print(result.summary(), file=sys.stderr, flush=True)
    return result
