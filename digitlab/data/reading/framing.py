"""Image files of any size → grey images; those larger than a scan's are framed as drawings are."""

from __future__ import annotations

import io
import warnings
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageOps

from digitlab.data.reading import limits
from digitlab.data.reading.options import SIDE
from digitlab.data.reading.pixels import to_bytes
from digitlab.drawing.source import decode, find_ink, read_pixels
from digitlab.drawing.stages import frame_digit
from digitlab.errors import DigitlabError, UploadError, reason

FORMATS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF", "PPM")
ENDINGS = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".gif", ".tif", ".tiff", ".pgm", ".ppm")
# What a file may tell of a grey image without any change of its pixels.
_PLAIN = {"dpi", "compression", "version", "background", "duration", "gamma", "srgb", "extension"}
_PLAIN |= {"jfif", "jfif_version", "jfif_unit", "jfif_density", "chromaticity", "resolution"}
_ORIENTATION = 274  # a TIFF's tag
LARGE = 64  # pixels of the longer side: what is larger is a photo or a drawing, not a scan
WORKED_AT = 1_024  # pixels of the longer side at most, to which a photo is reduced


warnings.filterwarnings("ignore", category=Image.DecompressionBombWarning)  # our limit is lower


def decode_image(content: bytes, name: str, most: int, colour: bool = False) -> np.ndarray:
    """An image file as grey values [H, W] (see `to_pixels`), or as colours uint8 [H, W, 3].

    UploadError for another format, for more than `most` pixels, which is checked before anything is
    decoded, and for a damaged file. Of an animation the first frame counts.
    """
    return to_pixels(reduce(open_image(content, name, most), name), name, colour)


def to_pixels(picture: Image.Image, name: str, colour: bool = False) -> np.ndarray:
    """An opened image as grey values or colours; UploadError for a damaged file, `name`.

    They are uint8, those of a grey image of 16 bits uint16: how many of the bits it uses only all
    images together show. Transparent pixels are white, or black where all that is drawn is light.
    """
    mode = "RGB" if colour else "L"
    try:
        if picture.mode == mode and _is_plain(picture):
            return np.asarray(picture)
        if picture.mode.startswith("I;16"):
            return np.asarray(ImageOps.exif_transpose(picture)).astype(np.uint16)
        pixels = decode(picture, name)
    except DigitlabError as e:
        raise UploadError(f"{name[:80]!r} cannot be read as an image: {e}") from e
    except Exception as e:
        raise _unreadable(name, e) from e
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        whole = Image.fromarray(pixels)
        drawn = np.asarray(whole.convert("L"))[pixels[..., 3] >= 128]
        ground = "black" if drawn.size and drawn.min() >= 128 else "white"
        picture = Image.alpha_composite(Image.new("RGBA", whole.size, ground), whole)
        pixels = np.asarray(picture.convert(mode))
    elif (pixels.ndim == 3) != colour:
        pixels = np.asarray(Image.fromarray(pixels).convert(mode))
    return pixels


def _is_plain(picture: Image.Image) -> bool:
    """Whether its values are what it shows: neither transparent nor turned."""
    if picture.format == "TIFF" and picture.tag_v2.get(_ORIENTATION, 1) != 1:
        return False
    return picture.info.keys() <= _PLAIN


def open_image(content: bytes, name: str, most: int) -> Image.Image:
    """The image, not yet decoded; see `decode_image`."""
    try:
        picture = Image.open(io.BytesIO(content), formats=FORMATS)
    except Image.DecompressionBombError as e:
        raise UploadError(f"{name[:80]!r} has too many pixels.") from e
    except Exception as e:  # Pillow raises whatever a damaged file leads it to
        raise _unreadable(name, e) from e
    if not 0 < picture.width * picture.height <= most:
        raise UploadError(
            f"{name[:80]!r} is {picture.width}×{picture.height} pixels; images have 1 to {most:,} "
            "pixels."
        )
    return picture


