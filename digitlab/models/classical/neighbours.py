"""Nearest neighbours: the training images themselves, compared chunk by chunk."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from digitlab.models.classical.catalog import KINDS, default
from digitlab.models.classical.fitted import Fitted, shares_to_logits

_AT_ONCE = 8_192  # training images that are compared at the same time
_EXACT = 1_000  # pixels up to which sums of products of two bytes about 128 are exact in float32
_SNAP = 0.01  # how far from a whole pixel value the arithmetic of normalisation may lead


class Neighbours(Fitted):
    """`images` uint8 [n, F], `labels` [n] (positions in `classes`), and the normalisation that
    pixels had in the fit: value = pixel · scale − offset.

    Distances are computed between the pixel values from 0 to 255, where those between images are
    whole numbers and therefore exact. Scores are logarithms of the shares of the votes.
    """

    NAMES = {  # noqa: RUF012 - never changed
        "images": (2, "u"),
        "labels": (1, "i"),
        "scale": (0, "f"),
        "offset": (0, "f"),
    }

    def __init__(self, name: str, args: Mapping[str, Any], features: int, num_classes: int) -> None:
        super().__init__(name, args, features, num_classes)
        kind = KINDS[name]
        self.count, self.weights, metric, power = (
            args.get(key, default(kind, key)) for key in ("n_neighbors", "weights", "metric", "p")
        )
        self.straight = metric == "euclidean" or (metric == "minkowski" and power == 2)

    def check(self) -> None:
        n = len(self.images)
        self.need(self.images.shape[1] == self.features, f"images have {self.images.shape[1]}")
        self.need(len(self.labels) == n, f"{len(self.labels)} labels for {n} images")
        valid = n and int(self.labels.min()) >= 0 and int(self.labels.max()) < len(self.classes)
        self.need(valid, "labels are not among the classes")
        self.need(n >= self.count, f"{n} images for {self.count} neighbours")
        self.need(self.scale > 0, "scale is not above 0")

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        pixels = (x.double() + self.offset) / self.scale
        whole = pixels.round()
        near = bool(((pixels - whole).abs() < _SNAP).all())
        distances, rows = self._nearest(whole if near else pixels, exact=near)
        weights = torch.ones_like(distances)
        if self.weights == "distance":
            same = distances == 0
            weights = torch.where(same.any(1, keepdim=True), same.double(), 1 / distances)
        votes = torch.zeros(len(x), len(self.classes), dtype=torch.float64)
        votes.scatter_add_(1, self.labels.long()[rows], weights)
        return shares_to_logits(votes / weights.sum(1, keepdim=True))

    def _nearest(self, pixels: torch.Tensor, *, exact: bool) -> tuple[torch.Tensor, torch.Tensor]:
        """Distances (float64) and rows of the nearest images, each [N, neighbours]."""
        best, rows, begin = None, None, 0
        for part in self.images.split(_AT_ONCE):
            apart = self._apart(pixels, part, exact=exact)
            here = torch.arange(begin, begin + len(part)).expand(len(pixels), -1)
            if best is not None:
                apart, here = torch.cat([best, apart], 1), torch.cat([rows, here], 1)
            count = min(self.count, apart.shape[1])
            best, columns = apart.topk(count, dim=1, largest=False)
            rows, begin = here.gather(1, columns), begin + len(part)
        return best.sqrt() if self.straight else best, rows

    def _apart(self, pixels: torch.Tensor, part: torch.Tensor, *, exact: bool) -> torch.Tensor:
        """Squared (or absolute) differences summed, float64 [N, images of the part]."""
        if not self.straight:
            return torch.cdist(pixels, part.double(), p=1)
        kind = torch.float32 if exact and self.features <= _EXACT else torch.float64
        a, b = pixels.sub(128).to(kind), part.to(kind).sub_(128)
        squares = (a * a).sum(1, keepdim=True).double() + (b * b).sum(1).double()
        return (squares - 2 * (a @ b.T).double()).clamp_(min=0)
