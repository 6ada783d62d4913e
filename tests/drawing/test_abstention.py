"""Probabilities are made honest, and what is no digit is declined with its reason."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.drawing.abstention import Abstention
from digitlab.drawing.recognition import recognize_drawing

SURE = np.array([0.9, 0.06, 0.04])
NONE = np.array([0.2, 0.1, 0.05])  # two thirds for "no digit"


def drawing() -> np.ndarray:
    canvas = np.zeros((100, 100), np.uint8)
    canvas[20:80, 45:55] = 255
    return canvas


def answering(row):
    return lambda images: np.repeat(np.array([row], np.float32), len(images), axis=0)


def test_without_temperature_probabilities_stay():
    assert Abstention().calibrate(SURE) == pytest.approx(SURE)
    assert Abstention().calibrate(NONE) == pytest.approx(NONE)


def test_a_temperature_does_what_dividing_logits_does():
    logits = np.array([3.0, 1.0, -2.0])
    for extra in ([], [0.0]):
        every = np.exp([*logits, *extra])
        halved = np.exp(np.array([*logits, *extra]) / 2)
        given = (every / every.sum())[:3]
        assert Abstention(temperature=2).calibrate(given) == pytest.approx(
            (halved / halved.sum())[:3], abs=1e-4
        )


def test_rows_are_calibrated_together_as_each_alone():
    abstention = Abstention(temperature=2)
    both = abstention.calibrate(np.stack([SURE, NONE]))
    assert both == pytest.approx(np.stack([abstention.calibrate(row) for row in (SURE, NONE)]))


def test_each_reason_for_declining():
    abstention = Abstention(digit=0.5, confidence=0.6)
    assert abstention.decline(SURE) is None
    assert "does not look like a digit" in abstention.decline(NONE)
    assert "several digits: the likeliest has 50.0 %" in abstention.decline(
        np.array([0.5, 0.45, 0.05])
    )
    assert Abstention().decline(NONE) is None


def test_what_is_declined_is_a_question_mark_and_keeps_its_nearest_label():
    read = recognize_drawing(drawing(), answering(NONE), abstention=Abstention(digit=0.5))
    assert read.text == "?"
    (digit,) = read.digits
    assert (digit.label, digit.confidence) == (0, pytest.approx(0.2))
    assert sum(digit.probabilities) + digit.no_digit == pytest.approx(1)
    assert digit.no_digit == pytest.approx(0.65)
    assert read.declined == digit.declined == read.to_dict()["digits"][0]["declined"]


def test_what_is_trusted_is_read():
    read = recognize_drawing(
        drawing(), answering(SURE), abstention=Abstention(digit=0.5, confidence=0.5)
    )
    assert (read.text, read.declined) == ("0", None)
    assert read.confidence == pytest.approx(0.9)
