"""Digits as a pen writes them: numbers that are typed become strokes of an unsteady hand."""

from __future__ import annotations

import numpy as np

from digitlab.drawing.doodles import Strokes, round_off, vary
from digitlab.errors import DrawingError

# Strokes of points "x,y", x to the right and y down, from 0 to 9.
_GLYPHS = {
    "0": "40 20 03 06 29 49 66 63 50 30",
    "1": "30 29",
    "2": "02 20 50 62 54 09 69",
    "3": "01 30 61 53 24 24 55 67 49 08",
    "4": "20 06 66|50 49",
    "5": "60 10 04 34 56 68 39 08",
    "6": "50 21 04 07 29 49 67 55 25 06",
    "7": "00 60 29",
    "8": "61 30 02 14 55 67 39 07 15 53 61",
    "9": "62 40 11 03 25 45 62 61 59",
}
_ANGULAR = "147"  # their corners are sharp
MOST = 8  # digits of a number
IN_A_LINE = 4  # on a canvas that is not wider than high
_HEIGHT, _WIDTH = 0.6, 0.84  # of the canvas that a line may take at most
_GAP = 0.3  # between two digits, in heights
_BRUSH = 0.12  # heights


def write(
    text: str, size: tuple[int, int], *, brush: float, seed: int = 0
) -> tuple[Strokes, float]:
    """The strokes [n, 2] of a number in the pixels of a canvas of `size`, and their brush.

    Written in one line, or in two where the canvas is narrow. `brush` is the widest brush: small
    digits are written with a thinner one. The same seed gives the same strokes. Raises DrawingError
    unless the text consists of 1 to MOST digits.
    """
    digits = "".join(text.split())
    if not 1 <= len(digits) <= MOST or any(digit not in _GLYPHS for digit in digits):
        raise DrawingError(
            f"{text!r} cannot be written: type 1 to {MOST} digits from 0 to 9, for example 2026."
        )
    rng = np.random.default_rng(seed)
    room = len(digits) if size[0] > 1.5 * size[1] else IN_A_LINE
    lines = [_line(digits[i : i + room], rng) for i in range(0, len(digits), room)]
    widest = max(np.ptp(np.concatenate(line)[:, 0]) for line in lines)
    height = min(_HEIGHT * size[1] / (1.4 * len(lines) - 0.4), _WIDTH * size[0] / max(widest, 0.1))
    strokes: Strokes = []
    for i, line in enumerate(lines):
        points = np.concatenate(line) * height
        middle = np.array([size[0] / 2, size[1] / 2 + 1.4 * height * (i - (len(lines) - 1) / 2)])
        shift = middle - (points.min(axis=0) + points.max(axis=0)) / 2
        strokes += [stroke * height + shift for stroke in line]
    return strokes, float(min(brush, max(4.0, _BRUSH * height)))


def _line(digits: str, rng: np.random.Generator) -> Strokes:
    """Digits of height 1 side by side, all with one slant."""
    slant, right, line = rng.uniform(0.05, 0.2), 0.0, []
    for digit in digits:
        strokes = vary(_glyph(digit), rng, much=0.5)
        strokes = [stroke @ np.array([[1, 0], [-slant, 1]]) for stroke in strokes]
        points = np.concatenate(strokes)
        scale = 1 / np.ptp(points[:, 1])
        offset = np.array([right, rng.normal(0, 0.02)])
        line += [(stroke - points.min(axis=0)) * scale + offset for stroke in strokes]
        right += np.ptp(points[:, 0]) * scale + _GAP
    return line


def _glyph(digit: str) -> Strokes:
    strokes = [
        np.array([(int(x), int(y)) for x, y in stroke.split()], float)
        for stroke in _GLYPHS[digit].split("|")
    ]
    return strokes if digit in _ANGULAR else [round_off(stroke) for stroke in strokes]
