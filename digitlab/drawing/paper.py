"""Photographed paper: uneven light, shadows, grain and ruled lines taken away from the strokes."""

from __future__ import annotations

import numpy as np
from PIL import Image

COARSE = 96  # pixels of the longer side while the paper's brightness is sought
BROADEST = 0.22  # of the longer side: strokes are narrower, shadows are broader
FAINT, FULL = 0.4, 0.7  # of the strongest strokes: weaker is paper, stronger is all ink
STRONGEST = 0.01  # share of the pixels, at most, that sets what a strong stroke is
GRAIN = 6  # median deviations that are still grain
NOISE = 3.0  # strokes no stronger than so many median deviations are noise: there are none
RULED = 0.6  # of the width or height: a row inked so far holds a ruled line
MOSTLY = 0.4  # of the ink: so much must be left without what reaches the edge
THIN = 0.012  # of the shorter side: what is thicker across a ruled line is a stroke


def find_strokes(colour: np.ndarray, plane_contrast: np.ndarray) -> np.ndarray:
    """Strokes `uint8 [H, W]`, 0 to 255, of a photo `colour uint8 [H, W, C]`.

    `plane_contrast int16 [H, W]` is each pixel's brightness less that of the paper as the border
    shows it: its sign tells whether strokes are darker or lighter. The paper's own brightness is
    a closing (or opening) by a square broader than any stroke, smoothed; what differs from it
    more than grain and less than half as much as the strongest strokes is shadow or ruling.
    """
    dark = _is_darker(plane_contrast)
    grey = colour if dark else 255 - colour
    paper = np.stack([_paper(grey[..., k]) for k in range(grey.shape[2])], axis=2)
    contrast = np.clip(paper - grey, 0, 255).max(axis=2)
    contrast *= 200 / np.maximum(60, paper.max(axis=2))  # in a shadow strokes are fainter, too
    strong = float(np.quantile(contrast, 1 - STRONGEST / 2))
    if strong < NOISE * float(np.median(contrast)):
        return np.zeros(contrast.shape, np.uint8)
    floor = max(FAINT * strong, min(GRAIN * float(np.median(contrast)), 0.6 * strong))
    level = np.clip((contrast - floor) / max(1.0, FULL * strong - floor), 0, 1)
    ink = np.rint(255 * level).astype(np.uint8)
    return _without_edges(_without_ruling(ink)) if strong > 0 else np.zeros_like(ink)


def _is_darker(contrast: np.ndarray) -> bool:
    strength = np.abs(contrast)
    strong = strength >= 0.6 * np.quantile(strength, 0.995)
    return float(np.median(contrast[strong])) <= 0


def _paper(grey: np.ndarray) -> np.ndarray:
    """The paper's brightness under and around dark strokes, `float32 [H, W]`."""
    from scipy import ndimage

    height, width = grey.shape
    scale = min(1.0, COARSE / max(height, width))
    size = (max(3, round(width * scale)), max(3, round(height * scale)))
    small = np.asarray(Image.fromarray(grey).resize(size, Image.Resampling.BOX), np.float32)
    side = max(3, round(BROADEST * max(size)) | 1)
    closed = ndimage.grey_closing(ndimage.median_filter(small, 3), (side, side), mode="reflect")
    smooth = ndimage.gaussian_filter(closed, side / 8, mode="nearest")
    large = Image.fromarray(smooth).resize((width, height), Image.Resampling.BICUBIC)
    return np.asarray(large)


def _without_ruling(ink: np.ndarray) -> np.ndarray:
    """The ink without thin lines that run across most of the paper, level or nearly."""
    from scipy import ndimage

    thick = max(2, round(THIN * min(ink.shape)))
    for axis in (0, 1):
        solid = ink > 0 if axis == 0 else (ink > 0).T
        # What is thin across the line: runs down the column no longer than a ruled line's width.
        thin = solid & ~ndimage.binary_opening(solid, np.ones((2 * thick + 1, 1)))
        reach = ndimage.maximum_filter1d(thin, 2 * thick + 1, axis=0)
        long = ndimage.uniform_filter1d(reach.astype(np.float32), solid.shape[1] // 4, axis=1)
        counted = (long > RULED).mean(axis=1) > RULED
        ruled = thin & counted[:, None]
        if ruled.any():
            gone = ruled if axis == 0 else ruled.T
            ink = np.where(gone, 0, ink).astype(np.uint8)
    return ink


def _without_edges(ink: np.ndarray) -> np.ndarray:
    """The ink without what reaches the photo's edge (a shadow's corner, the next line of writing).

    Unless that is most of it: then the digits themselves were taken too closely.
    """
    from scipy import ndimage

    labels, _ = ndimage.label(ink, np.ones((3, 3)))
    edge = np.concatenate([labels[0], labels[-1], labels[:, 0], labels[:, -1]])
    inner = np.where(np.isin(labels, edge[edge > 0]), 0, ink).astype(np.uint8)
    return inner if inner.sum(dtype=np.int64) > MOSTLY * ink.sum(dtype=np.int64) else ink
