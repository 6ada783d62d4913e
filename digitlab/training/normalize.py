"""Normalisation: uint8 pixels → float32 inputs of a network, in training and in prediction."""

from __future__ import annotations

from dataclasses import dataclass

import torch

from digitlab.data.statistics import pixel_statistics

_FIXED = {"half": (0.5, 0.5), "none": (0.0, 1.0)}


@dataclass(frozen=True)
class Normalization:
    """x ↦ (x / 255 − mean) / std."""

    mean: float
    std: float

    def __call__(self, images: torch.Tensor) -> torch.Tensor:
        """Images uint8 [N, C, H, W] → float32 of the same shape, on the same device."""
        return images.to(torch.float32).mul_(1 / (255 * self.std)).sub_(self.mean / self.std)


def make_normalization(kind: str, images: torch.Tensor) -> Normalization:
    """The normalisation `kind` for training images uint8 [N, C, H, W].

    "dataset" uses their mean and standard deviation, "half" 0.5 and 0.5; "none" gives 0 to 1.
    """
    if kind in _FIXED:
        return Normalization(*_FIXED[kind])
    pixels = pixel_statistics(images)
    return Normalization(pixels.mean, max(pixels.std, 1e-6))
