"""What is no digit is declined: by the default reader, and in a plainer way by any run."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.analysis.recognize import default_reader, find_predictor
from digitlab.drawing.abstention import Abstention
from digitlab.drawing.compose import placed
from digitlab.drawing.doodles import HELD_OUT, doodle
from digitlab.runs import run_folder
from digitlab.runs.abstention import LEAST, MOST, find_abstention


def test_a_runs_own_validation_says_what_its_answers_must_reach(tiny):
    abstention = find_abstention(tiny)
    assert LEAST <= abstention.confidence <= MOST
    assert abstention.temperature > 0
    assert abstention.digit == 0  # it was never shown what is none


def test_without_validation_logits_nothing_is_declined(tiny):
    (tiny.folder / run_folder.PREDICTIONS).unlink()
    assert find_abstention(tiny) == Abstention()


def test_few_of_its_own_digits_are_declined(tiny, optdigits):
    images = 255 - optdigits.val.images[:60, 0].numpy()
    declined = [dl.recognize(np.kron(image, np.ones((6, 6), np.uint8)), tiny) for image in images]
    assert np.mean(["?" in read.text for read in declined]) < 0.2


def test_the_default_reader_declines_what_it_was_never_shown():
    reader = default_reader()
    if not find_abstention(reader).digit:
        pytest.skip("the default reader was not shown what is no digit")
    rng = np.random.default_rng(5)
    canvases = [placed(doodle(HELD_OUT, rng)[1], "", 150, 16, rng).canvas for _ in range(60)]
    reads = [dl.recognize(canvas, reader) for canvas in canvases]
    assert np.mean([read.declined is None for read in reads]) < 0.25
    assert all("?" in read.text for read in reads if read.declined)


def test_its_rows_lack_the_probability_of_no_digit():
    reader = default_reader()
    predict = find_predictor(reader)
    noise = np.random.default_rng(0).integers(0, 256, (20, 1, 28, 28), np.uint8)
    whole = predict(noise).sum(axis=1)
    assert whole.max() <= 1 + 1e-5
    if find_abstention(reader).digit:
        assert whole.mean() < 0.2
