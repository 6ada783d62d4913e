"""The palette: ten colours, the same for the same class."""

from __future__ import annotations

from digitlab.figures import palette


def test_ten_digits_have_ten_colours_and_the_eleventh_class_the_first_again():
    assert len({palette.digit_color(i) for i in range(10)}) == 10
    assert palette.digit_color(10) == palette.digit_color(0)
