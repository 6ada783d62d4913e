"""Pixels → ink, `uint8 [H, W]`, 0 paper, 255 ink: strokes told from paper, light and print.

Light is estimated, not assumed: the paper's own brightness is sought around every stroke, and ink
is what is darker (or lighter) than that. What is printed around the writing is left out.
"""

from __future__ import annotations

from functools import lru_cache, reduce

import numpy as np
from PIL import Image

from digitlab.drawing.ruling import find_ruling

BORDER = 0.02  # how much of the shorter side counts as border
FAINTEST = 24  # a drawing whose strongest stroke differs less than this (of 255) is blank paper
FAINT_SHARE = 0.1  # below this share of the strongest stroke: JPEG ringing, not ink
NOISE_REACH = 6  # median deviations of the paper's grain that are still grain (4 sigma)
EVEN_PAPER = 2  # a border that deviates less than this has no lighting to be removed
SHADED = 0.18  # share of the border that differs: more than ruled lines and strokes take of it
BLOCK_PIXELS = 1_000_000  # pixels compared with the paper at a time, to bound memory

ENOUGH = 2_500_000  # pixels: of more, writing is found as well at a smaller size
STRIP, DEEPEST = 0.95, 0.2  # share of an edge's row that a scan's border covers; share of the side
COARSE = 224  # pixels of the longer side while the paper's brightness is sought
COARSEST = 96  # and while it is asked whether strokes are darker
BROADEST = 0.22  # of the longer side: strokes are narrower, shadows are broader
FAINT, FULL = 0.4, 0.7  # of the strongest strokes: weaker is paper, stronger is all ink
PRINTED = 0.2  # of the strongest strokes: weaker is no print either
STRONGEST = 0.005  # share of the pixels, at most, that sets what a strong stroke is
GRAIN = 6  # median deviations that are still grain
NOISE = 3.0  # strokes no stronger than so many median deviations are noise: there are none
BLUR = 3  # pixels: how far from print its blurred edge may reach
DARKEST = 40  # paper darker than this, of 255, is measured as if it were so bright


def find_ink(pixels: np.ndarray, *, keep_ruling: bool = False) -> np.ndarray:
    """Ink `uint8 [H, W]` of pixels `uint8 [H, W]`, `[H, W, 3]` or `[H, W, 4]`.

    On a transparent border the paint's opacity is the ink, whatever its colour. On an opaque one
    the ink is the largest difference to the paper over the channels, so light on dark, dark on
    light and coloured strokes are read alike; where the light is uneven, the paper's brightness is
    sought around every stroke. What differs no more than the paper's own grain is 0; the usual
    stroke is brought to 255. What is printed or ruled is left out, unless with `keep_ruling`.
    """
    return separate_ink(pixels, keep_ruling=keep_ruling)[0]


def shrink(pixels: np.ndarray) -> tuple[np.ndarray, int]:
    """A photo of at most ENOUGH pixels, averaged over squares, and the side of those."""
    factor = int(np.ceil(np.sqrt(pixels.shape[0] * pixels.shape[1] / ENOUGH)))
    if factor < 2:
        return pixels, 1
    return np.asarray(Image.fromarray(pixels).reduce(factor)), factor


def separate_ink(pixels: np.ndarray, *, keep_ruling: bool = False) -> tuple[np.ndarray, np.ndarray]:
    """The ink of `find_ink`, and what was taken as printed or ruled, both `uint8 [H, W]`."""
    colour = pixels[..., None] if pixels.ndim == 2 else pixels[..., :3]
    alpha = pixels[..., 3] if pixels.ndim == 3 and pixels.shape[2] == 4 else None
    rows, columns = _border(*colour.shape[:2])
    if alpha is not None and np.median(alpha[rows, columns]) < 128:  # drawn, not photographed
        return _full_scale(alpha, grain=0.0), np.zeros_like(alpha)
    inside = (slice(None), slice(None)) if keep_ruling else _within_strips(colour)
    part = colour[inside]
    rows, columns = _border(*part.shape[:2])
    plane, noise = _fit_paper(part[rows, columns], _coordinates(rows, columns, part.shape))
    photo = noise > EVEN_PAPER or _is_shaded(part[rows, columns])
    if photo:
        contrast, grain = compare_with_paper(part)
        if _difference(part, plane).max() < FAINTEST:
            contrast[:] = 0
    else:
        contrast, grain = _difference(part, plane), NOISE_REACH * noise
    if alpha is not None:  # rounded corners and the like: what is transparent shows the paper
        contrast = (contrast * (alpha[inside] / np.float32(255))).astype(np.uint8)
    ink, ruling = np.zeros((2, *colour.shape[:2]), np.uint8)
    if not keep_ruling:
        solid = contrast > max(PRINTED * find_strongest(contrast), grain, FAINTEST / 2)
        printed = _with_blur(find_ruling(solid), solid)
        ruling[:] = 255
        usual = max(1.0, float(np.median(contrast[printed]))) if printed.any() else 1.0
        ruling[inside] = np.where(printed, np.minimum(255, contrast * (255 / usual)), 0)
        contrast = np.where(printed, 0, contrast)
    ink[inside] = _level(contrast, grain) if photo else _full_scale(contrast, grain)
    return ink, ruling


