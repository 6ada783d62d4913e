"""Kernel support vector machines: one vote for each pair of classes, as libsvm counts them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import torch

from digitlab.models.classical.catalog import KINDS, default
from digitlab.models.classical.fitted import Fitted

_AT_ONCE = 4_096  # support vectors that are compared at the same time


class SupportVectors(Fitted):
    """`vectors` [n, F] sorted by class, `counts` [k] of each, `dual` [k − 1, n], `intercept` of
    each pair (0, 1), (0, 2), … and the kernel's `gamma`.

    A class's score is its votes, plus less than a third for how clear they were (scikit-learn's
    decision function of shape "ovr"). The class that libsvm names, the first of those with the
    most votes unless `break_ties`, is lifted to the top where the two rules differ.
    """

    NAMES = {  # noqa: RUF012 - never changed
        "vectors": (2, "f"),
        "dual": (2, "f"),
        "counts": (1, "i"),
        "intercept": (1, "f"),
        "gamma": (0, "f"),
    }

    def __init__(self, name: str, args: Mapping[str, Any], features: int, num_classes: int) -> None:
        super().__init__(name, args, features, num_classes)
        kind = KINDS[name]
        self.kernel, self.degree, self.coef0, self.break_ties = (
            args.get(key, default(kind, key)) for key in ("kernel", "degree", "coef0", "break_ties")
        )

    def check(self) -> None:
        k, n = len(self.classes), len(self.vectors)
        self.need(k > 1, "it knows one class only")
        self.need(self.vectors.shape[1] == self.features, f"vectors have {self.vectors.shape[1]}")
        counted = len(self.counts) == k and int(self.counts.sum()) == n
        self.need(counted and (self.counts >= 0).all(), "counts do not add up to the vectors")
        self.need(self.dual.shape == (k - 1, n), f"dual is {list(self.dual.shape)}")
        self.need(len(self.intercept) == k * (k - 1) // 2, f"{len(self.intercept)} intercepts")
        self.need(self.gamma >= 0, "gamma is negative")

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        pairs = self.pair_decisions(x)
        k = len(self.classes)
        first, second = torch.triu_indices(k, k, 1)
        wins = (pairs > 0).double()
        votes, clear = (pairs.new_zeros(len(x), k) for _ in range(2))
        votes.index_add_(1, first, wins).index_add_(1, second, 1 - wins)
        clear.index_add_(1, first, pairs).index_add_(1, second, -pairs)
        scores = votes + clear / (3 * (clear.abs() + 1))
        if self.break_ties:
            return scores
        winner = votes.argmax(1, keepdim=True)  # the first of those with the most
        top = scores.max(1, keepdim=True)
        lifted = torch.where(top.indices == winner, top.values, top.values + 1e-4)
        return scores.scatter(1, winner, lifted)

    def pair_decisions(self, x: torch.Tensor) -> torch.Tensor:
        """libsvm's decision values, float64 [N, pairs]: above 0 for the first class of the pair."""
        x, weights = x.double(), self._pair_weights()
        decisions = self.intercept.double().expand(len(x), -1).clone()
        for vectors, part in zip(
            self.vectors.split(_AT_ONCE), weights.split(_AT_ONCE), strict=True
        ):
            decisions += self._compare(x, vectors.double()) @ part
        return decisions

    def _pair_weights(self) -> torch.Tensor:
        """How much each vector counts in each pair, float64 [n, pairs]."""
        k, own = len(self.classes), torch.arange(len(self.classes)).repeat_interleave(self.counts)
        weights = torch.zeros(len(own), len(self.intercept), dtype=torch.float64)
        for pair, (i, j) in enumerate(torch.triu_indices(k, k, 1).T.tolist()):
            weights[:, pair] = torch.where(own == i, self.dual[j - 1], 0.0) + torch.where(
                own == j, self.dual[i], 0.0
            )
        return weights

    def _compare(self, x: torch.Tensor, vectors: torch.Tensor) -> torch.Tensor:
        """The kernel's values, float64 [N, n]."""
        inner = x @ vectors.T
        if self.kernel == "linear":
            return inner
        if self.kernel == "rbf":
            apart = (x * x).sum(1, keepdim=True) + (vectors * vectors).sum(1) - 2 * inner
            return (-self.gamma * apart.clamp_(min=0)).exp_()
        inner = inner.mul_(self.gamma).add_(self.coef0)
        return inner.tanh_() if self.kernel == "sigmoid" else inner.pow_(self.degree)
