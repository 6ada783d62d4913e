"""Pen digits as photographs and scans: paper, light and print rendered around their strokes.

For measuring how real handwriting is read and for learning from it. Every condition is a function
of labelled pen digits and a generator; it draws a new paper, pen and light each time.
"""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np
from PIL import Image, ImageDraw, ImageFilter

from digitlab.drawing.compose import amounts, scale_strokes
from digitlab.drawing.stages import Box, find_box
from digitlab.drawing.strokes import PenDigit, rasterise

SUBPIXELS = 3  # a pixel and axis, while print is drawn

Strokes = list[np.ndarray]
Rng = np.random.Generator


@dataclass(frozen=True, eq=False)
class Photograph:
    """A picture `uint8 [H, W, 3]` and the digits that a person reads in it."""

    pixels: np.ndarray
    text: str


@dataclass(eq=False)
class Page:
    """A page that is being rendered: `size` is (width, height), `box` that of the digits on it.

    `ink` and `printed` hold coverages from 0 to 1, `float [H, W]`; `light [H, W, 3]` is what the
    page is lit with, 1 where it is full.
    """

    size: tuple[int, int]
    text: str
    box: Box
    ink: np.ndarray
    pen: float
    rng: Rng
    printed: np.ndarray = field(init=False)
    light: np.ndarray = field(init=False)
    chalk: bool = False
    scanned: bool = False

    def __post_init__(self) -> None:
        self.printed = np.zeros(self.ink.shape)
        self.light = np.ones((*self.ink.shape, 3))

    @property
    def height(self) -> int:
        """Of the digits, in pixels."""
        return self.box[3] - self.box[1]

    def print_lines(self, lines: Sequence[np.ndarray], width: float, strength: float = 1.0) -> None:
        """Print polylines `[n, 2]` of x, y, `width` pixels wide, `strength` of full coverage."""
        mask = Image.new("L", (self.size[0] * SUBPIXELS, self.size[1] * SUBPIXELS))
        pen = ImageDraw.Draw(mask)
        for line in lines:
            points = [(float(x), float(y)) for x, y in np.asarray(line) * SUBPIXELS]
            pen.line(points, fill=255, width=max(1, round(width * SUBPIXELS)), joint="curve")
        coverage = np.asarray(mask.reduce(SUBPIXELS)) / 255
        self.printed = np.maximum(self.printed, strength * coverage)

    def grid(self) -> tuple[np.ndarray, np.ndarray]:
        """x and y of every pixel from 0 to 1, `[1, W]` and `[H, 1]`."""
        width, height = self.size
        return np.linspace(0, 1, width)[None], np.linspace(0, 1, height)[:, None]

    def expose(self) -> Photograph:
        """The page as a camera or, where it is `scanned`, a scanner takes it."""
        rng = self.rng
        if self.scanned:
            paper, ink, printed = np.full(3, 255.0), np.full(3, 20.0), np.full(3, 30.0)
        else:
            paper = rng.uniform(150, 245) + rng.uniform(-8, 8, 3)
            ink = rng.choice(PENS) * rng.uniform(0.8, 1.2) * paper / 235
            printed = np.full(3, rng.uniform(0.1, 0.5)) * paper
        if self.chalk:
            paper, ink = rng.uniform(30, 70, 3), np.full(3, rng.uniform(190, 245))
        page = paper * (1 - self.printed[..., None]) + printed * self.printed[..., None]
        covered = self.ink[..., None]
        page = (
            (page * (1 - covered) + np.minimum(ink, page) * covered)
            if not self.chalk
            else (page * (1 - covered) + ink * covered)
        )
        page = page * self.light
        if self.scanned:
            return Photograph(np.rint(page).astype(np.uint8), self.text)
        image = Image.fromarray(np.clip(page, 0, 255).astype(np.uint8))
        image = image.filter(ImageFilter.GaussianBlur(rng.uniform(0.4, 1.2)))
        grain = rng.normal(0, rng.uniform(1.5, 5), page.shape)
        image = Image.fromarray(np.clip(np.asarray(image) + grain, 0, 255).astype(np.uint8))
        file = io.BytesIO()
        image.save(file, "JPEG", quality=int(rng.integers(65, 95)))
        return Photograph(np.asarray(Image.open(file)), self.text)


# Ballpoint blue, black, red and green, and a pencil, on paper of brightness 235.
PENS = np.array([(40, 55, 140), (30, 30, 32), (170, 40, 45), (30, 95, 60), (95, 95, 98)])


