"""A form: what is written in the boxes of a photo, read box by box."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from digitlab.drawing.grid import Grid, darkness
from digitlab.drawing.recognition import Recognition
from digitlab.drawing.sheet import ROW_LABELS
from digitlab.drawing.stages import Box, find_box, frame_digit
from digitlab.errors import EmptyDrawingError

BROADEST = 0.6  # of a box's height: what is broader is paper in shadow
EDGE = 0.03  # of a box's shorter side: so near to its lines the paper may be shaded by them
BAND = 0.14  # of a box's sides: ink wholly this near to a line, and at it, belongs to the line
FAINTEST = 0.08  # of the paper's brightness: what is less dark is not written
GRAIN = 3.5  # times a box's median darkness: what is no darker is grain
SHOWS_THROUGH = 0.3  # of the form's usual ink: what is fainter shows through from the back
FAINT, FULL = 0.4, 0.7  # of the box's strongest ink: paper below, all ink above
LOWEST, NARROWEST = 0.3, 0.4  # of a box's sides: what is lower and narrower is no digit


@dataclass(frozen=True, eq=False)
class Cell:
    """A box of a form.

    `image uint8 [h, w, 3]` is the straightened photo inside the box's lines, `ink uint8 [h, w]`
    what is written there, 0 paper, 255 ink, and `box` where it lies in the form's image.
    `reading` is None where the box is empty; `label` is the digit that belongs here by the app's
    own sheet, else None.
    """

    image: np.ndarray
    ink: np.ndarray
    box: Box
    reading: Recognition | None
    label: int | None = None

    @property
    def text(self) -> str:
        """What was read: '' in an empty box, '?' for what is declined."""
        return self.reading.text.replace("\n", " ") if self.reading else ""

    @property
    def doubtful(self) -> bool:
        """Whether the reading is declined, is not one character, or disagrees with the label."""
        if self.reading is None:
            return False
        if self.reading.declined or len(self.reading.digits) != 1:
            return True
        return self.label is not None and self.text != str(self.label)

    @cached_property
    def digit(self) -> np.ndarray | None:
        """What is written, framed as one digit `uint8 [28, 28]`; None in an empty box."""
        if self.reading is None:
            return None
        if len(self.reading.digits) == 1:
            return self.reading.digits[0].framed.image
        try:
            return frame_digit(self.ink).image
        except EmptyDrawingError:
            return None


@dataclass(frozen=True, eq=False)
class Form:
    """A straightened photo `image uint8 [H, W, 3]` and its boxes, in rows from the top.

    `is_sheet` says that it is the app's own sheet, whose cells know their labels.
    """

    image: np.ndarray
    cells: tuple[tuple[Cell, ...], ...]
    is_sheet: bool

    @property
    def table(self) -> list[list[str]]:
        """What was read in each box: '' where it is empty, '?' for what is declined."""
        return [[cell.text for cell in row] for row in self.cells]

    @property
    def filled(self) -> list[tuple[int, int]]:
        """Row and column of each box that something is written in, from 0."""
        return [(i, j) for i, row in enumerate(self.cells) for j, c in enumerate(row) if c.reading]


def read_cells(grid: Grid, read: Callable[[np.ndarray], Recognition], *, is_sheet: bool) -> Form:
    """Read each box of a grid that is not empty with `read`, which is given an RGBA canvas."""
    cells = find_written(grid)
    rows, start = [], 0
    for number, row in enumerate(grid.rows):
        label = ROW_LABELS[number] if is_sheet else None
        inks = cells[start : start + len(row)]
        rows.append(
            tuple(
                Cell(_crop(grid.image, box), ink, box, _read(ink, read), label)
                for box, ink in zip(row, inks, strict=True)
            )
        )
        start += len(row)
    return Form(grid.image, tuple(rows), is_sheet)


def find_written(grid: Grid) -> list[np.ndarray]:
    """The ink `uint8 [h, w]` in each box, row by row; all 0 where the box is empty."""
    boxes = [box for row in grid.rows for box in row]
    height = float(np.median([bottom - top for _, top, _, bottom in boxes]))
    dark = darkness(grid.image, BROADEST * height)
    parts = [_crop(dark, box) for box in boxes]
    strongest = np.array([_strongest(part) for part in parts])
    floors = np.array([max(FAINTEST, GRAIN * float(np.median(part))) for part in parts])
    written = strongest > floors
    usual = float(np.quantile(strongest[written], 0.9)) if written.any() else 0.0
    floors = np.maximum(floors, SHOWS_THROUGH * usual)
    return [_clean(*values) for values in zip(parts, strongest, floors, strict=True)]


def _crop(image: np.ndarray, box: Box) -> np.ndarray:
    left, top, right, bottom = np.maximum(box, 0)
    return image[top : max(bottom, top + 2), left : max(right, left + 2)]


def _inner(part: np.ndarray) -> tuple[slice, slice]:
    """The part without the paper next to its lines."""
    edge = max(1, round(EDGE * min(part.shape)))
    return tuple(slice(edge, max(edge + 1, side - edge)) for side in part.shape)


def _strongest(part: np.ndarray) -> float:
    return float(np.quantile(part[_inner(part)], 0.99))


def _clean(part: np.ndarray, strongest: float, floor: float) -> np.ndarray:
    """The ink of a box without grain and what is left of its lines; all 0 where it is empty."""
    ink = np.zeros(part.shape, np.uint8)
    if strongest <= floor:
        return ink
    faint = max(FAINT * strongest, 0.7 * floor)
    level = (part - faint) / max(0.01, FULL * strongest - faint)
    inner = _inner(part)
    ink[inner] = np.rint(255 * np.clip(level, 0, 1))[inner]
    ink = _drop_edges(ink)
    if not ink.any():
        return ink
    left, top, right, bottom = find_box(ink)
    height, width = ink.shape
    too_small = bottom - top < LOWEST * height and right - left < NARROWEST * width
    return np.zeros_like(ink) if too_small else ink


def _drop_edges(ink: np.ndarray) -> np.ndarray:
    """The ink without pieces that lie along the box's edge, or reach in from outside a little."""
    from scipy import ndimage

    labels, count = ndimage.label(ink, np.ones((3, 3)))
    if not count:
        return ink
    rim = max(1, round(EDGE * min(ink.shape))) + 1
    keep = np.ones(count + 1, bool)
    for number, (rows, columns) in enumerate(ndimage.find_objects(labels), start=1):
        for part, side in ((rows, ink.shape[0]), (columns, ink.shape[1])):
            starts, ends = part.start <= rim, part.stop >= side - rim
            band = BAND * side
            keep[number] &= not (starts and part.stop <= band)
            keep[number] &= not (ends and part.start >= side - band)
    return np.where(keep[labels], ink, 0).astype(np.uint8)


def _read(ink: np.ndarray, read: Callable[[np.ndarray], Recognition]) -> Recognition | None:
    """What is written, by the canvas that a pen would have left; None where there is nothing."""
    if not ink.any():
        return None
    around = max(4, min(ink.shape) // 6)
    opacity = np.pad(ink, around)
    canvas = np.zeros((*opacity.shape, 4), np.uint8)
    canvas[..., 3] = opacity
    try:
        return read(canvas)
    except EmptyDrawingError:
        return None
