"""From logits to probabilities and loss, in float64: SciPy's functions, which do not overflow."""

from __future__ import annotations

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities, float64 [N, C], for finite logits [N, C]."""
    from scipy.special import log_softmax

    return log_softmax(logits.astype(np.float64), axis=1)


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32 [N, C], of finite logits [N, C]; every row sums to 1."""
    from scipy.special import softmax

    return softmax(logits.astype(np.float64), axis=1).astype(np.float32)


def cross_entropy(log_probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood of the labels [N] in nats; of `log_softmax` output [N, C]."""
    picked = log_probabilities[np.arange(len(labels)), labels]
    return float(-picked.mean()) + 0.0  # a perfect score is 0.0, not -0.0