def write(
    digits: Sequence[PenDigit],
    rng: Rng,
    *,
    count: int = 1,
    heights: tuple[float, float] = (60, 260),
    thickness: tuple[float, float] = (0.05, 0.13),
    pen: tuple[float, float] | None = None,
    margin: tuple[float, float] = (0.25, 0.7),
) -> Page:
    """A page with `count` digits of one writer in a line.

    The digits' `heights` and the width of the `pen` are pixels, its `thickness` and the `margin`
    around are shares of the digits' height.
    """
    writer = digits[rng.integers(len(digits))].writer
    own = [digit for digit in digits if digit.writer == writer]
    sample = [own[k] for k in rng.integers(len(own), size=count)]
    height = rng.uniform(*heights)
    width = rng.uniform(*pen) if pen else max(1.5, height * rng.uniform(*thickness))
    x, strokes = 0.0, []
    for digit in sample:
        moved, extent = scale_strokes(digit.strokes, height * rng.uniform(0.9, 1.05), 1.0)
        strokes += [stroke + np.array((x, 0)) for stroke in moved]
        x += extent[0] + width + height * rng.uniform(0.15, 0.45)
    points = np.concatenate(strokes)
    left, top, right, bottom = (rng.uniform(*margin) * height + width for _ in range(4))
    corner = points.min(axis=0) - (left, top)
    strokes = [stroke - corner for stroke in strokes]
    extent = points.max(axis=0) - corner
    size = (round(extent[0] + right), round(extent[1] + bottom))
    ink = rasterise(strokes, size, width)[..., 3] / 255
    text = "".join(str(digit.label) for digit in sample)
    box = (round(left - width / 2), round(top - width / 2), round(extent[0] + width / 2), 0)
    return Page(size, text, (*box[:3], round(extent[1] + width / 2)), ink, width, rng)


def write_cheque(digits: Sequence[PenDigit], rng: Rng) -> Page:
    """A page with an amount and its signs as `compose.amounts` writes them."""
    drawing = amounts(digits, rng)
    ink = drawing.canvas[..., 3]
    return Page(ink.shape[::-1], drawing.text, find_box(ink), ink / 255, drawing.brush, rng)


# Light


def lit_evenly(page: Page) -> None:
    """Lit from one side, a little."""
    x, y = page.grid()
    toward = page.rng.uniform(-0.25, 0.25, 2)
    page.light *= (1 + toward[0] * (x - 0.5) + toward[1] * (y - 0.5))[..., None]


def dark_corners(page: Page) -> None:
    """A vignette: the corners have 25 to 60 % of the light."""
    x, y = page.grid()
    radius = ((x - 0.5) ** 2 + (y - 0.5) ** 2) * 2
    page.light *= (1 - page.rng.uniform(0.4, 0.75) * radius ** page.rng.uniform(0.8, 1.6))[
        ..., None
    ]


def hard_shadow(page: Page) -> None:
    """A shadow with a hard edge across the digits, 35 to 70 % as bright."""
    x, y = page.grid()
    angle = page.rng.uniform(0, 2 * np.pi)
    away = ((x - 0.5) * np.cos(angle) + (y - 0.5) * np.sin(angle)) + page.rng.uniform(-0.3, 0.3)
    edge = 1 / (1 + np.exp(-away * min(page.size) / page.rng.uniform(0.5, 2)))
    page.light *= (1 - page.rng.uniform(0.3, 0.65) * edge)[..., None]


def coloured_light(page: Page) -> None:
    """A lamp's colour on one side and another's on the other."""
    x, y = page.grid()
    first, second = page.rng.uniform(0.45, 1, (2, 3))
    share = np.clip(x * page.rng.uniform(0, 1) + y * page.rng.uniform(0, 1), 0, 1)[..., None]
    page.light *= first * (1 - share) + second * share


def chalk_on_a_board(page: Page) -> None:
    """Light strokes on a dark board."""
    page.chalk = True
    lit_evenly(page)


# Print


def _maybe_lit(page: Page) -> None:
    page.scanned = page.rng.random() < 0.3
    if not page.scanned:
        lit_evenly(page)


