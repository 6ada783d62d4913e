"""What lies between two cuts may be a digit if it hangs together and is of a digit's size."""

from __future__ import annotations

import numpy as np

from digitlab.drawing.spans import list_spans
from tests.drawing.test_pieces import CROSSED, line_of

APART = line_of(*([(x, 10), (x, 130)] for x in (30, 150, 270)), cut=False)


def test_every_span_is_what_lies_between_its_cuts():
    spans, runs = list_spans(CROSSED)
    assert spans
    for (first, last), run in spans.items():
        before, after = CROSSED.cuts[first], CROSSED.cuts[last]
        assert not (before & ~after).any()
        assert np.array_equal(runs[run], after & ~before)
    assert len({run.tobytes() for run in runs}) == len(runs)


def test_parts_of_one_mark_that_lie_apart_are_no_digit():
    fork = line_of([(20, 10), (20, 130)], [(20, 70), (120, 70)], [(120, 10), (120, 130)])
    _, runs = list_spans(fork)
    left, right = fork.boxes[:, 2] < 40, fork.boxes[:, 0] > 100
    for run in runs:
        if (run & left).any() and (run & right).any():
            assert (run & ~left & ~right).any()


def test_whole_marks_stand_alone_and_not_with_far_ones():
    spans, runs = list_spans(APART)
    assert set(spans) == {(0, 1), (1, 2), (2, 3), (0, 2), (1, 3)}
    assert runs[spans[0, 1]].tolist() == [True, False, False]
    assert runs[spans[1, 3]].tolist() == [False, True, True]
