"""Figures of a network's inside and of robustness: their numbers are those they were given."""

from __future__ import annotations

import numpy as np
import pytest

from digitlab.figures import palette
from digitlab.figures.inspection import (
    attribution_figure,
    class_means_figure,
    embedding_figure,
    picture_grid,
)


def test_attributions_share_one_scale_around_zero():
    image, rng = np.zeros((28, 28), dtype=np.uint8), np.random.default_rng(0)
    maps = [("Read as: 4", rng.normal(size=(28, 28))), ("Labelled: 9", rng.normal(size=(28, 28)))]
    figure = attribution_figure(image, maps, unit="logits")
    axis = figure.layout.coloraxis
    assert axis.cmin == -axis.cmax
    assert [note.text for note in figure.layout.annotations] == ["Read as: 4", "Labelled: 9"]
    np.testing.assert_array_equal(figure.data[1].z, maps[0][1])
    blank = attribution_figure(image, [("0", np.zeros((28, 28)))], unit="logits")
    assert blank.layout.coloraxis.cmax > 0


@pytest.mark.parametrize("signed", [True, False])
def test_a_grid_of_pictures_holds_each_at_its_place(signed):
    arrays = np.arange(5 * 6, dtype=np.float32).reshape(5, 2, 3) - (10 if signed else 0)
    figure = picture_grid(arrays, list("abcde"), title="t", unit="u", columns=3)
    heatmap = figure.data[0]
    assert heatmap.zmin == (-heatmap.zmax if signed else 0)
    for name, array in zip("abcde", arrays, strict=True):
        held = np.asarray(heatmap.z)[np.asarray(heatmap.text) == name]
        np.testing.assert_array_equal(held, array.ravel())
    assert list(figure.data[1].text) == list("abcde")


def test_pictures_without_captions_are_numbered_under_the_pointer():
    arrays = np.arange(4 * 6, dtype=np.float32).reshape(4, 2, 3)
    heatmap = picture_grid(arrays, title="t", unit="u", columns=2, hover="kernel").data[0]
    for i, array in enumerate(arrays):
        held = np.asarray(heatmap.z)[(np.asarray(heatmap.customdata) == i) & ~np.isnan(heatmap.z)]
        np.testing.assert_array_equal(held, array.ravel())
    assert (heatmap.meta, heatmap.hovertemplate[:24]) == ("kernel", "%{meta} %{customdata}: %")


def test_class_means_name_their_units():
    means = np.array([[0.0, 1.0], [2.0, 0.5]], dtype=np.float32)
    figure = class_means_figure(means, [7, 3], ["no", "yes"], total=9)
    assert list(figure.data[0].x) == ["7", "3"]
    assert "2 units that differ most, of 9" in figure.layout.title.text


@pytest.mark.parametrize("pictured", [True, False])
def test_points_carry_the_positions_of_their_images(pictured):
    points = np.array([[0, 0], [1, 1], [2, 0]], dtype=np.float32)
    groups = [("a", palette.digit_color(0), np.array([0, 2])), ("b", "#ff0000", np.array([1]))]
    images = np.full((3, 28, 28), 200, dtype=np.uint8) if pictured else None
    figure = embedding_figure(
        points, groups, np.array([10, 20, 30]), ["x", "y", "z"], title="t", images=images
    )
    first, second = figure.data[-2:]
    assert [list(data) for data in first.customdata] == [[10], [30]]
    assert list(second.hovertext) == ["y"]
    assert len(figure.layout.images) == pictured
