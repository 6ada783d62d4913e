"""Runs on a dataset and on versions of it, judged on the test images that they share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import reduce
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitlab.data.versions import list_ancestors
from digitlab.errors import RunError
from digitlab.evaluation.metrics import Evaluation, evaluate_logits

if TYPE_CHECKING:
    from digitlab.runs.record import RunRecord
    from digitlab.runs.run import Run


class SharedTest(NamedTuple):
    """The test images that some runs share: for each run their rows, int64, in its own test part.

    `judge` is the index of the run whose labels count: that on the version of all the others.
    Where there is none, as of two versions of one dataset, only the rows are here on which the
    labels of the latest versions agree.
    """

    rows: tuple[np.ndarray, ...]
    judge: int


def share_test(records: Sequence[RunRecord], results: Sequence[Evaluation]) -> SharedTest | None:
    """What the test parts of runs on a dataset and its versions share; `results` are theirs.

    None where no dataset is an ancestor of all, where classes differ, and where nothing is shared.
    """
    if len({result.classes for result in results}) > 1:
        return None
    known: dict[tuple[str, str, int], dict[str, np.ndarray]] = {}
    lists = []
    for record, result in zip(records, results, strict=True):
        if not record.data.fingerprint:
            return None
        key = (record.dataset, record.data.fingerprint, result.n)
        if key not in known:
            known[key] = dict(list_ancestors(*key))
        lists.append(known[key])
    common = next((name for name in lists[0] if all(name in other for other in lists)), None)
    if common is None:
        return None
    shared = reduce(np.intersect1d, [ancestors[common] for ancestors in lists])
    if not len(shared):
        return None
    rows = [np.searchsorted(ancestors[common], shared) for ancestors in lists]
    own = [next(iter(ancestors)) for ancestors in lists]  # fingerprints
    older = {name for i, ancestors in enumerate(lists) for name in ancestors if name != own[i]}
    latest = [i for i, name in enumerate(own) if name not in older]
    labels = [results[i].labels[rows[i]] for i in latest]
    agreed = np.all([other == labels[0] for other in labels], axis=0)
    if not agreed.any():
        return None
    return SharedTest(tuple(row[agreed] for row in rows), latest[0])


def judge_together(shared: SharedTest, results: Sequence[Evaluation]) -> list[Evaluation]:
    """The results on the images that are shared, by the labels of the judge."""
    labels = results[shared.judge].labels[shared.rows[shared.judge]]
    return [
        result
        if len(rows) == result.n and np.array_equal(labels, result.labels)
        else evaluate_logits(result.logits[rows], labels, result.classes)
        for rows, result in zip(shared.rows, results, strict=True)
    ]


def evaluate_together(runs: Sequence[Run]) -> list[Evaluation]:
    """The evaluations of runs on a dataset and on versions of it, so that they can be compared.

    Only test images that all of them have are counted, and the labels are those of the latest
    version; of two versions of one dataset, neither of which comes from the other, only images on
    whose label they agree. Raises RunError where the runs' datasets have no common ancestor on
    this machine, and where no image is left.
    """
    results = [run.evaluate("test") for run in runs]
    shared = share_test([run.record for run in runs], results)
    if shared is None:
        raise RunError(
            "Only runs on one dataset and on versions of it share test images; these are on "
            f"{', '.join(dict.fromkeys(run.record.dataset for run in runs))}."
        )
    return judge_together(shared, results)
