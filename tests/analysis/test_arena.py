"""The arena: every run reads for itself, the majority is what most read, and none stops another."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from digitlab.analysis.arena import Answer, Arena, read_together
from digitlab.analysis.recognize import recognize
from digitlab.drawing.strokes import rasterise
from digitlab.errors import EmptyDrawingError
from digitlab.runs.run import open_run

SEVEN = rasterise([np.array([[70, 70], [210, 70], [125, 225]])])


def test_each_reads_as_it_would_alone(tiny):
    arena = read_together(SEVEN, ["reader", tiny])
    assert arena.answers[0].text == recognize(SEVEN, "reader").text == "7"
    assert arena.answers[1].confidence == recognize(SEVEN, tiny).confidence
    assert [one.run.id for one in arena.answers] == ["reader", tiny.id]


def test_a_run_that_cannot_read_says_so_and_the_others_go_on(add_record):
    broken = add_record(status="failed")
    arena = read_together(SEVEN, ["reader", broken.id])
    assert arena.answers[0].text == "7"
    assert "has no weights" in arena.answers[1].problem
    assert arena.answers[1].text == ""
    assert not arena.unanimous


def test_no_drawing_is_no_answer():
    with pytest.raises(EmptyDrawingError):
        read_together(np.zeros((280, 280, 4), np.uint8), ["reader"])


def test_the_majority_is_what_most_read_and_ties_fall_to_the_surer():
    run = open_run("reader")
    seven = recognize(SEVEN, run)
    one = recognize(rasterise([np.array([[140, 60], [140, 220]])]), run)
    assert Arena((Answer(run, seven), Answer(run, one), Answer(run, one))).majority == "1"
    surer = max((seven, one), key=lambda found: found.confidence)
    assert Arena((Answer(run, seven), Answer(run, one))).majority == Answer(run, surer).text
    assert Arena((Answer(run, seven), Answer(run, seven))).unanimous


def test_who_declines_does_not_agree_though_it_comes_nearest_to_the_same():
    run = open_run("reader")
    seven = recognize(SEVEN, run)
    (digit,) = seven.digits
    unsure = replace(seven, digits=(replace(digit, declined="a scribble"),))
    arena = Arena((Answer(run, seven), Answer(run, unsure)))
    assert arena.majority == "7"
    assert [answer.declined for answer in arena.answers] == [False, True]
    assert arena.agreeing("7") == [arena.answers[0]]
    assert not arena.unanimous


def test_one_who_is_sure_outvotes_those_who_decline():
    run = open_run("reader")
    seven = recognize(SEVEN, run)
    one = recognize(rasterise([np.array([[140, 60], [140, 220]])]), run)
    unsure = replace(one, digits=tuple(replace(d, declined="a scribble") for d in one.digits))
    arena = Arena((Answer(run, unsure), Answer(run, unsure), Answer(run, seven)))
    assert arena.majority == "7"
    assert arena.agreeing("7") == [arena.answers[2]]
    assert Arena(arena.answers[:2]).majority == "1"
    assert not Arena(arena.answers[:2]).unanimous
