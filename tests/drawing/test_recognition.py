"""A drawing goes to the predictor framed, and comes back as text, labels and boxes.

What was cut out of a mark is judged by its line; what is no digit is not, however it is cut.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

import digitlab as dl
from digitlab.analysis.recognize import find_predictor
from digitlab.drawing.abstention import Abstention
from digitlab.drawing.layout import find_marks
from digitlab.drawing.recognition import recognize_drawing
from digitlab.drawing.segmentation import read_lines
from digitlab.drawing.source import read_drawing
from digitlab.drawing.strokes import rasterise
from digitlab.errors import DrawingError, EmptyDrawingError

ONE = [np.array([[140, 60], [140, 220]])]
ZERO = [140 + np.stack([50 * np.cos(a), 80 * np.sin(a)], 1) for a in [np.linspace(0, 6.4, 60)]]


def by_hole(images: np.ndarray) -> np.ndarray:
    """A predictor that tells 0 from 1 by the middle: paper there is a 0."""
    assert images.dtype == np.uint8
    assert images.shape[1:] == (1, 28, 28)
    sure = (images[:, 0, 12:16, 12:16].max(axis=(1, 2)) > 128).astype(np.float32)
    return np.stack([1 - sure, sure] + [0 * sure] * 8, axis=1)


@pytest.mark.parametrize(("strokes", "text"), [(ZERO, "0"), (ONE, "1")])
def test_a_drawing_is_read(strokes, text):
    recognition = recognize_drawing(rasterise(strokes), by_hole)
    assert recognition.text == text
    (digit,) = recognition.digits
    assert digit.label == int(text)
    assert digit.confidence == digit.probabilities[digit.label] == pytest.approx(1)
    left, top, right, bottom = digit.box
    assert digit.framed.crop.shape == (bottom - top, right - left)
    assert top == pytest.approx(51, abs=2)
    assert bottom == pytest.approx(229, abs=2)


def test_the_answer_is_ready_for_json():
    answer = json.loads(json.dumps(recognize_drawing(rasterise(ONE), by_hole).to_dict()))
    assert answer["text"] == "1"
    (digit,) = answer["digits"]
    assert digit["label"] == 1
    assert len(digit["probabilities"]) == 10
    assert digit["box"] == [131, 51, 149, 229]


def test_the_predictor_is_not_asked_about_nothing():
    def never(images: np.ndarray) -> np.ndarray:
        pytest.fail("asked about an empty drawing")

    for nothing in (None, rasterise([]), np.full((50, 50, 3), 255, np.uint8)):
        with pytest.raises(EmptyDrawingError, match="nothing drawn yet"):
            recognize_drawing(nothing, never)
    with pytest.raises(DrawingError):
        recognize_drawing(np.zeros((2, 2, 2, 2)), never)


def test_the_room_needs_no_network_library():
    code = (
        "import sys, digitlab.drawing.recognition, digitlab.drawing.strokes;"
        "sys.exit('torch' in sys.modules or 'scipy' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


STRICT = Abstention(digit=0.8, confidence=0.5)


ROUND = np.linspace(0, 2 * np.pi, 40)


# Strokes in a unit box, y down; side by side they touch.
TWO = [(0, 0.22), (0.2, 0), (0.5, 0.04), (0.58, 0.27), (0.35, 0.6), (0, 1), (0.65, 0.97)]


NOUGHT = np.stack([0.96 + 0.3 * np.sin(ROUND), 0.5 - 0.5 * np.cos(ROUND)], 1)


SIX = [(1.81, 0), (1.51, 0.3), (1.36, 0.7), (1.51, 1), (1.76, 1), (1.86, 0.8), (1.71, 0.6)]


SIX += [(1.41, 0.7)]


ALONG = np.linspace(0, 23 / 6, 80)


WAVE = [np.stack([ALONG, 0.5 + 0.46 * np.sin(5.74 * ALONG)], 1)]


@pytest.fixture(scope="module")
def reader():
    return find_predictor(dl.open_run("reader"))


def drawn(*strokes) -> np.ndarray:
    canvas = rasterise([np.array(one) * 120 + 40 for one in strokes], (580, 200), 13)
    assert len(find_marks(read_drawing(canvas)).boxes) == 1
    return canvas


def doubting(predictor, factor: float, label: int | None = None):
    """The predictor, by which all digits, or those of a label, are less likely to be digits."""

    def predict(images: np.ndarray) -> np.ndarray:
        answers = predictor(images).copy()
        which = slice(None) if label is None else answers.argmax(axis=1) == label
        answers[which] *= factor
        return answers

    return predict


def test_a_weak_digit_is_held_by_the_line_that_it_was_cut_from(reader):
    canvas, weak = drawn(TWO, NOUGHT, SIX), doubting(reader, 0.6, label=0)
    (found,) = read_lines(read_drawing(canvas), weak)
    assert found[1].probabilities.sum() < STRICT.digit  # by itself it would be declined …
    assert recognize_drawing(canvas, weak, abstention=STRICT).text == "206"
    assert (
        recognize_drawing(canvas, doubting(reader, 0.1, label=0), abstention=STRICT).text == "2?6"
    )


def test_a_line_that_is_weak_as_a_whole_holds_none(reader):
    weak = doubting(reader, 0.7)
    assert recognize_drawing(drawn(TWO, NOUGHT, SIX), weak, abstention=STRICT).text == "???"


def test_a_scribble_is_not_held_by_its_parts_that_look_like_digits(reader):
    canvas = drawn(*WAVE)
    (found,) = read_lines(read_drawing(canvas), reader)
    sums = [float(one.probabilities.sum()) for one in found]
    assert max(sums) > STRICT.digit > np.mean(sums)
    assert recognize_drawing(canvas, reader, abstention=STRICT).declined


def test_a_mark_as_wide_as_two_digits_is_two_only_where_both_convince(reader):
    assert recognize_drawing(drawn(TWO, NOUGHT), reader, abstention=STRICT).text == "20"
    assert (
        recognize_drawing(drawn(TWO, NOUGHT), doubting(reader, 0.9), abstention=STRICT).text == "?"
    )


def test_what_may_be_one_digit_is_not_cut():
    asked = []

    def unsure(images: np.ndarray) -> np.ndarray:
        asked.append(len(images))
        return np.tile(np.array([[0.3, 0.2]], np.float32), (len(images), 1))

    recognize_drawing(drawn(NOUGHT), unsure)
    assert asked == [1]
