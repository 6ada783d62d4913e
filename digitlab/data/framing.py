"""Image files of any size and ground → images uint8 [28, 28], 0 paper and 255 ink."""

from __future__ import annotations

import io
import warnings

import numpy as np
from PIL import Image

from digitlab.errors import UploadError

SIDE = 28
FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
MAX_SIDE = 1_024  # pixels; a digit needs no more


def decode_image(content: bytes, name: str) -> np.ndarray:
    """An image file as grey values uint8 [H, W]; transparent pixels become white.

    UploadError for another format than PNG, JPEG, WebP or BMP, for more than 1,024 pixels a side,
    which is checked before anything is decoded, and for a damaged file.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", Image.DecompressionBombWarning)
            picture = Image.open(io.BytesIO(content), formats=FORMATS)
        check_size(picture.width, picture.height, name)
        if picture.mode.startswith("I"):  # 16 bits, which Pillow would clip instead of scaling
            return (np.asarray(picture).astype(np.int64) >> 8).clip(0, 255).astype(np.uint8)
        if "A" in picture.mode or "transparency" in picture.info:
            picture = picture.convert("RGBA")
            picture = Image.alpha_composite(Image.new("RGBA", picture.size, "white"), picture)
        return np.asarray(picture.convert("L"))
    except (OSError, ValueError, SyntaxError, MemoryError, Image.DecompressionBombError) as e:
        raise UploadError(
            f"{name[:80]!r} cannot be read as an image (PNG, JPEG, WebP or BMP): "
            f"{str(e)[:80] or 'it is damaged'}."
        ) from e


def check_size(width: int, height: int, name: str) -> None:
    """UploadError for an image that is empty or larger than 1,024 pixels a side."""
    if not (0 < width <= MAX_SIDE and 0 < height <= MAX_SIDE):
        raise UploadError(
            f"{name[:80]!r} is {width}×{height} pixels; images have 1 to {MAX_SIDE:,} a side."
        )


def is_light_paper(images: list[np.ndarray]) -> bool:
    """Whether most images have a border that is more light than dark: ink on paper."""
    light = [np.median(_border(image)) > 127 for image in images]
    return sum(light) * 2 > len(light)


def fit_to_square(image: np.ndarray) -> np.ndarray:
    """An image uint8 [H, W] on dark ground as uint8 [28, 28], with its proportions kept.

    The shorter side is padded with what the border mostly is; then it is resampled (Lanczos,
    which averages where it makes an image smaller).
    """
    height, width = image.shape
    side = max(height, width)
    if height != width:
        ground = int(np.median(_border(image)))
        square = np.full((side, side), ground, dtype=np.uint8)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = image
        image = square
    if side == SIDE:
        return image
    return np.asarray(Image.fromarray(image).resize((SIDE, SIDE), Image.Resampling.LANCZOS))


def _border(image: np.ndarray) -> np.ndarray:
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
