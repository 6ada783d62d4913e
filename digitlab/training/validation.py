"""`Validator`: predictions, loss and accuracy of a network while it trains."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F

from digitlab.data.dataset import Split
from digitlab.training.compute import Compute
from digitlab.training.ema import EMA
from digitlab.training.events import Request
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
    ) -> None:
        self.model = model
        self.normalization = normalization
        self.compute = compute
        self.ema = ema

    def predict(self, images: torch.Tensor) -> torch.Tensor:
        """Logits float32 [N, C] on the CPU for images uint8 [N, 1, H, W]."""
        with self.ema.applied() if self.ema else nullcontext(), self.compute.autocast():
            return predict_logits(self.model, images, self.normalization)

    def evaluate(
        self, split: Split | None, ask: Callable[[], Request | None]
    ) -> tuple[float | None, float | None]:
        """Loss (nats) and accuracy (0 to 1); None if the split is empty or `ask` says to end."""
        if split is None or not len(split):
            return None, None
        parts = []
        for images in split.images.split(BATCH):
            if parts and ask() in ("stop", "pause"):
                return None, None
            parts.append(self.predict(images))
        return loss_and_accuracy(torch.cat(parts), split.labels.cpu())


def loss_and_accuracy(logits: torch.Tensor, labels: torch.Tensor) -> tuple[float, float]:
    """Mean cross-entropy (nats) and accuracy of logits [N, C] for labels int64 [N]."""
    loss = float(F.cross_entropy(logits, labels))
    return loss, int((logits.argmax(1) == labels).sum()) / len(labels)
