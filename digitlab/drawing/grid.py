"""Boxes in a photo: found, straightened, and put into rows and columns.

A box is a piece of paper that lines enclose: a cell of a sudoku or table, or a box of its own on
a form. The edges of all boxes together tell the perspective, by where level and upright lines
meet; what the straightened boxes have in common tells their rows and columns, and where a box is
that could not be found because something is written over its lines.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from PIL import Image

from digitlab.drawing.stages import Box

LONGEST = 1600  # pixels of the longer side while boxes are sought
BROADEST = 0.03  # of the longer side: lines and strokes are narrower
LEVELS = (0.5, 0.3, 0.18, 0.1, 0.06)  # of the paper's brightness: how much darker a line is
ALONG = 7  # pixels along which a line is averaged: grain is evened out, the line stays
GRAIN = 0.6  # of the usual difference around: what is no stronger is grain
SMALLEST = 12  # pixels of a box's sides
LARGEST = 0.6  # of the image's sides
SQUARE = 0.86  # of the quadrilateral: so much of it is inside the box's outline
FEWEST, MOST = 4, 600  # boxes of a grid
MANY, LONG = 15, 3.0  # boxes of a table with columns of any width; else width by height, at most
ALIKE, SAME = 2.0, 1.35  # factors between heights before and after they are straightened
FILLED = 0.7  # of the places of a grid that hold a box, at least; else rows are of any length
NEAR = 0.08  # of a box's sides: so far from the others of its row or column a side may lie
EVEN = 0.12  # of the usual distance of rows or columns: how far off its multiples they may be
STEEPEST = 0.35  # least of the scale that perspective leaves, in shares of the middle's
CELL = (40, 80)  # pixels of a straightened box's height, at least and at most
LARGEST_PICTURE = 8_000_000  # pixels of the straightened picture
MARGIN = 1.6  # heights and widths of a box around the straightened grid: what is printed there


@dataclass(frozen=True, eq=False)
class Grid:
    """A straightened photo `image uint8 [H, W, 3]` and the boxes in it, in rows.

    A box is (left, top, right, bottom) in pixels, the inside of its lines; the last two exclusive.
    `regular` says that the rows are of the same length and the boxes stand in columns.
    """

    image: np.ndarray
    rows: tuple[tuple[Box, ...], ...]
    regular: bool

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and the most boxes in one."""
        return len(self.rows), max(map(len, self.rows))

    def turn(self, quarters: int, *, mirrored: bool = False) -> Grid:
        """A regular grid turned to the left by quarters of a circle, after being mirrored."""
        boxes = np.array(self.rows, float)
        height, width = self.image.shape[:2]
        image = self.image
        if mirrored:
            image, boxes = image[:, ::-1], boxes[:, ::-1][..., [2, 1, 0, 3]]
            boxes[..., [0, 2]] = width - boxes[..., [0, 2]]
        for _ in range(quarters % 4):
            image = np.rot90(image)
            left, top, right, bottom = np.moveaxis(boxes, -1, 0)
            boxes = np.stack([top, width - right, bottom, width - left], -1)
            boxes = boxes.swapaxes(0, 1)[::-1]
            height, width = width, height
        return Grid(np.ascontiguousarray(image), _as_rows(boxes), self.regular)


def find_grid(pixels: np.ndarray) -> Grid | None:
    """The grid of boxes in `pixels uint8 [H, W]` or `[H, W, 3 or 4]`; None where there is none.

    A grid has at least FEWEST boxes of about the same height whose sides are level and upright
    once the perspective is taken away. Of several sizes the most frequent counts.
    """
    photo = _open(pixels)
    scale = min(1.0, LONGEST / max(photo.size))
    size = (max(1, round(photo.width * scale)), max(1, round(photo.height * scale)))
    small = np.asarray(photo.resize(size, Image.Resampling.BOX, reducing_gap=2.0))
    best: _Lattice | None = None
    for quads in _find_quads(small):
        lattice = _arrange(quads)
        count = lattice.count if lattice else 0
        if best and count < best.count:
            break  # the next levels take still more grain for lines
        if best is None or count > 1.02 * best.count:
            best = lattice
    return _straighten(photo, best, scale) if best else None


def darkness(image: np.ndarray, broadest: float) -> np.ndarray:
    """How much darker than its paper each pixel is, `float32 [H, W]` from 0 to 1.

    `broadest` is in pixels: what is broader is paper in shadow. Coloured ink counts by the channel
    in which it is darkest.
    """
    from scipy import ndimage

    grey = image.min(axis=2) if image.ndim == 3 else image
    smooth = ndimage.gaussian_filter(grey, 0.7, output=np.float32)
    side = max(3, round(broadest) | 1)
    paper = ndimage.grey_closing(smooth, (side, side), mode="nearest")
    return np.clip((paper - smooth) / np.maximum(paper, 24), 0, 1)


