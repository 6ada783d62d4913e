"""`EMA`: an exponential moving average of a network's weights."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch


class EMA:
    """An exponential moving average over the steps of every floating-point weight and buffer.

    `decay` is the share of the old average that a step keeps. In the first steps it is less,
    (1 + n) / (10 + n) as in TensorFlow's ExponentialMovingAverage, so that the average does not
    remember the random initial weights. Averaged weights often generalise better than the last
    ones (Polyak and Juditsky 1992; Izmailov et al. 2018).
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self._weights = {
            name: value
            for name, value in model.state_dict(keep_vars=True).items()
            if value.is_floating_point()
        }
        self.values = {name: value.detach().clone() for name, value in self._weights.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the model's current weights into the average."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.values.values()), list(self._weights.values()), 1 - decay)

    def load(self, values: Mapping[str, torch.Tensor], steps: int) -> None:
        """Resume from the `values` that the average had after `steps` updates."""
        self.steps = steps
        for name, value in values.items():
            self.values[name].copy_(value)

    @contextmanager
    def applied(self) -> Iterator[None]:
        """In this context the model has the average as its weights."""
        current = {name: value.detach().clone() for name, value in self._weights.items()}
        self._copy_to_model(self.values)
        try:
            yield
        finally:
            self._copy_to_model(current)

    @torch.no_grad()
    def _copy_to_model(self, values: Mapping[str, torch.Tensor]) -> None:
        for name, weight in self._weights.items():
            weight.copy_(values[name])
