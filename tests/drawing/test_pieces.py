"""Pieces: the cuts of a mark, and what hangs together."""

from __future__ import annotations

import numpy as np

from digitlab.drawing.layout import find_marks
from digitlab.drawing.pieces import build_line, find_cuts
from digitlab.drawing.strokes import rasterise


def line_of(*strokes, cut: bool = True, size=(300, 140), brush=12):
    ink = rasterise([np.array(stroke, float) for stroke in strokes], size, brush)[..., 3]
    marks = find_marks(ink)
    members = list(range(len(marks.boxes)))
    return build_line(marks, members, set(members) if cut else set())


CROSSED = line_of([(20, 10), (120, 130)], [(120, 10), (20, 130)])


def test_cuts_are_nested_from_none_to_all():
    boxes = np.array([(0, 0, 10, 10), (4, 30, 16, 40), (30, 0, 40, 10)])
    cuts = find_cuts(boxes, (0.0, 0.5, -0.5))
    assert not cuts[0].any()
    assert cuts[-1].all()
    assert np.array_equal(cuts.sum(axis=1), np.sort(cuts.sum(axis=1)))
    found = {tuple(cut) for cut in cuts.tolist()}
    assert len(found) == len(cuts)
    assert {(True, False, False), (False, True, False), (True, True, False)} <= found


def test_a_stroke_that_another_crosses_hangs_together():
    x, y = CROSSED.corner
    before, after = (CROSSED.parts[70 + k - y, 70 + k - x] - 1 for k in (-16, 16))
    assert before != after
    assert CROSSED.touching[before, after]
