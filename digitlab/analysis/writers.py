"""How well a run reads each writer: those it has learnt from, and those it has not."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from digitlab import owners
from digitlab.data.own import Facts, find_own, read_facts
from digitlab.errors import RunError
from digitlab.evaluation.comparison import summarize_seeds
from digitlab.evaluation.intervals import Interval, wilson_interval
from digitlab.runs.run import Run


class WriterResult(NamedTuple):
    """A writer by number: `right` of `count` images are read rightly, with Wilson's 95 % interval.

    Of a `known` writer the network has learnt other images: these are of the validation part.
    """

    writer: int
    known: bool
    right: int
    count: int
    interval: Interval


def evaluate_writers(run: Run) -> list[WriterResult]:
    """Each writer whose images the run was validated or tested on, the known ones first.

    Raises RunError where the run's dataset does not tell who wrote its images.
    """
    results = []
    with owners.acting_in(run.record.owner):  # whose dataset of this name it is
        facts = _read_facts(run)
        data, writers = run.load_data(), np.array(facts.writers)
        for split, first in (("val", 0), ("test", facts.train_size)):
            part = data.split(split)
            if len(part):
                result = run.evaluate(split)
                of = writers[first + np.asarray(part.indices)]
                results += _count(of, result.predictions == result.labels, known=split == "val")
    return results


def _read_facts(run: Run) -> Facts:
    dataset = find_own(run.record.dataset)
    facts = read_facts(dataset) if dataset else None
    if not facts or not facts.writers:
        raise RunError(
            f"{run.record.dataset} does not tell who wrote its images: train on a class set.",
            run_id=run.id,
        )
    return facts


def _count(writers: np.ndarray, right: np.ndarray, *, known: bool) -> list[WriterResult]:
    results = []
    for writer in np.unique(writers).tolist():
        own = right[writers == writer]
        hits, count = int(own.sum()), len(own)
        results.append(WriterResult(writer, known, hits, count, wilson_interval(hits, count)))
    return results


class WritersSummary(NamedTuple):
    """How well writers are read together: how many, an accuracy 0…1, its 95 % interval.

    The interval is None for one writer, who says nothing of others.
    """

    writers: int
    accuracy: float
    interval: Interval | None


def summarize_known(results: Sequence[WriterResult]) -> WritersSummary | None:
    """The accuracy over images of writers whom the network knows, with Wilson's interval for other
    images of theirs; None without any.
    """
    known = [result for result in results if result.known]
    if not known:
        return None
    right, count = _total(known)
    return WritersSummary(len(known), right / count, wilson_interval(right, count))


def summarize_new(results: Sequence[WriterResult]) -> WritersSummary | None:
    """The mean accuracy over new writers, with an interval for writers whom nobody has seen.

    Images of one writer are alike, and so writers are counted: the interval is Student's t over
    them or, where that is narrower than chance among their images allows, Wilson's over images.
    """
    new = [result for result in results if not result.known]
    if not new:
        return None
    accuracies = [result.right / result.count for result in new]
    if len(new) == 1:
        return WritersSummary(1, accuracies[0], None)
    over_writers, over_images = summarize_seeds(accuracies), wilson_interval(*_total(new))
    low, high = zip(over_writers.interval, over_images, strict=True)
    return WritersSummary(len(new), over_writers.mean, Interval(min(low), max(high)))


def _total(results: Sequence[WriterResult]) -> tuple[int, int]:
    return sum(result.right for result in results), sum(result.count for result in results)
