"""What someone looking at the data sees: counts, shares, pixel values and thumbnails."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from digitlab.figures.data import (
    class_distribution,
    contact_sheet,
    image_grid,
    image_heatmap,
    intensity_histogram,
    per_class_images,
    pixel_values,
)
from digitlab.figures.images import png_bytes

COUNTS = {"train": [30, 70], "val": [5, 5], "test": [10, 0]}


def pictures(count: int, size: int = 28) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (count, size, size), dtype=np.uint8)


def test_every_split_has_a_bar_for_every_class_with_count_and_share_in_the_hover():
    figure = class_distribution(COUNTS, ["no", "yes"])
    assert [bar.name for bar in figure.data] == ["Training", "Validation", "Test"]
    assert list(figure.data[0].y) == [30, 70]
    assert list(figure.data[0].customdata) == [
        "30 images, 30.0 % of training",
        "70 images, 70.0 % of training",
    ]


def test_shares_are_percent_of_the_split():
    figure = class_distribution(COUNTS, ["no", "yes"], show="shares")
    assert [list(bar.y) for bar in figure.data] == [[30, 70], [50, 50], [100, 0]]
    assert figure.layout.yaxis.ticksuffix == " %"


def test_an_empty_split_has_no_shares_to_speak_of():
    assert list(class_distribution({"val": [0, 0]}, "ab", show="shares").data[0].y) == [0, 0]


def test_the_histogram_marks_mean_and_deviation_where_the_pixels_are():
    counts = np.zeros(256, int)
    counts[[0, 255]] = 900, 100
    figure = intensity_histogram(counts, mean=0.1, std=0.3)
    assert figure.data[0].y[255] == 100
    assert figure.data[0].y[1] is None  # an empty bin has no logarithm
    assert figure.layout.yaxis.type == "log"
    band, line = figure.layout.shapes
    assert (band.x0, band.x1) == (0, pytest.approx(102))  # not left of black
    assert line.x0 == pytest.approx(25.5)
    assert "0.1000" in figure.layout.annotations[0].text


def test_a_pixel_tells_its_value_and_wears_it_when_asked():
    image = pictures(1)
    figure = pixel_values(image, "a 7", numbers=True)  # [1, H, W], as datasets hold it
    np.testing.assert_array_equal(figure.data[0].z, image[0])
    assert "value %{z}" in figure.data[0].hovertemplate
    assert figure.data[0].texttemplate
    assert pixel_values(image[0]).data[0].texttemplate is None


def test_black_is_0_and_white_is_255_whatever_the_image_holds():
    trace = pixel_values(np.full((28, 28), 90, np.uint8)).data[0]
    assert (trace.zmin, trace.zmax) == (0, 255)
    assert [color for _, color in trace.colorscale] == ["#000000", "#ffffff"]


def test_a_mean_image_names_its_unit():
    trace = image_heatmap(np.zeros((28, 28)), "Mean", "mean pixel value").data[0]
    assert trace.colorbar.title.text == "mean pixel value"
    assert "mean pixel value" in trace.hovertemplate


def test_a_contact_sheet_shows_every_image_unblurred():
    images = pictures(5, size=4)
    sheet = np.asarray(contact_sheet(images, columns=3, scale=2, gap=1))
    assert sheet.shape == (4 * 2 * 2 + 1, 4 * 2 * 3 + 2, 2)
    np.testing.assert_array_equal(sheet[9:17:2, 9:17:2, 0], images[4])
    assert sheet[8, :, 1].max() == 0  # the gap is clear
    assert sheet[9:, 18:, 1].max() == 0  # and so is the place without an image


def test_a_contact_sheet_is_a_png_on_demand_and_takes_a_channel():
    picture = contact_sheet(pictures(2)[:, None])
    assert Image.open(io.BytesIO(png_bytes(picture))).size == picture.size
    assert contact_sheet(pictures(0)).size == (1, 1)


def test_a_click_on_a_thumbnail_gives_the_image_that_is_there():
    figure = image_grid(pictures(7), indices=[100, 7, 5, 3, 2, 1, 0], columns=3)
    points = figure.data[1]
    assert [entry[0] for entry in points.customdata] == [100, 7, 5, 3, 2, 1, 0]
    xs, ys = np.array(points.x), np.array(points.y)
    assert (xs[:3] == np.sort(xs[:3])).all()
    assert xs[0] == xs[3] == xs[6]
    assert ys[0] == ys[2] < ys[3] < ys[6]


def test_thumbnails_carry_captions_and_hovers():
    figure = image_grid(pictures(2), ["4→9", "7→1"], hovers=["image 4", "image 8"])
    assert list(figure.data[2].text) == ["4→9", "7→1"]
    assert list(figure.data[1].hovertext) == ["image 4", "image 8"]


def test_a_hundred_thumbnails_are_light():
    figure = image_grid(pictures(100), [str(i) for i in range(100)])
    assert len(figure.data) == 3
    assert len(figure.to_json()) < 250_000  # of random pixels, which no PNG can pack


def test_other_thumbnails_start_without_the_old_selection():
    first, second = image_grid(pictures(4)[:2]), image_grid(pictures(4)[2:])
    assert first.layout.uirevision != second.layout.uirevision
    assert first.layout.uirevision == image_grid(pictures(4)[:2]).layout.uirevision


def test_no_thumbnails_is_an_empty_figure():
    assert not image_grid(pictures(0)).data


def test_small_multiples_hold_each_class_once_on_one_scale():
    arrays = np.arange(3 * 4, dtype=np.float32).reshape(3, 2, 2)
    heat, labels = per_class_images(arrays, ["a", "b", "c"], columns=2).data
    shown = np.asarray(heat.z)
    for i, name in enumerate("abc"):
        np.testing.assert_array_equal(shown[np.asarray(heat.text) == name], arrays[i].ravel())
    assert list(labels.text) == ["a", "b", "c"]
