"""Several digits are told apart, left to right and line by line, and single ones stay whole."""

from __future__ import annotations

import numpy as np
import pytest

import digitlab as dl
from digitlab.analysis.recognize import find_predictor
from digitlab.drawing.layout import find_marks
from digitlab.drawing.recognition import MOST_TURNED, recognize_drawing
from digitlab.drawing.segmentation import MOST_RUNS, read_lines
from digitlab.drawing.source import read_drawing
from digitlab.drawing.strokes import rasterise, read_unipen
from digitlab.errors import DrawingError
from digitlab.settings import read_settings

# Strokes in a unit box, y down.
ROUND = np.linspace(0, 2 * np.pi, 40)
ZERO = [np.stack([0.3 + 0.3 * np.sin(ROUND), 0.5 - 0.5 * np.cos(ROUND)], 1)]
ONE = [[(0.1, 0), (0.1, 1)]]
TWO = [[(0, 0.22), (0.2, 0), (0.5, 0.04), (0.58, 0.27), (0.35, 0.6), (0, 1), (0.65, 0.97)]]
SIX = [
    [(0.5, 0), (0.2, 0.3), (0.05, 0.7), (0.2, 1), (0.45, 1), (0.55, 0.8), (0.4, 0.6), (0.1, 0.7)]
]
FOUR_OPEN = [[(0.1, 0), (0, 0.55), (0.35, 0.55)], [(0.55, 0.1), (0.5, 1)]]
FIVE_BAR = [
    [(0.08, 0.15), (0.05, 0.45), (0.35, 0.42), (0.55, 0.65), (0.4, 0.95), (0, 0.98)],
    [(0.12, -0.05), (0.65, -0.08)],
]
SEVEN_BAR = [[(0, 0), (0.65, 0), (0.52, 0.33)], [(0.2, 0.5), (0.6, 0.5)], [(0.4, 0.68), (0.25, 1)]]
TWO_BROKEN = [TWO[0][:4], [(0.48, 0.45), *TWO[0][4:]]]
GLYPHS = {"0": ZERO, "1": ONE, "2": TWO, "6": SIX}


def place(glyph, x: float, y: float, height: float) -> list[np.ndarray]:
    return [np.array(stroke) * height + (x, y) for stroke in glyph]


def write(text: str, x: float = 40, y: float = 40, height: float = 120, step: float = 1.0):
    """The strokes of a line of hand-made digits, one every `step` heights."""
    glyphs = [place(GLYPHS[c], x + k * step * height, y, height) for k, c in enumerate(text)]
    return [stroke for glyph in glyphs for stroke in glyph]


def drawn(strokes, size=(640, 420), brush=13) -> np.ndarray:
    return rasterise(strokes, size, brush)


@pytest.fixture(scope="module")
def reader():
    return find_predictor(dl.open_run("reader"))


class Counted:
    """A predictor that counts how often it is asked, and is sure of everything or of nothing."""

    def __init__(self, sure: float = 1.0):
        self.calls: list[int] = []
        self.sure = sure

    def __call__(self, images: np.ndarray) -> np.ndarray:
        assert images.dtype == np.uint8
        assert images.shape[1:] == (1, 28, 28)
        self.calls.append(len(images))
        answer = np.full((len(images), 10), (1 - self.sure) / 9, np.float32)
        answer[:, 7] = self.sure
        return answer


@pytest.mark.parametrize("text", ["2026", "10", "1001", "6210", "11"])
def test_digits_apart_are_read_from_left_to_right(text, reader):
    recognition = recognize_drawing(drawn(write(text)), reader)
    assert recognition.text == text
    lefts = [digit.box[0] for digit in recognition.digits]
    assert lefts == sorted(lefts)


def test_the_order_of_the_strokes_does_not_matter(reader):
    assert recognize_drawing(drawn(write("2026")[::-1]), reader).text == "2026"


