"""`Judge`: what a network in training answers, as the run would keep it, and how good that is."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext

import torch
import torch.nn.functional as F

from digitlab.data.dataset import Split
from digitlab.training.compute import Compute
from digitlab.training.ema import Average
from digitlab.training.events import Wish
from digitlab.training.normalize import Normalization
from digitlab.training.predict import BATCH, predict_logits


class Judge:
    """Answers with the mean of the weights, where there is one, computed as in training."""

    def __init__(
        self,
        model: torch.nn.Module,
        normalization: Normalization,
        compute: Compute,
        average: Average | None,
    ) -> None:
        self.model = model
        self.normalization = normalization
        self.compute = compute
        self.average = average

    def answer(self, images: torch.Tensor) -> torch.Tensor:
        """Logits float32 [N, C] on the CPU for images uint8 [N, 1, H, W]."""
        averaged = self.average.in_force() if self.average else nullcontext()
        with averaged, self.compute.casting():
            return predict_logits(self.model, images, self.normalization)

    def measure(
        self, split: Split | None, ask: Callable[[], Wish | None]
    ) -> tuple[float | None, float | None]:
        """Loss and accuracy; none where there is nothing to measure on, or no time left to."""
        if split is None or not len(split):
            return None, None
        parts = []
        for images in split.images.split(BATCH):
            if parts and ask() in ("stop", "pause"):
                return None, None
            parts.append(self.answer(images))
        logits, labels = torch.cat(parts), split.labels.cpu()
        loss = float(F.cross_entropy(logits, labels))
        return loss, int((logits.argmax(1) == labels).sum()) / len(labels)
