"""What a person hands us (canvas, photo, file, array) → pixels, opened safely."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from digitlab.drawing.paper import find_ink
from digitlab.errors import DrawingError, EmptyDrawingError
from digitlab.settings import read_settings

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
ALLOWED = "PNG, JPEG, WebP or BMP"


def read_drawing(source: Any, *, keep_ruling: bool = False) -> np.ndarray:
    """Ink of a drawing, `uint8 [H, W]`: 0 is paper, 255 full ink; see `find_ink`.

    `source` is anything `read_pixels` opens. Raises DrawingError where it cannot be opened, and
    EmptyDrawingError for None, which is what a canvas holds before the first stroke.
    """
    return find_ink(read_pixels(source), keep_ruling=keep_ruling)


def read_pixels(source: Any) -> np.ndarray:
    """The pixels of a source, `uint8 [H, W]` (grey), `[H, W, 3]` (RGB) or `[H, W, 4]` (RGBA).

    `source` is a path, the bytes of an image file or an open binary file (PNG, JPEG, WebP, BMP),
    a PIL image, or an array `[H, W]`, `[H, W, 1 | 2 | 3 | 4]` or `[1, H, W]` of uint8 (any integer
    type, 0 to 255), bool, or float from 0 to 1. Files are turned as their EXIF data says; of an
    animation the first frame counts. Raises DrawingError for anything else and for more pixels
    than `settings.max_pixels`, which is checked before anything is decoded.
    """
    if source is None:
        raise EmptyDrawingError("There is nothing drawn yet: draw a digit or choose an image.")
    if isinstance(source, Image.Image):
        _check_size(source.width, source.height, "The image")
        return decode(source, "The image")
    if isinstance(source, str | Path):
        return _read_path(Path(source))
    if isinstance(source, bytes | bytearray | memoryview):
        return _read_file(io.BytesIO(source), "The image")
    if hasattr(source, "read"):
        name = getattr(source, "name", "")
        return _read_file(source, Path(name).name if isinstance(name, str) and name else "The file")
    if isinstance(source, list | tuple) or hasattr(source, "__array__"):
        return _read_array(source)
    raise DrawingError(
        f"A drawing must be a path, an image file's bytes, a PIL image or an array; "
        f"not {type(source).__name__}."
    )


# Opening


def _read_path(path: Path) -> np.ndarray:
    try:
        exists = path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null in it
        exists = False
    if not exists:
        raise DrawingError(f"There is no image file at {str(path)!r}; give a {ALLOWED} file.")
    try:
        with path.open("rb") as file:
            return _read_file(file, path.name)
    except OSError as e:
        raise DrawingError(f"{path.name} cannot be read: {e.strerror or e}.") from e


def _read_file(file: Any, name: str) -> np.ndarray:
    try:
        image = Image.open(file, formats=FORMATS)
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as e:
        raise DrawingError(f"{name} has too many pixels; {_limit()}") from e
    except Exception as e:  # decoders raise whatever foreign bytes lead them to
        raise DrawingError(
            f"{name} is not an image we can read; give a {ALLOWED} file that is not damaged."
        ) from e
    with image:
        _check_size(image.width, image.height, name)
        return decode(image, name)


def decode(image: Image.Image, name: str) -> np.ndarray:
    """The pixels of an opened image whose size is known to be allowed; see `read_pixels`."""
    try:
        image = ImageOps.exif_transpose(image)
        if image.mode.startswith("I") or image.mode == "F":  # 16 bits, which Pillow would clip
            return _read_deep(np.asarray(image))
        if image.has_transparency_data:
            return np.asarray(image.convert("RGBA"))
        return np.asarray(image.convert("L" if image.mode in ("1", "L") else "RGB"))
    except DrawingError:
        raise
    except Exception as e:
        raise DrawingError(f"{name} is damaged or cut short; give a whole {ALLOWED} file.") from e


def _read_deep(values: np.ndarray) -> np.ndarray:
    """Grey of 16 bits (or Pillow's 32-bit modes) in 8 bits."""
    if values.dtype.kind == "f":
        return _read_array(values)
    if values.min() < 0 or values.max() > 65535:
        raise DrawingError("A grey image must have 8 or 16 bits a pixel; save it with 8.")
    return (values // 257).astype(np.uint8) if values.max() > 255 else values.astype(np.uint8)


def _read_array(source: Any) -> np.ndarray:
    try:
        array = np.asarray(source)
    except Exception as e:  # ragged lists, tensors on a GPU or with a gradient
        raise DrawingError(f"The drawing cannot be read as an array: {e}.") from e
    pixels = _to_bytes(_channels_last(array))
    if pixels.ndim == 2 or pixels.shape[2] in (3, 4):
        return pixels
    if pixels.shape[2] == 1:
        return pixels[..., 0]
    return np.repeat(pixels, (3, 1), axis=2)  # grey and alpha


def _channels_last(array: np.ndarray) -> np.ndarray:
    shape = array.shape
    if 0 in shape:
        raise DrawingError(f"The drawing has no pixels: its shape is {list(shape)}.")
    if len(shape) == 3 and shape[0] == 1 and shape[2] > 4:
        array, shape = array[0], shape[1:]  # one image of a dataset, [1, H, W]
    if len(shape) not in (2, 3) or (len(shape) == 3 and shape[2] > 4):
        raise DrawingError(
            f"A drawing must be an array [H, W], [H, W, 3] or [H, W, 4]; not {list(shape)}."
        )
    _check_size(shape[1], shape[0], "The drawing")
    return array


def _to_bytes(array: np.ndarray) -> np.ndarray:
    if array.dtype == np.uint8:
        return array
    if array.dtype == bool:
        return array.astype(np.uint8) * np.uint8(255)
    if array.dtype.kind not in "iuf":
        raise DrawingError(f"A drawing must hold numbers; not {array.dtype}.")
    if array.dtype.kind == "f" and not np.isfinite(array).all():
        raise DrawingError("The drawing holds values that are no numbers (NaN or infinity).")
    low, high = array.min(), array.max()
    top = 1 if array.dtype.kind == "f" else 255
    if low < 0 or high > top:
        raise DrawingError(
            f"A drawing of type {array.dtype} must hold values from 0 to {top}; "
            f"not from {low:g} to {high:g}."
        )
    return np.rint(array * 255).astype(np.uint8) if top == 1 else array.astype(np.uint8)


def _check_size(width: int, height: int, name: str) -> None:
    if width * height > read_settings().max_pixels:
        raise DrawingError(f"{name} has {width} × {height} pixels; {_limit()}")


def _limit() -> str:
    return f"at most {read_settings().max_pixels:,} are read, so make it smaller first."
