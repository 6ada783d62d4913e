"""Images of every kind and shape, well-formed or not, for testing that all end in an answer."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

Rng = np.random.Generator
KINDS = ("PNG", "JPEG", "WEBP", "BMP", "GIF", "TIFF")
MODES = ("L", "RGB", "RGBA", "LA", "P", "1", "I;16", "I", "F", "CMYK", "YCbCr", "HSV")


def image(rng: Rng, *, huge: bool = True) -> Any:
    """A source for `dl.recognize`: an array, a PIL image or the bytes of a file."""
    grey = CONTENTS[rng.integers(len(CONTENTS))](rng, size(rng, huge=huge))
    return FORMS[rng.integers(len(FORMS))](rng, grey)


def size(rng: Rng, *, huge: bool) -> tuple[int, int]:
    """Height and width: usual, tiny, long and thin, or now and then huge."""
    draw = rng.random()
    if draw < 0.15:
        return int(rng.integers(1, 8)), int(rng.integers(1, 8))
    if draw < 0.3:
        long, thin = int(rng.integers(20, 3000 if huge else 400)), int(rng.integers(1, 6))
        return (long, thin) if rng.random() < 0.5 else (thin, long)
    if huge and draw < 0.31:
        return int(rng.integers(1000, 4000)), int(rng.integers(1000, 4000))
    most = 200 if huge else 90
    return int(rng.integers(20, most)), int(rng.integers(20, most))


# Contents: `uint8 [H, W]`


def even(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    return np.full(shape, rng.choice([0, 1, 127, 254, 255]), np.uint8)


def noise(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    spread = rng.choice([2, 10, 60, 255])
    return rng.integers(0, spread + 1, shape).astype(np.uint8)


def gradient(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    y, x = np.linspace(0, 1, shape[0])[:, None], np.linspace(0, 1, shape[1])[None]
    return np.uint8(
        255 * np.abs(np.sin(rng.uniform(0.5, 30) * (x * rng.random() + y) + rng.random()))
    )


def shapes(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Lines, ellipses, boxes and text on paper, thin or thick, blurred or not."""
    paper = int(rng.integers(0, 256))
    drawn = Image.new("L", shape[::-1], paper)
    pen = ImageDraw.Draw(drawn)
    for _ in range(rng.integers(1, 30)):
        x, y = (
            np.sort(rng.integers(-20, shape[1] + 20, 2)),
            np.sort(rng.integers(-20, shape[0] + 20, 2)),
        )
        box = (int(x[0]), int(y[0]), int(x[1]), int(y[1]))
        shade, width = int(rng.integers(0, 256)), int(rng.integers(1, 2 + max(shape) // 12))
        draw = rng.integers(4)
        if draw == 0:
            pen.line(box, fill=shade, width=width)
        elif draw == 1:
            pen.ellipse(box, outline=shade, width=width)
        elif draw == 2:
            pen.rectangle(box, outline=shade, width=width)
        else:
            pen.text(box[:2], str(rng.integers(0, 99999)), fill=shade)
    return np.asarray(drawn.filter(ImageFilter.GaussianBlur(float(rng.choice([0, 0, 1, 5])))))


def grid(rng: Rng, shape: tuple[int, int]) -> np.ndarray:
    """Ruling, squares or a chessboard."""
    step = int(rng.integers(1, 40))
    y, x = np.indices(shape)
    lines = (y % step < 1 + step // 9) | ((x % step < 1 + step // 9) & (rng.random() < 0.7))
    board = (y // step + x // step) % 2 == 0
    return np.where(lines if rng.random() < 0.7 else board, 20, 235).astype(np.uint8)


CONTENTS = (even, noise, gradient, shapes, shapes, shapes, grid)


# Forms: a source


def file(rng: Rng, grey: np.ndarray) -> bytes:
    picture = Image.fromarray(grey)
    kind = str(rng.choice(KINDS))
    mode = str(rng.choice(MODES))
    out = io.BytesIO()
    try:
        converted(picture, mode).save(out, kind)
    except (OSError, ValueError):  # no such mode in this kind of file
        picture.save(out := io.BytesIO(), "PNG")
    return out.getvalue()


def converted(picture: Image.Image, mode: str) -> Image.Image:
    if mode == "I;16":
        return Image.fromarray(np.asarray(picture).astype(np.uint16) * 257)
    if mode == "HSV":
        return picture.convert("RGB").convert("HSV")
    return picture.convert(mode)


def pil_image(rng: Rng, grey: np.ndarray) -> Image.Image:
    return converted(Image.fromarray(grey), str(rng.choice(MODES)))


def damaged(rng: Rng, grey: np.ndarray) -> bytes:
    """A file that is cut short, has bytes changed, or was never an image."""
    data = bytearray(file(rng, grey))
    draw = rng.random()
    if draw < 0.4:
        return bytes(data[: rng.integers(0, len(data) + 1)])
    if draw < 0.8:
        for _ in range(rng.integers(1, 20)):
            data[rng.integers(len(data))] = rng.integers(256)
        return bytes(data)
    texts = (
        b"",
        b"hello",
        b"\x89PNG\r\n\x1a\n",
        b"<svg xmlns='http://www.w3.org/2000/svg'/>",
        b"%PDF-1.4",
    )
    return texts[rng.integers(len(texts))]


def array(rng: Rng, grey: np.ndarray) -> np.ndarray:
    """Arrays of every type, number of axes and range, also of those that are no image."""
    draw = rng.integers(10)
    if draw == 0:
        return grey
    if draw == 1:
        return np.repeat(grey[..., None], int(rng.integers(1, 6)), 2)
    if draw == 2:
        alpha = rng.integers(0, 2, grey.shape) * 255
        return np.stack([grey, grey, grey, alpha], 2).astype(np.uint8)
    if draw == 3:
        return np.stack([np.zeros_like(grey)] * 3 + [grey], 2)  # a canvas
    if draw == 4:
        return grey / 255
    if draw == 5:
        return grey > 127
    if draw == 6:
        return grey[None]
    if draw == 7:
        values = grey.astype(np.float32)
        values.flat[rng.integers(values.size)] = rng.choice([np.nan, np.inf, -1, 2])
        return values
    if draw == 8:
        return grey.astype(rng.choice(["int64", "uint16", "complex64", "object", "str"]))
    return grey.reshape(-1) if rng.random() < 0.5 else grey[:0]


FORMS: tuple[Callable[[Rng, np.ndarray], Any], ...] = (file, file, pil_image, damaged, array, array)
