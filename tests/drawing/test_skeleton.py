"""A mark comes apart where its strokes meet and turn, and nothing of it is lost."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.drawing.skeleton import stroke_pieces, thin
from digitlab.drawing.strokes import rasterise


def mark(*strokes, size=(120, 120), brush=12) -> np.ndarray:
    return rasterise([np.array(stroke, float) for stroke in strokes], size, brush)[..., 3] > 127


CROSS = mark([(60, 10), (60, 110)], [(10, 60), (110, 60)])
BAR = mark([(60, 10), (60, 110)])


def test_thinning_leaves_lines_one_pixel_wide_that_hang_together():
    from scipy import ndimage

    bone = thin(CROSS)
    assert not (bone & ~CROSS).any()
    assert ndimage.label(bone, np.ones((3, 3)))[1] == 1
    assert bone[20:45].sum(axis=1).max() == 1
    assert 80 < bone[:, 55:66].any(axis=1).sum() <= 105


def test_a_cross_comes_apart_into_its_arms():
    pieces = stroke_pieces(CROSS, 100)
    ends = [pieces[15, 60], pieces[105, 60], pieces[60, 15], pieces[60, 105]]
    assert len(set(ends)) == 4
    assert np.array_equal(pieces > 0, CROSS)


def test_a_plain_stroke_stays_whole_and_a_corner_is_cut():
    assert stroke_pieces(BAR, 100).max() == 1
    corner = mark([(20, 20), (20, 100), (100, 100)])
    pieces = stroke_pieces(corner, 100)
    assert pieces[30, 20] != pieces[100, 90]


def test_two_touching_rings_come_apart():
    angle = np.linspace(0, 2 * np.pi, 60)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) * 30
    both = mark(ring + np.array((40, 60)), ring + np.array((106, 60)), size=(150, 120))
    pieces = stroke_pieces(both, 70)
    left, right = set(pieces[:, :60].ravel()) - {0}, set(pieces[:, 90:].ravel()) - {0}
    assert not left & right


@pytest.mark.parametrize("shape", [(1, 1), (1, 400), (400, 1), (3, 3), (20, 5_000)])
def test_any_solid_patch_is_at_least_one_piece(shape):
    pieces = stroke_pieces(np.ones(shape, bool), shape[0])
    assert pieces.shape == shape
    assert pieces.min() >= 1


def test_strokes_that_join_end_to_end_come_apart():
    """The bar of one digit running on into the next one's: no corner, no meeting."""
    joined = mark([(20, 100), (20, 20), (180, 20), (180, 100)], size=(200, 120), brush=10)
    pieces = stroke_pieces(joined, 90)
    assert pieces[20, 45] != pieces[20, 155]
    assert len(set(pieces[20, 40:160])) <= 6  # in a few stretches, not in crumbs


def test_strokes_that_run_side_by_side_as_one_are_halved():
    one = [(20, 10), (60, 30), (60, 90), (20, 110)]
    other = [(110, 10), (70, 30), (70, 90), (110, 110)]
    pieces = stroke_pieces(mark(one, other, size=(130, 120), brush=12), 110)
    assert pieces[60, 57] != pieces[60, 73]
    left, right = set(pieces[:, :62].ravel()) - {0}, set(pieces[:, 69:].ravel()) - {0}
    assert not left & right