def _open(pixels: np.ndarray) -> Image.Image:
    if pixels.ndim == 3 and pixels.shape[2] == 4:
        paper = Image.new("RGBA", pixels.shape[1::-1], "white")
        return Image.alpha_composite(paper, Image.fromarray(pixels)).convert("RGB")
    return Image.fromarray(pixels).convert("RGB")


# Boxes


def _find_quads(image: np.ndarray) -> Iterator[np.ndarray]:
    """The corners `float [N, 4, 2]` of what may be boxes, for each level of darkness in turn."""
    from scipy import ndimage

    dark = darkness(image, BROADEST * max(image.shape))
    grain = _usual_around(dark)
    along = [ndimage.uniform_filter1d(dark, ALONG, axis=axis) for axis in (0, 1)]
    lines = np.maximum(*along) - grain
    strongest = float(lines.max())
    for level in (level for level in LEVELS if level < strongest):
        yield _outline_pieces(lines <= np.maximum(level, GRAIN * grain))


def _usual_around(dark: np.ndarray) -> np.ndarray:
    """The median of the pixels around each pixel, roughly, `float32 [H, W]`."""
    from scipy import ndimage

    coarse = ndimage.median_filter(dark[::8, ::8], 9, mode="nearest")
    size = dark.shape[::-1]
    return np.asarray(Image.fromarray(coarse).resize(size, Image.Resampling.BILINEAR))


def _outline_pieces(paper: np.ndarray) -> np.ndarray:
    """The quadrilaterals among the connected pieces of paper, `float [N, 4, 2]`."""
    from scipy import ndimage

    labels, _ = ndimage.label(paper)
    areas = np.bincount(labels.ravel())
    areas[0] = 0
    places = ndimage.find_objects(labels)
    candidates = [
        number
        for number in np.flatnonzero(areas >= SMALLEST**2 / 2)
        if _fits(places[number - 1], paper.shape)
    ]
    if not FEWEST <= len(candidates) <= 4 * MOST:
        return np.zeros((0, 4, 2))
    quads = [_outline(labels[places[k - 1]] == k, places[k - 1]) for k in candidates]
    return np.array([quad for quad in quads if quad is not None]).reshape(-1, 4, 2)


def _fits(place: tuple[slice, slice], shape: tuple[int, ...]) -> bool:
    return all(
        part.start > 0 and part.stop < side and SMALLEST <= part.stop - part.start <= LARGEST * side
        for part, side in zip(place, shape, strict=True)
    )


def _outline(piece: np.ndarray, place: tuple[slice, slice]) -> np.ndarray | None:
    """The four corners `float [4, 2]` (x, y) of a piece; None where it is no quadrilateral."""
    from scipy.spatial import ConvexHull

    rows = np.arange(len(piece))
    left, right = piece.argmax(axis=1), piece.shape[1] - piece[:, ::-1].argmax(axis=1)
    across = np.concatenate([left, right, left, right])
    down = np.concatenate([rows, rows, rows + 1, rows + 1])
    points = np.stack([across, down], 1).astype(float)
    hull = ConvexHull(points)
    outline = points[hull.vertices]
    while len(outline) > 4:
        outline = np.delete(outline, _corner_areas(outline).argmin(), axis=0)
    inside = _area(outline)
    if len(outline) < 4 or inside < SMALLEST**2 or hull.volume * SQUARE > inside:
        return None
    if (right - left).sum() < SQUARE * hull.volume:  # bays
        return None
    return outline + np.array([place[1].start, place[0].start])


def _corner_areas(outline: np.ndarray) -> np.ndarray:
    """Twice the area of each corner's triangle with its neighbours."""
    places = np.arange(len(outline))
    before, after = outline[places - 1] - outline, outline[places - len(outline) + 1] - outline
    return np.abs(before[:, 0] * after[:, 1] - before[:, 1] * after[:, 0])


def _area(outline: np.ndarray) -> float:
    x, y = outline.T
    return abs(float(x @ np.roll(y, -1) - y @ np.roll(x, -1))) / 2


# Perspective, rows and columns


@dataclass(frozen=True, eq=False)
class _Lattice:
    """`transform float [3, 3]` from the photo to where boxes `rows` are level and upright."""

    transform: np.ndarray
    rows: tuple[np.ndarray, ...]  # float [n, 4] each: left, top, right, bottom
    regular: bool
    count: int  # boxes that were found


