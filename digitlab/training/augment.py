"""Augmentation by the batch, on the device: a grid for affine changes, pooling for strokes."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from digitlab.training.config import Augmentation


def augment(images: torch.Tensor, recipe: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Randomly changed copies of images float [N, C, H, W] in 0…255, paper being 0.

    Each image gets its own rotation, shift, scale and shear (one bilinear resampling for all
    four) and, by chance, a stroke thinner or bolder by about a pixel.
    """
    if recipe.thickness:
        images = _change_thickness(images, recipe.thickness, generator)
    if recipe.rotation or recipe.shift or recipe.scale or recipe.shear:
        grid = F.affine_grid(
            _random_affine(len(images), recipe, generator, images.device),
            list(images.shape),
            align_corners=False,
        )
        images = F.grid_sample(images, grid, align_corners=False)
    return images


def _uniform(n: int, limit: float, generator: torch.Generator) -> torch.Tensor:
    return (torch.rand(n, generator=generator) * 2 - 1) * limit


def _random_affine(
    n: int, recipe: Augmentation, generator: torch.Generator, device: torch.device
) -> torch.Tensor:
    """Inverse maps [N, 2, 3] in affine_grid's coordinates (−1…1)."""
    angle = _uniform(n, math.radians(recipe.rotation), generator)
    shear = torch.tan(_uniform(n, math.radians(recipe.shear), generator))
    size = 1.0 / (1.0 + _uniform(n, recipe.scale, generator))
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    matrix = torch.zeros(n, 2, 3)
    matrix[:, 0, 0], matrix[:, 0, 1] = cos, cos * shear - sin
    matrix[:, 1, 0], matrix[:, 1, 1] = sin, sin * shear + cos
    matrix[:, 0, 2] = _uniform(n, 2 * recipe.shift, generator)
    matrix[:, 1, 2] = _uniform(n, 2 * recipe.shift, generator)
    return matrix.to(device)


def _change_thickness(
    images: torch.Tensor, share: float, generator: torch.Generator
) -> torch.Tensor:
    """A blend with the locally largest (bolder) or smallest (thinner) value of 3×3 pixels."""
    n = len(images)
    chosen = torch.rand(n, generator=generator) < share
    bolder = torch.rand(n, generator=generator) < 0.6  # thin strokes may vanish: fewer of them
    amount = torch.rand(n, generator=generator) * chosen
    amount = torch.where(bolder, amount, amount * 0.6).to(images.device).view(-1, 1, 1, 1)
    bold = F.max_pool2d(images, 3, 1, 1)
    thin = -F.max_pool2d(-images, 3, 1, 1)
    other = torch.where(bolder.to(images.device).view(-1, 1, 1, 1), bold, thin)
    return torch.lerp(images, other, amount)
