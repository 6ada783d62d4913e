"""Linear classifiers: a weight for each pixel and class."""

from __future__ import annotations

import torch

from digitlab.models.classical.fitted import Fitted, against_nothing


class Linear(Fitted):
    """`coef` [k, F] and `intercept` [k]; of two classes, only the second has weights."""

    NAMES = {"coef": (2, "f"), "intercept": (1, "f")}  # noqa: RUF012 - never changed

    def check(self) -> None:
        rows = 1 if len(self.classes) == 2 else len(self.classes)
        self.need(len(self.classes) > 1, "it knows one class only")
        self.need(
            self.coef.shape == (rows, self.features) and len(self.intercept) == rows,
            f"coef is {list(self.coef.shape)}, not {[rows, self.features]}",
        )

    def scores(self, x: torch.Tensor) -> torch.Tensor:
        z = x.double() @ self.coef.double().T + self.intercept
        return against_nothing(z) if len(self.classes) == 2 else z
