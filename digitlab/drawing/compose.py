"""Drawings composed of labelled pen digits: single ones, strings, and amounts with their signs."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from digitlab.drawing.pen_signs import write_amount, write_sign
from digitlab.drawing.stages import find_box
from digitlab.drawing.strokes import PenDigit, rasterise

Strokes = Sequence[np.ndarray]

CANVAS = 280  # pixels, as the app's
MARGIN = 40  # pixels of paper around a string


@dataclass(frozen=True, eq=False)
class Drawing:
    """A canvas `uint8 [H, W, 4]`, what is written on it, its strokes and brush.

    `digits` are the strokes on the canvas (`float [n, 2]` each) of every digit, and of every sign,
    in the order of `text`.
    """

    canvas: np.ndarray
    text: str
    digits: tuple[Strokes, ...]
    brush: float

    @property
    def strokes(self) -> list[np.ndarray]:
        """All strokes, in the order in which they were written."""
        return [stroke for digit in self.digits for stroke in digit]

    def alone(self, index: int) -> np.ndarray:
        """The canvas with nothing but one of its digits, `uint8 [H, W, 4]`."""
        height, width = self.canvas.shape[:2]
        return rasterise(self.digits[index], (width, height), self.brush)


def single(digits: Sequence[PenDigit], rng: np.random.Generator) -> Drawing:
    """One digit of 80 to 230 pixels anywhere on 280 × 280, with a brush of 12 to 24."""
    digit = digits[rng.integers(len(digits))]
    side, brush = rng.uniform(80, 230), rng.uniform(12, 24)
    return placed(digit.strokes, str(digit.label), side, brush, rng)


def placed(
    strokes: Strokes, text: str, side: float, brush: float, rng: np.random.Generator
) -> Drawing:
    """Strokes fitted into `side` pixels, anywhere on a canvas of 280 × 280."""
    strokes, extent = scale_strokes(strokes, side, widest=1)
    margin = brush / 2 + 2
    corner = rng.uniform(margin, np.maximum(margin + 1, CANVAS - extent - margin))
    moved = [stroke + corner for stroke in strokes]
    return Drawing(rasterise(moved, (CANVAS, CANVAS), brush), text, (moved,), brush)


def apart(digits: Sequence[PenDigit], rng: np.random.Generator) -> Drawing:
    """2 to 6 digits of one writer with paper of 0.08 to 0.5 of their height between them."""
    return string(digits, rng, (0.08, 0.5), meeting=False)


def touching(digits: Sequence[PenDigit], rng: np.random.Generator) -> Drawing:
    """2 to 6 digits of one writer, each moved into the one before by 0 to 0.06 of their height."""
    return string(digits, rng, (-0.06, 0.0), meeting=True)


def two_lines(digits: Sequence[PenDigit], rng: np.random.Generator) -> Drawing:
    """Two strings apart, with paper of 0.15 to 0.5 of a digit's height between them."""
    upper, lower = apart(digits, rng), apart(digits, rng)
    high, low = find_box(upper.canvas[..., 3]), find_box(lower.canvas[..., 3])
    gap = rng.uniform(0.15, 0.5) * (high[3] - high[1])
    down = np.array((0.0, high[3] - low[1] + gap))
    moved = tuple([stroke + down for stroke in digit] for digit in lower.digits)
    size = (
        max(upper.canvas.shape[1], lower.canvas.shape[1]),
        int(lower.canvas.shape[0] + down[1]) + 1,
    )
    # Each with its own brush, as they were written; where they meet, the darker one shows.
    canvas = np.zeros((size[1], size[0], 4), np.uint8)
    canvas[: upper.canvas.shape[0], : upper.canvas.shape[1]] = upper.canvas
    below = rasterise([stroke for digit in moved for stroke in digit], size, lower.brush)
    text = f"{upper.text}\n{lower.text}"
    return Drawing(np.maximum(canvas, below), text, upper.digits + moved, upper.brush)


def amounts(digits: Sequence[PenDigit], rng: np.random.Generator) -> Drawing:
    """An amount of 1 to 6 digits of one writer with points, commas, dashes or a currency.

    There is paper of 0.06 to 0.35 of a digit's height between neighbours.
    """
    sample = _sample(digits, rng, least=1)
    height = rng.uniform(80, 180)
    brush = height * rng.uniform(0.07, 0.15)
    labels = iter(sample)
    text, glyphs = "", []
    for character in write_amount(len(sample), rng):
        if character == "0":
            digit = next(labels)
            text += str(digit.label)
            glyphs.append(_size(digit, height, rng))
        else:
            text += character
            glyphs.append([stroke * height for stroke in write_sign(character, rng)])
    return _write_line(glyphs, text, (height, brush), (0.06, 0.35), rng, meeting=False)


