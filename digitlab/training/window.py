"""`Window`: losses and logits of some steps, kept on the device until the window is closed."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch

from digitlab.training.events import StepsDone
from digitlab.training.ranks import ALONE, Ranks
from digitlab.training.tensors import Tensors, named, part

WINDOWS = 1500  # the most StepsDone events of a run, of any length, beyond one per epoch
# Closing a window takes about a third of the time of a small network's step, so a window has at
# least SHORTEST steps, unless a run would then have fewer than FEWEST windows.
SHORTEST = 8
FEWEST = 40


class Window:
    """The steps since the last StepsDone event."""

    def __init__(self) -> None:
        self.losses: list[torch.Tensor] = []
        self.logits: list[torch.Tensor] = []
        self.labels: list[torch.Tensor] = []
        self.images = 0
        self.loss_sum = 0.0
        self.correct = 0
        self.seconds = 0.0
        self.began = time.perf_counter()

    def __len__(self) -> int:
        return len(self.losses)

    def add(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Add a step's mean loss (a scalar), logits float [N, C] and labels int64 [N]."""
        self.losses.append(loss)
        self.logits.append(logits)
        self.labels.append(labels)
        self.images += len(labels)

    def close(
        self,
        step: int,
        epoch: float,
        learning_rate: float,
        norm: torch.Tensor | None,
        ranks: Ranks = ALONE,
    ) -> StepsDone:
        """Wait for the device, read what all ranks collected, and summarise it in one event."""
        losses = torch.stack(self.losses)
        sizes = torch.tensor([float(len(labels)) for labels in self.labels])
        correct = (torch.cat(self.logits).argmax(1) == torch.cat(self.labels)).sum()
        values = torch.cat([losses, correct.view(1).to(losses.dtype)])
        if ranks.size > 1:
            values, sizes = _of_all(values, sizes, ranks)
        values = values.cpu().double()
        losses = values[:-1]
        mean, low, high = float(losses.mean()), float(losses.min()), float(losses.max())
        self.loss_sum = float(losses @ sizes.double())  # in double, as windows may be cut elsewhere
        self.correct = round(float(values[-1]))
        self.images = round(float(sizes.sum()))
        elapsed = max(self.seconds + time.perf_counter() - self.began, 1e-9)
        return StepsDone(
            step=step,
            epoch=epoch,
            loss=mean,
            loss_min=low,
            loss_max=high,
            learning_rate=learning_rate,
            grad_norm=None if norm is None else float(norm),
            images_per_second=self.images / elapsed,
        )

    def pack(self) -> tuple[Tensors, dict[str, Any]]:
        """What is needed to resume in the middle of a window: tensors and plain JSON values."""
        seconds = self.seconds + time.perf_counter() - self.began
        values = {"sizes": [len(labels) for labels in self.labels], "seconds": seconds}
        if not self.losses:
            return {}, values
        parts = {"losses": torch.stack(self.losses), "logits": torch.cat(self.logits)}
        return named("window", parts | {"labels": torch.cat(self.labels)}), values

    @classmethod
    def unpack(
        cls, tensors: Mapping[str, torch.Tensor], values: Mapping[str, Any], device: torch.device
    ) -> Window:
        """The window that `pack` packed."""
        window = cls()
        window.seconds = float(values["seconds"])
        sizes = [int(size) for size in values["sizes"]]
        if sizes:
            parts = {name: value.to(device) for name, value in part(tensors, "window").items()}
            logits, labels = parts["logits"].split(sizes), parts["labels"].split(sizes)
            for step in zip(parts["losses"], logits, labels, strict=True):
                window.add(*step)
        return window


def _of_all(
    values: torch.Tensor, sizes: torch.Tensor, ranks: Ranks
) -> tuple[torch.Tensor, torch.Tensor]:
    """The losses of the whole batches and all right answers, of each rank's; the batches' sizes."""
    ones = sizes.new_ones(1)
    weights = torch.cat([sizes, ones]).to(values.device)
    sums = ranks.total(torch.cat([values * weights, weights[:-1]]))
    values, sizes = sums[: len(values)], sums[len(values) :]
    return torch.cat([values[:-1] / sizes, values[-1:]]), sizes.cpu()


def window_steps(steps_per_epoch: int, epochs: int) -> int:
    """How many steps a window has; the end of an epoch closes a shorter one."""
    windows_per_epoch = max(1, WINDOWS // epochs)
    fewest_steps = min(SHORTEST, steps_per_epoch * epochs // FEWEST)
    return max(math.ceil(steps_per_epoch / windows_per_epoch), fewest_steps)
