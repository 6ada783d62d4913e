"""A drawing is framed as MNIST's digits are, wherever and however it is drawn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy import ndimage

from digitlab.drawing.paper import find_ink
from digitlab.drawing.source import read_drawing
from digitlab.drawing.stages import (
    THICKEST,
    THINNEST,
    Framing,
    centre_mass,
    find_box,
    fit_box,
    frame_digit,
    frame_naively,
    reframe,
    remove_specks,
    stroke_width,
)
from digitlab.drawing.strokes import rasterise
from digitlab.errors import EmptyDrawingError
from digitlab.settings import read_settings

# Strokes in a unit box, y down.
TWO = [[(0.05, 0.2), (0.25, 0), (0.6, 0.05), (0.65, 0.3), (0.3, 0.7), (0, 1), (0.75, 0.97)]]
FOUR = [[(0.3, 0), (0, 0.6), (0.7, 0.6)], [(0.55, 0.3), (0.5, 1)]]
SEVEN = [[(0, 0), (0.65, 0), (0.2, 1)], [(0.15, 0.5), (0.6, 0.5)]]
DIGITS = {"two": TWO, "four": FOUR, "seven": SEVEN}


def drawn(digit, place=(60, 60), height=160.0, width=None, size=(280, 280)) -> np.ndarray:
    """The ink of a digit on a canvas, its brush in proportion unless given."""
    strokes = [np.array(stroke) * height + place for stroke in digit]
    return read_drawing(rasterise(strokes, size, width or height / 9))


def away(a: np.ndarray, b: np.ndarray) -> float:
    """Mean absolute difference in grey levels, 0 to 255."""
    return float(np.abs(a.astype(int) - b.astype(int)).mean())


@pytest.mark.parametrize("digit", DIGITS.values(), ids=DIGITS)
@pytest.mark.parametrize("place", [(12, 12), (130, 15), (20, 100), (101, 97)])
def test_the_same_digit_anywhere_is_the_same_image(digit, place):
    assert np.array_equal(frame_digit(drawn(digit, place)).image, frame_digit(drawn(digit)).image)


@pytest.mark.parametrize("digit", DIGITS.values(), ids=DIGITS)
@pytest.mark.parametrize("height", [60, 110, 230])
def test_the_same_digit_at_any_size_is_nearly_the_same_image(digit, height):
    image = frame_digit(drawn(digit, (20, 20), height)).image
    # Mass and shorter side round to whole pixels, either way where they lie between two.
    steps = [(y, x) for y in (-1, 0, 1) for x in (-1, 0, 1)]
    moved = [np.roll(image, step, axis=(0, 1)) for step in steps]
    usual = frame_digit(drawn(digit)).image
    assert min(away(one, usual) for one in moved) < 8
    assert away(frame_naively(drawn(digit, (20, 20), height)), usual) > 20


@pytest.mark.parametrize("digit", DIGITS.values(), ids=DIGITS)
def test_paint_paper_and_transparency_make_no_difference(digit):
    strokes = [np.array(stroke) * 160 + 60 for stroke in digit]
    canvas = rasterise(strokes)
    cover = canvas[..., 3]
    transparent = frame_digit(find_ink(canvas)).image
    for pixels in (255 - cover, cover, np.dstack([255 - cover, 255 - cover // 2, 255 - cover])):
        assert away(frame_digit(find_ink(pixels)).image, transparent) < 1


@pytest.mark.parametrize("digit", DIGITS.values(), ids=DIGITS)
@pytest.mark.parametrize("height", [25, 70, 200])
def test_the_frame_is_mnists(digit, height):
    framed = frame_digit(drawn(digit, (30, 30), height))
    image = framed.image.astype(float)
    assert framed.image.dtype == np.uint8
    assert image.shape == (28, 28)
    assert image.max() == 255
    left, top, right, bottom = find_box(framed.image)
    assert max(right - left, bottom - top) == 20
    height_of, width_of = framed.evened.shape
    assert (right - left) / (bottom - top) == pytest.approx(width_of / height_of, abs=0.05)
    index = np.arange(28)
    assert image.sum(axis=1) @ index / image.sum() == pytest.approx(14, abs=0.5)
    assert image.sum(axis=0) @ index / image.sum() == pytest.approx(14, abs=0.5)


def test_the_box_is_in_the_drawings_pixels():
    ink = np.zeros((200, 300), np.uint8)
    ink[40:180, 100:110] = 255
    framed = frame_digit(ink)
    assert framed.box == (100, 40, 110, 180)
    assert framed.crop.shape == (140, 10)
    assert framed.ink is ink


@pytest.mark.parametrize("brush", [2, 6, 18, 30])
def test_any_brush_comes_out_about_as_wide_as_mnists(brush):
    framed = frame_digit(drawn(TWO, height=170, width=brush))
    assert THINNEST - 0.6 < stroke_width(framed.fitted) < THICKEST + 0.6


def test_a_usual_brush_is_left_as_it_is():
    framed = frame_digit(drawn(TWO))
    assert framed.evened is framed.upright


def test_shrinking_averages_over_areas():
    checks = np.kron(np.indices((20, 20)).sum(axis=0) % 2 * 255, np.ones((3, 5))).astype(np.uint8)
    checks[0, 0] = 255
    stripes = np.zeros((40, 40), np.uint8)
    stripes[:, ::2] = 200
    assert np.all(fit_box(stripes) == 255)  # half ink everywhere, brought to the peak
    assert fit_box(checks).shape == (20, 20)


def test_a_lopsided_shape_stays_inside_the_image():
    fitted = np.zeros((20, 20), np.uint8)
    fitted[0, :] = 255
    fitted[:, 0] = 1
    assert centre_mass(fitted).sum() == fitted.sum()


def test_dust_is_removed_and_parts_of_a_digit_are_kept():
    ink = drawn(SEVEN[:1])
    dusty = ink.copy()
    dusty[5:8, 5:8] = 255
    assert np.array_equal(remove_specks(dusty), ink)
    parts = drawn(FOUR)
    assert np.array_equal(remove_specks(parts), parts)


@pytest.mark.parametrize(
    ("ink", "words"),
    [
        (np.zeros((280, 280), np.uint8), "all one colour"),
        (np.zeros((1, 1), np.uint8), "all one colour"),
        (np.pad(np.full((2, 2), 255, np.uint8), 100), "specks"),
        (np.full((280, 280), 255, np.uint8), "dot"),
        (np.full((1, 1), 255, np.uint8), "specks"),
        (rasterise([np.array([[140, 140]])])[..., 3], "dot"),
    ],
)
def test_what_holds_no_digit_says_that_nothing_is_drawn_yet(ink, words):
    with pytest.raises(EmptyDrawingError, match=rf"^There is nothing drawn yet: .*{words}"):
        frame_digit(ink)


@pytest.mark.parametrize("across", [1, 3, 18, 60])
def test_one_line_is_a_line_of_full_length(across):
    ink = np.zeros((280, 280), np.uint8)
    ink[40:240, 50 : 50 + across] = 255
    upright = frame_digit(ink).image
    lying = frame_digit(np.ascontiguousarray(ink.T)).image
    left, top, right, bottom = find_box(upright)
    assert bottom - top == 20
    assert right - left <= 6
    assert np.array_equal(lying, upright.T)


def test_the_naive_way_keeps_place_and_size():
    small = frame_naively(drawn(TWO, (20, 20), 60))
    assert small.shape == (28, 28)
    assert find_box(small)[3] < 14


def test_real_mnist_digits_enlarged_on_a_canvas_come_back_as_they_were():
    folder = read_settings().data / "MNIST" / "raw"
    if not (folder / "t10k-images-idx3-ubyte").is_file():
        pytest.skip(f"MNIST is not in {folder}; set DIGITLAB_DATA to a folder that has it")
    raw = np.fromfile(folder / "t10k-images-idx3-ubyte", np.uint8, offset=16)
    images = raw.reshape(-1, 28, 28)[:40]
    differences = []
    for image in images:
        canvas = np.zeros((300, 300), np.uint8)
        canvas[5:257, 40:292] = np.kron(image, np.ones((9, 9), np.uint8))
        differences.append(away(frame_digit(read_drawing(255 - canvas)).image, image))
    assert np.median(differences) < 1.5  # most pass unchanged …
    assert np.mean(differences) < 3  # … and the thinnest and thickest strokes are evened


LEANING = read_drawing(rasterise([np.array([(90, 220), (190, 60)])], (280, 280), 18))


def test_each_step_can_be_left_out():
    plain = frame_digit(LEANING)
    assert plain.upright is plain.crop
    upright = frame_digit(LEANING, Framing(deslant=True))
    assert upright.crop.shape == plain.crop.shape
    assert upright.upright.shape[1] < 0.35 * plain.crop.shape[1]
    thin = read_drawing(rasterise([np.array([(90, 220), (190, 60)])], (280, 280), 3))
    assert (
        frame_digit(thin).image.sum()
        > 1.5 * frame_digit(thin, Framing(thickness=False)).image.sum()
    )
    stretched = frame_digit(LEANING, Framing(aspect=False))
    assert find_box(stretched.fitted) == (0, 0, 20, 20)
    corner = np.zeros((120, 120), np.uint8)
    corner[20:100, 20:30] = corner[90:100, 20:100] = 255
    centred = frame_digit(corner, Framing(centring=False))
    assert np.array_equal(centred.image[4:24, 4:24], centred.fitted)
    assert not np.array_equal(frame_digit(corner).image, centred.image)


@pytest.mark.parametrize("width", [3, 18, 40])
def test_a_framed_digit_with_other_steps_is_as_framed_with_them_at_once(width):
    leaning = rasterise([np.array([(90, 220), (190, 60), (200, 200)])], (280, 280), width)
    ink = read_drawing(leaning)
    ways = [Framing(*steps) for steps in itertools.product((False, True), repeat=4)]
    framed = [frame_digit(ink, framing) for framing in ways]
    for first, then in itertools.product(framed, repeat=2):
        changed = reframe(first, then.framing)
        for stage in ("ink", "crop", "upright", "evened", "fitted", "image"):
            assert np.array_equal(getattr(changed, stage), getattr(then, stage)), stage
        assert (changed.box, changed.framing) == (then.box, then.framing)


def test_an_upright_digit_stays_as_it_is():
    bar = read_drawing(rasterise([np.array([(140, 60), (140, 220)])]))
    framed = frame_digit(bar, Framing(deslant=True))
    assert framed.upright.shape == framed.crop.shape


@pytest.mark.parametrize("side", [400, 1200])
def test_a_hairline_of_one_pixel_stays_whole(side):
    image = Image.new("L", (side, side))
    seven = [(0.3 * side, 0.2 * side), (0.7 * side, 0.22 * side), (0.45 * side, 0.85 * side)]
    ImageDraw.Draw(image).line(seven, fill=255, width=1)
    ImageDraw.Draw(image).rectangle((seven[1], [v + 3 for v in seven[1]]), fill=255)  # a blot
    framed = frame_digit(np.asarray(image))
    marks, count = ndimage.label(framed.image > 60, np.ones((3, 3)))
    assert count == 1
    assert np.ptp(np.nonzero(marks)[0]) >= 17
