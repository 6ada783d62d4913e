"""Normalisation: uint8 pixels → the float values a network sees; the same in training and use."""

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
    """`dataset`: mean and deviation of the training images; `half`: 0.5/0.5; `none`: 0…1."""
    if kind in _FIXED:
        return Normalization(*_FIXED[kind])
    pixels = pixel_statistics(images)
    return Normalization(pixels.mean, max(pixels.std, 1e-6))
