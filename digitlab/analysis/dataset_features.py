"""Features of a dataset's images that no run has to be trained for, and each image's neighbours.

`pixels`: 64 principal components of the images, centred by mass, so that a digit that is shifted
stays where it was, and averaged over squares of pixels (2×2 in 28×28). `network`: the last hidden
activations of the bundled LeNet-5 where the images have its shape. Both are cached.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from digitlab.analysis.features import last_hidden
from digitlab.analysis.image_table import ImageTable, Progress, cached
from digitlab.errors import DatasetError
from digitlab.runs.run import open_run

if TYPE_CHECKING:
    import torch

BASES = ("network", "pixels")
NETWORK = "lenet"  # the bundled run whose activations are used
NEIGHBOURS = 10
_COMPONENTS = 64
_POOLED = 14  # pixels in the shorter side of an image that is averaged
_FIT_ROWS = 10_000  # images that the principal components are computed from
_ROWS_AT_ONCE = 1_024


class Neighbours(NamedTuple):
    """The nearest other images of each: their rows int64 [N, k], and distances float32 [N, k]."""

    rows: np.ndarray
    distances: np.ndarray


def default_basis(shape: Sequence[int]) -> str:
    """`network` where the bundled network reads images of this shape [C, H, W], else `pixels`."""
    return "network" if tuple(shape) == _network_input() else "pixels"


def features(
    table: ImageTable, basis: str = "pixels", on_progress: Progress | None = None
) -> np.ndarray:
    """Features float32 [N, D] of all images; see the module for `basis`.

    Raises DatasetError for another basis, and for `network` where the images have another shape.
    """
    import torch

    if basis not in BASES:
        raise DatasetError(f"Features are of the {' or '.join(BASES)}; not of {basis!r}.")
    report = on_progress or (lambda step, done, total: None)
    if basis == "pixels":
        values = cached(table, "features-pixels", lambda: {"values": _of_pixels(table, report)})
    else:
        values = cached(table, "features-network", lambda: {"values": _of_network(table, report)})
    return values["values"].to(torch.float32).numpy()


def neighbours(table: ImageTable, on_progress: Progress | None = None) -> Neighbours:
    """The 10 nearest other images of each by their pixels; fewer where there are fewer."""
    report = on_progress or (lambda step, done, total: None)
    values = features(table, "pixels", report)
    tensors = cached(table, "neighbours", lambda: _nearest_others(values, report))
    return Neighbours(tensors["rows"].numpy().astype(np.int64), tensors["distances"].numpy())


def centre(images: torch.Tensor) -> torch.Tensor:
    """Images uint8 [N, C, H, W] moved by whole pixels so that their mass is in the middle.

    What leaves on one side comes back on the other.
    """
    import torch

    mass = images.sum(1).float()
    height, width = mass.shape[1:]
    total = mass.sum((1, 2)).clamp(min=1)
    rows, columns = torch.arange(height), torch.arange(width)
    down = ((mass.sum(2) * rows).sum(1) / total - (height - 1) / 2).round().long()
    right = ((mass.sum(1) * columns).sum(1) / total - (width - 1) / 2).round().long()
    y = (rows[None] + down[:, None]) % height
    x = (columns[None] + right[:, None]) % width
    index = torch.arange(len(images))[:, None, None]
    return images.permute(0, 2, 3, 1)[index, y[:, :, None], x[:, None, :]].permute(0, 3, 1, 2)


def pooled_side(images: torch.Tensor) -> int:
    """The side of the squares of pixels that are averaged."""
    return max(1, min(images.shape[2:]) // _POOLED)


def _of_pixels(table: ImageTable, report: Progress) -> torch.Tensor:
    import torch
    from sklearn.decomposition import PCA

    report("Reading the images", 0, len(table))
    rows = np.random.default_rng(0).permutation(len(table))[:_FIT_ROWS]
    known = _pooled(table.images[rows])
    count = min(_COMPONENTS, known.shape[1], len(known))
    reduced = PCA(count, svd_solver="randomized", random_state=0).fit(known)
    parts = []
    for part in table.images.split(table.at_once):
        parts.append(reduced.transform(_pooled(part)).astype(np.float32))
        report("Reading the images", sum(map(len, parts)), len(table))
    return torch.from_numpy(np.concatenate(parts))


def _pooled(images: torch.Tensor) -> np.ndarray:
    """Centred images, averaged over squares of pixels: float32 [N, D], 0…1."""
    from torch.nn.functional import avg_pool2d

    values = centre(images).float() / 255
    return avg_pool2d(values, pooled_side(images)).flatten(1).numpy()


def _of_network(table: ImageTable, report: Progress) -> torch.Tensor:
    if tuple(table.images.shape[1:]) != _network_input():
        raise DatasetError(
            f"The bundled network reads images of the shape {list(_network_input())}; these are "
            f"{list(table.images.shape[1:])}: use their pixels."
        )
    run = open_run(NETWORK)
    return last_hidden(
        run.model,
        table.images,
        run.normalization,
        on_progress=lambda done, total: report("Reading the images", done, total),
    )


def _network_input() -> tuple[int, ...]:
    return tuple(open_run(NETWORK).spec.input)


def _nearest_others(values: np.ndarray, report: Progress) -> dict[str, torch.Tensor]:
    """By the distances of all pairs, some rows at a time."""
    import torch

    points = torch.from_numpy(values)
    squares = (points**2).sum(1)
    count = min(NEIGHBOURS, len(points) - 1)
    rows, distances = [], []
    for first in range(0, len(points), _ROWS_AT_ONCE):
        part = points[first : first + _ROWS_AT_ONCE]
        between = torch.addmm(squares[None], part, points.T, alpha=-2)
        own = torch.arange(len(part))
        between[own, first + own] = torch.inf
        nearest = between.topk(count, largest=False)
        rows.append(nearest.indices.int())
        of_part = squares[first : first + len(part), None]
        distances.append((nearest.values + of_part).clamp(min=0).sqrt())
        report("Comparing the images", first + len(part), len(points))
    return {"rows": torch.cat(rows), "distances": torch.cat(distances)}
