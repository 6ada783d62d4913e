"""Digits photographed on paper are found, whatever light, shadow and ruling lie on it."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image, ImageFilter

import digitlab as dl
from digitlab.drawing.source import read_drawing
from digitlab.drawing.strokes import rasterise

ROUND = np.linspace(0, 2 * np.pi, 50)
GLYPHS = {
    "0": [np.stack([50 + 30 * np.sin(ROUND), 60 - 45 * np.cos(ROUND)], 1)],
    "1": [[(50, 15), (50, 105)]],
    "2": [[(22, 35), (32, 18), (55, 15), (70, 30), (62, 55), (22, 104), (75, 102)]],
    "4": [[(40, 15), (18, 70), (80, 70)], [(62, 40), (60, 105)]],
    "7": [[(20, 16), (75, 16), (40, 105)]],
}


def photo(
    digits: str,
    seed: int = 0,
    *,
    ruled: bool = True,
    shadow: float = 0.45,
    chalk: bool = False,
    size: tuple[int, int] = (900, 640),
) -> Image.Image:
    """Digits on a page as a phone might take it: lit from one side, a shadow across, ruled."""
    rng = np.random.default_rng(seed)
    width, height = size
    scale = 0.42 * height / 120
    strokes = [
        np.array(stroke) * scale + (60 + k * 0.27 * width, 0.28 * height)
        for k, digit in enumerate(digits)
        for stroke in GLYPHS[digit]
    ]
    ink = rasterise(strokes, size, rng.uniform(14, 24))[..., 3] / 255
    paper = np.ones((height, width, 3)) * (235, 232, 222)
    if ruled:
        for row in range(30, height, 64):
            paper[row : row + 2] = (150, 175, 215)
        paper[:, 45:47] = (225, 150, 150)
    page = paper * (1 - ink[..., None]) + np.array((45, 48, 80)) * ink[..., None]
    if chalk:
        page = 255 - page
    y, x = np.mgrid[0 : 1 : height * 1j, 0 : 1 : width * 1j]
    light = 1 - 0.35 * x - 0.1 * y
    light *= 1 - shadow / (1 + np.exp(-(x + 0.6 * y - 0.95) * 60))
    image = Image.fromarray(np.clip(page * light[..., None], 0, 255).astype(np.uint8))
    tilt = rng.uniform(0, 0.04, 4) * width
    corners = (tilt[0], tilt[1], 0, height - tilt[2], width, height, width - tilt[3], 0)
    image = image.transform(size, Image.Transform.QUAD, corners, Image.Resampling.BICUBIC)
    image = image.filter(ImageFilter.GaussianBlur(1.4))
    grain = rng.normal(0, 5, (height, width, 3))
    image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    image.save(file, "JPEG", quality=80)
    return Image.open(file)


@pytest.mark.parametrize(("text", "seed"), [("207", 0), ("140", 1), ("721", 1)])
def test_digits_on_ruled_paper_in_half_shadow_are_read(text, seed):
    assert dl.recognize(photo(text, seed)).text == text


@pytest.mark.parametrize("how", [{"ruled": False}, {"shadow": 0.0}, {"size": (2400, 1700)}])
def test_plainer_and_larger_photos_are_read(how):
    assert dl.recognize(photo("470", **how)).text == "470"


def test_chalk_on_a_board_is_read():
    assert dl.recognize(photo("207", chalk=True, ruled=False, shadow=0.2)).text == "207"


def test_the_paper_leaves_no_ink():
    ink = read_drawing(photo("2"))
    assert (ink[:, :50] > 0).mean() < 0.02
    assert (ink[:, 400:] > 0).mean() < 0.002


def test_an_empty_page_is_empty():
    with pytest.raises(dl.DigitlabError, match="nothing drawn"):
        dl.recognize(photo("", ruled=False, shadow=0.0))