def _turned(points: np.ndarray, page: Page, most: float) -> np.ndarray:
    """Points turned around the page's middle by up to `most` degrees."""
    angle = np.radians(page.rng.uniform(-most, most))
    turn = np.array([(np.cos(angle), -np.sin(angle)), (np.sin(angle), np.cos(angle))])
    middle = np.array(page.size) / 2
    return (np.asarray(points, np.float64) - middle) @ turn.T + middle


def _line_width(page: Page, most: float = 0.03) -> float:
    return max(1.0, page.height * page.rng.uniform(0.006, most))


def ruled(page: Page, *, squared: bool = False) -> None:
    """Dark lines from edge to edge; `squared` paper has upright ones, too."""
    _maybe_lit(page)
    step = page.height * page.rng.uniform(0.25, 0.6)
    reach = 2 * max(page.size)
    at = np.arange(-reach, reach, step) + page.rng.uniform(0, step)
    lines = [np.array([(-reach, y), (reach, y)]) for y in at]
    lines += [line[:, ::-1] for line in lines] if squared else []
    turned = _turned(np.concatenate(lines), page, 3).reshape(-1, 2, 2)
    page.print_lines(list(turned), _line_width(page, 0.02))


def squared(page: Page) -> None:
    """Paper ruled in dark squares."""
    ruled(page, squared=True)


def _rectangle(page: Page, gaps: tuple[float, float]) -> np.ndarray:
    left, top, right, bottom = page.box
    a, b, c, d = page.rng.uniform(*gaps, 4) * page.height
    left, top, right, bottom = left - a, top - b, right + c, bottom + d
    corners = [(left, top), (right, top), (right, bottom), (left, bottom), (left, top)]
    return _turned(np.array(corners), page, 2)


def framed(page: Page) -> None:
    """A rectangle around everything."""
    _maybe_lit(page)
    page.print_lines([_rectangle(page, (0.08, 0.24))], _line_width(page, 0.05))


def crossed_frame(page: Page) -> None:
    """A box too small for what was written into it: strokes meet its sides or cross them."""
    _maybe_lit(page)
    page.print_lines([_rectangle(page, (-0.06, 0.1))], _line_width(page, 0.02))


def cell_of_a_grid(page: Page) -> None:
    """A cell cut out of a printed grid: its lines run to the edges, thin or thick each."""
    _maybe_lit(page)
    rectangle = _rectangle(page, (0.06, 0.22))[:4]
    for k in range(4):
        start, end = rectangle[k], rectangle[(k + 1) % 4]
        along = end - start
        page.print_lines([np.stack([start - 3 * along, end + 3 * along])], _line_width(page, 0.06))


def black_border(page: Page) -> None:
    """A black strip along one to four edges, as scanners leave it."""
    page.scanned = page.rng.random() < 0.5
    width, height = page.size
    sides = [((0, 0), (width, 0)), ((0, height), (width, height))]
    sides += [((0, 0), (0, height)), ((width, 0), (width, height))]
    for k in page.rng.permutation(4)[: page.rng.integers(1, 5)]:
        broad = min(page.size) * page.rng.uniform(0.03, 0.16)
        page.print_lines([_turned(np.array(sides[k]), page, 1)], broad)


def circled(page: Page) -> None:
    """An ellipse around the answer, drawn by hand with its ends apart or past each other."""
    _maybe_lit(page)
    rng, (left, top, right, bottom) = page.rng, page.box
    middle = np.array((left + right, top + bottom)) / 2 + rng.normal(0, 0.02, 2) * page.height
    reach = np.array((right - left, bottom - top)) / 2
    reach = np.maximum(reach, reach.max() * rng.uniform(0.5, 1)) * rng.uniform(1.3, 1.6)
    start = rng.uniform(0, 2 * np.pi)
    angle = np.linspace(start, start + rng.uniform(5.9, 6.8), 80)
    wobble = 1 + rng.normal(0, 0.03) * np.sin(2 * angle + start) + 0.01 * (angle - start)
    circle = middle + np.stack([np.cos(angle), np.sin(angle)], 1) * reach * wobble[:, None]
    page.print_lines([circle], page.pen * rng.uniform(0.4, 1))


def underlined(page: Page) -> None:
    """One or two lines below the digit, now and then meeting it."""
    _maybe_lit(page)
    rng, (left, _, right, bottom) = page.rng, page.box
    y = bottom + rng.uniform(0.0, 0.2) * page.height
    for _ in range(rng.integers(1, 3)):
        ends = rng.uniform(0.02, 0.22, 2) * page.height
        line = np.array(
            [(left - ends[0], y), (right + ends[1], y + rng.normal(0, 0.02) * page.height)]
        )
        page.print_lines([line], page.pen * rng.uniform(0.4, 1))
        y += page.pen * 2 + 0.05 * page.height


