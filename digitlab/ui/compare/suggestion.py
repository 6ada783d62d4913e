"""The runs that are compared before a visitor has chosen any, and why these."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from digitlab.data.registry import dataset_title
from digitlab.runs.configuration import one_per_seed, same_configuration
from digitlab.runs.record import RunRecord
from digitlab.training.diagnostics import is_guessing
from digitlab.ui.labels import model_title

FEW = 4  # runs: as many as are read at a glance
MOST_OF_SWEEP = 8
SEARCHED = 100  # newest runs on a dataset


class Suggestion(NamedTuple):
    """Ids of runs, the best one first, and a sentence that says why they are compared."""

    ids: list[str]
    reason: str


def suggest_runs(records: Sequence[RunRecord]) -> Suggestion:
    """Runs worth comparing, of records with a test accuracy, newest first and bundled ones last.

    They are those of the newest sweep; else, on the first dataset that has several, the best run of
    each architecture, of each recipe, or the seeds of one recipe. No run that learnt nothing and no
    ensemble is among them, nor the same run twice, unless there are no others.
    """
    able = [record for record in records if not record.members and _has_learnt(record)]
    if (sweep := _newest_sweep(able)) is not None:
        return sweep
    for dataset in dict.fromkeys(record.dataset for record in able):
        on_it = [record for record in able if record.dataset == dataset]
        own = [record for record in on_it if not record.bundled][:SEARCHED]
        bundled = _best_first(record for record in on_it if record.bundled)
        suggestion = _architectures(own) or _recipes(own) or _beside_bundled(own, bundled)
        if suggestion is not None:
            return suggestion
    return Suggestion([record.id for record in records[:2]], "The two newest runs with results.")


def _has_learnt(record: RunRecord) -> bool:
    guessing = 1 / max(len(record.data.classes), 2)
    return not is_guessing(record.test_accuracy or 0.0, guessing)


def _newest_sweep(records: Sequence[RunRecord]) -> Suggestion | None:
    for sweep in (record.data.sweep for record in records if record.data.sweep):
        runs = [record for record in records if record.data.sweep == sweep]
        if len(runs) > 1:
            best = _best_first(runs)[:MOST_OF_SWEEP]
            which = "The runs" if len(best) == len(runs) else f"The {len(best)} best runs"
            return Suggestion(_ids(best), f"{which} of your newest sweep, {sweep.name}.")
    return None


def _architectures(own: Sequence[RunRecord]) -> Suggestion | None:
    best: dict[tuple[str, int], RunRecord] = {}
    for record in _best_first(own):
        best.setdefault((record.model, record.parameters), record)
    if len(best) < 2:
        return None
    runs = list(best.values())[:FEW]
    return Suggestion(
        _ids(runs), f"The best run of {_each(len(best))} architectures on {_dataset(runs)}."
    )


def _recipes(own: Sequence[RunRecord]) -> Suggestion | None:
    """The best run of each recipe of one architecture, or the seeds of its only recipe."""
    best: list[RunRecord] = []
    for record in _best_first(own):
        if not any(same_configuration(record, earlier) for earlier in best):
            best.append(record)
    if len(best) > 1:
        model = model_title(best[0].model)
        reason = f"The best run of {_each(len(best))} recipes for {model} on {_dataset(best)}."
        return Suggestion(_ids(best[:FEW]), reason)
    seeds = sorted(one_per_seed(own), key=lambda record: record.created, reverse=True)
    if len(seeds) < 2:
        return None
    return Suggestion(
        _ids(seeds[:FEW]), f"Runs with the same recipe and other seeds, on {_dataset(seeds)}."
    )


def _beside_bundled(own: Sequence[RunRecord], bundled: Sequence[RunRecord]) -> Suggestion | None:
    """The best own run, if there is one, and bundled ones from the most to the least accurate."""
    mine = _best_first(own)[:1]
    room = min(FEW - len(mine), len(bundled))
    if room + len(mine) < 2:
        return None
    spread = _spread(bundled, room)
    if mine:
        reason = f"Your best run on {_dataset(mine)}, and some of those that come with digitlab."
    else:
        reason = (
            f"{room} of the {len(bundled)} runs that come with digitlab, all on "
            f"{_dataset(spread)}: from the most to the least accurate."
        )
    return Suggestion(_ids(mine + spread), reason)


def _spread(records: Sequence[RunRecord], count: int) -> list[RunRecord]:
    """`count` of the records, best first, whose errors are about equally far apart as ratios."""
    errors = [max(1 - _validated(record), 1e-4) for record in records]
    step = (errors[-1] / errors[0]) ** (1 / max(count - 1, 1))
    rest = list(range(len(records)))
    chosen = []
    for i in range(count):
        ratios = {j: max(errors[j] / (errors[0] * step**i), errors[0] * step**i / errors[j])
                  for j in rest}  # fmt: skip
        chosen.append(min(rest, key=ratios.__getitem__))
        rest.remove(chosen[-1])
    return [records[j] for j in sorted(chosen)]


def _each(count: int) -> str:
    return f"each of your {count}" if count <= FEW else f"the {FEW} best of your {count}"


def _dataset(records: Sequence[RunRecord]) -> str:
    return dataset_title(records[0].dataset)


def _ids(records: Iterable[RunRecord]) -> list[str]:
    return [record.id for record in records]


def _best_first(records: Iterable[RunRecord]) -> list[RunRecord]:
    """By validation accuracy: a choice by test accuracy would flatter the chosen."""
    return sorted(records, key=_validated, reverse=True)


def _validated(record: RunRecord) -> float:
    known = record.test_accuracy if record.val_accuracy is None else record.val_accuracy
    return known or 0.0
