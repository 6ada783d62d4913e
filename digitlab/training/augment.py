"""Augmentation of batches on the device: one resampling for all geometric changes, strokes, noise.

All random numbers come from the generator that is passed in, in an order that depends on the
recipe alone, so that a training resumes exactly from the generator's stored state.
"""

from __future__ import annotations

import math
from functools import lru_cache

import torch
import torch.nn.functional as F

from digitlab.training.config import Augmentation

SMOOTHNESS = 4.0  # pixels: standard deviation of the Gaussian for elastic displacements
ERASED_AREA = (0.02, 0.33)  # share of the image; Zhong et al. and torchvision's RandomErasing
ERASED_ASPECT = (0.3, 1 / 0.3)  # height to width

# One row of random numbers from 0 to 1 for each, drawn for every recipe, so that changing one
# setting does not change the random numbers of the others.
_DRAWS = (
    *("rotation", "shear", "scale", "across", "down"),
    *("thickness", "bolder", "amount"),
    *("erasing", "area", "aspect", "left", "top"),
)


def augment(images: torch.Tensor, recipe: Augmentation, generator: torch.Generator) -> torch.Tensor:
    """Randomly changed copies of images float32 [N, C, H, W] from 0 (background) to 255.

    Each image randomly gets a stroke that is thinner or bolder by about a pixel; a rotation, shift,
    scale, shear and elastic displacement of its own (with one bilinear resampling for all); noise;
    and a rectangle replaced by random values. The result is on the images' device; a recipe of
    zeros returns the images themselves.
    """
    return augment_twice(images, recipe, generator)[1]


def augment_twice(
    images: torch.Tensor, recipe: Augmentation, generator: torch.Generator
) -> tuple[torch.Tensor, torch.Tensor]:
    """The same images without the noise and the rectangle, and with them.

    An autoencoder that sees the second is to give the first (Vincent et al. 2008).
    """
    n, device = len(images), images.device
    rows = torch.rand(len(_DRAWS), n, generator=generator, device=generator.device)
    draws = dict(zip(_DRAWS, rows, strict=True))
    if recipe.thickness:
        images = _change_thickness(images, recipe.thickness, draws)
    if recipe.rotation or recipe.shift or recipe.scale or recipe.shear or recipe.elastic:
        moves = _moves(images.shape, recipe, draws, generator).to(device)
        images = F.grid_sample(images, _grid(moves, images.shape), align_corners=False)
    clean = images
    if recipe.noise:
        noise = torch.randn(images.shape, generator=generator, device=generator.device)
        images = torch.add(images, noise.to(device), alpha=255 * recipe.noise).clamp_(0, 255)
    if recipe.erasing:
        images = _erase(images, recipe.erasing, draws, generator)
    return clean, images


def _between(draw: torch.Tensor, low: float, high: float) -> torch.Tensor:
    """Random numbers from 0 to 1, scaled to `low` to `high`."""
    return draw * (high - low) + low


# ---- geometric changes --------------------------------------------------------------------------


def _moves(
    shape: torch.Size, recipe: Augmentation, draws: dict, generator: torch.Generator
) -> torch.Tensor:
    """Coefficients of the functions of `_basis` in each image's grid, [N, 2 (x, y), K]."""
    angle = _between(draws["rotation"], -1, 1) * math.radians(recipe.rotation)
    shear = torch.tan(_between(draws["shear"], -1, 1) * math.radians(recipe.shear))
    size = 1.0 / (1.0 + _between(draws["scale"], -1, 1) * recipe.scale)
    cos, sin = torch.cos(angle) * size, torch.sin(angle) * size
    shift = 2 * recipe.shift  # a grid's coordinates run from −1 to 1
    across = torch.stack([cos, cos * shear - sin, _between(draws["across"], -shift, shift)], 1)
    down = torch.stack([sin, sin * shear + cos, _between(draws["down"], -shift, shift)], 1)
    affine = torch.stack([across, down], 1)
    if not recipe.elastic:
        return affine
    height, width = shape[-2:]
    waves = torch.randn(
        shape[0], 2, _knots(height) * _knots(width), generator=generator, device=generator.device
    )
    pixels = torch.tensor([2 * recipe.elastic / width, 2 * recipe.elastic / height])
    return torch.cat([affine, waves * pixels.to(waves.device).view(1, 2, 1)], 2)


def _grid(moves: torch.Tensor, shape: torch.Size) -> torch.Tensor:
    """The coordinates that each pixel takes its value from, [N, H, W, 2], for grid_sample."""
    height, width = shape[-2:]
    basis = _basis(height, width, str(moves.device))[: moves.shape[2]]
    return (moves @ basis).view(-1, 2, height, width).permute(0, 2, 3, 1)


def _knots(side: int) -> int:
    return math.ceil(side / SMOOTHNESS) + 2


