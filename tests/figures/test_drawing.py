"""What someone who draws a digit sees: ten bars that do not jump, and the stages."""

from __future__ import annotations

import numpy as np
import pytest

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
    assert list(bars.text) == ["> 99.9 %", "< 0.1 %", "0.0 %"]
    assert list(probability_bars([1.0, 0.0], ["a", "b"]).data[0].text) == ["100.0 %", "0.0 %"]


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
    assert stage_strip([np.zeros((200, 100, 3), np.uint8)], ["photo"]).data[0].source


def test_every_stage_has_a_frame_since_one_may_be_all_ink():
    figure = stage_strip([np.full((180, 18), 255, np.uint8), np.zeros((28, 28), np.uint8)], "ab")
    for axis in (*figure.select_xaxes(), *figure.select_yaxes()):
        assert axis.showline
        assert axis.mirror
        assert axis.linecolor == palette.MUTED
