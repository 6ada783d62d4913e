"""Augmentation as Python code: the functions of `digitlab.training.augment` in plain PyTorch."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from digitlab.training.config import Augmentation

AUGMENTED = frozenset(
    {"rotation", "shift", "scale", "shear", "elastic", "thickness", "noise", "erasing"}
)
_MOVES = {"rotation", "shift", "scale", "shear", "elastic"}

_AFFINE = """
    angle, shear = uniform({rotation} * math.pi / 180), uniform({shear} * math.pi / 180).tan()
    size = 1 / (1 + uniform({scale}))
    cos, sin = angle.cos() * size, angle.sin() * size
    first = torch.stack([cos, cos * shear - sin, uniform(2 * {shift})], 1)
    second = torch.stack([sin, sin * shear + cos, uniform(2 * {shift})], 1)
    grid = F.affine_grid(
        torch.stack([first, second], 1), list(images.shape), align_corners=False
    )
{waves}    images = F.grid_sample(images, grid, align_corners=False)
"""
_WAVES = """\
    # Smooth displacements of {elastic} pixels (Simard et al. 2003): noise times Gaussian bumps.
    down, across = (bumps(side).to(images.device) for side in images.shape[2:])
    noise = torch.randn(n, 2, len(down), len(across)).to(images.device)
    waves = torch.einsum("nckl,ki,lj->nijc", noise, down, across)
    sides = torch.tensor(images.shape[:1:-1], device=images.device)
    grid = grid + waves * (2 * {elastic} / sides)
"""
_BUMPS = '''
def bumps(side: int) -> torch.Tensor:
    """Gaussian bumps of 4 pixels around knots 4 pixels apart, [knots, side]."""
    count = -(-side // 4) + 2
    knots = (torch.arange(count) - (count - 1) / 2) * 4 + (side - 1) / 2
    values = torch.exp(-((torch.arange(side) - knots.view(-1, 1)) ** 2) / 32)
    return values / values.norm(dim=0)
'''
_STROKES = """
    chosen, bolder = torch.rand(n) < {thickness}, torch.rand(n) < 0.6
    amount = torch.rand(n) * chosen
    amount = torch.where(bolder, amount, 0.6 * amount).to(images.device).view(-1, 1, 1, 1)
    bold, thin = F.max_pool2d(images, 3, 1, 1), -F.max_pool2d(-images, 3, 1, 1)
    other = torch.where(bolder.to(images.device).view(-1, 1, 1, 1), bold, thin)
    images = torch.lerp(images, other, amount)
"""
_NOISE = """
    noise = torch.randn(images.shape).to(images.device)
    images = (images + 255 * {noise} * noise).clamp(0, 255)
"""
_ERASING = """
    # A rectangle of random values (Zhong et al. 2017).
    height, width = images.shape[2:]
    area = (0.02 + 0.31 * torch.rand(n)) * height * width
    aspect = torch.exp((2 * torch.rand(n) - 1) * math.log(1 / 0.3))
    rows, columns = stretch((area * aspect).sqrt(), height), stretch((area / aspect).sqrt(), width)
    erased = rows.view(-1, 1, height, 1) & columns.view(-1, 1, 1, width)
    erased &= (torch.rand(n) < {erasing}).view(-1, 1, 1, 1)
    values = 255 * torch.rand(images.shape)
    images = torch.where(erased.to(images.device), values.to(images.device), images)
"""
_STRETCH = '''
def stretch(length: torch.Tensor, side: int) -> torch.Tensor:
    """Which places of a side [N, side] lie in a stretch of `length` that begins by chance."""
    length = length.round().clamp(1, side)
    start = (torch.rand(len(length)) * (side - length + 1)).floor().view(-1, 1)
    places = torch.arange(side)
    return (places >= start) & (places < start + length.view(-1, 1))
'''
_AUGMENT = '''
def augment(images: torch.Tensor) -> torch.Tensor:
    """Randomly changed copies of a batch, each image in its own way."""
    images, n = images.float(), len(images)
{uniform}{body}    return images
'''
_UNIFORM = """
    def uniform(limit: float) -> torch.Tensor:
        return ((torch.rand(n) * 2 - 1) * limit).to(images.device)
"""


def augmentation_code(fields: Mapping[str, Any]) -> str:
    """The function `augment` for the fields of an Augmentation; empty where nothing changes."""
    if not Augmentation(**fields).active:
        return ""
    active = {name for name, value in fields.items() if value}
    body = _STROKES.format(**fields) if "thickness" in active else ""
    if active & _MOVES:
        waves = _WAVES.format(**fields) if "elastic" in active else ""
        body += _AFFINE.format(**fields, waves=waves)
    if "noise" in active:
        body += _NOISE.format(**fields)
    if "erasing" in active:
        body += _ERASING.format(**fields)
    before = [_BUMPS] if "elastic" in active else []
    before += [_STRETCH] if "erasing" in active else []
    uniform = _UNIFORM if active & _MOVES else ""
    written = _AUGMENT.format(body=body, uniform=uniform)
    return "\n\n".join(part.strip("\n") + "\n" for part in [*before, written])