def _arrange(quads: np.ndarray) -> _Lattice | None:
    """Rows and columns of the boxes, as they stand once the perspective is taken away."""
    quads = _order_corners(quads)
    quads = quads[_usual(_heights(quads), ALIKE)]
    transform = np.eye(3)
    for _ in range(3):
        if len(quads) < FEWEST:
            return None
        transform = _find_perspective(quads)
        if transform is None:
            return None
        straight = project(transform, quads)
        keep = _usual(_heights(straight), SAME) & (_slant(straight) < 0.12)
        if keep.all():
            break
        quads = quads[keep]
    boxes = _level(project(transform, quads))
    if not FEWEST <= len(boxes) <= MOST:
        return None
    rows = _cluster((boxes[:, 1] + boxes[:, 3]) / 2, 0.5 * np.median(boxes[:, 3] - boxes[:, 1]))
    columns = _cluster((boxes[:, 0] + boxes[:, 2]) / 2, 0.5 * np.median(boxes[:, 2] - boxes[:, 0]))
    rows, columns, keep = _drop_strays(rows, columns)
    quads, boxes = quads[keep], boxes[keep]
    if not _is_grid(boxes, columns):
        return None
    middles = (boxes[:, :2] + boxes[:, 2:]) / 2
    columns, rows = _leave_gaps(columns, middles[:, 0]), _leave_gaps(rows, middles[:, 1])
    places = (rows.max() + 1) * (columns.max() + 1)
    if len(set(zip(rows, columns, strict=True))) == len(rows) >= FILLED * places:
        transform, table = _fill(quads, boxes, rows, columns, transform)
        return _Lattice(transform, tuple(table), True, len(boxes))
    lines = [boxes[rows == row] for row in np.unique(rows)]
    lines = [line[np.argsort(line[:, 0])] for line in lines]
    return _Lattice(transform, tuple(lines), False, len(boxes))


def _order_corners(quads: np.ndarray) -> np.ndarray:
    """The corners of each box in the order top left, top right, bottom right, bottom left."""
    if not len(quads):
        return quads
    edges = np.roll(quads, -1, axis=1) - quads
    turns = (edges[..., 0] + 1j * edges[..., 1]).ravel()
    angle = np.angle(np.sum(turns**4 / np.maximum(1e-9, np.abs(turns) ** 3))) / 4
    back = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    turned = (quads - quads.mean(axis=1, keepdims=True)) @ back
    around = np.argsort(np.arctan2(turned[..., 1], turned[..., 0]), axis=1)
    rows = np.arange(len(quads))[:, None]
    turned = turned[rows, around]
    first = (turned / np.ptp(turned, axis=1, keepdims=True)).sum(axis=2).argmin(axis=1)
    return quads[rows, np.take_along_axis(around, (first[:, None] + np.arange(4)) % 4, 1)]


def _heights(quads: np.ndarray) -> np.ndarray:
    return np.linalg.norm(quads[:, 3] + quads[:, 2] - quads[:, 0] - quads[:, 1], axis=1) / 2


def _usual(sizes: np.ndarray, factor: float) -> np.ndarray:
    """Which sizes are within a factor of the most frequent one, bool [N]."""
    if not len(sizes):
        return np.zeros(0, bool)
    logs = np.log(np.maximum(sizes, 1e-9))
    near = np.abs(logs[:, None] - logs) < np.log(factor) / 2
    middle = np.median(logs[near[near.sum(axis=1).argmax()]])
    return np.abs(logs - middle) < np.log(factor)


def _slant(quads: np.ndarray) -> np.ndarray:
    """The largest tangent of the angles by which a box's sides are off level and upright."""
    edges = np.roll(quads, -1, axis=1) - quads
    level, upright = edges[:, 0::2], edges[:, 1::2]
    off = [np.abs(level[..., 1]) / np.maximum(1e-9, np.abs(level[..., 0]))]
    off += [np.abs(upright[..., 0]) / np.maximum(1e-9, np.abs(upright[..., 1]))]
    return np.concatenate(off, axis=1).mean(axis=1)


