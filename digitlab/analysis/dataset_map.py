"""A map of a dataset: its images as points, those that look alike near each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.analysis.dataset_features import default_basis, features
from digitlab.analysis.image_table import ImageTable, Progress, cached, tabulate
from digitlab.evaluation.checks import EvaluationError
from digitlab.evaluation.embedding import PROJECTIONS, project

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

MOST = 2_000  # images: t-SNE takes seconds for them, and a figure can show them
_SEED = 0


@dataclass(frozen=True, eq=False)
class DatasetMap:
    """M images as `points` float32 [M, 2]; `rows` int64 [M] are those of `table`."""

    table: ImageTable
    rows: np.ndarray
    points: np.ndarray


def map_dataset(
    data: Dataset,
    split: str = "train",
    method: str = "pca",
    basis: str | None = None,
    on_progress: Progress | None = None,
) -> DatasetMap:
    """A seeded sample of at most 2,000 images of a split as points; cached.

    `method` is `pca` or `tsne`: see `evaluation.embedding.project`. `basis` is `network`, the last
    hidden activations of the bundled network, or `pixels`; by default the network where it reads
    images of this shape. `on_progress` is called with the step, how much of it is done, and its
    total. EvaluationError for another method or fewer than 3 images, DatasetError for another
    split or basis.
    """
    import torch

    if method not in PROJECTIONS:
        raise EvaluationError(f"A projection is one of {', '.join(PROJECTIONS)}; not {method!r}.")
    data.split(split)
    table = tabulate(data)
    basis = basis or default_basis(table.images.shape[1:])
    values = features(table, basis, on_progress)
    rows = np.random.default_rng(_SEED).permutation(table.rows(split))[:MOST]
    # Not by split alone: another division of the training part has other images in it.
    name = f"map-{split}-{data.val_fraction:g}-{data.split_seed}-{basis}-{method}"
    if on_progress is not None:
        on_progress("Placing the images", 0, 1)
    points = cached(
        table, name, lambda: {"points": torch.from_numpy(project(values[rows], method, _SEED))}
    )
    return DatasetMap(table, rows, points["points"].numpy())