def _with_blur(printed: np.ndarray, solid: np.ndarray) -> np.ndarray:
    """What is printed, with the blurred edge around it: faint pixels beside no stroke."""
    from scipy import ndimage

    if not printed.any():
        return printed
    beside = ndimage.binary_dilation(printed, np.ones((3, 3)), BLUR)
    strokes = ndimage.binary_dilation(solid & ~printed, np.ones((3, 3)))
    return printed | (beside & ~strokes & ~solid)


def _is_shaded(border: np.ndarray) -> bool:
    """Whether a fair share of the border differs from the rest of it: a shadow with a hard edge."""
    away = np.abs(border - np.median(border, axis=0)).max(axis=1)
    return float(np.quantile(away, 1 - SHADED)) > FAINTEST / 2


def _within_strips(colour: np.ndarray) -> tuple[slice, slice]:
    """The image without the strips along its edges that are unlike what they surround.

    A scanner's black border, or the table beside the paper: rows and columns from the edge that
    are nearly all far from the image's usual brightness.
    """
    grey = colour.mean(axis=2, dtype=np.float32)
    height, width = grey.shape
    if min(height, width) < 64:
        return slice(0, height), slice(0, width)
    usual = float(np.median(grey))
    unlike = np.abs(grey - usual) > max(FAINTEST, 0.4 * max(usual, 255 - usual))
    top, bottom = (_strip(unlike[::step]) for step in (1, -1))
    left, right = (_strip(unlike[top : height - bottom].T[::step]) for step in (1, -1))
    return slice(top, height - bottom), slice(left, width - right)


def _strip(unlike: np.ndarray) -> int:
    """How many rows from the first are a strip; its blurred edge is part of it."""
    deepest = round(DEEPEST * len(unlike))
    share = unlike[: deepest + 1].mean(axis=1)
    depth = int(np.argmax(share < STRIP)) if (share < STRIP).any() else 0
    return min(depth + 2, deepest) if depth else 0


# Paper in uneven light