def _find_perspective(quads: np.ndarray) -> np.ndarray | None:
    """The transform `float [3, 3]` by which the boxes' sides become level and upright.

    Around their middle lengths stay what they are. None where the sides do not meet as those of
    a flat sheet do.
    """
    centre = quads.mean(axis=(0, 1))
    scale = float(np.sqrt(np.mean((quads - centre) ** 2)))
    points = np.concatenate([(quads - centre) / scale, np.ones((*quads.shape[:2], 1))], axis=2)
    first, second, third, fourth = points.swapaxes(0, 1)
    level = _null_vector(np.concatenate([np.cross(first, second), np.cross(fourth, third)]))
    upright = _null_vector(np.concatenate([np.cross(first, fourth), np.cross(second, third)]))
    horizon = np.cross(level, upright)
    if abs(horizon[2]) < 1e-6:
        return None
    horizon /= horizon[2]
    if (points @ horizon).min() < STEEPEST:
        return None
    flat = np.array([[1, 0, 0], [0, 1, 0], horizon])
    axes = np.stack([level[:2] * np.sign(level[0]), upright[:2] * np.sign(upright[1])], axis=1)
    axes /= np.maximum(1e-9, np.linalg.norm(axes, axis=0))
    if abs(np.linalg.det(axes)) < 0.3:
        return None
    upright_again = np.eye(3)
    upright_again[:2, :2] = np.linalg.inv(axes)
    to_middle = np.diag([1 / scale, 1 / scale, 1.0])
    to_middle[:2, 2] = -centre / scale
    return np.linalg.inv(to_middle) @ upright_again @ flat @ to_middle


def _null_vector(rows: np.ndarray) -> np.ndarray:
    """The unit vector that all rows are perpendicular to as nearly as possible.

    Of lines in homogeneous coordinates it is the point where they meet.
    """
    return np.linalg.eigh(rows.T @ rows)[1][:, 0]