@pytest.mark.parametrize("turned", [False, True])
def test_two_lines_are_read_from_top_to_bottom(turned, reader):
    strokes = write("2026", y=30) + write("160", x=90, y=230)
    recognition = recognize_drawing(drawn(strokes[::-1] if turned else strokes), reader)
    assert recognition.text == "2026\n160"
    assert [digit.line for digit in recognition.digits] == [0, 0, 0, 0, 1, 1, 1]
    assert "".join(str(digit.label) for digit in recognition.digits) == "2026160"


def test_a_line_may_rise_along_the_paper(reader):
    rising = [
        stroke
        for k, c in enumerate("2026")
        for stroke in place(GLYPHS[c], 40 + 120 * k, 220 - 45 * k, 110)
    ]
    assert recognize_drawing(drawn(rising), reader).text == "2026"


def test_boxes_crops_and_ink_are_the_drawings(reader):
    canvas = drawn(write("106", height=100, x=50, y=70))
    for digit, glyph_left in zip(
        recognize_drawing(canvas, reader).digits, (60, 150, 255), strict=True
    ):
        left, top, right, bottom = digit.box
        assert left == pytest.approx(glyph_left - 6.5, abs=3)
        assert top == pytest.approx(63.5, abs=2)
        assert bottom == pytest.approx(176.5, abs=2)
        assert np.array_equal(digit.framed.crop, digit.framed.ink[top:bottom, left:right])
        assert digit.framed.ink.shape == canvas.shape[:2]


def test_the_ink_of_a_neighbour_is_not_in_the_crop():
    slanted = [np.array([(100, 40), (40, 200)]), np.array([(160, 40), (100, 200)])]
    one, other = read_lines(read_drawing(drawn(slanted, (220, 240))), Counted())[0]
    assert one.framed.box[2] > other.framed.box[0]  # the boxes overlap …
    crops = [int((reading.framed.crop > 0).sum()) for reading in (one, other)]
    assert crops[0] == pytest.approx(crops[1], rel=0.02)  # … and each holds one stroke


@pytest.mark.parametrize(
    "glyph",
    [FOUR_OPEN, FIVE_BAR, SEVEN_BAR, TWO_BROKEN],
    ids=["open four", "five with a bar apart", "seven in three strokes", "broken two"],
)
@pytest.mark.parametrize("height", [90, 190])
def test_a_digit_in_several_parts_stays_whole(glyph, height, reader):
    canvas = drawn(place(glyph, 60, 50, height), (280, 280), height / 12)
    recognition = recognize_drawing(canvas, reader)
    assert len(recognition.digits) == 1
    left, top, right, bottom = recognition.digits[0].box
    assert (bottom - top) * (right - left) == pytest.approx(_box_area(canvas), rel=0.01)


def test_a_digit_in_parts_stays_whole_among_others(reader):
    strokes = write("2", height=120) + place(FIVE_BAR, 170, 40, 120) + write("0", x=300)
    recognition = recognize_drawing(drawn(strokes), reader)
    assert recognition.text == "250"


def test_touching_digits_are_cut_apart(reader):
    strokes = place(TWO, 40, 40, 120) + place(ZERO, 40 + 0.66 * 120, 40, 120)
    strokes += place(SIX, 40 + 1.31 * 120, 40, 120)
    canvas = drawn(strokes)
    assert len(find_marks(read_drawing(canvas)).boxes) == 1
    assert recognize_drawing(canvas, reader).text == "206"


def test_known_strokes_tell_touching_digits_apart_where_pixels_do_not_say(reader):
    """Two digits on top of each other by a third: no cut can free them, their strokes can."""
    one, two = place(TWO, 40, 40, 120), place(ZERO, 40 + 0.3 * 120, 40, 120)
    canvas = drawn(one + two)
    read = recognize_drawing(canvas, reader, strokes=one + two)
    assert len(read.digits) == 2
    assert read.digits[0].box[2] > read.digits[1].box[0]


