"""The signs of amounts as a pen writes them, and amounts to write: for composing drawings."""

from __future__ import annotations

import numpy as np

from digitlab.drawing.currency import CURRENCIES
from digitlab.drawing.doodles import Strokes, round_off, vary

# Currencies: strokes of points "x,y" from 0 to 9, "b" above the box and "a" below. Drawings are
# composed of the second list's; what tells currencies from digits was learnt from the first's.
_LEARNT = {
    "$": (
        "72 50 21 03 14 54 75 67 48 19 07|4b 4a",
        "61 31 12 03 14 54 75 67 38 07|3b 3a|5b 5a",
        "72 40 11 03 24 55 67 48 07|40 39",
        "80 30 02 04 44 84 87 59 09|4b 4a",
        "72 50 21 03 14 54 75 67 48 19 07|4b 41|48 4a",
    ),
    "€": (
        "81 50 22 14 15 27 59 88|03 63|06 56",
        "71 40 12 04 05 27 49 78|04 64|05 55",
        "70 31 04 28 69|04 54|05 55",
        "82 60 30 11 04 07 19 49 77|04 64|06 66",
        "81 41 13 16 38 78|03 73|05 75",
    ),
    "£": (
        "72 50 31 23 25 37 29 09 28 59 88|04 64",
        "61 40 22 24 36 28 09 79|15 55",
        "72 50 31 33 36 28 09 19 49 89|14 64|16 56",
        "82 61 41 32 35 37 18 09 29 48 69 88|15 65",
        "73 61 41 32 39|05 65|09 79",
        "62 50 30 22 25 36 28 09 49 79|14 64",
        "72 61 41 33 35 36 38 19 39 79|15 65|27 67",
    ),
}
_HELD_OUT = {
    "$": ("81 60 31 13 24 65 77 58 28 07|5b 3a", "70 20 02 13 74 87 69 19 07|3b 3a|6b 6a"),
    "€": ("90 50 22 14 15 27 59 98|04 74|06 66", "71 50 21 03 06 28 59 78|15 65|13 73"),
    "£": ("72 60 40 22 25 37 18 09 38 69 88|05 55", "71 40 22 26 08 19 39 79|14 54|16 56"),
}
_STEPS = {"b": -1.5, "a": 10.5}  # beyond the box


def write_sign(sign: str, rng: np.random.Generator) -> Strokes:
    """A sign's strokes [n, 2] as one of many writers writes it, beside digits of height 1.

    Digits stand from y = 0 down to the baseline, y = 1; x begins near 0.
    """
    if sign in CURRENCIES:
        strokes = write_currency(sign, rng, held_out=True)
        height, middle = rng.uniform(0.85, 1.2), rng.uniform(0.45, 0.55)
        return [stroke * height + np.array((0, middle)) for stroke in strokes]
    if sign == ".":
        return [_point(rng) + np.array((0.05, rng.uniform(0.9, 1.04)))]
    if sign == ",":
        length, lean = rng.uniform(0.16, 0.38), rng.uniform(0.0, 0.55)
        return [_hook(length, lean, rng) + np.array((0.1, rng.uniform(0.86, 0.98)))]
    if sign == "'":
        length, lean = rng.uniform(0.14, 0.3), rng.uniform(-0.1, 0.5)
        return [_hook(length, lean, rng) + np.array((0.1, rng.uniform(-0.1, 0.08)))]
    width, middle = rng.uniform(0.25, 0.65), rng.uniform(0.4, 0.66)
    if sign == "-":
        return [_dash(width, rng) + np.array((0, middle))]
    if sign == "=":
        apart = rng.uniform(0.09, 0.14)
        return [
            _dash(width, rng) + np.array((0, middle - apart)),
            _dash(width, rng) + np.array((0, middle + apart)),
        ]
    assert sign == "+", sign
    down = _dash(width * rng.uniform(0.8, 1.3), rng)[:, ::-1]
    across = _dash(width, rng) + np.array((0, middle))
    x = rng.uniform(0.4, 0.6) * width
    return [across, down + np.array((x, middle - rng.uniform(0.4, 0.6) * np.ptp(down[:, 1])))]


def write_currency(
    sign: str, rng: np.random.Generator, *, held_out: bool, much: float = 0.6, jitter: float = 0.0
) -> Strokes:
    """A currency's strokes, of height 1 around y = 0; `much` as in `vary`.

    `jitter` moves each corner of the glyph by as many ninths of its height, in the mean.
    """
    glyphs = (_HELD_OUT if held_out else _LEARNT)[sign]
    strokes = [
        np.array([(_step(x), _step(y)) for x, y in stroke.split()], float)
        for stroke in glyphs[rng.integers(len(glyphs))].split("|")
    ]
    strokes = [stroke + rng.normal(0, jitter, stroke.shape) for stroke in strokes]
    strokes = vary([round_off(s) if len(s) > 2 else s for s in strokes], rng, much=much)
    points = np.concatenate(strokes)
    middle = np.array((points[:, 0].min(), (points[:, 1].min() + points[:, 1].max()) / 2))
    return [(stroke - middle) / np.ptp(points[:, 1]) for stroke in strokes]


def write_amount(count: int, rng: np.random.Generator) -> str:
    """An amount of `count` digits in one of the usual notations, each digit as '0'."""
    separator, point = ((".", ","), (",", "."), ("'", "."), ("", ","), ("", "."))[rng.integers(5)]
    cents = 2 if count > 2 and rng.random() < 0.5 else 0
    whole = "0" * (count - cents)
    groups = [whole[max(0, end - 3) : end] for end in range(len(whole), 0, -3)][::-1]
    text = separator.join(groups)
    if cents:
        text += point + "00"
    elif rng.random() < 0.4:
        text += (".-", ",-", ",--", "-", "=")[rng.integers(5)]
    kind = rng.random()
    if kind < 0.35:
        return "-+$€£"[rng.integers(5)] + text
    return text + "€" if kind < 0.4 and text[-1] == "0" else text


def _step(letter: str) -> float:
    return _STEPS[letter] if letter in _STEPS else float(letter)


def _dash(width: float, rng: np.random.Generator) -> np.ndarray:
    """A stroke to the right from (0, 0), nearly straight and nearly level."""
    along = np.linspace(0, 1, 9)
    height = rng.normal(0, 0.09) * (along - 0.5) + rng.normal(0, 0.06) * (along - along**2)
    return np.stack([along, height], 1) * width


def _hook(length: float, lean: float, rng: np.random.Generator) -> np.ndarray:
    """A short stroke down from (0, 0) to the left, curved."""
    along = np.linspace(0, 1, 7)
    left = -lean * along + rng.uniform(0, 0.5) * (along - along**2)
    return np.stack([left, along], 1) * length


def _point(rng: np.random.Generator) -> np.ndarray:
    """A touch of the pen, a very short stroke or a small round."""
    kind = rng.random()
    if kind < 0.4:
        return np.zeros((1, 2))
    if kind < 0.75:
        end = rng.normal(0, 0.025, 2)
        return np.stack([-end, end])
    angle = np.linspace(0, rng.uniform(5, 13), 20)
    return rng.uniform(0.015, 0.04) * np.stack([np.cos(angle), np.sin(angle)], 1)