def struck_out(page: Page) -> None:
    """A line through the digit's middle: no answer any more."""
    _maybe_lit(page)
    rng, (left, top, right, bottom) = page.rng, page.box
    ends = rng.uniform(0.05, 0.2, 2) * page.height
    rise = rng.uniform(-0.4, 0.4, 2) * page.height / 2
    middle = (top + bottom) / 2
    line = np.array([(left - ends[0], middle + rise[0]), (right + ends[1], middle + rise[1])])
    page.print_lines([line], page.pen * rng.uniform(0.7, 1))
    page.text = ""


def hairline(page: Page) -> None:
    """A scan of the finest pen: lines of one pixel."""
    page.scanned = True
    page.ink = np.where(page.ink > 0.3, 1.0, 0.0)


# Cheques


def guilloche(page: Page) -> None:
    """Fine waves all over the paper, two families across each other, fainter than the pen."""
    lit_evenly(page)
    rng, (width, height) = page.rng, page.size
    x = np.arange(-width, 2 * width, 2.0)
    for _ in range(2):
        length, step = page.height * rng.uniform(0.3, 1.2, 1), page.height * rng.uniform(0.06, 0.15)
        swing, phase = step * rng.uniform(0.5, 2), rng.uniform(0, 2 * np.pi)
        waves = [
            np.stack([x, y + swing * np.sin(2 * np.pi * x / length + phase)], 1)
            for y in np.arange(-width, height + width, step)
        ]
        turned = _turned(np.concatenate(waves), page, 30).reshape(len(waves), -1, 2)
        page.print_lines(list(turned), 1.0, rng.uniform(0.1, 0.4))


def ruled_box(page: Page) -> None:
    """A box around an amount, and below that the line on which it is written."""
    framed(page)
    left, _, right, bottom = page.box
    y = bottom + page.rng.uniform(0.0, 0.05) * page.height
    page.print_lines([_turned(np.array([(left, y), (right, y)]), page, 1)], _line_width(page, 0.02))


def stamped(page: Page) -> None:
    """Two rings with a bar of letters between, in a stamp's uneven ink across the writing."""
    lit_evenly(page)
    rng, height = page.rng, page.height
    middle = rng.uniform(page.box[:2], page.box[2:])
    angle = np.linspace(0, 2 * np.pi, 90)
    ring = np.stack([np.cos(angle), np.sin(angle)], 1) * height * rng.uniform(0.6, 1.1)
    at = rng.uniform(-0.4, 0.4, (12, 2, 2)) * height * (1, 0.25)
    lines = [middle + ring, middle + 0.75 * ring, *(middle + at)]
    page.print_lines(lines, _line_width(page), rng.uniform(0.2, 0.5))


Condition = tuple[Callable[[Page], None], dict[str, tuple[float, float]]]
_FINE = {"pen": (1.0, 1.5), "heights": (120.0, 420.0)}
CONDITIONS: dict[str, Condition] = {
    "even light": (lit_evenly, {}),
    "dark corners": (dark_corners, {}),
    "hard shadow": (hard_shadow, {}),
    "coloured light": (coloured_light, {}),
    "chalk": (chalk_on_a_board, {}),
    "dark ruling": (ruled, {}),
    "dark squares": (squared, {}),
    "frame": (framed, {}),
    "frame crossed": (crossed_frame, {}),
    "cell of a grid": (cell_of_a_grid, {}),
    "black border": (black_border, {}),
    "circle": (circled, {}),
    "underline": (underlined, {}),
    "struck out": (struck_out, {}),
    "hairline on a scan": (hairline, _FINE),
}
CHEQUES = {
    "amount on even paper": lit_evenly,
    "amount on guilloche": guilloche,
    "amount in a box, on a line": ruled_box,
    "amount under a stamp": stamped,
}


def photograph(digits: Sequence[PenDigit], condition: str, rng: Rng) -> Photograph:
    """A digit or an amount as it is photographed in one of CONDITIONS or CHEQUES."""
    if condition in CHEQUES:
        page, change = write_cheque(digits, rng), CHEQUES[condition]
    else:
        change, how = CONDITIONS[condition]
        page = write(digits, rng, **how)
    change(page)
    return page.expose()
