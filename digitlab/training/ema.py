"""`Average`: a running mean of a network's weights, which often reads better than any of them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import torch


class Average:
    """An exponential mean over the steps of every floating-point weight and buffer.

    `decay` is the share of the old mean that a step keeps; in the first steps it is less
    ((1 + n) / (10 + n), as in TensorFlow's ExponentialMovingAverage), so that the mean does not
    remember the random first weights.
    """

    def __init__(self, model: torch.nn.Module, decay: float) -> None:
        self.decay = decay
        self.steps = 0
        self._of = {
            name: value
            for name, value in model.state_dict(keep_vars=True).items()
            if value.is_floating_point()
        }
        self.values = {name: value.detach().clone() for name, value in self._of.items()}

    @torch.no_grad()
    def update(self) -> None:
        """Take the present weights into the mean."""
        self.steps += 1
        decay = min(self.decay, (1 + self.steps) / (10 + self.steps))
        torch._foreach_lerp_(list(self.values.values()), list(self._of.values()), 1 - decay)

    def load(self, values: Mapping[str, torch.Tensor], steps: int) -> None:
        """Go on from a mean that was taken after so many steps."""
        self.steps = steps
        for name, value in values.items():
            self.values[name].copy_(value)

    @contextmanager
    def in_force(self) -> Iterator[None]:
        """While this lasts, the model has the mean as its weights."""
        present = {name: value.detach().clone() for name, value in self._of.items()}
        self._put(self.values)
        try:
            yield
        finally:
            self._put(present)

    @torch.no_grad()
    def _put(self, values: Mapping[str, torch.Tensor]) -> None:
        for name, value in self._of.items():
            value.copy_(values[name])
