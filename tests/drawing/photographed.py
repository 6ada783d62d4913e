"""Pages of boxes with digits that an unsteady hand wrote, and photos of them as a phone takes."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from digitlab.drawing.grid import fit_transform
from digitlab.drawing.handwriting import write
from digitlab.drawing.sheet import draw_sheet, find_boxes
from digitlab.drawing.strokes import rasterise

INK = (40, 45, 90)


def write_in(page: Image.Image, box, text: str, seed: int) -> None:
    """Write a digit into a box (left, top, right, bottom) of a page."""
    left, top, right, bottom = box
    size = (right - left, bottom - top)
    strokes, brush = write(text, size, brush=0.08 * size[1], seed=seed)
    ink = Image.fromarray(rasterise(strokes, size, brush)[..., 3])
    page.paste(Image.new("RGB", size, INK), (left, top), ink)


def filled_sheet(paper: str = "a4", empty=frozenset()) -> Image.Image:
    """The app's sheet with a digit in each box, but for the (row, column) in `empty`."""
    page = draw_sheet(paper).convert("RGB")
    for row, boxes in enumerate(find_boxes(paper)):
        for column, box in enumerate(boxes):
            if (row, column) not in empty:
                write_in(page, box, str(row), seed=10 * row + column)
    return page


def boxed_page(rows: list[str], *, cell=(80, 80), gap: int = 0, line: int = 60, thick: int = 0):
    """Rows of boxes, each with a digit or, for a space, empty; every third line is `thick`."""
    width, height = cell[0] + gap, cell[1] + gap
    columns = max(map(len, rows))
    page = Image.new("RGB", (columns * width + 160, len(rows) * height + 160), (245, 243, 238))
    pen = ImageDraw.Draw(page)
    for i, row in enumerate(rows):
        for j, text in enumerate(row):
            box = (
                80 + j * width,
                80 + i * height,
                80 + j * width + cell[0],
                80 + i * height + cell[1],
            )
            pen.rectangle(box, outline=(line,) * 3, width=2)
            if text.strip():
                write_in(page, box, text, seed=17 * i + j)
    for k in range(0, (len(rows) if thick else -1) + 1, 3):
        for line_of in (
            [(80 + k * width, 80), (80 + k * width, 80 + len(rows) * height)],
            [(80, 80 + k * height), (80 + columns * width, 80 + k * height)],
        ):
            pen.line(line_of, fill=(line // 2,) * 3, width=thick)
    return page


def photograph(page: Image.Image, seed: int = 0, *, longest: int = 1400, quarters: int = 0):
    """The page on a desk, seen at an angle, with a shadow across, out of focus, grainy: a JPEG."""
    rng = np.random.default_rng(seed)
    tilt = np.radians(rng.uniform(10, 16, 2) * rng.choice([-1, 1], 2))
    turn = np.radians(rng.uniform(-6, 6))
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * page.size / (2 * max(page.size))
    spun = corners @ np.array([[np.cos(turn), np.sin(turn)], [-np.sin(turn), np.cos(turn)]])
    seen = spun * np.cos(tilt[::-1]) / (1.3 + spun @ np.sin(tilt))[:, None]
    scale = 0.94 * longest / np.ptp(seen, axis=0).max()
    size = tuple(int(side) for side in np.ptp(seen, axis=0) * scale / 0.94)
    seen = (seen - (seen.min(axis=0) + seen.max(axis=0)) / 2) * scale + np.array(size) / 2
    whole = np.array([(0, 0), (page.width, 0), page.size, (0, page.height)], float)
    back = fit_transform(seen, whole).ravel()[:8]
    sheet = page.convert("RGBA").transform(
        size, Image.Transform.PERSPECTIVE, tuple(back), Image.Resampling.BICUBIC
    )
    desk = Image.new("RGBA", size, (115, 90, 65))
    desk.alpha_composite(sheet)
    photo = desk.convert("RGB").filter(ImageFilter.GaussianBlur(1.0))
    y, x = np.mgrid[0 : 1 : size[1] * 1j, 0 : 1 : size[0] * 1j]
    light = (1 - 0.25 * x) * (1 - 0.45 / (1 + np.exp(-(x + 0.6 * y - 0.9) * 80)))
    grainy = np.asarray(photo) * light[..., None] + rng.normal(0, 4, (*size[::-1], 3))
    photo = Image.fromarray(np.clip(grainy, 0, 255).astype(np.uint8))
    file = io.BytesIO()
    photo.rotate(90 * quarters, expand=True).save(file, "JPEG", quality=85)
    return Image.open(file)
