"""Random affine transformations of digits in a larger image, in the manner of affNIST.

affNIST (Tieleman, https://www.cs.toronto.edu/~tijmen/affNIST/) has 32 versions of each image of
MNIST in 40×40 pixels. Here each image has one, made on this machine, with bounds of our own.
"""

from __future__ import annotations

import math

import torch

SIDE = 40  # pixels
ROTATION = 20.0  # degrees to either side
SHEAR = 0.2
SCALE = (0.8, 1.2)  # of width and height, each by itself
_AT_ONCE = 4_000  # images


def transform(images: torch.Tensor, seed: int) -> torch.Tensor:
    """Each image uint8 [N, 1, H, W] rotated, sheared, scaled and moved: uint8 [N, 1, 40, 40].

    It is moved to any place where all of its ink is inside. Equal seed, equal result.
    """
    generator = torch.Generator().manual_seed(seed)
    draws = torch.rand(6, len(images), generator=generator)
    parts = [
        _transform(images[start : start + _AT_ONCE], draws[:, start : start + _AT_ONCE])
        for start in range(0, len(images), _AT_ONCE)
    ]
    return torch.cat(parts) if parts else images.new_zeros(0, 1, SIDE, SIDE)


def _transform(images: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    angle = (2 * draws[0] - 1) * math.radians(ROTATION)
    shear = (2 * draws[1] - 1) * SHEAR
    across, down = (SCALE[0] + draw * (SCALE[1] - SCALE[0]) for draw in draws[2:4])
    cos, sin = angle.cos(), angle.sin()
    matrix = torch.stack(
        [cos * across, (cos * shear - sin) * down, sin * across, (sin * shear + cos) * down], 1
    ).view(-1, 2, 2)  # from the image's pixels to the result's, both around the middle
    shift = _shift(images, matrix, draws[4:6])
    inverse = torch.linalg.inv(matrix)
    back = -(inverse @ shift[:, :, None])
    size = images.shape[-1]
    # grids run from -1 to 1 over either image: a pixel is 2 / SIDE of one and 2 / size of the other
    theta = torch.cat([inverse * (SIDE / size), back * (2 / size)], 2)
    grid = torch.nn.functional.affine_grid(theta, [len(images), 1, SIDE, SIDE], align_corners=False)
    moved = torch.nn.functional.grid_sample(images.float(), grid, align_corners=False)
    return moved.round_().clamp_(0, 255).to(torch.uint8)


def _shift(images: torch.Tensor, matrix: torch.Tensor, draws: torch.Tensor) -> torch.Tensor:
    """How far each image is moved, in pixels [N, 2 (x, y)], with its ink inside the result."""
    half = images.shape[-1] / 2
    ink = images[:, 0] > 0
    bounds = [_bounds(ink.any(dim)) for dim in (1, 2)]  # of columns, of rows
    corners = torch.stack(
        [torch.stack([x - half, y - half], 1) for x in bounds[0] for y in bounds[1]], 2
    )
    placed = matrix @ corners
    low, high = -SIDE / 2 - placed.amin(2), SIDE / 2 - placed.amax(2)
    middle, reach = (low + high) / 2, ((high - low) / 2).clamp_min(0)
    return middle + (2 * draws.T - 1) * reach


def _bounds(lines: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """Where the first line with ink begins and the last ends, of bool [N, lines]."""
    count = lines.shape[1]
    first = lines.int().argmax(1)
    last = count - lines.flip(1).int().argmax(1)
    return first.float(), last.float()
