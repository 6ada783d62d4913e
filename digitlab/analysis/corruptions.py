"""Corruptions: noise, blur, rotation and others, each with a range of severities, seeded.

Pure functions of images uint8 [N, 1, H, W] (0 is paper, 255 is ink). In the manner of Mu and
Gilmer, "MNIST-C: A robustness benchmark for computer vision", 2019, but each over a whole range of
severities, in units that are easy to understand.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass

import torch
import torch.nn.functional as F

from digitlab.errors import RunError


@dataclass(frozen=True)
class Corruption:
    """One kind of damage: `severities` in `unit`, in the order of a curve; `neutral` changes
    nothing and is one of them.
    """

    name: str
    title: str
    unit: str
    severities: tuple[float, ...]
    neutral: float
    about: str
    change: Callable[[torch.Tensor, float, torch.Generator], torch.Tensor]


def corrupt(
    images: torch.Tensor, name: str, severity: float, generator: torch.Generator
) -> torch.Tensor:
    """Images uint8 [N, 1, H, W] with the corruption `name`, uint8 of the same shape and device.

    The generator, on the CPU, draws what is random (direction, position, noise): with the same
    seed each image gets the same at every severity. RunError for an unknown name.
    """
    if name not in CORRUPTIONS:
        raise RunError(f"A corruption is one of {', '.join(CORRUPTIONS)}; not {name!r}.")
    corruption = CORRUPTIONS[name]
    if severity == corruption.neutral:
        return images.clone()
    changed = corruption.change(images.float(), float(severity), generator)
    return changed.round().clamp(0, 255).to(torch.uint8)


# ---- what moves ---------------------------------------------------------------------------------


def _shift(images: torch.Tensor, pixels: float, generator: torch.Generator) -> torch.Tensor:
    angle = 2 * math.pi * torch.rand(len(images), generator=generator)
    height, width = images.shape[-2:]
    matrices = _identity(len(images))
    matrices[:, 0, 2] = 2 * pixels / width * angle.cos()  # a grid's coordinates run from −1 to 1
    matrices[:, 1, 2] = 2 * pixels / height * angle.sin()
    return _resample(images, matrices)


def _rotate(images: torch.Tensor, degrees: float, generator: torch.Generator) -> torch.Tensor:
    angle = math.radians(degrees) * _signs(len(images), generator)
    matrices = _identity(len(images))
    matrices[:, 0, 0] = matrices[:, 1, 1] = angle.cos()
    matrices[:, 0, 1], matrices[:, 1, 0] = angle.sin(), -angle.sin()
    return _resample(images, matrices)


def _scale(images: torch.Tensor, factor: float, _: torch.Generator) -> torch.Tensor:
    if factor < 1:  # else every other pixel of a digit made small would be left out
        images = _blur(images, 0.35 * (1 / factor - 1), _)
    return _resample(images, _identity(len(images)) * torch.tensor([1 / factor, 1 / factor, 1.0]))


def _shear(images: torch.Tensor, degrees: float, generator: torch.Generator) -> torch.Tensor:
    matrices = _identity(len(images))
    matrices[:, 0, 1] = math.tan(math.radians(degrees)) * _signs(len(images), generator)
    return _resample(images, matrices)


def _identity(count: int) -> torch.Tensor:
    return torch.eye(2, 3).repeat(count, 1, 1)


def _signs(count: int, generator: torch.Generator) -> torch.Tensor:
    return torch.randint(0, 2, (count,), generator=generator) * 2.0 - 1


def _resample(images: torch.Tensor, matrices: torch.Tensor) -> torch.Tensor:
    """Bilinear, around the image's middle; paper where nothing was."""
    grid = F.affine_grid(matrices.to(images.device), list(images.shape), align_corners=False)
    return F.grid_sample(images, grid, align_corners=False)


# ---- strokes, light, and what lies over it ------------------------------------------------------


def _thicken(images: torch.Tensor, pixels: float, _: torch.Generator) -> torch.Tensor:
    """Grey-scale dilation, or erosion where negative, of 3×3 pixels; parts of a step are blends."""
    sign = math.copysign(1.0, pixels)
    left, images = abs(pixels), images * sign
    while left > 0:
        grown = F.max_pool2d(images, 3, stride=1, padding=1)
        images, left = torch.lerp(images, grown, min(left, 1.0)), left - 1
    return images * sign


