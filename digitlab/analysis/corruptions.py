"""Corruptions: noise, blur, rotation and others, each with a range of severities, seeded.

Pure functions of images uint8 [N, 1, H, W] (0 is paper, 255 is ink). In the manner of Mu and
Gilmer, "MNIST-C: A robustness benchmark for computer vision", 2019, but each over a whole range of
severities, in units that are easy to understand.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F

from digitlab.analysis.corruption_kinds import CORRUPTIONS
from digitlab.errors import RunError


def corrupt(
    images: torch.Tensor, name: str, severity: float, generator: torch.Generator
) -> torch.Tensor:
    """Images uint8 [N, 1, H, W] with the corruption `name`, uint8 of the same shape and device.

    The generator, on the CPU, draws what is random (direction, position, noise): with the same
    seed each image gets the same at every severity. RunError for an unknown name.
    """
    if name not in CORRUPTIONS:
        raise RunError(f"A corruption is one of {', '.join(CORRUPTIONS)}; not {name!r}.")
    if severity == CORRUPTIONS[name].neutral:
        return images.clone()
    changed = _CHANGES[name](images.float(), float(severity), generator)
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
    planes = images.flatten(0, 1)[:, None]  # each colour by itself
    planes = F.conv2d(planes, kernel.view(1, 1, -1, 1), padding=(reach, 0))
    return F.conv2d(planes, kernel.view(1, 1, 1, -1), padding=(0, reach)).view_as(images)


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


_CHANGES = {
    "shift": _shift,
    "rotation": _rotate,
    "scale": _scale,
    "shear": _shear,
    "thickness": _thicken,
    "blur": _blur,
    "noise": _add_noise,
    "contrast": _fade,
    "occlusion": _occlude,
    "inversion": _invert,
}
