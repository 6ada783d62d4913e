"""What is printed or ruled around digits is left out of photos and scans, and of nothing else."""

from __future__ import annotations

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

import digitlab as dl
from digitlab.drawing.paper import separate_ink
from digitlab.drawing.strokes import rasterise

SEVEN = [np.array([(95, 75), (185, 75), (135, 215)]), np.array([(110, 145), (175, 145)])]
TWO = [np.array([(95, 100), (110, 75), (150, 72), (172, 95), (160, 130), (95, 210), (180, 207)])]


def scan(strokes: list[np.ndarray] = SEVEN) -> Image.Image:
    return Image.fromarray(255 - rasterise(strokes, (280, 280), 11)[..., 3])


def ruled(pen: ImageDraw.ImageDraw) -> None:
    for y in range(20, 280, 48):
        pen.line((0, y, 280, y + 5), fill=40, width=3)


def squared(pen: ImageDraw.ImageDraw) -> None:
    ruled(pen)
    for x in range(12, 280, 48):
        pen.line((x, 0, x - 5, 280), fill=40, width=3)


PRINT = {
    "frame": lambda pen: pen.rectangle((40, 30, 240, 250), outline=20, width=4),
    "circle": lambda pen: pen.ellipse((35, 35, 245, 245), outline=20, width=4),
    "ruling": ruled,
    "squares": squared,
    "underline": lambda pen: pen.line((70, 240, 210, 236), fill=20, width=6),
    "border": lambda pen: pen.rectangle((0, 0, 280, 280), outline=0, width=22),
    "border on one side": lambda pen: pen.rectangle((0, 0, 25, 280), fill=0),
    "cell": lambda pen: (
        [pen.line((x, 0, x - 6, 280), fill=20, width=7) for x in (45, 240)]
        + [pen.line((0, y, 280, y + 4), fill=70, width=2) for y in (35, 250)]
    ),
}


@pytest.mark.parametrize("printed", PRINT)
def test_print_around_a_digit_is_left_out(printed):
    grey = scan()
    PRINT[printed](ImageDraw.Draw(grey))
    read = dl.recognize(grey)
    assert read.text == "7"
    assert read.ruling is not None
    assert read.ruling.any()


def test_a_stroke_that_a_line_crosses_stays_whole():
    grey = scan()
    ruled(ImageDraw.Draw(grey))
    ink, ruling = separate_ink(np.asarray(grey))
    bare, nothing = separate_ink(np.asarray(scan()))
    assert not nothing.any()
    assert (ink[bare > 127] > 127).mean() > 0.97
    assert (ink[bare == 0] > 127).mean() < 0.01
    assert (ruling[bare == 0] > 0).mean() > 0.04


CROSSED = {
    "too small": (100, 68, 180, 205),
    "a bar along its side": (80, 75, 200, 230),
    "a stroke across its side": (85, 60, 200, 190),
}


@pytest.mark.parametrize("box", CROSSED)
def test_a_frame_that_strokes_cross_is_left_out_and_the_strokes_are_not(box):
    grey = scan()
    ImageDraw.Draw(grey).rectangle(CROSSED[box], outline=30, width=3)
    assert dl.recognize(grey).text == "7"
    bare, _ = separate_ink(np.asarray(scan()))
    ink, _ = separate_ink(np.asarray(grey))
    assert (ink[bare > 127] > 127).mean() > 0.95


def test_an_upright_stroke_is_no_side_of_its_cell():
    grey = scan([np.array([(140, 70), (140, 262)]), np.array([(90, 160), (190, 158)])])
    PRINT["cell"](ImageDraw.Draw(grey))
    ink, _ = separate_ink(np.asarray(grey))
    assert (ink[80:240, 138:143] > 127).all()


def test_ruling_is_kept_where_that_is_asked_for():
    grey = scan()
    PRINT["frame"](ImageDraw.Draw(grey))
    assert dl.recognize(grey, keep_ruling=True).text != "7"
    assert dl.recognize(grey, keep_ruling=True).ruling is None


def test_a_canvas_loses_nothing():
    frame = np.array([(40, 30), (240, 30), (240, 250), (40, 250), (40, 30)])
    canvas = rasterise([frame, *SEVEN], (280, 280), 8)
    ink, ruling = separate_ink(canvas)
    assert np.array_equal(ink > 127, canvas[..., 3] > 127)
    assert not ruling.any()


