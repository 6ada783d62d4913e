"""Currency signs, told from digits by a small network that learnt nothing else.

They are as high as digits, so that neither size nor place tells them, and networks that know only
digits are often sure that a dollar is an 8. `digitlab.assets.make_currency` trains it.
"""

from __future__ import annotations

from functools import cache
from pathlib import Path

import numpy as np

WEIGHTS = Path(__file__).with_name("currency.safetensors")
CURRENCIES = ("$", "€", "£")
CLASSES = (*CURRENCIES, "", "?")  # "" for a digit, "?" for a letter
SURE = 0.9  # probability from which a mark is taken for a currency …
DOUBTFUL = 0.3  # … and of all three from which it is no digit: 0.14 % of MNIST's have it
BINS, CELL = 8, 4  # directions of edges, and pixels of a cell that they are counted in


def classify(images: np.ndarray) -> np.ndarray:
    """Framed marks `uint8 [N, 28, 28]` → probabilities `float32 [N, 5]` of CLASSES."""
    weights = _read_weights()
    hidden = np.maximum(describe(images) @ weights["w0"] + weights["b0"], 0)
    logits = hidden @ weights["w1"] + weights["b1"]
    powers = np.exp(logits - logits.max(axis=1, keepdims=True))
    return powers / powers.sum(axis=1, keepdims=True)


def describe(images: np.ndarray) -> np.ndarray:
    """Images `uint8 [N, 28, 28]` → features `float32 [N, 588]`.

    Grey levels at half the size, and the directions of edges in cells of 4 × 4 (N. Dalal and
    B. Triggs, Histograms of oriented gradients for human detection, CVPR 2005).
    """
    grey = images.astype(np.float32) / 255
    half = grey.reshape(-1, 14, 2, 14, 2).mean(axis=(2, 4))
    down, across = np.gradient(grey, axis=(1, 2))
    strength = np.hypot(down, across)
    which = np.floor((np.arctan2(down, across) / (2 * np.pi) % 1) * BINS).astype(int) % BINS
    cells = np.stack(
        [
            (strength * (which == k)).reshape(-1, 7, CELL, 7, CELL).sum(axis=(2, 4))
            for k in range(BINS)
        ],
        axis=-1,
    )
    edges = cells.reshape(len(images), -1)
    edges /= np.linalg.norm(edges, axis=1, keepdims=True) + 1e-6
    return np.concatenate([half.reshape(len(images), -1), 4 * edges], axis=1)


@cache
def _read_weights() -> dict[str, np.ndarray]:
    from safetensors.numpy import load_file

    return {name: value.astype(np.float32) for name, value in load_file(WEIGHTS).items()}
