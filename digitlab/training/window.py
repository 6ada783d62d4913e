"""`Window`: what some steps add up to, left on the device until the window closes."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping
from typing import Any

import torch

from digitlab.training.events import StepsDone
from digitlab.training.tensors import Tensors, named, part

WINDOWS = 1500  # at most so many StepsDone in a run, however long it is, and one an epoch
# Closing a window takes about as long as a third of a small network's step: windows have at least
# so many steps, unless a run would then have fewer than FEWEST of them.
SHORTEST = 8
FEWEST = 40


class Window:
    """The steps since the last StepsDone."""

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

    def note(self, loss: torch.Tensor, logits: torch.Tensor, labels: torch.Tensor) -> None:
        """Take a step's mean loss, logits [N, C] and labels [N] into account."""
        self.losses.append(loss)
        self.logits.append(logits)
        self.labels.append(labels)
        self.images += len(labels)

    def close(
        self, step: int, epoch: float, learning_rate: float, norm: torch.Tensor | None
    ) -> StepsDone:
        """Read what was collected, waiting for the device, and say it in one event."""
        losses = torch.stack(self.losses)
        sizes = torch.tensor([float(len(labels)) for labels in self.labels])
        right = torch.cat(self.logits).argmax(1) == torch.cat(self.labels)
        figures = torch.cat([losses, right.sum().view(1).to(losses.dtype)]).cpu().double()
        losses, correct = figures[:-1], float(figures[-1])
        mean, low, high = float(losses.mean()), float(losses.min()), float(losses.max())
        self.loss_sum = float(losses @ sizes.double())  # in double: windows may be cut otherwise
        self.correct = round(correct)
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
        """What is needed to go on in the middle of a window."""
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
        """The window that `pack` took."""
        window = cls()
        window.seconds = float(values["seconds"])
        sizes = [int(size) for size in values["sizes"]]
        if sizes:
            parts = {name: value.to(device) for name, value in part(tensors, "window").items()}
            logits, labels = parts["logits"].split(sizes), parts["labels"].split(sizes)
            for step in zip(parts["losses"], logits, labels, strict=True):
                window.note(*step)
        return window


def window_steps(steps_per_epoch: int, epochs: int) -> int:
    """How many steps a window has: the end of an epoch closes one, too."""
    most = max(1, WINDOWS // epochs)  # windows in an epoch
    least = min(SHORTEST, steps_per_epoch * epochs // FEWEST)  # steps in a window
    return max(math.ceil(steps_per_epoch / most), least)
