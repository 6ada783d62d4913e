"""An order of the classes that puts confused classes next to each other."""

from __future__ import annotations

import numpy as np


def similarity_order(confusion: np.ndarray) -> np.ndarray:
    """Class labels, int64 [C], for a confusion matrix int64 [C, C].

    Two classes are near where a large share of either is read as the other, both ways together;
    average linkage joins them, and of all orders that the tree allows the one with the nearest
    neighbours is taken (Z. Bar-Joseph et al., "Fast optimal leaf ordering for hierarchical
    clustering", Bioinformatics 17, 2001). The same matrix always gives the same order; without
    any confusion it is that of the labels.
    """
    counts = np.asarray(confusion, dtype=np.float64)
    classes = len(counts)
    shares = counts / np.maximum(counts.sum(axis=1, keepdims=True), 1)
    near = shares + shares.T
    np.fill_diagonal(near, 0)
    if classes < 3 or not near.any():
        return np.arange(classes)
    from scipy.cluster.hierarchy import leaves_list, linkage

    # The square root, so that one frequently confused pair does not dominate the distances.
    far = 1 - np.sqrt(near / near.max())
    distances = far[np.triu_indices(classes, 1)]
    order = leaves_list(linkage(distances, "average", optimal_ordering=True)).astype(np.int64)
    return order[::-1] if order[0] > order[-1] else order
