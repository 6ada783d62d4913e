"""What a person hands us (canvas, photo, file, array) → ink, `uint8 [H, W]`, 0 paper, 255 ink.

Two steps: `read_pixels` opens a source safely, `find_ink` tells the strokes from the paper. The
paper's colour is read off the border, so no caller has to know whether strokes are dark or light.
"""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageOps

from digitlab.drawing.paper import find_strokes
from digitlab.errors import DrawingError, EmptyDrawingError
from digitlab.settings import read_settings

FORMATS = ("PNG", "JPEG", "WEBP", "BMP")
ALLOWED = "PNG, JPEG, WebP or BMP"

BORDER = 0.02  # how much of the shorter side counts as border
FAINTEST = 24  # a drawing whose strongest stroke differs less than this (of 255) is blank paper
FAINT_SHARE = 0.1  # below this share of the strongest stroke: JPEG ringing, not ink
NOISE_REACH = 6  # median deviations of the paper's grain that are still grain (4 sigma)
EVEN_PAPER = 2  # a border that deviates less than this has no lighting to be removed
BLOCK_PIXELS = 1_000_000  # pixels compared with the paper at a time, to bound memory


def read_drawing(source: Any) -> np.ndarray:
    """Ink of a drawing, `uint8 [H, W]`: 0 is paper, 255 full ink.

    `source` is anything `read_pixels` opens. Raises DrawingError where it cannot be opened, and
    EmptyDrawingError for None, which is what a canvas holds before the first stroke.
    """
    return find_ink(read_pixels(source))


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
        return _decode(source, "The image")
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


def find_ink(pixels: np.ndarray) -> np.ndarray:
    """Ink `uint8 [H, W]` of pixels `uint8 [H, W]`, `[H, W, 3]` or `[H, W, 4]`.

    On a transparent border the paint's opacity is the ink, whatever its colour. On an opaque one
    the ink is the largest difference to the paper over the channels, so light on dark, dark on
    light and coloured strokes are read alike; paper lit from one side is levelled first. What
    differs no more than the paper's own grain is 0; the usual stroke is brought to 255.
    """
    colour = pixels[..., None] if pixels.ndim == 2 else pixels[..., :3]
    alpha = pixels[..., 3] if pixels.ndim == 3 and pixels.shape[2] == 4 else None
    rows, columns = _border(*colour.shape[:2])
    if alpha is not None and np.median(alpha[rows, columns]) < 128:
        return _full_scale(alpha, noise=0.0)
    plane, noise = _fit_paper(colour[rows, columns], _coordinates(rows, columns, colour.shape))
    if noise > EVEN_PAPER:
        contrast, noise = _find_on_photo(colour, plane), 0.0
    else:
        contrast = _difference(colour, plane)
    if alpha is not None:  # rounded corners and the like: what is transparent shows the paper
        contrast = (contrast * (alpha / np.float32(255))).astype(np.uint8)
    return _full_scale(contrast, noise)


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
        return _decode(image, name)


def _decode(image: Image.Image, name: str) -> np.ndarray:
    _check_size(image.width, image.height, name)
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


# Telling ink from paper


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
        contrast[rows] = np.minimum(difference.max(axis=2), 255)
    return contrast


def _find_on_photo(colour: np.ndarray, plane: np.ndarray) -> np.ndarray:
    """What differs from photographed paper, `uint8 [H, W]`."""
    height, width = colour.shape[:2]
    brightness = colour.mean(axis=2, dtype=np.float32)
    corner, slope_x, slope_y = plane.mean(axis=1)
    x = np.linspace(0, 1, width, dtype=np.float32)
    y = np.linspace(0, 1, height, dtype=np.float32)[:, None]
    strokes = find_strokes(colour, brightness - (corner + x * slope_x + y * slope_y))
    strongest = _difference(colour, plane).max()
    return strokes if strongest >= FAINTEST else np.zeros_like(strokes)


def _full_scale(contrast: np.ndarray, noise: float) -> np.ndarray:
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
    floor = max(FAINT_SHARE * strongest, min(NOISE_REACH * noise, half))
    levels = np.arange(256)
    table = np.where(levels < floor, 0, np.minimum(255, np.rint(levels * (255 / usual))))
    return table.astype(np.uint8)[contrast]
