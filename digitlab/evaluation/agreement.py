"""Accuracy, recall and agreement from confusion matrices: one matrix or a stack of them."""

from __future__ import annotations

import numpy as np

SUMMARIES = (
    "accuracy",
    "balanced_accuracy",
    "macro_precision",
    "macro_recall",
    "macro_f1",
    "weighted_precision",
    "weighted_recall",
    "weighted_f1",
    "cohen_kappa",
    "matthews",
)


def summarize_confusions(confusions: np.ndarray) -> dict[str, np.ndarray]:
    """The figures of SUMMARIES for confusion matrices int64 [..., C, C]: each float64 [...].

    Averages run over the classes that the matrix has images of; one that was never read counts as
    precision 0. NaN where a figure is undefined: kappa where chance alone already agrees always.
    """
    cells = np.asarray(confusions, dtype=np.float64)
    hits = np.diagonal(cells, axis1=-2, axis2=-1)
    support, read = cells.sum(-1), cells.sum(-2)
    total = support.sum(-1)
    precision, recall = _ratio(hits, read), _ratio(hits, support)
    f1 = _ratio(2 * hits, support + read)
    shares = {"precision": precision, "recall": recall, "f1": f1}
    present = support > 0
    summaries = {"accuracy": hits.sum(-1) / total}
    for name, values in shares.items():
        summaries[f"macro_{name}"] = (values * present).sum(-1) / present.sum(-1)
        summaries[f"weighted_{name}"] = (values * support).sum(-1) / total
    summaries["balanced_accuracy"] = summaries["macro_recall"]
    summaries["cohen_kappa"] = _kappa(hits, support, read, total)
    summaries["matthews"] = _matthews(hits, support, read, total)
    return {name: summaries[name] for name in SUMMARIES}


def _kappa(
    hits: np.ndarray, support: np.ndarray, read: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Agreement beyond chance, −1…1.

    Source: J. Cohen, "A coefficient of agreement for nominal scales", Educational and
    Psychological Measurement 20 (1960), pp. 37–46.
    """
    observed = hits.sum(-1) / total
    by_chance = (support * read).sum(-1) / total**2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(by_chance < 1, (observed - by_chance) / (1 - by_chance), np.nan)


def _matthews(
    hits: np.ndarray, support: np.ndarray, read: np.ndarray, total: np.ndarray
) -> np.ndarray:
    """Correlation of true and read classes, −1…1; 0 where either is always the same.

    Source: J. Gorodkin, "Comparing two K-category assignments by a K-category correlation
    coefficient", Computational Biology and Chemistry 28 (2004), pp. 367–374.
    """
    together = hits.sum(-1) * total - (support * read).sum(-1)
    spread_of_true = total**2 - (support**2).sum(-1)
    spread_of_read = total**2 - (read**2).sum(-1)
    return _ratio(together, np.sqrt(spread_of_true * spread_of_read))


def _ratio(part: np.ndarray, whole: np.ndarray) -> np.ndarray:
    return np.divide(part, whole, out=np.zeros_like(part, dtype=np.float64), where=whole > 0)
