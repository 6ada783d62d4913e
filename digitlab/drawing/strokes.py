"""Pen strokes: drawing them like a canvas brush does, and reading UNIPEN recordings of them."""

from __future__ import annotations

import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageDraw

from digitlab.errors import DatasetDamagedError, DatasetMissingError, DrawingError

SUPERSAMPLING = 3  # subpixels a pixel and axis: ten levels of grey at an edge


@dataclass(frozen=True, eq=False)
class PenDigit:
    """A digit as a pen wrote it: strokes `float32 [n, 2]`, x to the right and y **down**."""

    label: int
    writer: int
    strokes: tuple[np.ndarray, ...]


def rasterise(
    strokes: Sequence[np.ndarray], size: tuple[int, int] = (280, 280), width: float = 18
) -> np.ndarray:
    """Strokes as a canvas shows them: black paint on transparent, `uint8 [H, W, 4]`.

    Each stroke is an array `[n, 2]` of x, y in canvas pixels, y down; `size` is (width, height)
    and `width` the brush's diameter, both in pixels. Ends and corners are round, edges smooth, a
    stroke of one point is a dot; what lies outside the canvas is cut off. Raises DrawingError for
    coordinates that are no numbers and for sizes below 1.
    """
    if min(size) < 1 or not width > 0:
        raise DrawingError(f"A canvas needs a size and a brush above 0; not {size} and {width}.")
    scale = SUPERSAMPLING
    mask = Image.new("L", (size[0] * scale, size[1] * scale))
    pen = ImageDraw.Draw(mask)
    for stroke in strokes:
        _draw_stroke(pen, _points(stroke) * scale, width * scale)
    canvas = np.zeros((size[1], size[0], 4), np.uint8)
    canvas[..., 3] = np.asarray(mask.reduce(scale))
    return canvas


def read_unipen(path: str | Path) -> list[PenDigit]:
    """The digits of a UNIPEN text file (plain or gzip), as UCI's Pendigits come.

    Coordinates stay the tablet's, but y is flipped to grow downwards as on a canvas. Raises
    DatasetMissingError where there is no file and DatasetDamagedError where it is cut short or
    not UNIPEN. Source: E. Alpaydin and F. Alimoglu, Pen-Based Recognition of Handwritten Digits,
    UCI Machine Learning Repository, 1998, https://doi.org/10.24432/C5MG6K.
    """
    path = Path(path)
    if not path.is_file():
        raise DatasetMissingError(f"There is no UNIPEN file at {path}.", name="pendigits")
    try:
        raw = path.read_bytes()
        text = (gzip.decompress(raw) if raw[:2] == b"\x1f\x8b" else raw).decode("ascii")
        digits = [_read_segment(lines) for lines in _segments(text.splitlines())]
    except (OSError, EOFError, zlib.error, ValueError, IndexError) as e:
        raise DatasetDamagedError(
            f"{path.name} is damaged or not UNIPEN text ({e}); delete it and fetch it again.",
            name="pendigits",
        ) from e
    if not digits:
        raise DatasetDamagedError(f"{path.name} holds no .SEGMENT DIGIT.", name="pendigits")
    return digits


def check_strokes(strokes: Sequence[Any]) -> list[np.ndarray]:
    """Strokes as arrays `float64 [n, 2]`; DrawingError where one is not an array of numbers."""
    if isinstance(strokes, str | bytes) or not isinstance(strokes, Iterable):
        raise DrawingError(f"Strokes are a list of arrays [n, 2]; not {type(strokes).__name__}.")
    return [_points(stroke) for stroke in strokes if not _is_empty(stroke)]


def _is_empty(stroke: Any) -> bool:
    return hasattr(stroke, "__len__") and not isinstance(stroke, type) and not len(stroke)


def read_paths(objects: Iterable[Any]) -> list[np.ndarray]:
    """The strokes of a canvas's `json_data["objects"]` (Fabric's free drawing): `[n, 2]` each.

    A path is a list of commands, each a letter and its points; a curve's last point is on the
    stroke, and so, near enough, is the middle of it and its control points. What is no path, or
    was moved, turned or scaled after it was drawn, makes all of them unusable: an empty list.
    """
    strokes = []
    for path in objects:
        if not isinstance(path, dict) or str(path.get("type")).lower() != "path" or _is_moved(path):
            return []
        try:
            points = [
                (float(x), float(y))
                for command in path["path"]
                for x, y in zip(command[1::2], command[2::2], strict=True)
            ]
        except (TypeError, ValueError, KeyError):
            return []
        if not points or not np.isfinite(points).all():
            return []
        strokes.append(np.array(points))
    return strokes


def _is_moved(path: dict[str, Any]) -> bool:
    turned = path.get("angle") or path.get("skewX") or path.get("skewY")
    scaled = path.get("scaleX", 1) != 1 or path.get("scaleY", 1) != 1
    return bool(turned or scaled or path.get("flipX") or path.get("flipY"))


def _points(stroke: np.ndarray) -> np.ndarray:
    try:
        points = np.asarray(stroke, dtype=np.float64)
    except (TypeError, ValueError) as e:
        raise DrawingError("A stroke must be an array [n, 2] of x, y: numbers only.") from e
    if points.ndim != 2 or points.shape[1] != 2:
        raise DrawingError(f"A stroke must be an array [n, 2] of x, y; not {list(points.shape)}.")
    if not np.isfinite(points).all():
        raise DrawingError("A stroke holds coordinates that are no numbers (NaN or infinity).")
    return points


def _draw_stroke(pen: ImageDraw.ImageDraw, points: np.ndarray, width: float) -> None:
    """Rectangles between the points and discs on them: Pillow's own joints leave gaps."""
    radius = max(0.0, width - 1) / 2  # Pillow paints the outline's own pixels too
    for start, end in pairwise(points):
        along = end - start
        length = float(np.hypot(*along))
        if length > 0:
            across = np.array([-along[1], along[0]]) * (radius / length)
            corners = (start + across, end + across, end - across, start - across)
            pen.polygon([tuple(corner - 0.5) for corner in corners], fill=255)
    for x, y in points - 0.5:  # Pillow's coordinates are those of pixel centres
        pen.ellipse((x - radius, y - radius, x + radius, y + radius), fill=255)


def _segments(lines: Iterable[str]) -> Iterator[list[str]]:
    """The lines of each `.SEGMENT DIGIT`, its own first."""
    segment: list[str] = []
    for line in lines:
        if line.startswith(".SEGMENT"):
            if segment:
                yield segment
            segment = [line]
        elif segment and line.strip():
            segment.append(line)
    if segment:
        yield segment


def _read_segment(lines: list[str]) -> PenDigit:
    label = int(lines[0].split('"')[1])
    writer = -1
    strokes: list[list[tuple[float, float]]] = []
    down = False
    for line in lines[1:]:
        fields = line.split()
        if fields[0] == ".COMMENT":
            writer = int(fields[2])
        elif fields[0] == ".PEN_DOWN":
            down = True
            strokes.append([])
        elif fields[0] == ".PEN_UP":
            down = False
        elif down:
            strokes[-1].append((float(fields[0]), -float(fields[1])))
    if down or not any(strokes):
        raise ValueError(f"the segment {lines[0]!r} ends without its strokes")
    arrays = tuple(np.array(stroke, np.float32) for stroke in strokes if stroke)
    return PenDigit(label=label, writer=writer, strokes=arrays)
