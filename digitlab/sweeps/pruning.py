"""Why a trial is ended early: by its validation, compared with that of the others."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from typing import TYPE_CHECKING

from digitlab.runs import store
from digitlab.sweeps.search import Search
from digitlab.sweeps.trials import Trial
from digitlab.words import counted, percent

if TYPE_CHECKING:
    import optuna

REDUCTION = 3  # of ASHA: each time the best third goes on


def reason_to_prune(
    search: Search, trials: Sequence[Trial], number: int, epoch: int, score: float
) -> str:
    """Why the trial of that number ends after this epoch, in which it reached `score`; or "".

    By the median: its best so far is below the median that the finished trials had after that
    epoch (after a quarter of the trials, at most five, have finished). By ASHA (Li et al. 2020):
    after 1, 3, 9, … times the grace epochs it is not among the best third of all that got there.
    """
    if epoch < search.grace_epochs:
        return ""
    validation = store.read_validation([trial.run_id for trial in trials])
    curves = {
        trial.number: {
            each: value
            for each, values in validation[trial.run_id].items()
            if (value := search.score(*values)) is not None and math.isfinite(value)
        }
        for trial in trials
    }
    mine = {**curves.pop(number, {}), epoch: score}
    if search.pruning == "asha":
        return _prune_by_asha(search, curves, mine, epoch)
    finished = {trial.number for trial in trials if trial.state == "finished"}
    return _prune_by_median(search, {n: curves[n] for n in finished & set(curves)}, mine, epoch)


Curve = dict[int, float]  # by epoch


def _prune_by_median(search: Search, others: dict[int, Curve], mine: Curve, epoch: int) -> str:
    import optuna
    from optuna.trial import TrialState, create_trial

    startup = max(1, min(5, search.trials // 4))
    pruner = optuna.pruners.MedianPruner(startup, n_warmup_steps=search.grace_epochs)
    study = _pruning_study(pruner)
    for curve in others.values():
        study.add_trial(
            create_trial(
                state=TrialState.COMPLETE,
                value=max(curve.values(), default=0.0),
                intermediate_values=curve,
            )
        )
    trial = study.ask()
    for each, value in mine.items():
        trial.report(value, each)
    if not trial.should_prune():
        return ""
    middle = statistics.median(curve[epoch] for curve in others.values() if epoch in curve)
    return (
        f"Pruned after epoch {epoch}: {_in_words(search, max(mine.values()))} at best is worse "
        f"than {_in_words(search, middle)}, the median of the finished trials after that epoch."
    )


def _prune_by_asha(search: Search, others: dict[int, Curve], mine: Curve, epoch: int) -> str:
    import optuna

    rungs = [search.grace_epochs * REDUCTION**power for power in range(10)]
    if epoch not in rungs:
        return ""
    pruner = optuna.pruners.SuccessiveHalvingPruner(search.grace_epochs, REDUCTION)
    study = _pruning_study(pruner)

    def climb(curve: Curve) -> bool:
        trial, pruned = study.ask(), False
        for rung in rungs:
            if rung in curve:
                trial.report(curve[rung], rung)
                pruned = trial.should_prune()
        return pruned

    for curve in others.values():
        climb(curve)
    if not climb(mine):
        return ""
    arrived = 1 + sum(epoch in curve for curve in others.values())
    return (
        f"Pruned after epoch {epoch}: {_in_words(search, mine[epoch])} is not among the best third "
        f"of the {counted(arrived, 'trial')} that got there."
    )


def _pruning_study(pruner: optuna.pruners.BasePruner) -> optuna.Study:
    import optuna

    optuna.logging.set_verbosity(optuna.logging.WARNING)
    sampler = optuna.samplers.RandomSampler()
    return optuna.create_study(direction="maximize", sampler=sampler, pruner=pruner)


def _in_words(search: Search, score: float) -> str:
    return f"a loss of {-score:.4f}" if search.reconstructs else percent(score)
