"""The events that a training yields, in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Reason = Literal["completed", "stopped", "paused", "early-stopped", "diverged"]
# What may be requested of a training after each step: to end, to end and be resumed later, or to
# yield `Saveable`.
Request = Literal["stop", "pause", "save"]


@dataclass(frozen=True)
class Started:
    """The model and the data are on the device; the first step comes next."""

    device: str
    train_images: int
    val_images: int
    steps_per_epoch: int
    total_steps: int
    mean: float
    std: float
    compute: dict[str, object] = field(default_factory=dict)


@dataclass(frozen=True)
class StepsDone:
    """A window of steps, with the extremes of its losses.

    `step` is the window's last, counted from 1; `epoch` is the same in epochs (1.5: halfway through
    the second); losses are the recipe's (`TrainConfig.loss`): mean, minimum and maximum over
    the batches.
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
    """An epoch, counted from 1, with its validation (None if there is no validation split).

    Losses are the recipe's (`TrainConfig.loss`), accuracies shares from 0 to 1. Those of training
    are means over the epoch's batches when they were trained on, so they lag behind the network at
    its end. An autoencoder has no accuracies.
    """

    epoch: int
    step: int
    train_loss: float
    train_accuracy: float | None
    val_loss: float | None
    val_accuracy: float | None
    learning_rate: float
    seconds: float
    best: bool
    test_loss: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True)
class Saveable:
    """The answer to "save": until the next event, the training's `state()` can be taken."""

    step: int


@dataclass(frozen=True)
class Snapshot:
    """What the network predicts, while it trains, for some images that it does not train on.

    `confusion` int64 [C, C] counts the true (row) and predicted (column) classes of at most 500
    images; `rows` are the indices of a few of them in the split `split`, with `probabilities`
    float32 [k, C]. `filters` float32 [n, h, w] are the first layer's weights, None if they are no
    images; `silent` gives for each ReLU the share of its channels that no image makes positive.
    An autoencoder has no classes (C = 0): `reconstructions` uint8 [k, 1, H, W] are what it makes of
    these images.
    """

    step: int
    epoch: float
    split: str
    confusion: torch.Tensor
    rows: tuple[int, ...]
    probabilities: torch.Tensor
    filters: torch.Tensor | None
    silent: dict[str, float]
    reconstructions: torch.Tensor | None = None


@dataclass(frozen=True)
class Activity:
    """What is being done, in a sentence, where there are no steps to count (fitting)."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The last event; the model now has the weights that the recipe keeps.

    `kept_epoch` is the epoch of these weights, 0 if nothing was learnt; `note` is a sentence for
    the user, mostly empty.
    """

    reason: Reason
    epochs: int
    step: int
    best_epoch: int | None
    kept_epoch: float
    train_seconds: float
    note: str = ""


Event = Started | StepsDone | EpochDone | Saveable | Snapshot | Activity | Finished
