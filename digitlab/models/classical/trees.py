"""Forests and boosted trees: all nodes in one table, all trees followed at the same time."""

from __future__ import annotations

import torch

from digitlab.models.classical.fitted import Fitted, against_nothing, shares_to_logits

_DEEPEST = 5_000  # questions from a root to a leaf
_AT_ONCE = 2**21  # places in trees that are followed at the same time


class Trees(Fitted):
    """Nodes with `feature` (−1 in a leaf), `threshold`, `left` and `right`, the `roots` of the
    trees, and the `row` of `values` that each leaf gives.

    A node sends an image left where its pixel is at most the threshold. Forests average shares of
    the classes over their trees [rows, k]; boosted trees, one a class in turn, add scores
    [rows, 1] to the `baseline`.
    """

    NAMES = {  # noqa: RUF012 - never changed
        "roots": (1, "i"),
        "feature": (1, "i"),
        "threshold": (1, "f"),
        "left": (1, "i"),
        "right": (1, "i"),
        "row": (1, "i"),
        "values": (2, "f"),
        "baseline": (1, "f"),
    }

    @property
    def boosted(self) -> bool:
        return self.name.startswith("HistGradient")

    def check(self) -> None:
        n, k = len(self.feature), len(self.classes)
        same = all(len(array) == n for array in (self.threshold, self.left, self.right, self.row))
        self.need(n and same, "the tables of its nodes differ in length")
        self.need(len(self.roots) and self._within(self.roots, n), "a root is not among the nodes")
        self.need((self.feature < self.features).all() and (self.feature >= -1).all(), "a pixel")
        inner, own = self.feature >= 0, torch.arange(n)
        for name in ("left", "right"):
            child = getattr(self, name)[inner]
            # children come after their parent, so that no path can run in a circle
            later = (child > own[inner]).all() and (child < n).all()
            self.need(later, f"a {name} child is not among the nodes that follow")
        self.need(len(self.values) and self._within(self.row, len(self.values)), "a leaf's row")
        outputs = len(self.baseline)
        if self.boosted:
            agrees = self.values.shape[1] == 1 and outputs == (1 if k == 2 else k)
            self.need(agrees and len(self.roots) % outputs == 0, "its trees are not one a class")
        else:
            self.need(self.values.shape[1] == k == outputs, "its leaves are of other classes")
            self.need((self.values >= 0).all(), "a leaf's share is negative")

    @staticmethod
    def _within(rows: torch.Tensor, count: int) -> bool:
        return bool((rows >= 0).all() and (rows < count).all())

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        at_once = max(1, _AT_ONCE // len(self.roots))
        return torch.cat([self._part(part) for part in x.split(at_once)])

    def _part(self, x: torch.Tensor) -> torch.Tensor:
        values = self.values.double()[self.row[self._leaves(x)].long()]  # [N, trees, k or 1]
        if not self.boosted:
            return shares_to_logits(values.mean(1))
        outputs = len(self.baseline)
        summed = values.view(len(x), -1, outputs).sum(1) + self.baseline
        return against_nothing(summed) if outputs == 1 else summed

    def _leaves(self, x: torch.Tensor) -> torch.Tensor:
        """The leaf that each image reaches in each tree, int64 [N, trees]."""
        nodes = self.roots.long().expand(len(x), -1)
        for _ in range(_DEEPEST):
            feature = self.feature[nodes].long()
            inner = feature >= 0
            if not inner.any():
                return nodes
            left = x.gather(1, feature.clamp(min=0)) <= self.threshold[nodes]
            follow = torch.where(left, self.left[nodes], self.right[nodes]).long()
            nodes = torch.where(inner, follow, nodes)
        raise self.refuse(f"a tree is deeper than {_DEEPEST:,} questions")