@lru_cache(maxsize=8)
def _basis(height: int, width: int, device: str) -> torch.Tensor:
    """Functions over the pixels whose weighted sums are grids, [3 + knots, H·W].

    First x, y and 1, for the affine part; then one Gaussian bump around each knot of a coarse
    lattice. Bumps times white noise give Simard, Steinkraus and Platt's smoothed displacement field
    (Best practices for convolutional neural networks, 2003): the same Gaussian correlation, from a
    tenth of the random numbers. They are scaled to a standard deviation of 1 at every pixel.
    """
    x = (2 * torch.arange(width) + 1) / width - 1
    y = (2 * torch.arange(height) + 1) / height - 1
    affine = torch.stack([x.expand(height, width), y.view(-1, 1).expand(height, width)])
    down, across = _bumps(height), _bumps(width)
    waves = torch.einsum("ki,lj->klij", down, across).reshape(-1, height * width)
    return torch.cat([affine.reshape(2, -1), torch.ones(1, height * width), waves]).to(device)


def _bumps(side: int) -> torch.Tensor:
    """Gaussian bumps [knots, side] around knots, of which one lies beyond each border."""
    count = _knots(side)
    knots = (torch.arange(count) - (count - 1) / 2) * SMOOTHNESS + (side - 1) / 2
    bumps = torch.exp(-((torch.arange(side) - knots.view(-1, 1)) ** 2) / (2 * SMOOTHNESS**2))
    return bumps / bumps.norm(dim=0)


# ---- strokes, erasing ----------------------------------------------------------------------------


def _change_thickness(images: torch.Tensor, share: float, draws: dict) -> torch.Tensor:
    """Blend with the largest (bolder) or smallest (thinner) value of each 3×3 neighbourhood."""
    chosen = torch.nonzero(draws["thickness"] < share).flatten()
    if not len(chosen):
        return images
    bolder = draws["bolder"][chosen] < 0.6  # thin strokes may vanish: thin fewer, and less
    amount = torch.where(bolder, 1.0, 0.6) * draws["amount"][chosen]
    sign = torch.where(bolder, 1.0, -1.0)  # the minimum is that of the maximum of −x
    chosen, amount, sign = (part.to(images.device) for part in (chosen, amount, sign))
    amount, sign = amount.view(-1, 1, 1, 1), sign.view(-1, 1, 1, 1)
    strokes = images[chosen]
    changed = _largest_around(strokes * sign).mul_(sign)
    return images.index_copy(0, chosen, torch.lerp(strokes, changed, amount))


def _largest_around(images: torch.Tensor) -> torch.Tensor:
    """The maximum of each 3×3 neighbourhood: rows, then columns, faster than max_pool2d."""
    tall = images.clone()
    torch.maximum(tall[..., 1:, :], images[..., :-1, :], out=tall[..., 1:, :])
    torch.maximum(tall[..., :-1, :], images[..., 1:, :], out=tall[..., :-1, :])
    wide = tall.clone()
    torch.maximum(wide[..., 1:], tall[..., :-1], out=wide[..., 1:])
    torch.maximum(wide[..., :-1], tall[..., 1:], out=wide[..., :-1])
    return wide


def _erase(
    images: torch.Tensor, share: float, draws: dict, generator: torch.Generator
) -> torch.Tensor:
    """Replace a rectangle by random values in a share of the images.

    Zhong, Zheng, Kang, Li, Yang: Random erasing data augmentation, 2017, with random values. A
    rectangle larger than the image is clipped, where the paper draws another one.
    """
    height, width = images.shape[-2:]
    chosen = torch.nonzero(draws["erasing"] < share).flatten()
    area = _between(draws["area"][chosen], *ERASED_AREA) * (height * width)
    aspect = torch.exp(_between(draws["aspect"][chosen], *map(math.log, ERASED_ASPECT)))
    rows = _inside(draws["top"][chosen], torch.sqrt(area * aspect), height)
    columns = _inside(draws["left"][chosen], torch.sqrt(area / aspect), width)
    values = torch.rand(
        (len(chosen), *images.shape[1:]), generator=generator, device=generator.device
    )
    chosen, rows, columns, values = (
        part.to(images.device) for part in (chosen, rows, columns, values)
    )
    inside = rows.view(-1, 1, height, 1) & columns.view(-1, 1, 1, width)
    return images.index_copy(0, chosen, torch.where(inside, values * 255, images[chosen]))


def _inside(draw: torch.Tensor, length: torch.Tensor, side: int) -> torch.Tensor:
    """Which pixels of a side, bool [N, side], are in an interval of `length` at random."""
    length = length.round().clamp(1, side)
    start = torch.floor(draw * (side - length + 1)).view(-1, 1)
    pixels = torch.arange(side, device=draw.device)
    return (pixels >= start) & (pixels < start + length.view(-1, 1))