def compare_with_paper(colour: np.ndarray) -> tuple[np.ndarray, float]:
    """How much darker (or lighter) than its paper a photo `uint8 [H, W, C]` is, `uint8 [H, W]`.

    The paper's brightness is a closing (or opening) by a square broader than any stroke; what lies
    outside the image counts as dark, so that dark corners and borders are no strokes. Contrast is
    a share of the paper's brightness: in a shadow strokes are fainter, too. Also gives the level
    up to which it is grain.
    """
    grey = colour if is_darker(colour) else 255 - colour
    height, width, channels = grey.shape
    scale = min(1.0, COARSE / max(height, width))
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    contrast = np.zeros((height, width), np.float32)
    for k in range(channels):
        plane = Image.fromarray(np.ascontiguousarray(grey[..., k]))
        small = np.asarray(plane.resize(size, Image.Resampling.BOX), np.float32)
        paper = Image.fromarray(find_paper(small)).resize(
            (width, height), Image.Resampling.BILINEAR
        )
        brightness = np.asarray(paper)
        darker = (brightness - grey[..., k]) * (200 / np.maximum(brightness, DARKEST))
        np.maximum(contrast, darker, out=contrast)
    grain = GRAIN * float(np.median(contrast[:: max(1, height // 500), :: max(1, width // 500)]))
    strong = find_strongest(contrast)
    if strong < NOISE / GRAIN * grain:
        contrast[:] = 0
    return np.minimum(contrast, 255).astype(np.uint8), min(grain, 0.6 * strong)


def is_darker(colour: np.ndarray) -> bool:
    """Whether the strokes are darker than the paper.

    Narrow things that are dark are weighed against narrow ones that are light, by how much they
    differ from the usual brightness around: the paper inside a loop is narrow, but usual.
    """
    from scipy import ndimage

    height, width = colour.shape[:2]
    scale = min(1.0, COARSEST / max(height, width))
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    grey = Image.fromarray(colour.mean(axis=2).astype(np.uint8))
    small = np.asarray(grey.resize(size, Image.Resampling.BOX), np.float32)
    usual = ndimage.median_filter(small, round(0.35 * max(size)) | 1, mode="reflect")
    dark, light = (np.maximum(0, find_paper(part) - part) for part in (small, 255 - small))
    strong = 0.5 * max(float(np.quantile(dark, 0.995)), float(np.quantile(light, 0.995)))
    away = small - usual
    return float(away[dark > strong].sum()) + float(away[light > strong].sum()) <= 0


def find_paper(small: np.ndarray) -> np.ndarray:
    """The paper's brightness under and around dark strokes, `float32 [h, w]`."""
    from scipy import ndimage

    side = max(3, round(BROADEST * max(small.shape)) | 1)
    calm = ndimage.gaussian_filter(ndimage.median_filter(small, 3, mode="nearest"), 0.7)
    around = np.pad(calm, side)  # dark
    closed = ndimage.minimum_filter(ndimage.maximum_filter(around, side), side)
    closed = closed[side:-side, side:-side]
    return ndimage.minimum_filter(closed, 3, mode="nearest")  # a shadow's edge is none of a stroke


def find_strongest(contrast: np.ndarray) -> float:
    """How strong the strongest strokes are, few as their pixels may be."""
    usual, rare = np.quantile(contrast, (1 - STRONGEST, 1 - STRONGEST / 25))
    return max(float(usual), 0.6 * float(rare))


def _level(contrast: np.ndarray, grain: float) -> np.ndarray:
    """What is weaker than FAINT of the strongest strokes to 0, than FULL or more to 255."""
    strong = find_strongest(contrast)
    if strong < FAINTEST / 2:
        return np.zeros_like(contrast)
    floor = max(FAINT * strong, grain)
    table = np.clip((np.arange(256) - floor) / max(1.0, FULL * strong - floor), 0, 1)
    return np.rint(255 * table).astype(np.uint8)[contrast]


# Paper in even light


@lru_cache(maxsize=8)
def _border(height: int, width: int) -> tuple[np.ndarray, np.ndarray]:
    """Row and column indices of a frame around the image, a few thousand pixels at most."""
    depth = max(1, round(BORDER * min(height, width)))
    inner = np.zeros((height, width), bool)
    inner[depth : height - depth, depth : width - depth] = True
    rows, columns = np.nonzero(~inner)
    step = max(1, len(rows) // 4000)
    return rows[::step], columns[::step]


def _coordinates(rows: np.ndarray, columns: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """`float [M, 3]`: 1, x and y, the last two from 0 to 1."""
    y, x = rows / max(1, shape[0] - 1), columns / max(1, shape[1] - 1)
    return np.stack([np.ones(len(rows)), x, y], axis=1)


def _fit_paper(border: np.ndarray, where: np.ndarray) -> tuple[np.ndarray, float]:
    """The paper's colour as a plane `float [3, C]` over 1, x, y, and its median deviation.

    One even colour unless the border deviates and a slope explains most of it: a photo lit from
    one side. Fitted by absolute deviations, so strokes that reach the border do not tilt it.
    """
    values = border.astype(np.float64)
    even = np.zeros((3, values.shape[1]))
    even[0] = np.median(values, axis=0)
    noise = _deviation(values, where, even)
    if noise <= EVEN_PAPER:
        return even, noise
    slope = even
    for _ in range(12):  # least squares, reweighted towards least absolute deviations
        weight = 1 / np.maximum(1.0, np.abs(values - where @ slope).max(axis=1, keepdims=True))
        slope = np.linalg.lstsq(where * weight**0.5, values * weight**0.5, rcond=None)[0]
    tilted = _deviation(values, where, slope)
    return (slope, tilted) if tilted < 0.7 * noise else (even, noise)


def _deviation(values: np.ndarray, where: np.ndarray, plane: np.ndarray) -> float:
    return float(np.median(np.abs(values - where @ plane).max(axis=1)))


def _difference(colour: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """Largest difference to the paper over the channels, `uint8 [H, W]`."""
    height, width = colour.shape[:2]
    contrast = np.empty((height, width), np.uint8)
    paper, slope_x, slope_y = plane.astype(np.float32)
    level = not (slope_x.any() or slope_y.any())
    x = np.linspace(0, 1, width, dtype=np.float32)[None, :, None]
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None, None]
    step = max(1, BLOCK_PIXELS // width)
    for top in range(0, height, step):
        rows = slice(top, top + step)
        base = np.rint(paper) if level else paper + x * slope_x + y[rows] * slope_y
        difference = np.abs(colour[rows].astype(np.int16) - base.astype(np.int16))
        # Channel by channel: NumPy's maximum over a last axis of 3 takes ten times as long.
        largest = reduce(np.maximum, np.moveaxis(difference, 2, 0))
        contrast[rows] = np.minimum(largest, 255)
    return contrast


def _full_scale(contrast: np.ndarray, grain: float) -> np.ndarray:
    """Grain to 0 and the usual stroke to 255: NIST's scans, which MNIST comes from, were bilevel.

    The usual stroke is the median of what is at least half as strong as the strongest pixel, so a
    pencil's uneven line comes out as full as a brush's.
    """
    counts = np.bincount(contrast.ravel(), minlength=256)
    strongest = int(np.flatnonzero(counts)[-1])
    if strongest < FAINTEST:
        return np.zeros_like(contrast)
    half = -(-strongest // 2)
    above = np.cumsum(counts[half:])
    usual = half + int(np.searchsorted(above, above[-1] / 2))
    floor = max(FAINT_SHARE * strongest, min(grain, half))
    levels = np.arange(256)
    table = np.where(levels < floor, 0, np.minimum(255, np.rint(levels * (255 / usual))))
    return table.astype(np.uint8)[contrast]
