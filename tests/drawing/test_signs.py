"""Signs between digits are told apart from them, and from parts of them, by shape and place."""

from __future__ import annotations

import json

import numpy as np
import pytest

from digitlab.drawing.currency import CURRENCIES
from digitlab.drawing.pen_signs import write_sign
from digitlab.drawing.recognition import recognize_drawing
from digitlab.drawing.signs import find_signs
from digitlab.drawing.source import read_drawing
from digitlab.drawing.strokes import rasterise

TURN = np.linspace(0, 6.4, 60)
ZERO = [np.stack([35 + 30 * np.cos(TURN), 50 + 50 * np.sin(TURN)], 1)]
ONE = [np.array([[20, 0], [20, 100]])]
GLYPHS = {
    "0": ZERO,
    "1": ONE,
    ".": [np.array([[5, 99], [6, 99]])],
    ",": [np.array([[12, 94], [4, 120]])],
    "'": [np.array([[12, -4], [6, 20]])],
    "-": [np.array([[0, 52], [45, 50]])],
    "=": [np.array([[0, 40], [45, 40]]), np.array([[0, 62], [45, 61]])],
    "+": [np.array([[0, 52], [50, 50]]), np.array([[24, 26], [25, 76]])],
}


def move(strokes, x: float, y: float) -> list[np.ndarray]:
    return [np.array(stroke) + np.array((x, y)) for stroke in strokes]


def written(*lines: str) -> np.ndarray:
    """The canvas of lines of the characters of GLYPHS."""
    strokes = []
    for number, line in enumerate(lines):
        x = 40.0
        for character in line:
            glyph = GLYPHS[character]
            strokes += move(glyph, x, 50 + 170 * number)
            x += np.concatenate(glyph)[:, 0].max() + 30
    width = int(max(stroke[:, 0].max() for stroke in strokes)) + 60
    return rasterise(strokes, (width, 70 + 170 * len(lines)), 10)


def by_hole(images: np.ndarray) -> np.ndarray:
    sure = (images[:, 0, 12:16, 12:16].max(axis=(1, 2)) > 128).astype(np.float32)
    return np.stack([1 - sure, sure] + [0 * sure] * 8, axis=1)


@pytest.mark.parametrize(
    "text",
    ["10", "-10", "+1", "10.01", "1.000,10", "1'000.-", "10,--", "10-", "0=", "10.01\n-1,00"],
)
def test_an_amount_reads_as_an_amount(text):
    read = recognize_drawing(written(*text.split("\n")), by_hole)
    assert read.text == text
    assert "".join(str(digit.label) for digit in read.digits) == "".join(filter(str.isdigit, text))
    flat = text.replace("\n", "")
    assert [getattr(mark, "text", None) for mark in read.marks] == [
        None if character.isdigit() else character for character in flat
    ]
    signs = json.loads(json.dumps(read.to_dict()))["signs"]
    assert [sign["text"] for sign in signs] == [c for c in flat if not c.isdigit()]
    assert all(
        np.array_equal(digit.framed.ink, read_drawing(written(*text.split("\n"))))
        for digit in read.digits
    )


@pytest.mark.parametrize("sign", [".", ",", "'", "-", "=", "+"])
def test_signs_of_many_hands_are_found_where_they_stand(sign):
    rng = np.random.default_rng(0)
    right = 0
    for _ in range(20):
        sized = [100 * stroke for stroke in write_sign(sign, rng)]
        strokes = move(sized, 150, 60) + move(ZERO, 40, 60) + move(ZERO, 250, 60)
        signs, rest = find_signs(read_drawing(rasterise(strokes, (380, 240), 10)))
        right += [found.text for found in signs] == [sign]
        assert len(signs) != 1 or not rest[:, 130:230].any()
    assert right >= 18


@pytest.mark.parametrize(
    "parts",
    [
        [[(20, 0), (70, 0)], [(20, 25), (70, 60), (20, 100)]],  # a 5 and its bar
        [[(20, 0), (20, 70)], [(20, 92), (21, 100)]],  # a 1 and its broken end
        [[(40, 0), (30, 70)], [(15, 84), (70, 84)]],  # a level stroke under a digit
        [[(10, 0), (0, 50), (60, 50)], [(45, 68), (44, 110)]],  # a 4 in parts
    ],
)
def test_parts_of_digits_are_no_signs(parts):
    strokes = move(parts, 150, 60) + move(ONE, 40, 60)
    ink = read_drawing(rasterise(strokes, (300, 240), 10))
    signs, rest = find_signs(ink)
    assert signs == []
    assert rest is ink


def test_a_mark_alone_and_a_dot_after_one_digit_are_no_signs():
    for text in ("-", ".", "1.", "0,"):
        assert find_signs(read_drawing(written(text)))[0] == []


@pytest.mark.parametrize("sign", CURRENCIES)
def test_a_currency_is_told_or_declined_and_never_read_as_a_digit(sign):
    rng = np.random.default_rng(0)
    told = []
    for _ in range(15):
        sized = [100 * stroke for stroke in write_sign(sign, rng)]
        strokes = move(sized, 40, 60) + move(ZERO, 210, 60) + move(ONE, 300, 60)
        signs, rest = find_signs(read_drawing(rasterise(strokes, (380, 240), 8)))
        told += [found.text for found in signs]
        assert not signs or not rest[:, :190].any()
    assert told.count(sign) >= 10
    assert len(told) >= 14


def test_a_mark_like_a_currency_is_declined(monkeypatch):
    unsure = np.array([[0.3, 0.3, 0.0, 0.4, 0.0], [0.0, 0.0, 0.0, 1.0, 0.0]], np.float32)
    monkeypatch.setattr("digitlab.drawing.signs.classify", lambda images: unsure)
    read = recognize_drawing(written("10"), by_hole)
    assert "?" in read.text
    assert len(read.digits) == 1
    assert "currency" in read.declined
    monkeypatch.setattr("digitlab.drawing.signs.classify", lambda images: unsure[[1, 1]])
    read = recognize_drawing(written("10"), by_hole)
    assert (read.text, read.declined) == ("10", None)


def test_a_level_line_alone_is_no_row_of_ones():
    for width in (60, 120, 250):
        line = rasterise([np.array([[10, 140], [10 + width, 138]])])
        assert len(recognize_drawing(line, by_hole).digits) == 1
