"""A drawing goes to the predictor framed, and comes back as text, labels and boxes."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import pytest

from digitlab.drawing.recognition import recognize_drawing
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
    assert digit.probabilities[digit.label] == 1
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