def _blur(images: torch.Tensor, sigma: float, _: torch.Generator) -> torch.Tensor:
    reach = max(1, math.ceil(3 * sigma))
    steps = torch.arange(-reach, reach + 1, device=images.device)
    kernel = torch.exp(-(steps**2) / (2 * sigma**2))
    kernel = kernel / kernel.sum()
    images = F.conv2d(images, kernel.view(1, 1, -1, 1), padding=(reach, 0))
    return F.conv2d(images, kernel.view(1, 1, 1, -1), padding=(0, reach))


def _add_noise(images: torch.Tensor, deviation: float, generator: torch.Generator) -> torch.Tensor:
    noise = torch.randn(images.shape, generator=generator).to(images.device)
    return images + 255 * deviation * noise


def _fade(images: torch.Tensor, contrast: float, _: torch.Generator) -> torch.Tensor:
    mean = images.mean(dim=(1, 2, 3), keepdim=True)
    return mean + contrast * (images - mean)


def _occlude(images: torch.Tensor, side: float, generator: torch.Generator) -> torch.Tensor:
    """A square of paper anywhere inside the image."""
    height, width = images.shape[-2:]
    top, left = torch.rand(2, len(images), 1, generator=generator)
    size = int(side)
    rows, columns = torch.arange(height), torch.arange(width)
    top, left = ((top * (height - size + 1)).floor(), (left * (width - size + 1)).floor())
    down = (rows >= top) & (rows < top + size)
    across = (columns >= left) & (columns < left + size)
    covered = (down[:, :, None] & across[:, None, :])[:, None].to(images.device)
    return images.masked_fill(covered, 0)


def _invert(images: torch.Tensor, share: float, _: torch.Generator) -> torch.Tensor:
    return torch.lerp(images, 255 - images, share)


_ALL = (
    Corruption(
        "shift", "Shift", "pixels", (0, 1, 2, 3, 4, 6), 0,
        "Moved by so many pixels, each image in a direction of its own.", _shift,
    ),
    Corruption(
        "rotation", "Rotation", "degrees", (0, 10, 20, 30, 45, 60), 0,
        "Turned around the middle, half of the images to the left and half to the right.", _rotate,
    ),
    Corruption(
        "scale", "Scale", "times the size", (0.4, 0.55, 0.7, 0.85, 1, 1.15, 1.3, 1.5), 1,
        "Made smaller or larger around the middle.", _scale,
    ),
    Corruption(
        "shear", "Shear", "degrees", (0, 10, 20, 30, 40), 0,
        "Slanted to the left or to the right.", _shear,
    ),
    Corruption(
        "thickness", "Stroke thickness", "pixels on each side", (-1, -0.75, -0.5, 0, 0.5, 1, 2), 0,
        "Thinner or bolder strokes: grey-scale erosion and dilation.", _thicken,
    ),
    Corruption(
        "blur", "Blur", "σ in pixels", (0, 0.5, 1, 1.5, 2, 3), 0, "Gaussian blur.", _blur,
    ),
    Corruption(
        "noise", "Noise", "σ, 1 = full ink", (0, 0.1, 0.2, 0.3, 0.4, 0.6), 0,
        "Gaussian noise on every pixel, cut off at paper and at full ink.", _add_noise,
    ),
    Corruption(
        "contrast", "Contrast", "share kept", (1, 0.7, 0.5, 0.3, 0.2, 0.1), 1,
        "Every pixel moved towards the image's mean.", _fade,
    ),
    Corruption(
        "occlusion", "Occlusion", "side in pixels", (0, 4, 8, 12, 16), 0,
        "A square of paper over part of the image.", _occlude,
    ),
    Corruption(
        "inversion", "Inverted colours", "share of inversion", (0, 0.25, 0.5, 0.75, 1), 0,
        "Blended with its negative: at 0.5 everything is grey, at 1 ink and paper are swapped.",
        _invert,
    ),
)  # fmt: skip

CORRUPTIONS: dict[str, Corruption] = {corruption.name: corruption for corruption in _ALL}
