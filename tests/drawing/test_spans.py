"""What lies between two cuts may be a digit if it hangs together and is of a digit's size."""

from __future__ import annotations

import numpy as np

from digitlab.drawing.layout import find_marks
from digitlab.drawing.pieces import build_line, find_cuts
from digitlab.drawing.spans import list_spans
from digitlab.drawing.strokes import rasterise


def line_of(*strokes, cut: bool = True, size=(300, 140), brush=12):
    ink = rasterise([np.array(stroke, float) for stroke in strokes], size, brush)[..., 3]
    marks = find_marks(ink)
    members = list(range(len(marks.boxes)))
    return build_line(marks, members, set(members) if cut else set())


CROSSED = line_of([(20, 10), (120, 130)], [(120, 10), (20, 130)])
APART = line_of(*([(x, 10), (x, 130)] for x in (30, 150, 270)), cut=False)


def test_cuts_are_nested_from_none_to_all():
    boxes = np.array([(0, 0, 10, 10), (4, 30, 16, 40), (30, 0, 40, 10)])
    cuts = find_cuts(boxes, (0.0, 0.5, -0.5))
    assert not cuts[0].any()
    assert cuts[-1].all()
    assert np.array_equal(cuts.sum(axis=1), np.sort(cuts.sum(axis=1)))
    found = {tuple(cut) for cut in cuts.tolist()}
    assert len(found) == len(cuts)
    assert {(True, False, False), (False, True, False), (True, True, False)} <= found


def test_every_span_is_what_lies_between_its_cuts():
    spans, runs = list_spans(CROSSED)
    assert spans
    for (first, last), run in spans.items():
        before, after = CROSSED.cuts[first], CROSSED.cuts[last]
        assert not (before & ~after).any()
        assert np.array_equal(runs[run], after & ~before)
    assert len({run.tobytes() for run in runs}) == len(runs)


def test_a_stroke_that_another_crosses_hangs_together():
    x, y = CROSSED.corner
    before, after = (CROSSED.parts[70 + k - y, 70 + k - x] - 1 for k in (-16, 16))
    assert before != after
    assert CROSSED.touching[before, after]


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
