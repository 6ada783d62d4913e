"""Statistics of images and labels: what the Data page shows and normalisation uses."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from digitlab.data.dataset import Split

if TYPE_CHECKING:
    import torch

_AT_ONCE = 1_000  # images, as sums widen their pixels


@dataclass(frozen=True)
class PixelStatistics:
    """Pixel values of a split, scaled to 0…1: mean, standard deviation, histogram of 256 values."""

    mean: float
    std: float
    histogram: np.ndarray  # int64 [256]


def class_counts(split: Split, classes: int) -> np.ndarray:
    """Images per class, int64 [classes]."""
    return np.bincount(np.asarray(split.labels), minlength=classes)


def pixel_statistics(images: torch.Tensor | np.ndarray) -> PixelStatistics:
    """Exact mean and standard deviation over all pixels of uint8 images, from their histogram."""
    histogram = np.zeros(256, dtype=np.int64)
    pixels = np.asarray(images)
    for start in range(0, len(pixels), _AT_ONCE):
        part = pixels[start : start + _AT_ONCE]
        histogram += np.bincount(part.reshape(-1), minlength=256)
    values = np.arange(256) / 255.0
    share = histogram / max(histogram.sum(), 1)
    mean = float((values * share).sum())
    variance = float(((values - mean) ** 2 * share).sum())
    return PixelStatistics(mean, variance**0.5, histogram)


def class_images(split: Split, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean image and standard deviation per class and pixel, each float32 [classes, H, W], 0…255.

    A class without images is all zero.
    """
    images, labels = np.asarray(split.images), np.asarray(split.labels)
    sums = np.zeros((2, classes, *images.shape[2:]))  # of values and of their squares
    for start in range(0, len(images), _AT_ONCE):
        grey = images[start : start + _AT_ONCE].mean(1)  # colours as grey
        for label in np.unique(labels[start : start + _AT_ONCE]):
            members = grey[labels[start : start + _AT_ONCE] == label]
            sums[:, label] += members.sum(0), (members**2).sum(0)
    counts = np.maximum(np.bincount(labels, minlength=classes), 1)[:, None, None]
    means, squares = sums / counts
    deviations = np.sqrt(np.maximum(squares - means**2, 0))
    return means.astype(np.float32), deviations.astype(np.float32)


def overlay(split: Split, label: int, count: int, seed: int = 0) -> np.ndarray:
    """`count` images of one class laid over each other: share of them with ink, float32 [H, W].

    A pixel has ink from half of full value on.
    """
    import torch

    members = np.flatnonzero(np.asarray(split.labels) == label)
    order = torch.randperm(len(members), generator=torch.Generator().manual_seed(seed)).numpy()
    images = np.asarray(split.images)[members[order[:count]]].mean(1)
    if not len(images):
        return np.zeros(tuple(split.images.shape[2:]), dtype=np.float32)
    return (images >= 128).mean(0, dtype=np.float32)


def pick_indices(split: Split, label: int | None, seed: int | None) -> np.ndarray:
    """Positions in the split: of one class or all, in their order or shuffled with `seed`."""
    positions = np.arange(len(split))
    if label is not None:
        positions = positions[np.asarray(split.labels) == label]
    return positions if seed is None else np.random.default_rng(seed).permutation(positions)
