"""Ink → a 28×28 digit as MNIST frames them, step by step; each step is a pure function.

MNIST's digits were fitted into 20×20 pixels keeping their aspect, with the grey levels that
anti-aliasing leaves, and then moved so that the centre of mass is the centre of 28×28 (LeCun,
Cortes, Burges, http://yann.lecun.com/exdb/mnist/). In its files the mass of every digit lies
within half a pixel of pixel (14, 14), the longer side is 20 in 99.97 % and the peak 254 or 255 in
all (measured on the 10,000 test images). A network trained on MNIST reads such images best.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from PIL import Image

from digitlab.errors import EmptyDrawingError

SIDE = 28  # pixels of MNIST's images
FITTED = 20  # pixels of the box that its digits fill
CENTRE = 14  # index of the pixel on which its digits' mass lies

# Width of MNIST's strokes in its own pixels, by `stroke_width`: 2.25 in the median, and nine in ten
# lie from 1.6 to 3.8 (3,000 training images). Brushes outside are brought in: with brushes of 4 to
# 28 pixels on a canvas of 280, 2,000 pen recordings (UCI Pendigits) are read 95.2 % right instead
# of 94.5 % (mean of two small CNNs, 99.4 % on MNIST), with a 3-pixel pen 96 % instead of 92 %.
THINNEST, THICKEST = 1.6, 3.6
WORKING = 4  # subpixels a pixel and axis while strokes are measured and evened
PADDING = 2 * WORKING  # subpixels of paper around, for strokes to grow into
KEPT = 0.7  # of the ink: where less is solid at that scale, strokes are too thin for it

SPECK_SHARE = 0.02  # of the largest piece's area: dust, no part of the digit
SPECK_PIXELS = 3  # what is shorter is no digit …
SPECK_SIDE = 0.015  # … nor what is shorter than this share of the drawing's shorter side
DOT_DEPTH = 0.9  # a dot is as deep as it is wide, to this share: one press of the brush
DOT_ASPECT = 1.5  # a patch longer than this is a thick 1, not a dot

STEEPEST = 0.6  # columns a row by which a slant is taken back at most: 31 degrees

Box = tuple[int, int, int, int]


@dataclass(frozen=True)
class Framing:
    """Which steps of MNIST's framing are taken; the defaults are what a reader is trained for.

    `deslant` turns a slanted digit upright; `thickness` evens strokes out; `centring` moves the
    centre of mass to the middle, else the box is centred; `aspect` keeps width to height, else the
    crop fills 20×20.
    """

    deslant: bool = False
    thickness: bool = True
    centring: bool = True
    aspect: bool = True


DEFAULT = Framing()


@dataclass(frozen=True, eq=False)
class Framed:
    """A digit and each step of its way into 28×28, all `uint8`, 0 paper, 255 ink.

    `ink [H, W]` is the drawing; `box` the digit's (left, top, right, bottom) in the drawing's
    pixels, right and bottom exclusive; `crop` the ink inside it; `upright` the crop without its
    slant and `evened` that with strokes as wide as MNIST's (each the one before where its step is
    not taken or not needed); `fitted [20, 20]`; `image [28, 28]`, which a network reads. `framing`
    says which steps were taken.
    """

    ink: np.ndarray
    box: Box
    crop: np.ndarray
    upright: np.ndarray
    evened: np.ndarray
    fitted: np.ndarray
    image: np.ndarray
    framing: Framing = DEFAULT


def frame_digit(ink: np.ndarray, framing: Framing = DEFAULT) -> Framed:
    """Frame the one digit of `ink`, `uint8 [H, W]`, as MNIST's are.

    Raises EmptyDrawingError where there is no ink, only specks, or one solid dot.
    """
    clean = remove_specks(ink)
    box = find_box(clean)
    left, top, right, bottom = box
    crop = clean[top:bottom, left:right]
    depth = _depth(crop)
    _require_digit(crop, ink.shape, depth)
    upright = deslant(crop) if framing.deslant else crop
    evened = upright
    if framing.thickness:
        evened = _even_strokes(upright, depth if upright is crop else _depth(upright))
    fitted = fit_box(evened, keep_aspect=framing.aspect)
    image = _place(fitted, framing)
    return Framed(ink, box, crop, upright, evened, fitted, image, framing)


def reframe(framed: Framed, framing: Framing) -> Framed:
    """The digit with other steps; stages that these leave as they were are not made again.

    Raises EmptyDrawingError where nothing is left of the digit.
    """
    before = framed.framing
    upright, evened, fitted = framed.upright, framed.evened, framed.fitted
    if framing.deslant != before.deslant:
        upright = deslant(framed.crop) if framing.deslant else framed.crop
    if upright is not framed.upright or framing.thickness != before.thickness:
        evened = _even_strokes(upright, _depth(upright)) if framing.thickness else upright
    if evened is not framed.evened or framing.aspect != before.aspect:
        fitted = fit_box(evened, keep_aspect=framing.aspect)
    return replace(
        framed,
        upright=upright,
        evened=evened,
        fitted=fitted,
        image=_place(fitted, framing),
        framing=framing,
    )


def _place(fitted: np.ndarray, framing: Framing) -> np.ndarray:
    return centre_mass(fitted) if framing.centring else centre_box(fitted)


def frame_naively(ink: np.ndarray) -> np.ndarray:
    """The whole canvas resized to `uint8 [28, 28]`, as most demos do, to compare framing with."""
    small = Image.fromarray(ink).resize((SIDE, SIDE), Image.Resampling.BILINEAR)
    return np.asarray(small)


def remove_specks(ink: np.ndarray, share: float = SPECK_SHARE) -> np.ndarray:
    """The ink without connected pieces far smaller than the largest: dust, JPEG's ringing."""
    return np.where(find_pieces(ink, share)[0], ink, 0).astype(np.uint8)