def reduce(picture: Image.Image, name: str) -> Image.Image:
    """The image at `WORKED_AT` at most, decoded where it is larger."""
    if max(picture.size) <= WORKED_AT:
        return picture
    try:
        picture.draft("RGB", (WORKED_AT, WORKED_AT))  # a JPEG is decoded smaller, and faster
        picture.thumbnail((WORKED_AT, WORKED_AT), Image.Resampling.BOX, reducing_gap=2)
    except Exception as e:
        raise _unreadable(name, e) from e
    return picture


def _unreadable(name: str, error: Exception) -> UploadError:
    return UploadError(
        f"{name[:80]!r} cannot be read as an image (PNG, JPEG, WebP, BMP, GIF or TIFF): "
        f"{reason(error)}."
    )


def frame_photo(picture: Image.Image | np.ndarray) -> np.ndarray | None:
    """The digit of a photo or drawing as MNIST frames them, uint8 [28, 28]; None without one."""
    try:
        return frame_digit(find_ink(read_pixels(picture))).image
    except DigitlabError:
        return None


def stack_images(images: Sequence[np.ndarray], side: int = SIDE) -> tuple[np.ndarray, list[str]]:
    """Images [H, W] or [H, W, 3] of any sizes as one array uint8, and notes where they were
    resized (to `side`, or to the largest of them where that is smaller) or had 16 bits.
    """
    if not images:
        return np.zeros((0, side, side), np.uint8), []
    images, notes = _to_bytes(images)
    shapes = {image.shape for image in images}
    if len(shapes) == 1:
        return np.stack(images), notes
    if side != SIDE:
        side = min(side, max(max(shape[:2]) for shape in shapes))
    check_values(len(images) * side**2 * (3 if images[0].ndim == 3 else 1))
    other = sum(image.shape[:2] != (side, side) for image in images)
    note = (
        f"{other:,} of {len(images):,} images were of another size: they were padded to a "
        f"square and resampled to {side}×{side} pixels."
    )
    return np.stack([fit_to_square(image, side) for image in images]), [*notes, note]


def _to_bytes(images: Sequence[np.ndarray]) -> tuple[Sequence[np.ndarray], list[str]]:
    """The images with those of 16 bits brought to 8, by one scale for all of them."""
    deep = [i for i, image in enumerate(images) if image.dtype == np.uint16]
    if not deep:
        return images, []
    scaled, notes = to_bytes([images[i][None] for i in deep], "The images of 16 bits")
    whole = list(images)
    for i, image in zip(deep, scaled, strict=True):
        whole[i] = image[0]
    if any(image.ndim == 3 for image in whole):
        whole = [i if i.ndim == 3 else np.repeat(i[..., None], 3, 2) for i in whole]
    return whole, notes


def check_values(count: int) -> None:
    """UploadError where images would have too many values, pixels times channels, together."""
    if count > limits.MAX_VALUES:
        raise UploadError(
            f"The images would have more than {limits.MAX_VALUES:,} values together (pixels times "
            "channels): choose a smaller size, grey instead of colours, or fewer images."
        )


def fit_to_square(image: np.ndarray, to: int = SIDE) -> np.ndarray:
    """An image [H, W] or [H, W, 3] with equal sides of `to` pixels, its proportions kept.

    The shorter side is padded with what the border mostly is; then it is resampled (Lanczos,
    which averages where it makes an image smaller).
    """
    height, width = image.shape[:2]
    side = max(height, width)
    if height != width:
        ground = np.median(_border(image), axis=0)
        square = np.empty((side, side, *image.shape[2:]), dtype=image.dtype)
        square[:] = ground.astype(image.dtype)
        top, left = (side - height) // 2, (side - width) // 2
        square[top : top + height, left : left + width] = image
        image = square
    if side == to:
        return image
    return np.asarray(Image.fromarray(image).resize((to, to), Image.Resampling.LANCZOS))


def _border(image: np.ndarray) -> np.ndarray:
    return np.concatenate([image[0], image[-1], image[:, 0], image[:, -1]])
