"""The events that a training yields, in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Reason = Literal["completed", "stopped", "early-stopped", "diverged"]


@dataclass(frozen=True)
class Started:
    """Everything is in place; the first step comes next."""

    device: str
    train_images: int
    val_images: int
    steps_per_epoch: int
    total_steps: int
    mean: float
    std: float


@dataclass(frozen=True)
class StepsDone:
    """A window of steps, summarised so that no extreme is lost.

    `step` counts from 1 and is the window's last; `epoch` is its place in epochs (1.5: halfway
    through the second); losses are cross-entropy in nats over the window's batches.
    """

    step: int
    epoch: float
    loss: float
    loss_min: float
    loss_max: float
    learning_rate: float
    grad_norm: float | None
    images_per_second: float


@dataclass(frozen=True)
class EpochDone:
    """An epoch, 1-based, with what its validation said (None where there is no validation split).

    Accuracies are shares from 0 to 1. The training figures are means over the epoch's batches as
    they were trained on, so they lag behind the network at the epoch's end.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float
    seconds: float
    best: bool


@dataclass(frozen=True)
class Finished:
    """The last event. The model's weights are now those that the recipe keeps."""

    reason: Reason
    epochs: int
    step: int
    best_epoch: int | None
    kept_epoch: float
    train_seconds: float


Event = Started | StepsDone | EpochDone | Finished
