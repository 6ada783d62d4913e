"""The leaderboard: all runs on a dataset, the best test accuracy first."""

from __future__ import annotations

from typing import NamedTuple

from digitlab.data.registry import find_dataset
from digitlab.errors import DatasetError
from digitlab.evaluation.intervals import Interval, wilson_interval
from digitlab.runs.record import RunRecord
from digitlab.runs.run import list_runs

RECENT_RUNS = 1_000  # newest own runs


class RankedRun(NamedTuple):
    """A run and the 95 % interval of its test accuracy (Wilson), where its size is known."""

    record: RunRecord
    interval: Interval | None


def rank_runs(dataset: str, *, test_images: int | None = None) -> list[RankedRun]:
    """All runs with a test accuracy on `dataset`, the best first, of equal ones the smaller.

    Runs whose results their file claims come after all that were measured here.
    `test_images` is how many they were tested on, where it is not the dataset's own number.
    The best of many runs was also lucky: it will probably do a little worse on other images.
    """
    records = [run.record for run in list_runs(limit=RECENT_RUNS)]
    ranked = sorted(
        (r for r in records if r.dataset == dataset and r.test_accuracy is not None),
        key=lambda record: (
            record.claimed,
            -record.test_accuracy,
            record.parameters,
            record.created,
        ),
    )
    images = test_images or _test_images(dataset)
    return [RankedRun(record, _interval(record.test_accuracy, images)) for record in ranked]


def _test_images(dataset: str) -> int | None:
    try:
        return find_dataset(dataset).test_size
    except DatasetError:
        return None


def _interval(accuracy: float, images: int | None) -> Interval | None:
    return wilson_interval(round(accuracy * images), images) if images else None
