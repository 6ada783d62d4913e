"""The sheet for collecting digits: drawn for a printer, and recognised in a photo by its marks.

Ten rows of ten boxes, a row for each digit, which is printed small beside it. Four marks stand at
the corners and a fifth next to the top left one: no turn and no mirror image has them in the same
places. All lengths are in millimetres.
"""

from __future__ import annotations

import io
from pathlib import Path

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from digitlab.drawing.grid import Grid
from digitlab.drawing.stages import Box
from digitlab.errors import DigitlabError
from digitlab.files import write_atomically

PAPERS = {"a4": (210.0, 297.0), "letter": (215.9, 279.4)}
KINDS = ("pdf", "png")
SIDE = 10  # rows, and boxes in each
ROW_LABELS = tuple(range(SIDE))
BOX, ACROSS, DOWN = 14.0, 17.0, 20.0  # a box's sides, and from one box to the next
MARK, AWAY = 8.0, 14.0  # a mark's sides, and from its middle to the nearest box's, both ways
FIFTH = 20.0  # from the middle of the top left mark to that of the fifth, to the right
LINE, GREY = 0.4, 70  # of the boxes' lines: width and brightness
DPI = 200
BLACK = 0.62  # of the paper beside it: a mark is darker
CLEAR = 0.8  # of a place without a mark, where a shadow may end: a mark is darker
WORDS = (
    "In each box of a row, write the digit that is printed at the row's left.",
    "Then photograph the whole sheet with its corner marks, and upload the photo on the Draw page.",
)


def draw_sheet(paper: str = "a4") -> Image.Image:
    """The sheet as a grey picture with DPI dots an inch; `paper` is "a4" or "letter"."""
    if paper not in PAPERS:
        raise DigitlabError(f"The sheet is drawn for {' or '.join(PAPERS)}; not {paper!r}.")
    page = Image.new("L", tuple(_dots(side) for side in PAPERS[paper]), 255)
    pen = ImageDraw.Draw(page)
    left, top = _first_box(paper)
    for label, boxes in zip(ROW_LABELS, find_boxes(paper), strict=True):
        _write(pen, str(label), (left - BOX / 2 - 4, top + label * DOWN), 4.5)
        for box in boxes:
            pen.rectangle(box, outline=GREY, width=_dots(LINE))
    for x, y in _marks():
        pen.rectangle(_square(left + x, top + y, MARK), fill=0)
    for number, words in enumerate(WORDS):
        _write(pen, words, (PAPERS[paper][0] / 2, top - AWAY - 17 + 6 * number), 4.2)
    return page


def find_boxes(paper: str = "a4") -> list[list[Box]]:
    """The boxes of the drawn sheet, in rows; each with its lines, in dots."""
    left, top = _first_box(paper)
    return [
        [_square(left + j * ACROSS, top + i * DOWN, BOX) for j in range(SIDE)] for i in range(SIDE)
    ]


def write_sheet(path: str | Path, paper: str = "a4") -> Path:
    """Write the sheet as a .pdf or .png file, by the path's ending; the path."""
    path = Path(path)
    write_atomically(path, sheet_bytes(path.suffix.lower().removeprefix("."), paper))
    return path


def sheet_bytes(kind: str = "pdf", paper: str = "a4") -> bytes:
    """The sheet as the bytes of a PDF or PNG file."""
    if kind not in KINDS:
        raise DigitlabError(f"The sheet is written as .pdf or .png; not {kind or 'no ending'!r}.")
    file = io.BytesIO()
    page = draw_sheet(paper)
    if kind == "pdf":
        page.save(file, "PDF", resolution=DPI, title="digitlab: sheet for collecting digits")
    else:
        page.save(file, "PNG", dpi=(DPI, DPI))
    return file.getvalue()


def find_sheet(grid: Grid) -> Grid | None:
    """The grid turned upright where it is the app's sheet, by its marks; None where it is not."""
    if not grid.regular or grid.shape != (SIDE, SIDE):
        return None
    for mirrored in (False, True):
        for quarters in range(4):
            turned = grid.turn(quarters, mirrored=mirrored)
            if _has_marks(turned):
                return turned
    return None


def _has_marks(grid: Grid) -> bool:
    boxes = np.array(grid.rows, float)
    middles = (boxes[..., :2] + boxes[..., 2:]) / 2
    first, last = middles[0, 0], middles[-1, -1]
    pixels = (last - first) / ((SIDE - 1) * np.array([ACROSS, DOWN]))  # a millimetre
    marks = [_brightness(grid.image, first + place * pixels, pixels) for place in _marks()]
    blanks = [_brightness(grid.image, first + place * pixels, pixels) for place in _blanks()]
    return max(marks) < BLACK and max(marks) < CLEAR * min(blanks)


def _brightness(image: np.ndarray, middle: np.ndarray, pixels: np.ndarray) -> float:
    """How bright the place of a mark is beside the paper around it; at most 1 or so."""
    around = _patch(image, middle, pixels * 0.85 * MARK)
    inside = _patch(image, middle, pixels * 0.3 * MARK)
    return float(np.median(inside) / max(1.0, np.quantile(around, 0.9))) if inside.size else 1.0


def _patch(image: np.ndarray, middle: np.ndarray, reach: np.ndarray) -> np.ndarray:
    left, top = np.maximum(np.rint(middle - reach), 0).astype(int)
    right, bottom = np.maximum(np.rint(middle + reach), 0).astype(int)
    return image[top:bottom, left:right].mean(axis=-1)


def _marks() -> np.ndarray:
    """The marks' middles `float [5, 2]`, x and y from that of the first box."""
    right, bottom = (SIDE - 1) * ACROSS + AWAY, (SIDE - 1) * DOWN + AWAY
    corners = [(-AWAY, -AWAY), (right, -AWAY), (-AWAY, bottom), (right, bottom)]
    return np.array([*corners, (FIFTH - AWAY, -AWAY)])


def _blanks() -> np.ndarray:
    """Where the fifth mark would stand were the sheet turned or mirrored, `float [7, 2]`."""
    left = top = -AWAY
    right, bottom = (SIDE - 1) * ACROSS + AWAY, (SIDE - 1) * DOWN + AWAY
    level = [(right - FIFTH, top), (left + FIFTH, bottom), (right - FIFTH, bottom)]
    upright = [(x, y) for x in (left, right) for y in (top + FIFTH, bottom - FIFTH)]
    return np.array(level + upright)


def _first_box(paper: str) -> tuple[float, float]:
    """The middle of the first box on the page."""
    width, height = PAPERS[paper]
    return (width - (SIDE - 1) * ACROSS) / 2, (height - (SIDE - 1) * DOWN) / 2 + 6


def _square(x: float, y: float, side: float) -> Box:
    return tuple(_dots(value) for value in (x - side / 2, y - side / 2, x + side / 2, y + side / 2))


def _write(pen: ImageDraw.ImageDraw, words: str, middle: tuple[float, float], size: float) -> None:
    font = ImageFont.load_default(_dots(size))
    pen.text(tuple(map(_dots, middle)), words, fill=0, font=font, anchor="mm")


def _dots(length: float) -> int:
    return round(length * DPI / 25.4)
