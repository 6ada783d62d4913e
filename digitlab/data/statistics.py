"""Statistics of images and labels: what the Data page shows and normalisation uses."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import torch

from digitlab.data.dataset import Split


@dataclass(frozen=True)
class PixelStatistics:
    """Pixel values of a split, scaled to 0…1: mean, standard deviation, histogram of 256 values."""

    mean: float
    std: float
    histogram: np.ndarray  # int64 [256]


def class_counts(split: Split, classes: int) -> np.ndarray:
    """Images per class, int64 [classes]."""
    return np.bincount(split.labels.numpy(), minlength=classes)


def pixel_statistics(images: torch.Tensor) -> PixelStatistics:
    """Exact mean and standard deviation over all pixels of uint8 images, from their histogram."""
    histogram = np.zeros(256, dtype=np.int64)
    for part in images.split(1_000):  # bincount widens to int64: by parts it stays small
        histogram += np.bincount(part.numpy().reshape(-1), minlength=256)
    values = np.arange(256) / 255.0
    share = histogram / max(histogram.sum(), 1)
    mean = float((values * share).sum())
    variance = float(((values - mean) ** 2 * share).sum())
    return PixelStatistics(mean, variance**0.5, histogram)


def class_images(split: Split, classes: int) -> tuple[np.ndarray, np.ndarray]:
    """Mean image and standard deviation per class and pixel, each float32 [classes, H, W], 0…255.

    A class without images is all zero.
    """
    means, deviations = [], []
    for label in range(classes):
        members = split.images[split.labels == label, 0].float()
        empty = torch.zeros(split.images.shape[2:])
        means.append(members.mean(0) if len(members) else empty)
        deviations.append(members.std(0, unbiased=False) if len(members) else empty)
    return torch.stack(means).numpy(), torch.stack(deviations).numpy()


def overlay(split: Split, label: int, count: int, seed: int = 0) -> np.ndarray:
    """`count` images of one class laid over each other: share of them with ink, float32 [H, W].

    A pixel has ink from half of full value on.
    """
    members = torch.nonzero(split.labels == label).flatten()
    order = torch.randperm(len(members), generator=torch.Generator().manual_seed(seed))
    images = split.images[members[order[:count]], 0]
    if not len(images):
        return np.zeros(tuple(split.images.shape[2:]), dtype=np.float32)
    return (images >= 128).float().mean(0).numpy()


def pick_indices(split: Split, label: int | None, seed: int | None) -> np.ndarray:
    """Positions in the split: of one class or all, in their order or shuffled with `seed`."""
    positions = np.arange(len(split))
    if label is not None:
        positions = positions[split.labels.numpy() == label]
    return positions if seed is None else np.random.default_rng(seed).permutation(positions)
