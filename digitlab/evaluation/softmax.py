"""From logits to probabilities and loss, in float64 and without overflow."""

from __future__ import annotations

import numpy as np


def log_softmax(logits: np.ndarray) -> np.ndarray:
    """Logarithms of the probabilities, float64 [N, C], for finite logits [N, C].

    The largest logit is taken off each row first, so that nothing overflows and a loss of
    thousands of nats is as exact as one of 0.1.
    """
    shifted = logits.astype(np.float64)
    shifted -= shifted.max(axis=1, keepdims=True)
    # exp(-1000) is 0 here, and rightly so: the underflow is no news to anyone.
    with np.errstate(under="ignore"):
        return shifted - np.log(np.exp(shifted).sum(axis=1, keepdims=True))


def softmax(logits: np.ndarray) -> np.ndarray:
    """Probabilities, float32 [N, C], of finite logits [N, C]; every row sums to 1."""
    with np.errstate(under="ignore"):
        return np.exp(log_softmax(logits)).astype(np.float32)


def cross_entropy(log_probabilities: np.ndarray, labels: np.ndarray) -> float:
    """Mean negative log-likelihood of the labels [N] in nats; of `log_softmax` output [N, C]."""
    picked = log_probabilities[np.arange(len(labels)), labels]
    return float(-picked.mean()) + 0.0  # a perfect score is 0.0, not -0.0