def test_a_digit_in_several_known_strokes_stays_whole(reader):
    for glyph in (FOUR_OPEN, FIVE_BAR, SEVEN_BAR, TWO_BROKEN):
        strokes = place(glyph, 60, 50, 150)
        canvas = drawn(strokes, (280, 280))
        assert len(recognize_drawing(canvas, reader, strokes=strokes).digits) == 1


@pytest.mark.parametrize("strokes", [[[[1, 2, 3]]], "strokes", [[["a", "b"]]], 7, [[(0, np.nan)]]])
def test_what_are_no_strokes_is_refused(strokes):
    with pytest.raises(DrawingError, match="troke"):
        recognize_drawing(drawn(place(TWO, 40, 40, 120)), Counted(), strokes=strokes)


def test_strokes_elsewhere_change_nothing():
    canvas = drawn(write("26"))
    away = [np.array([(-500.0, -500.0), (-400.0, -400.0)])]
    for strokes in ([], away):
        assert recognize_drawing(canvas, Counted(), strokes=strokes).text == "77"


def test_a_ruled_line_is_not_cut():
    predictor = Counted()
    canvas = np.zeros((40, 12_000), np.uint8)
    canvas[20:22, 5:-5] = 255
    assert len(recognize_drawing(canvas, predictor).digits) == 1
    assert predictor.calls == [1]


def test_a_plain_digit_asks_the_predictor_once_about_one_image():
    for glyph in (TWO, ONE, ZERO, SIX):
        predictor = Counted()
        assert recognize_drawing(drawn(place(glyph, 60, 50, 160)), predictor).text == "7"
        assert predictor.calls == [1]


def test_plain_strings_ask_once_and_doubtful_ones_thrice_at_most():
    sure, unsure = Counted(), Counted(0.3)
    assert recognize_drawing(drawn(write("2026")), sure).text == "7777"
    assert len(sure.calls) == 1
    recognize_drawing(drawn(write("2026")), unsure)
    assert 2 <= len(unsure.calls) <= 3


def test_a_dot_beside_a_digit_is_left_out(reader):
    canvas = drawn([*place(TWO, 40, 40, 150), np.array([[420, 180]])], brush=20)
    recognition = recognize_drawing(canvas, reader)
    assert recognition.text == "2"
    assert recognition.digits[0].box[2] < 200


def test_a_page_full_of_marks_is_refused():
    marks = np.kron(np.ones((20, 20)), np.pad(np.ones((9, 3)), 2)).astype(np.uint8) * 255
    with pytest.raises(DrawingError, match="400 separate marks, and at most 200"):
        recognize_drawing(marks, Counted())


def test_a_scribble_is_read_in_a_bounded_time():
    rng = np.random.default_rng(0)
    noise = (rng.random((120, 500)) > 0.42).astype(np.uint8) * 255
    predictor = Counted(0.3)
    recognize_drawing(noise, predictor)
    assert sum(predictor.calls) <= MOST_RUNS + 5 * (MOST_TURNED + 1) + 1  # and each as a whole


def test_real_pens_single_digits_stay_single(reader):
    file = read_settings().data / "pendigits" / "pendigits-orig-train.gz"
    if not file.is_file():
        pytest.skip(f"There are no pen strokes at {file}; set DIGITLAB_DATA to read them")
    digits = read_unipen(file)
    rng = np.random.default_rng(3)
    several = 0
    for k in rng.choice(len(digits), 150, replace=False):
        points = np.concatenate(digits[k].strokes)
        scale = rng.uniform(80, 230) / np.ptp(points, axis=0).max()
        strokes = [(stroke - points.min(axis=0)) * scale + 25 for stroke in digits[k].strokes]
        canvas = rasterise(strokes, (280, 280), rng.uniform(12, 24))
        several += len(recognize_drawing(canvas, reader).digits) > 1
    assert several <= 3


def _box_area(canvas: np.ndarray) -> int:
    rows, columns = np.nonzero(read_drawing(canvas))
    return int((np.ptp(rows) + 1) * (np.ptp(columns) + 1))