@pytest.mark.parametrize("quarters", [1, 2, 3])
def test_a_photo_on_its_side_is_turned_and_that_is_told(quarters):
    strokes = [*SEVEN, *(stroke + np.array((130, 0)) for stroke in TWO)]
    strokes += [stroke + np.array((260, 0)) for stroke in SEVEN]
    upright = 255 - rasterise(strokes, (540, 280), 11)[..., 3]
    read = dl.recognize(np.rot90(upright, -quarters))
    assert read.text == "727"
    assert read.turned == {1: "turned left", 2: "turned upside down", 3: "turned right"}[quarters]
    assert read.to_dict()["turned"] == read.turned
    left, top, right, bottom = read.digits[0].box
    first = np.zeros_like(upright, bool)
    first[:, :195] = upright[:, :195] < 128
    assert np.rot90(first, -quarters)[top:bottom, left:right].sum() > 0.95 * first.sum()


def test_a_large_photo_is_read_smaller_and_its_boxes_are_the_photos():
    large = scan().resize((2800, 2800))
    (digit,) = dl.recognize(large).digits
    assert digit.label == 7
    assert np.allclose(digit.box, (890, 690, 1910, 2210), atol=40)


def test_the_blurred_edge_of_print_is_left_out_with_it():
    grey = scan()
    PRINT["frame"](ImageDraw.Draw(grey))
    blurred = grey.filter(ImageFilter.GaussianBlur(1.5))
    assert dl.recognize(blurred).text == "7"
    ink, _ = separate_ink(np.asarray(blurred))
    assert not ink[:60].any()
    assert not ink[:, :70].any()


def test_a_comma_that_hangs_on_a_printed_line_is_no_part_of_it():
    amount = [stroke * 0.5 for stroke in SEVEN] + [np.array([(105, 100), (98, 120)])]
    amount += [stroke * 0.5 + np.array((80, 0)) for stroke in (*TWO, *SEVEN)][:1]
    grey = Image.fromarray(255 - rasterise(amount, (200, 140), 7)[..., 3])
    ImageDraw.Draw(grey).line((30, 112, 190, 112), fill=40, width=2)
    assert dl.recognize(grey).text == "7,2"


CIRCLES = {
    "narrow, and met by a stroke": (80, 45, 200, 250),
    "cut off by the edge": (-15, 20, 250, 270),
    "cut off on three sides": (-35, 45, 295, 295),
    "met on both sides": (72, 40, 200, 240),
}


@pytest.mark.parametrize("box", CIRCLES)
def test_a_circle_is_left_out_however_it_meets_the_digit(box):
    grey = scan()
    ImageDraw.Draw(grey).arc(CIRCLES[box], 20, 372, fill=20, width=8)
    assert dl.recognize(grey).text == "7"


def test_the_bar_of_a_5_is_no_piece_of_its_circle():
    bowl = np.array([(120, 105), (115, 140), (150, 140), (160, 170), (140, 195), (88, 207)])
    grey = scan([bowl, np.array([(125, 85), (165, 85)])])
    ImageDraw.Draw(grey).arc((60, 45, 220, 235), 20, 372, fill=20, width=6)
    ink, ruling = separate_ink(np.asarray(grey))
    assert (ink[85, 125:165] > 127).all()
    assert (ruling[45:51, 140] > 0).any()


def test_the_stem_of_a_1_is_no_end_of_its_foot():
    curl = np.array([(150, 72), (156, 80), (146, 82), (152, 74)])
    stem, foot = np.array([(115, 115), (150, 72), (135, 205)]), np.array([(90, 205), (180, 207)])
    grey = scan([curl, stem, foot])
    PRINT["frame"](ImageDraw.Draw(grey))
    ink, _ = separate_ink(np.asarray(grey))
    assert (ink[100:195].max(axis=1) > 127).all()
    assert not ink[:60].any()


@pytest.mark.parametrize("slash", [False, True])
def test_a_0_is_no_circle(slash):
    angles = np.linspace(-1.3, 5.4, 60)
    zero = 140 + np.stack([55 * np.cos(angles), 75 * np.sin(angles)], axis=1)
    strokes = [zero, np.array([(100, 205), (180, 75)])] if slash else [zero]
    ruling = separate_ink(np.asarray(scan(strokes)))[1]
    assert not ruling.any()
