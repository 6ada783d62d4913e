"""`TrainedNetwork`: an architecture with the weights that a file from outside holds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import torch

from digitlab.imports.match import Fit
from digitlab.models.build import build
from digitlab.models.spec import ModelSpec
from digitlab.training.config import Loss, TrainConfig
from digitlab.training.loss import last_layer, scoring_spec

_LOSSES: dict[str, Loss] = {"LogSoftmax": "nll", "Sigmoid": "binary"}


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """An architecture with the weights that a file holds, which is named by `source` and `digest`
    (SHA-256 in hex) and of the format `title`.

    `normalization`, mean and deviation of pixels from 0 to 1, is known where the file says it.
    `notes` say what was left out or guessed; `fit` what each tensor of a state dict fits.
    """

    spec: ModelSpec
    weights: Mapping[str, torch.Tensor]
    source: str
    digest: str
    title: str
    normalization: tuple[float, float] | None = None
    notes: tuple[str, ...] = ()
    fit: Fit | None = None

    @property
    def config(self) -> TrainConfig:
        """A recipe whose loss says what the outputs are, by the last layer."""
        loss = _LOSSES.get(last_layer(self.spec).type, "cross-entropy")
        return TrainConfig(epochs=1, loss=loss)

    def build(self) -> torch.nn.Module:
        """The network that a run of it uses, in evaluation mode, on the CPU."""
        network = build(scoring_spec(self.spec, self.config), seed=0)
        network.load_state_dict({**network.state_dict(), **self.weights})
        return network.eval()
