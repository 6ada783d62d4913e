"""Figures of robustness: a curve with the images that it is of."""

from __future__ import annotations

import numpy as np

from digitlab.figures.robustness import accuracy_bars, severity_curve


def test_a_curve_stands_over_its_images_one_a_level():
    images = np.zeros((3, 28, 28), dtype=np.uint8)
    levels = ([0, 1, 2], [1.0, 0.5, 0.1], [(0.9, 1.0), (0.4, 0.6), (0.0, 0.2)])
    figure = severity_curve("Blur", "pixels", *levels, images, chance=0.1)
    assert list(figure.data[0].y) == [100, 50, 10]
    assert list(figure.data[0].x) == ["0", "1", "2"]
    assert [picture.x for picture in figure.layout.images] == [0, 1, 2]
    assert not figure.layout.annotations
    captioned = severity_curve("FGSM", "ε", *levels, images, captions=["7", "7", "<b>3</b>"])
    words = [(note.x, note.text) for note in captioned.layout.annotations]
    assert words == [(0, "7"), (1, "7"), (2, "<b>3</b>")]
    bars = accuracy_bars(["MNIST", "USPS"], [0.99, 0.9], title="t")
    assert list(bars.data[0].text) == ["99.0 %", "90.0 %"]