def find_pieces(ink: np.ndarray, share: float = SPECK_SHARE) -> tuple[np.ndarray, int]:
    """The connected pieces that `remove_specks` leaves: labels `int32 [H, W]`, and how many.

    Labels are 0 on paper and count from 1 in the order of the pieces' first pixels.
    """
    from scipy import ndimage

    pieces, count = ndimage.label(ink, structure=np.ones((3, 3)))
    if count < 2:
        return pieces, count
    areas = np.bincount(pieces.ravel())
    areas[0] = 0
    large = areas >= share * areas.max()
    large[0] = False
    return np.where(large, np.cumsum(large), 0).astype(np.int32)[pieces], int(large.sum())


def find_box(ink: np.ndarray) -> Box:
    """Bounding box of the ink: left, top, right, bottom in pixels, the last two exclusive.

    Raises EmptyDrawingError where there is none.
    """
    columns, rows = np.flatnonzero(ink.any(axis=0)), np.flatnonzero(ink.any(axis=1))
    if not len(rows):
        raise EmptyDrawingError(
            "There is nothing drawn yet: the image is all one colour; draw a digit on it."
        )
    return int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1


def stroke_width(crop: np.ndarray) -> float:
    """The usual width of the strokes in pixels of the 20×20 box the crop is to be fitted into."""
    return _ridge_width(_depth(crop))


def _even_strokes(crop: np.ndarray, depth: np.ndarray) -> np.ndarray:
    """The crop with its strokes as wide as MNIST's usual ones, cropped again.

    A thin pen's strokes would all but vanish when shrunk to 20×20, and a thick brush's would close
    the loops. Strokes already between THINNEST and THICKEST leave the crop as it is; others are
    widened or narrowed evenly on both edges, by moving the level of the distance to the edge.
    `depth` is the crop's `_depth`.
    """
    from scipy import ndimage

    width = _ridge_width(depth)
    change = float(np.clip(width, THINNEST, THICKEST)) - width
    if change == 0:
        return crop
    solid = depth > 0
    outside = ndimage.distance_transform_edt(~solid)
    distance = np.where(solid, depth - 0.5, 0.5 - outside)  # to the edge between two pixels
    level = np.clip(distance + change / 2 * WORKING + 0.5, 0, 1)
    evened = np.rint(255 * level).astype(np.uint8)
    left, top, right, bottom = find_box(evened)
    return evened[top:bottom, left:right]


def deslant(crop: np.ndarray) -> np.ndarray:
    """The crop sheared along its rows until its ink's main axis stands upright, cropped again.

    The slant is the covariance of column and row over the variance of the row (second moments of
    the ink), at most STEEPEST.
    """
    rows, columns = np.nonzero(crop)
    ink = crop[rows, columns].astype(np.float64)
    down, across = rows - np.average(rows, weights=ink), columns - np.average(columns, weights=ink)
    spread = float(ink @ down**2)
    if spread == 0:
        return crop
    slant = float(np.clip(ink @ (down * across) / spread, -STEEPEST, STEEPEST))
    height = len(crop)
    margin = int(np.ceil(abs(slant) * height / 2)) + 1
    wide = np.pad(crop, ((0, 0), (margin, margin)))
    shear = (1, slant, -slant * (height - 1) / 2, 0, 1, 0)  # from the result back to the crop
    turned = Image.fromarray(wide).transform(
        wide.shape[::-1], Image.Transform.AFFINE, shear, Image.Resampling.BILINEAR
    )
    upright = np.asarray(turned)
    if not upright.any():
        return crop
    left, top, right, bottom = find_box(upright)
    return upright[top:bottom, left:right]


