"""Strokes are drawn as a brush draws them, and UNIPEN recordings are read upright."""

from __future__ import annotations

import gzip

import numpy as np
import pytest

from digitlab.drawing.strokes import check_strokes, rasterise, read_paths, read_unipen
from digitlab.errors import DatasetDamagedError, DatasetMissingError, DrawingError

SEVEN = """.INCLUDE        dene.doc
.LEXICON "0" "1"
.HIERARCHY      DIGIT

.SEGMENT DIGIT    0 ? "7"
.COMMENT 7 12  224
.PEN_DOWN
 100  300
 200  300
 120  100
.PEN_UP
.DT 100
.PEN_DOWN
 120  200
 180  200
.PEN_UP
.DT 100

.SEGMENT DIGIT    1 ? "1"
.COMMENT 1 3  5
.PEN_DOWN
 10  90
 10  10
.PEN_UP
.DT 100
"""


def test_a_line_is_as_wide_as_the_brush_with_round_ends():
    cover = rasterise([np.array([[50, 100], [150, 100]])], (200, 200), 20)[..., 3] / 255
    assert cover.sum() == pytest.approx(100 * 20 + np.pi * 100, rel=0.02)
    rows, columns = np.nonzero(cover > 0.5)
    assert (rows.min(), rows.max()) == (90, 109)
    assert (columns.min(), columns.max()) == (40, 159)
    assert 0 < cover[91, 43] < 1 or cover[90, 41] == 0  # a round cap, not a square one


def test_it_is_a_transparent_canvas_with_smooth_edges():
    canvas = rasterise([np.array([[20, 20], [80, 70]])], (120, 90), 9)
    assert canvas.shape == (90, 120, 4)
    assert canvas.dtype == np.uint8
    assert not canvas[..., :3].any()
    assert len(np.unique(canvas[..., 3])) > 5


def test_one_point_is_a_dot_and_no_strokes_are_an_empty_canvas():
    dot = rasterise([np.array([[50, 60]])], (100, 100), 18)[..., 3] / 255
    assert dot.sum() == pytest.approx(np.pi * 81, rel=0.03)
    assert not rasterise([]).any()
    assert not rasterise([np.zeros((0, 2))]).any()


def test_the_finest_brush_still_leaves_a_trace():
    assert rasterise([np.array([[5, 5], [20, 9]])], (30, 30), 0.2).any()


def test_strokes_beyond_the_canvas_are_cut_off():
    line = np.array([[-500, 50], [500, 50]])
    assert rasterise([line], (100, 100), 10)[..., 3].any(axis=0).all()


@pytest.mark.parametrize("stroke", [np.zeros(3), np.zeros((4, 3)), np.array([[0, np.nan]])])
def test_what_is_no_stroke_is_refused(stroke):
    with pytest.raises(DrawingError, match="stroke"):
        rasterise([stroke])


@pytest.mark.parametrize("strokes", [3, [3], [None], [object()], [float], ["ab"], [[[1], [2]]]])
def test_what_are_no_strokes_is_refused(strokes):
    with pytest.raises(DrawingError, match="troke"):
        check_strokes(strokes)


def test_a_canvas_without_size_is_refused():
    with pytest.raises(DrawingError, match="above 0"):
        rasterise([], size=(0, 10))


@pytest.mark.parametrize("name", ["digits.txt", "digits.gz"])
def test_unipen_gives_labels_writers_and_strokes_upright(tmp_path, name):
    path = tmp_path / name
    path.write_bytes(gzip.compress(SEVEN.encode()) if name.endswith("gz") else SEVEN.encode())
    seven, one = read_unipen(path)
    assert (seven.label, seven.writer, len(seven.strokes)) == (7, 12, 2)
    assert (one.label, one.writer, len(one.strokes)) == (1, 3, 1)
    bar, foot = seven.strokes[0][0], seven.strokes[0][2]
    assert bar[1] < foot[1]  # y grows downwards, as on a canvas
    assert seven.strokes[1].tolist() == [[120, -200], [180, -200]]


def test_a_missing_or_damaged_file_is_named(tmp_path):
    with pytest.raises(DatasetMissingError, match=r"pens\.gz"):
        read_unipen(tmp_path / "pens.gz")
    whole = gzip.compress(SEVEN.encode())
    for content in (whole[:-20], b"no digits here", b"", SEVEN[:-30].encode(), b"\x00\xff\x80"):
        (tmp_path / "pens.gz").write_bytes(content)
        with pytest.raises(DatasetDamagedError, match=r"pens\.gz"):
            read_unipen(tmp_path / "pens.gz")


def test_a_canvass_paths_are_its_strokes():
    path = [["M", 10, 20], ["Q", 10, 20, 15, 25], ["L", 30, 40]]
    objects = [{"type": "path", "path": path}, {"type": "Path", "path": path, "scaleX": 1}]
    first, second = read_paths(objects)
    assert first.tolist() == [[10, 20], [10, 20], [15, 25], [30, 40]]
    assert np.array_equal(first, second)


@pytest.mark.parametrize(
    "bad",
    [
        {"type": "rect"},
        {"type": "path"},
        {"type": "path", "path": [["M", 1]]},
        {"type": "path", "path": [["M", "a", "b"]]},
        {"type": "path", "path": [["M", 1, float("nan")]]},
        {"type": "path", "path": []},
        {"type": "path", "path": [["M", 1, 2]], "scaleX": 2},
        {"type": "path", "path": [["M", 1, 2]], "angle": 30},
        None,
    ],
)
def test_where_a_path_cannot_be_used_none_are(bad):
    good = {"type": "path", "path": [["M", 1, 2], ["L", 3, 4]]}
    assert len(read_paths([good])) == 1
    assert read_paths([good, bad]) == []
