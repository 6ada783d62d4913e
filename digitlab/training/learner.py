"""`make_learner`: what trains a model, the loop of a network or the fit of a scikit-learn model."""

from __future__ import annotations

from typing import TYPE_CHECKING

import torch

from digitlab.data.dataset import Dataset
from digitlab.models.classical.build import fitted_module
from digitlab.training.classical.fit import Fit
from digitlab.training.config import TrainConfig
from digitlab.training.engine import Training
from digitlab.training.ranks import ALONE, Ranks
from digitlab.training.state import TrainState

if TYPE_CHECKING:
    from digitlab.training.classical.fit import Fit
    from digitlab.training.normalize import Normalization

    Learner = Training | Fit


def make_learner(
    model: torch.nn.Module,
    data: Dataset,
    config: TrainConfig,
    state: TrainState | None = None,
    normalization: Normalization | None = None,
    ranks: Ranks = ALONE,
) -> Learner:
    """What trains `model` in place; its `events()` do, and a network can resume from a `state`.

    A network whose weights need a `normalization` of their own gets it instead of the recipe's, and
    is trained by all `ranks` together. Its own `state()` is None where training cannot be resumed.
    """
    if fitted_module(model) is None:
        return Training(model, data, config, state, normalization, ranks)
    return Fit(model, data, config)
