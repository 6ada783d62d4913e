"""Standings: all runs on a dataset in the order of their test accuracy."""

from __future__ import annotations

from typing import NamedTuple

from digitlab.evaluation.intervals import Interval, wilson_interval
from digitlab.runs.record import RunRecord
from digitlab.runs.run import list_runs

LOOKED_AT = 1_000  # newest own runs


class Standing(NamedTuple):
    """A run and the 95 % interval of its test accuracy (Wilson), where its size is known."""

    record: RunRecord
    interval: Interval | None


def standings(dataset: str, *, test_images: int | None = None) -> list[Standing]:
    """All runs with a test accuracy on `dataset`, the best first, of equal ones the smaller.

    `test_images` is how many they were tested on, where it is not the dataset's own number.
    Whoever picks the best of many by test picks luck, too: the first is likely to do a little
    worse on other images.
    """
    records = [run.record for run in list_runs(limit=LOOKED_AT)]
    ranked = sorted(
        (one for one in records if one.dataset == dataset and one.test_accuracy is not None),
        key=lambda one: (-one.test_accuracy, one.parameters, one.created),
    )
    images = test_images or _test_images(dataset)
    return [Standing(one, _interval(one.test_accuracy, images)) for one in ranked]


def _test_images(dataset: str) -> int | None:
    from digitlab.data.registry import find_dataset
    from digitlab.errors import DatasetError

    try:
        return find_dataset(dataset).test_size
    except DatasetError:
        return None


def _interval(accuracy: float, images: int | None) -> Interval | None:
    return wilson_interval(round(accuracy * images), images) if images else None
