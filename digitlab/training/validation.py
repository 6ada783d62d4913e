"""`Validator`: predictions, loss and accuracy of a network while it trains."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch

from digitlab.data.dataset import Split
from digitlab.training.compute import Compute
from digitlab.training.config import TrainConfig
from digitlab.training.ema import EMA
from digitlab.training.events import Request
from digitlab.training.loss import compute_loss, take_divergence, to_answers
from digitlab.training.normalize import Normalization
from digitlab.training.predict import BATCH, predict_logits


class Validator:
    """Predicts with the weights that the run would keep (the EMA's, if any), as in training."""

    def __init__(
        self,
        model: torch.nn.Module,
        normalization: Normalization,
        compute: Compute,
        ema: EMA | None,
        config: TrainConfig,
    ) -> None:
        self.model = model
        self.normalization = normalization
        self.compute = compute
        self.ema = ema
        self.config = config

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """The answers for images uint8 [N, 1, H, W], on the CPU: see `to_answers`."""
        return to_answers(self._outputs(images), self.config)

    def evaluate(
        self, split: Split | None, ask: Callable[[], Request | None]
    ) -> tuple[float | None, float | None]:
        """The recipe's loss, and the accuracy; None if there is no image or `ask` says to end.

        The accuracy of an autoencoder is None. Labels are not smoothed here: losses of recipes
        that smooth differently can be compared.
        """
        if split is None or not len(split):
            return None, None
        outputs, extra = [], 0.0
        for images in split.images.split(BATCH):
            if outputs and ask() in ("stop", "pause"):
                return None, None
            outputs.append(self._outputs(images))
            if self.config.task == "reconstruct":
                added = self.config.kl_weight * take_divergence(self.model, images)
                extra += float(added) * len(images)
        joined = torch.cat(outputs)
        if self.config.task == "reconstruct":
            pixels = split.images.cpu().float() / 255
            return float(compute_loss(joined, pixels, self.config)) + extra / len(pixels), None
        return loss_and_accuracy(joined, split.labels.cpu(), self.config)

    def _outputs(self, images: torch.Tensor) -> torch.Tensor:
        with self.ema.applied() if self.ema else nullcontext(), self.compute.autocast():
            return predict_logits(self.model, images, self.normalization)


def loss_and_accuracy(
    outputs: torch.Tensor, labels: torch.Tensor, config: TrainConfig
) -> tuple[float, float]:
    """The recipe's mean loss and the accuracy of outputs [N, C] for labels int64 [N]."""
    loss = float(compute_loss(outputs, labels, config))
    return loss, int((outputs.argmax(1) == labels).sum()) / len(labels)