def project(transform: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points `float [..., 2]` as the transform `[3, 3]` moves them."""
    moved = points @ transform[:, :2].T + transform[:, 2]
    return moved[..., :2] / moved[..., 2:]


def _level(quads: np.ndarray) -> np.ndarray:
    """Left, top, right, bottom `float [N, 4]` of straightened boxes."""
    x, y = quads[..., 0], quads[..., 1]
    sides = [x[:, 0] + x[:, 3], y[:, 0] + y[:, 1], x[:, 1] + x[:, 2], y[:, 2] + y[:, 3]]
    return np.stack(sides, axis=1) / 2


def _cluster(values: np.ndarray, gap: float) -> np.ndarray:
    """The number of each value's group, int [N] from 0; groups are further apart than `gap`."""
    order = np.argsort(values)
    numbers = np.empty(len(values), int)
    numbers[order] = np.concatenate([[0], np.cumsum(np.diff(values[order]) > gap)])
    return numbers


def _drop_strays(
    rows: np.ndarray, columns: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Rows and columns without those that hold few boxes beside others that hold many."""
    keep = np.ones(len(rows), bool)
    for numbers in (rows, columns):
        counts = np.bincount(numbers)
        keep &= counts[numbers] >= 0.25 * counts.max()
    rows, columns = (
        np.unique(numbers[keep], return_inverse=True)[1] for numbers in (rows, columns)
    )
    return rows, columns, keep


def _leave_gaps(numbers: np.ndarray, places: np.ndarray) -> np.ndarray:
    """The numbers with some left out where a row or column is missing between evenly spaced ones.

    So it is where something is written over the lines of all its boxes.
    """
    gaps = np.diff(_medians(places, numbers))
    if len(gaps) < 2:
        return numbers
    steps = gaps / np.median(gaps[gaps < SAME * gaps.min()])
    whole = np.rint(steps)
    even = np.abs(steps - whole).max() < EVEN and whole.max() <= 3
    return np.concatenate([[0], np.cumsum(whole)]).astype(int)[numbers] if even else numbers


def _is_grid(boxes: np.ndarray, columns: np.ndarray) -> bool:
    """Whether boxes are as alike as those of a grid: strokes across ruled paper leave boxes, too.

    Only a table of many has columns of any width.
    """
    if len(boxes) < FEWEST:
        return False
    width, height = (boxes[:, 2:] - boxes[:, :2]).T
    alike = _usual(width, SAME).mean()
    if len(boxes) >= MANY and len(np.unique(columns)) > 2:
        return True
    return alike > 0.9 and float(np.median(width / height)) < LONG


def _fill(
    quads: np.ndarray,
    boxes: np.ndarray,
    rows: np.ndarray,
    columns: np.ndarray,
    transform: np.ndarray,
) -> tuple[np.ndarray, np.ndarray]:
    """A finer transform, and the boxes of all places `float [R, C, 4]`, also of those not found.

    Boxes of a row have a common top and bottom, those of a column a common left and right: to
    these their corners are moved, which evens out what a single box's outline is off.
    """
    for _ in range(2):
        left, right = (_medians(boxes[:, side], columns) for side in (0, 2))
        top, bottom = (_medians(boxes[:, side], rows) for side in (1, 3))
        across = np.stack([left[columns], right[columns], right[columns], left[columns]], 1)
        down = np.stack([top[rows], top[rows], bottom[rows], bottom[rows]], 1)
        transform = fit_transform(quads.reshape(-1, 2), np.stack([across, down], 2).reshape(-1, 2))
        boxes = _level(project(transform, quads))
    table = np.empty((rows.max() + 1, columns.max() + 1, 4))
    table[..., 0], table[..., 2] = left, right
    table[..., 1], table[..., 3] = top[:, None], bottom[:, None]
    usual = table[rows, columns]
    near = np.abs(boxes - usual) < NEAR * np.tile(usual[:, 2:] - usual[:, :2], 2)
    table[rows, columns] = np.where(near, boxes, usual)  # ink across a box leaves only a part of it
    return transform, table


def _medians(values: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """The median of each number's values, from 0 to the largest; between them where it has none."""
    present = np.unique(numbers)
    medians = [np.median(values[numbers == k]) for k in present]
    return np.interp(np.arange(present[-1] + 1), present, medians)


def fit_transform(points: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """The perspective `float [3, 3]` that moves points `[N, 2]` onto targets, in least squares."""
    before, after = _centring(points), _centring(targets)
    x, y = project(before, points).T
    u, v = project(after, targets).T
    ones, zeros = np.ones_like(x), np.zeros_like(x)
    first = np.stack([x, y, ones, zeros, zeros, zeros, -u * x, -u * y, -u], 1)
    second = np.stack([zeros, zeros, zeros, x, y, ones, -v * x, -v * y, -v], 1)
    solution = _null_vector(np.concatenate([first, second]))
    transform = np.linalg.inv(after) @ solution.reshape(3, 3) @ before
    return transform / transform[2, 2]


def _centring(points: np.ndarray) -> np.ndarray:
    """The transform that moves points around 0 with a deviation of 1."""
    centre, scale = points.mean(axis=0), max(1e-9, float(points.std()))
    transform = np.diag([1 / scale, 1 / scale, 1.0])
    transform[:2, 2] = -centre / scale
    return transform


# The straightened picture


def _straighten(photo: Image.Image, lattice: _Lattice, scale: float) -> Grid:
    boxes = np.concatenate(lattice.rows)
    low, high = boxes[:, :2].min(axis=0), boxes[:, 2:].max(axis=0)
    size = np.median(boxes[:, 2:] - boxes[:, :2], axis=0)
    low, high = low - MARGIN * size, high + MARGIN * size
    enlarge = float(np.clip(size[1] / scale, *CELL)) / size[1]
    enlarge *= min(1.0, (LARGEST_PICTURE / np.prod((high - low) * enlarge)) ** 0.5)
    stretch = enlarge * np.ones(2)
    if 0.8 < size[0] / size[1] < 1.25:  # the tilt makes squares look lower or narrower
        stretch[0] *= size[1] / size[0]
    place = np.diag([*stretch, 1.0])
    place[:2, 2] = -low * stretch
    width, height = np.ceil((high - low) * stretch).astype(int)
    image = _warp(photo, place @ lattice.transform @ np.diag([scale, scale, 1.0]), (width, height))
    rows = [(row - np.tile(low, 2)) * np.tile(stretch, 2) for row in lattice.rows]
    return Grid(image, _as_rows(rows), lattice.regular)


def _warp(photo: Image.Image, transform: np.ndarray, size: tuple[int, int]) -> np.ndarray:
    """The photo as the transform moves it; what lies outside is white."""
    back = np.linalg.inv(transform)
    corners = project(back, np.array([[0, 0], [size[0], 0], [0, size[1]], size], float))
    shrink = float(np.linalg.norm(corners[3] - corners[0]) / np.hypot(*size))
    factor = max(1, int(shrink))
    if factor > 1:
        photo = photo.reduce(factor)
        back = np.diag([1 / factor, 1 / factor, 1.0]) @ back
    back /= back[2, 2]
    warped = photo.transform(
        size,
        Image.Transform.PERSPECTIVE,
        tuple(back.ravel()[:8]),
        Image.Resampling.BICUBIC,
        fillcolor="white",
    )
    return np.asarray(warped)


def _as_rows(rows: Sequence[np.ndarray] | np.ndarray) -> tuple[tuple[Box, ...], ...]:
    return tuple(tuple(tuple(int(side) for side in np.rint(box)) for box in row) for row in rows)
