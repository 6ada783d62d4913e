"""Outliers: images of a dataset that are far from all others of their class."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.analysis.dataset_features import features
from digitlab.analysis.image_table import ImageTable, Progress, cached, tabulate

if TYPE_CHECKING:
    import torch

    from digitlab.data.dataset import Dataset

NEIGHBOURS = 5
USUAL = 2.0  # times as far as usual: an image beyond is worth a look


@dataclass(frozen=True, eq=False)
class Outliers:
    """The N images of a table, the farthest from their class first.

    `rows` int64 [N] are rows of `table`; `distance` float32 [N] is how far the fifth nearest image
    of its class is, as a multiple of the median of that class; NaN for the only image of a class.
    """

    table: ImageTable
    rows: np.ndarray
    distance: np.ndarray

    def __len__(self) -> int:
        return len(self.rows)


def find_outliers(data: Dataset, on_progress: Progress | None = None) -> Outliers:
    """The images in the order of how far they are from the others of their class; cached.

    The distance is that to the fifth nearest image of the class: Ramaswamy, Rastogi, Shim:
    Efficient algorithms for mining outliers from large data sets, 2000; divided by the median of
    the class, as some classes are written more alike than others. It is measured in the pixels: a
    network has learnt to overlook what is strange. `on_progress` and errors are those of
    `find_duplicates`.
    """
    table = tabulate(data)
    report = on_progress or (lambda step, done, total: None)
    distance = cached(table, "outliers", lambda: _distances(table, report))["distance"].numpy()
    order = np.argsort(-np.nan_to_num(distance, nan=-1), kind="stable")
    return Outliers(table, order, distance[order])


def _distances(table: ImageTable, report: Progress) -> dict[str, torch.Tensor]:
    import torch
    from sklearn.neighbors import NearestNeighbors

    values = features(table, "pixels", report)
    distance = np.full(len(table), np.nan, dtype=np.float32)
    for label in range(len(table.classes)):
        report("Measuring the classes", label, len(table.classes))
        rows = np.flatnonzero(table.labels == label)
        if len(rows) < 2:
            continue
        count = min(NEIGHBOURS, len(rows) - 1)
        index = NearestNeighbors(n_neighbors=count, algorithm="brute").fit(values[rows])
        farthest = index.kneighbors()[0][:, -1]
        distance[rows] = farthest / max(float(np.median(farthest)), 1e-6)
    return {"distance": torch.from_numpy(distance)}
