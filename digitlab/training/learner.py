"""Learning by whatever a model learns by: steps of a network, or the fit of a classical model."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Protocol

import torch

from digitlab.data.dataset import Dataset
from digitlab.training.config import TrainConfig
from digitlab.training.engine import Training, never
from digitlab.training.events import Event, Wish
from digitlab.training.state import TrainState


class Learning(Protocol):
    """What can be carried out, and perhaps left and gone on with."""

    def events(self, ask: Callable[[], Wish | None] = never) -> Iterator[Event]:
        """Learn, and yield what happens."""

    def state(self) -> TrainState | None:
        """Everything needed to go on from here; None where that cannot be had."""


class Fitting:
    """A classical model's fit, which begins anew where it was left."""

    def __init__(self, model: torch.nn.Module, data: Dataset, config: TrainConfig) -> None:
        self._experiment = model, data, config

    def events(self, ask: Callable[[], Wish | None] = never) -> Iterator[Event]:
        from digitlab.training.classical.fit import fit_events

        return fit_events(*self._experiment, ask)

    def state(self) -> None:
        return None


def learning(
    model: torch.nn.Module, data: Dataset, config: TrainConfig, state: TrainState | None = None
) -> Learning:
    """How `model` learns in place; a network may go on from a saved state."""
    from digitlab.models.classical.build import fitted_module

    if fitted_module(model) is None:
        return Training(model, data, config, state)
    return Fitting(model, data, config)
