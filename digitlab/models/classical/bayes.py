"""Naive Bayes: what each pixel says of the class by itself, added up."""

from __future__ import annotations

import math
from collections.abc import Mapping

import torch

from digitlab.models.classical.catalog import KINDS, default
from digitlab.models.classical.fitted import Fitted


class Bayes(Fitted):
    """Joint log likelihoods: `means` and `variances` [k, F] of normal distributions, or
    `log_probability` [k, F] of ink, and the `log_prior` [k] of the classes.

    Scores are the logarithms of the classes' probabilities.
    """

    def array_names(self) -> Mapping[str, tuple[int, str]]:
        prior = {"log_prior": (1, "f")}
        if self.name == "GaussianNB":
            return {"means": (2, "f"), "variances": (2, "f"), **prior}
        return {"log_probability": (2, "f"), **prior}

    def check(self) -> None:
        k = len(self.classes)
        self.need(len(self.log_prior) == k, f"{len(self.log_prior)} priors for {k} classes")
        for name in set(self.names) - {"classes", "log_prior"}:
            shape = list(getattr(self, name).shape)
            self.need(shape == [k, self.features], f"{name} is {shape}, not {[k, self.features]}")
        if self.name == "GaussianNB":
            self.need((self.variances > 0).all(), "a variance is not above 0")
        else:
            self.need((self.log_probability <= 0).all(), "a probability is above 1")

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        joint = self._joint(x.double()) + self.log_prior.double()
        return joint - joint.logsumexp(1, keepdim=True)

    def _joint(self, x: torch.Tensor) -> torch.Tensor:
        if self.name == "GaussianNB":
            means, variances = self.means.double(), self.variances.double()
            norm = -0.5 * (2 * math.pi * variances).log().sum(1)
            # class by class, as scikit-learn: the expanded square would lose the small variances
            apart = [((x - m) ** 2 / v).sum(1) for m, v in zip(means, variances, strict=True)]
            return norm - 0.5 * torch.stack(apart, 1)
        log = self.log_probability.double()
        if self.name == "MultinomialNB":
            return x @ log.T
        threshold = self.args.get("binarize", default(KINDS[self.name], "binarize"))
        ink = x if threshold is None else (x > threshold).double()
        absent = torch.log1p(-log.exp())
        return ink @ (log - absent).T + absent.sum(1)
