"""Ink and paper: images of any polarity and paper → 0 paper, 255 ink."""

from __future__ import annotations

import numpy as np

from digitlab.errors import UploadError

PAPERS = ("as it is", "light", "dark")
_BLACK = 24  # a border darker than this is black already
_EVEN = 40  # levels from the border's median that are still paper …
_MOSTLY = 0.8  # … which so much of the border must be for an image to be judged
_WHITE = 231  # paper lighter than this is white: it is inverted without a change of contrast
_AGREED = 0.9  # of the images that can be judged: then the others are as they are
_AT_ONCE = 4_000  # images


def to_ink(images: np.ndarray, paper: str | None) -> tuple[np.ndarray, list[str]]:
    """Images uint8 [N, H, W] with 0 for paper and 255 for ink, and notes of what was changed.

    `paper` is "light" (dark ink: all are inverted), "dark" or "as it is" (none is), or None: each
    image is judged by its border. Where nine of ten agree, all are treated alike; else each whose
    border is even by itself.
    """
    if paper not in (None, *PAPERS):
        raise UploadError(f"paper is one of {', '.join(map(repr, PAPERS))}; not {paper!r}.")
    if paper in ("as it is", "dark") or not len(images):
        return images, []
    levels, dark_ink, judged = _judge(images)
    if paper == "light":
        invert, grey = np.ones(len(images), bool), dark_ink & (levels <= _WHITE)
    else:
        invert, grey = _decide(levels, dark_ink, judged)
    return _apply(images, levels, invert, grey)


def _decide(levels, dark_ink, judged) -> tuple[np.ndarray, np.ndarray]:
    """Which images are inverted, and of which the paper is grey, bool [N] each."""
    darker = dark_ink & judged
    share = darker.sum() / max(1, judged.sum())
    # A few uneven borders (a digit that leaves the image) follow the rest.
    invert = np.where(judged, darker, share > 0.5)
    if judged.sum() and share >= _AGREED:
        invert[:] = True
    grey = judged & (levels >= _BLACK) & np.where(invert, levels <= _WHITE, True)
    return invert, grey & (invert == dark_ink)


def _judge(images: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The border's level [N], whether ink is darker [N], and whether the border is even [N]."""
    levels = np.empty(len(images), np.uint8)
    dark_ink, judged = np.zeros(len(images), bool), np.zeros(len(images), bool)
    for i in range(0, len(images), _AT_ONCE):
        chunk = images[i : i + _AT_ONCE]
        sides = (chunk[:, 0], chunk[:, -1], chunk[:, :, 0], chunk[:, :, -1])
        border = np.concatenate(sides, axis=1)
        level = np.median(border, axis=1)
        levels[i : i + _AT_ONCE] = level
        lightest, darkest = chunk.max(axis=(1, 2)), chunk.min(axis=(1, 2))
        above, below = lightest - level, level - darkest
        dark_ink[i : i + _AT_ONCE] = below > above
        even = np.abs(border - level[:, None]) <= _EVEN
        clear = np.maximum(above, below) >= 2 * np.minimum(above, below)
        judged[i : i + _AT_ONCE] = clear & (even.mean(axis=1) >= _MOSTLY)
    return levels, dark_ink, judged


def _apply(images, levels, invert, grey) -> tuple[np.ndarray, list[str]]:
    if not invert.any() and not grey.any():
        return images, []
    changed = images.copy()
    changed[invert] = 255 - changed[invert]
    for i in np.flatnonzero(grey):
        paper = 255 - int(levels[i]) if invert[i] else int(levels[i])
        ink = changed[i].astype(np.float32) - paper
        changed[i] = np.rint(ink.clip(0) * (255 / max(1.0, float(ink.max()))))
    return changed, _notes(len(images), levels, invert, grey)


def _notes(total: int, levels: np.ndarray, invert: np.ndarray, grey: np.ndarray) -> list[str]:
    notes = []
    if invert.all():
        notes.append("The images have dark ink on light paper: they were inverted.")
    elif invert.any():
        notes.append(
            f"{invert.sum():,} of {total:,} images have dark ink on light paper: these were "
            "inverted, the others were not."
        )
    if grey.any():
        low, high = int(levels[grey].min()), int(levels[grey].max())
        level = f"{low}" if low == high else f"{low} to {high}"
        notes.append(
            f"{grey.sum():,} of {total:,} images have grey paper ({level} of 255): it was set to "
            "0 and the ink to 255."
        )
    return notes
