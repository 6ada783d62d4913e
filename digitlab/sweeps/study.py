"""The Optuna study of a sweep, which draws the values of its next trial.

Each is built from the trials anew, used once and forgotten, so that nothing is lost with a process.
"""

from __future__ import annotations

import contextlib
import json
import math
import warnings
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from digitlab.errors import DigitlabError
from digitlab.sweeps.search import Search, grid_of, plan_trial
from digitlab.sweeps.space import Dimension, is_used
from digitlab.sweeps.trials import Trial

if TYPE_CHECKING:
    import optuna

    from digitlab.runs.experiment import Experiment

ATTEMPTS = 50  # draws until one is new and can be trained
LEAST = 6  # trials of which it can be said what mattered
BEST = 5  # trials by which it is; of two, Optuna's tenth of 20, it is often wrong


def _build_study(search: Search, trials: Sequence[Trial]) -> optuna.Study:
    """A study in memory that knows what came of each trial, and draws what is to come."""
    import optuna
    from optuna.trial import TrialState, create_trial

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    seed = (search.seed * 10_007 + len(trials)) % 2**32  # each trial is drawn anew, and always so
    startup = max(3, min(10, search.trials // 4))
    samplers = {
        "random": lambda: optuna.samplers.RandomSampler(seed=seed),
        "tpe": lambda: optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=startup, constant_liar=True
        ),
    }
    sampler = samplers.get(search.method, samplers["random"])()
    study = optuna.create_study(direction="maximize", sampler=sampler)
    states = {"finished": TrialState.COMPLETE, "pruned": TrialState.PRUNED}
    states |= {"waiting": TrialState.RUNNING, "running": TrialState.RUNNING}
    dimensions = {dimension.name: dimension for dimension in search.dimensions}
    for trial in trials:
        values = {n: v for n, v in trial.values.items() if _is_inside(dimensions[n], v)}
        # A training that diverged tells the sampler what to keep away from, as a pruned one does.
        state = states.get(
            trial.state, TrialState.FAIL if trial.score is None else TrialState.PRUNED
        )
        ended = state in (TrialState.COMPLETE, TrialState.PRUNED)
        study.add_trial(
            create_trial(
                state=state,
                value=trial.score if ended else None,
                params={name: _encode(dimensions[name], value) for name, value in values.items()},
                distributions={name: _distribution(dimensions[name]) for name in values},
                intermediate_values={1: trial.score} if state == TrialState.PRUNED else None,
            )
        )
    return study


def _distribution(dimension: Dimension) -> optuna.distributions.BaseDistribution:
    from optuna import distributions

    if dimension.choices:
        return distributions.CategoricalDistribution(range(len(dimension.choices)))
    ends, step = (dimension.low, dimension.high), dimension.step
    if dimension.whole and (step is None or type(step) is int):
        return distributions.IntDistribution(*ends, log=dimension.log, step=step or 1)
    return distributions.FloatDistribution(*ends, log=dimension.log, step=step)


def _encode(dimension: Dimension, value: Any) -> Any:
    return dimension.choices.index(value) if dimension.choices else value


def _is_inside(dimension: Dimension, value: Any) -> bool:
    """Whether a value is one of those that are searched."""
    if dimension.choices:
        return value in dimension.choices
    return type(value) in (int, float) and dimension.low <= value <= dimension.high


def _draw(trial: optuna.Trial, dimension: Dimension) -> Any:
    """Draw the value of a dimension as `_distribution` says."""
    if dimension.choices:
        return dimension.choices[
            trial.suggest_categorical(dimension.name, range(len(dimension.choices)))
        ]
    ends, step = (dimension.low, dimension.high), dimension.step
    if dimension.whole and (step is None or type(step) is int):
        return trial.suggest_int(dimension.name, *ends, step=step or 1, log=dimension.log)
    return trial.suggest_float(dimension.name, *ends, step=step, log=dimension.log)


def importance(search: Search, trials: Sequence[Trial]) -> dict[str, float]:
    """How much each dimension decided which trials were good, as shares of 1; the largest first.

    PED-ANOVA (Watanabe et al. 2023): it compares where the best five trials lie, or the better half
    of fewer than ten, with where all do, also those that were pruned. Empty before six trials have
    ended, and where all reached the same.
    """
    ended = [replace(trial, state="finished") for trial in trials if trial.score is not None]
    if len(ended) < LEAST or len({trial.score for trial in ended}) < 2:
        return {}
    from optuna.importance import PedAnovaImportanceEvaluator, get_param_importances

    study = _build_study(search, ended)
    evaluator = PedAnovaImportanceEvaluator(target_quantile=min(0.5, max(0.1, BEST / len(ended))))
    with warnings.catch_warnings(action="ignore"):  # of a field that few trials use
        try:
            shares = get_param_importances(study, evaluator=evaluator)
        except (ValueError, RuntimeError):  # nothing that all of them use
            return {}
    return {name: float(share) for name, share in shares.items() if math.isfinite(share)}


# ---- the next trial -----------------------------------------------------------------------------


def plan_next(search: Search, trials: Sequence[Trial]) -> Experiment | None:
    """The experiment of the next trial; None where all that can be trained has been tried.

    Draws that cannot be trained are passed over; where all are such, raises what the last raised.
    """
    if search.method == "grid":
        combinations = grid_of(search.dimensions)[: search.trials]
        taken = {trial.number for trial in trials}
        left = [n for n in range(1, len(combinations) + 1) if n not in taken]
        return plan_trial(search, combinations[left[0] - 1]) if left else None
    tried = {_key(trial.values) for trial in trials}
    problem: DigitlabError | None = None
    for values in _propose(search, trials):
        if _key(values) in tried:
            continue
        tried.add(_key(values))
        try:
            return plan_trial(search, values)
        except DigitlabError as e:
            problem = e
    if problem is not None and not trials:
        raise problem
    return None


def next_number(search: Search, trials: Sequence[Trial]) -> int:
    """The number of the next trial: of a grid the first that is left, else the last plus 1."""
    taken = {trial.number for trial in trials}
    if search.method == "grid":
        return next(n for n in range(1, len(taken) + 2) if n not in taken)
    return max(taken, default=0) + 1


def _propose(search: Search, trials: Sequence[Trial]) -> Iterator[dict[str, Any]]:
    """Values drawn one after the other; then, of a space that is small, all that there are."""
    from optuna.trial import TrialState

    base = search.base[1].model_dump()
    study = _build_study(search, trials)
    for _ in range(ATTEMPTS):
        trial, values = study.ask(), {}
        for dimension in search.dimensions:
            if is_used(dimension.name, {**base, **values}):
                values[dimension.name] = _draw(trial, dimension)
        yield values
        study.tell(trial, state=TrialState.FAIL)
    with contextlib.suppress(DigitlabError):  # too many, or no end of them
        for values in grid_of(search.dimensions):
            recipe = {**base, **values}
            yield {name: value for name, value in values.items() if is_used(name, recipe)}


def _key(values: Mapping[str, Any]) -> str:
    return json.dumps(values, sort_keys=True)
