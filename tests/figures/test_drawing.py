"""What someone who draws a digit sees: ten bars that do not jump, and the stages."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from digitlab.figures import palette
from digitlab.figures.drawing import probability_bars, stage_strip

DIGITS = [str(i) for i in range(10)]


def test_there_is_a_bar_for_every_digit_and_the_winner_stands_out():
    bars = probability_bars([0.02] * 7 + [0.82, 0.03, 0.01], DIGITS).data[0]
    assert list(bars.y) == DIGITS
    assert bars.x[7] == pytest.approx(82)
    colors = list(bars.marker.color)
    assert colors[7] == palette.ACCENT
    assert colors.count(palette.ACCENT) == 1


@pytest.mark.parametrize("top", [0.11, 0.5, 1.0])
def test_the_axis_is_0_to_100_percent_however_sure_the_model_is(top):
    figure = probability_bars([top] + [(1 - top) / 9] * 9, DIGITS)
    assert tuple(figure.layout.xaxis.range) == (0, 100)
    assert "%" in figure.layout.xaxis.title.text


def test_almost_is_not_written_as_certain():
    bars = probability_bars([0.99999, 0.00001, 0.0], ["a", "b", "c"]).data[0]
    assert list(bars.text) == ["> 99.9 %", "< 0.1 %", "< 0.1 %"]


def test_stages_of_different_sizes_stand_side_by_side_with_their_sizes():
    shapes = [(280, 300), (60, 40), (20, 20), (28, 28)]
    images = [np.full(shape, 200, np.uint8) for shape in shapes]
    figure = stage_strip(images, ["ink", "crop", "fit", "centre"])
    assert len(figure.data) == 4
    heads = [note.text for note in figure.layout.annotations]
    assert "ink" in heads[0]
    assert "300 × 280" in heads[0]  # width × height, as people say it
    np.testing.assert_array_equal(figure.data[3].z, images[3])
    assert "value" in figure.data[3].hovertemplate
    assert len(figure.to_json()) < 60_000


def test_a_colour_photo_can_be_a_stage():
    photo = np.zeros((200, 100, 3), np.uint8)
    assert stage_strip([photo], ["photo"]).data[0].source
    photo[50, 50] = (255, 0, 0)
    assert _picture(stage_strip([photo], ["photo"])).getpixel((50, 50)) == (255, 0, 0)


def test_a_canvas_is_shown_as_it_was_drawn():
    canvas = np.zeros((280, 280, 4), np.uint8)
    canvas[100:120, 50:60, :3] = 200
    canvas[..., 3] = 255
    shown = _picture(stage_strip([canvas], ["Drawn"])).convert("RGBA")
    np.testing.assert_array_equal(np.asarray(shown), canvas)
    canvas[0, 0, 3] = 0
    assert _picture(stage_strip([canvas], ["Drawn"])).getpixel((0, 0))[3] == 0


def _picture(figure):
    encoded = figure.data[0].source.partition("base64,")[2]
    return Image.open(io.BytesIO(base64.b64decode(encoded)))


def test_every_stage_has_a_frame_since_one_may_be_all_ink():
    figure = stage_strip([np.full((180, 18), 255, np.uint8), np.zeros((28, 28), np.uint8)], "ab")
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        assert axis.showline
        assert axis.mirror
        assert axis.linecolor == palette.MUTED