def fit_box(crop: np.ndarray, *, keep_aspect: bool = True) -> np.ndarray:
    """The crop in the middle of `uint8 [20, 20]`: longer side 20, peak 255.

    Without `keep_aspect` both sides are 20.
    """
    if keep_aspect:
        small = _scale_to(crop, FITTED)
    else:
        small = np.asarray(Image.fromarray(crop).resize((FITTED, FITTED), Image.Resampling.BOX))
    small = np.rint(small * (255 / max(1, int(small.max())))).astype(np.uint8)
    height, width = small.shape
    top, left = (FITTED - height) // 2, (FITTED - width) // 2
    fitted = np.zeros((FITTED, FITTED), np.uint8)
    fitted[top : top + height, left : left + width] = small
    return fitted


def centre_mass(fitted: np.ndarray) -> np.ndarray:
    """`fitted [20, 20]` in `uint8 [28, 28]`, its centre of mass within half a pixel of (14, 14).

    Moved by whole pixels, as MNIST's are, so nothing is blurred; a shape so lopsided that it would
    leave the image stops at the edge.
    """
    left, top, right, bottom = find_box(fitted)
    tight = fitted[top:bottom, left:right]
    row = _start(tight.sum(axis=1, dtype=np.float64))
    column = _start(tight.sum(axis=0, dtype=np.float64))
    image = np.zeros((SIDE, SIDE), np.uint8)
    image[row : row + bottom - top, column : column + right - left] = tight
    return image


def centre_box(fitted: np.ndarray) -> np.ndarray:
    """`fitted [20, 20]` in the middle of `uint8 [28, 28]`."""
    return np.pad(fitted, (SIDE - FITTED) // 2)


def _start(profile: np.ndarray) -> int:
    """Where a profile of ink has to start for its mean to lie on CENTRE."""
    mean = profile @ np.arange(len(profile)) / profile.sum()
    return int(np.clip(np.rint(CENTRE - mean), 0, SIDE - len(profile)))


def _require_digit(crop: np.ndarray, drawing: tuple[int, ...], depth: np.ndarray) -> None:
    height, width = crop.shape
    if max(height, width) < max(SPECK_PIXELS, SPECK_SIDE * min(drawing)):
        raise EmptyDrawingError(
            "There is nothing drawn yet: only specks too small to be a digit; draw it larger."
        )
    if max(height, width) <= DOT_ASPECT * min(height, width) and _is_dot(depth):
        raise EmptyDrawingError(
            "There is nothing drawn yet: only a dot or a filled patch; draw a digit in strokes."
        )


def _is_dot(depth: np.ndarray) -> bool:
    height, width = depth.shape
    return 2 * float(depth.max()) >= DOT_DEPTH * min(height - 2 * PADDING, width - 2 * PADDING)


def _depth(crop: np.ndarray) -> np.ndarray:
    """The distance of each pixel of ink to the paper, `float64`, at the scale of `_solid`."""
    from scipy import ndimage

    return ndimage.distance_transform_edt(_solid(crop))


def _solid(crop: np.ndarray) -> np.ndarray:
    """Where the ink is, `bool`, at WORKING × the scale of 20×20, with paper for strokes to grow."""
    from scipy import ndimage

    solid = _halve(_scale_to(crop, FITTED * WORKING))
    step = max(crop.shape) / max(solid.shape)
    if step > 2:  # of a hairline, an average over so many pixels may leave crossings only
        rows, columns = np.nonzero(crop > 127)
        height, width = crop.shape
        cell = solid[rows * len(solid) // height, columns * solid.shape[1] // width]
        if cell.size and cell.mean() < KEPT:
            solid = _halve(_scale_to(ndimage.maximum_filter(crop, round(step)), FITTED * WORKING))
    return np.pad(solid, PADDING)


def _halve(large: np.ndarray) -> np.ndarray:
    return large >= max(1, int(large.max()) // 2)


def _ridge_width(depth: np.ndarray) -> float:
    """Twice the distance to the edge along the strokes' ridges, the median over them."""
    from scipy import ndimage

    ridge = (depth > 0) & (depth >= ndimage.maximum_filter(depth, size=3))
    return (2 * float(np.median(depth[ridge])) - 1) / WORKING


def _scale_to(crop: np.ndarray, longest: int) -> np.ndarray:
    """Scaled so that the longer side is `longest`: averaged over areas, or smoothly enlarged."""
    height, width = crop.shape
    scale = longest / max(height, width)
    size = (max(1, round(width * scale)), max(1, round(height * scale)))
    filter_ = Image.Resampling.BOX if scale < 1 else Image.Resampling.BICUBIC
    return np.asarray(Image.fromarray(crop).resize(size, filter_))
