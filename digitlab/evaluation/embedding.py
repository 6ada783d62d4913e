"""Embeddings: activations projected to two dimensions, and the mean activation of each class."""

from __future__ import annotations

import numpy as np

from digitlab.evaluation.checks import EvaluationError

PROJECTIONS = ("pca", "tsne")
_BEFORE_TSNE = 50  # principal components that t-SNE is given, as its authors advise
_PERPLEXITY = 30.0


def project(hidden: np.ndarray, method: str = "pca", seed: int = 0) -> np.ndarray:
    """Activations [N, D] as points float32 [N, 2].

    `pca`: the two directions of largest variance. `tsne`: van der Maaten, Hinton, Visualizing
    data using t-SNE, 2008, of 50 principal components, perplexity 30, started from the PCA;
    neighbourhoods mean something, distances between far groups do not. Raises EvaluationError for
    another method or fewer than three images.
    """
    from sklearn.decomposition import PCA

    if method not in PROJECTIONS:
        raise EvaluationError(f"A projection is one of {', '.join(PROJECTIONS)}; not {method!r}.")
    hidden = np.asarray(hidden, dtype=np.float32)
    if len(hidden) < 3:
        raise EvaluationError(f"A projection needs at least 3 images; not {len(hidden)}.")
    most = 2 if method == "pca" else _BEFORE_TSNE
    count = min(most, len(hidden), hidden.shape[1])
    reduced = PCA(count, random_state=seed).fit_transform(hidden)
    if method == "tsne":
        from sklearn.manifold import TSNE

        perplexity = min(_PERPLEXITY, (len(hidden) - 1) / 3)
        tsne = TSNE(2, perplexity=perplexity, init="pca", random_state=seed)
        reduced = tsne.fit_transform(reduced) if count > 1 else reduced
    if reduced.shape[1] < 2:  # a network whose last layer has one unit
        reduced = np.pad(reduced, ((0, 0), (0, 1)))
    return reduced.astype(np.float32)


def class_means(hidden: np.ndarray, labels: np.ndarray, classes: int) -> np.ndarray:
    """Mean activations float32 [classes, D] of activations [N, D]; NaN for a class without any."""
    hidden = np.asarray(hidden, dtype=np.float32)
    means = np.full((classes, hidden.shape[1]), np.nan, dtype=np.float32)
    for label in np.unique(labels):
        means[label] = hidden[labels == label].mean(axis=0)
    return means


def telling_units(means: np.ndarray, count: int) -> np.ndarray:
    """The `count` units whose means [C, D] differ most between classes, int64.

    Sorted by the class that activates them most.
    """
    present = means[~np.isnan(means).any(axis=1)]
    units = np.argsort(-present.var(axis=0), kind="stable")[:count]
    return units[np.argsort(present[:, units].argmax(axis=0), kind="stable")]
