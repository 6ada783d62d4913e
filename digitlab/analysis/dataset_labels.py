"""Label issues of a dataset that no run has seen, by quick models that did not see the image."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.analysis.dataset_features import default_basis, features, neighbours
from digitlab.analysis.image_table import ImageTable, Progress, cached, tabulate
from digitlab.evaluation import label_issues
from digitlab.evaluation.label_issues import FOLDS, cross_validate, pool_probabilities
from digitlab.evaluation.softmax import softmax

if TYPE_CHECKING:
    import torch

    from digitlab.data.dataset import Dataset

_DOUBT = 0.5  # a vote that is spread over all classes: no vote is certain


@dataclass(frozen=True, eq=False)
class DatasetLabelIssues:
    """N images of a table, the most suspicious label first.

    `rows` int64 [N] are rows of `table`; `quality` float32 [N], `suggested` int64 [N] and `flagged`
    bool [N] are those of `LabelIssues`; `accuracy` is the share of images that the quick models
    read as they are labelled.
    """

    table: ImageTable
    rows: np.ndarray
    quality: np.ndarray
    suggested: np.ndarray
    flagged: np.ndarray
    accuracy: float

    def __len__(self) -> int:
        return len(self.rows)


def find_label_issues(data: Dataset, on_progress: Progress | None = None) -> DatasetLabelIssues:
    """The images of all splits in the order of how little quick models believe in their labels.

    Two models that have not seen the image are pooled as `pool_probabilities` does: a logistic
    regression on the features of the bundled network (or on the pixels, where the images have
    another shape), by cross-validation, and the votes of the ten nearest other images by pixels.
    Order and flags are those of `evaluation.label_issues`. The bundled network has learnt MNIST's
    training labels, so for these images it is only partly out of sample. `on_progress` and errors
    are those of `find_duplicates`; EvaluationError with fewer than two classes.
    """
    table = tabulate(data)
    report = on_progress or (lambda step, done, total: None)
    values = cached(table, "probabilities", lambda: _probabilities(table, report))["values"].numpy()
    issues = label_issues.find_label_issues(values, table.labels)
    accuracy = float((values.argmax(1) == table.labels).mean())
    columns = (issues.position, issues.quality, issues.suggested, issues.flagged)
    return DatasetLabelIssues(table, *columns, accuracy)


def _probabilities(table: ImageTable, report: Progress) -> dict[str, torch.Tensor]:
    import torch

    models = [_votes(table, report), *_by_features(table, report)]
    errors = [float((model.argmax(1) != table.labels).mean()) for model in models]
    return {"values": torch.from_numpy(pool_probabilities(models, errors))}


def _by_features(table: ImageTable, report: Progress) -> list[np.ndarray]:
    """The cross-validated probabilities, float32 [N, C]; none where a class is too small."""
    counts = np.bincount(table.labels)
    folds = min(FOLDS, int(counts[counts > 0].min()))
    if folds < 2 or (counts > 0).sum() < 2:
        return []
    answers = cross_validate(
        features(table, default_basis(table.images.shape[1:]), report),
        table.labels,
        len(table.classes),
        folds=folds,
        on_progress=lambda done, total: report("Cross-validating", done, total),
    )
    return [answers]


def _votes(table: ImageTable, report: Progress) -> np.ndarray:
    """The shares of the nearest other images' labels, near ones counting more: float32 [N, C]."""
    near = neighbours(table, report)
    weight = 1 / np.maximum(near.distances, 1e-3)
    votes = np.zeros((len(table), len(table.classes)), dtype=np.float32)
    labels = table.labels[near.rows]
    for column in range(near.rows.shape[1]):
        votes[np.arange(len(table)), labels[:, column]] += weight[:, column]
    votes /= votes.sum(1, keepdims=True)
    return softmax(np.log(votes * near.rows.shape[1] + _DOUBT / len(table.classes)))