CONDITIONS = {
    "single": single,
    "apart": apart,
    "touching": touching,
    "two lines": two_lines,
    "amounts": amounts,
}


def string(
    digits: Sequence[PenDigit],
    rng: np.random.Generator,
    gaps: tuple[float, float],
    *,
    meeting: bool,
) -> Drawing:
    """2 to 6 digits of one writer in a line.

    `gaps` are the least and the most paper between neighbours in shares of the height: between
    their boxes, or with `meeting` between their ink in the row where it comes closest.
    """
    sample = _sample(digits, rng, least=2)
    height = rng.uniform(80, 180)
    brush = height * rng.uniform(0.07, 0.15)
    glyphs = (_size(digit, height, rng) for digit in sample)
    text = "".join(str(digit.label) for digit in sample)
    return _write_line(glyphs, text, (height, brush), gaps, rng, meeting=meeting)


def _sample(digits: Sequence[PenDigit], rng: np.random.Generator, least: int) -> list[PenDigit]:
    """`least` to 6 digits of one writer."""
    writer = digits[rng.integers(len(digits))].writer
    own = [digit for digit in digits if digit.writer == writer]
    return [own[k] for k in rng.integers(len(own), size=rng.integers(least, 7))]


def _size(digit: PenDigit, height: float, rng: np.random.Generator) -> list[np.ndarray]:
    """A digit's strokes about `height` high, a little below y = 0."""
    strokes, _ = scale_strokes(digit.strokes, height * rng.uniform(0.85, 1.1), 1.2)
    drop = height * rng.uniform(0, 0.12)
    return [stroke + np.array((0, drop)) for stroke in strokes]


def _write_line(
    glyphs: Iterable[Strokes],
    text: str,
    pen: tuple[float, float],
    gaps: tuple[float, float],
    rng: np.random.Generator,
    *,
    meeting: bool,
) -> Drawing:
    """Glyphs from left to right, `pen` the height of a digit and the brush; `gaps` as `string`'s.

    `rng` draws each glyph, where they come from a generator, before the gap in front of it.
    """
    height, brush = pen
    written: list[Strokes] = []
    x, before = float(MARGIN), None
    for glyph in glyphs:
        points = np.concatenate(glyph)
        low = points[:, 0].min()
        strokes = [stroke + np.array((-low, MARGIN)) for stroke in glyph]
        size = (int(np.ptp(points[:, 0]) + 2 * MARGIN), int(1.5 * height + 2 * MARGIN))
        ink = rasterise([line + np.array((MARGIN, 0)) for line in strokes], size, brush)[..., 3]
        if before is not None:
            x += rng.uniform(*gaps) * height - (closest(before, ink) if meeting else 0)
        written.append([stroke + np.array((x, 0)) for stroke in strokes])
        x += find_box(ink)[2] - find_box(ink)[0]
        before = ink
    least = np.concatenate([stroke for glyph in written for stroke in glyph]).min(axis=0)
    shift = np.maximum(0, MARGIN - least)
    written = [[stroke + shift for stroke in glyph] for glyph in written]
    everything = [stroke for glyph in written for stroke in glyph]
    extent = np.concatenate(everything).max(axis=0) + MARGIN
    canvas = rasterise(everything, (int(extent[0]), int(extent[1])), brush)
    return Drawing(canvas, text, tuple(written), brush)


def scale_strokes(
    strokes: Strokes, side: float, widest: float
) -> tuple[list[np.ndarray], np.ndarray]:
    """Strokes from (0, 0), `side` high and at most `widest` times as wide, and their extent."""
    points = np.concatenate(strokes).astype(np.float64)
    low, span = points.min(axis=0), np.maximum(np.ptp(points, axis=0), 1)
    scale = side / max(span[1], span[0] / widest)
    return [(stroke - low) * scale for stroke in strokes], span * scale


def closest(before: np.ndarray, after: np.ndarray) -> float:
    """The least paper between two digits' ink in a row, where their boxes stand side by side."""
    rows = min(len(before), len(after))
    first, second = before[:rows] > 127, after[:rows] > 127
    both = first.any(axis=1) & second.any(axis=1)
    if not both.any():
        return 0.0
    end = first.shape[1] - 1 - first[both][:, ::-1].argmax(axis=1)
    start = second[both].argmax(axis=1)
    right, left = np.flatnonzero(first.any(axis=0))[-1], np.flatnonzero(second.any(axis=0))[0]
    return float((right - end + start - left).min())
