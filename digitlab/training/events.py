"""The events that a training yields, in the order in which they happen."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    import torch

Reason = Literal["completed", "stopped", "paused", "early-stopped", "diverged"]
# What may be asked of a training after each step: to end, to end and be continued later, or to
# come to a point where its state can be saved.
Wish = Literal["stop", "pause", "save"]


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
    compute: dict[str, object] = field(default_factory=dict)


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
    test_loss: float | None = None
    test_accuracy: float | None = None


@dataclass(frozen=True)
class Saveable:
    """The answer to the wish to save: until the next event, the training's state may be taken."""

    step: int


@dataclass(frozen=True)
class Snapshot:
    """What the network makes of some images that it does not learn from, as it learns.

    `confusion` int64 [C, C] counts true (row) and read (column) classes of at most 500 images;
    `rows` are the places of a handful of them in the split `split`, with `probabilities` float32
    [k, C]. `filters` float32 [n, h, w] are the first layer's, where they can be looked at;
    `silent` gives for each ReLU the share of its channels that no image makes positive.
    """

    step: int
    epoch: float
    split: str
    confusion: torch.Tensor
    rows: tuple[int, ...]
    probabilities: torch.Tensor
    filters: torch.Tensor | None
    silent: dict[str, float]


@dataclass(frozen=True)
class Activity:
    """What goes on, in a sentence, where there are no steps to count (a classical model's fit)."""

    text: str


@dataclass(frozen=True)
class Finished:
    """The last event. The model's weights are now those that the recipe keeps.

    `note` says in a sentence what is to be known of this end; a `kept_epoch` of 0 that nothing
    was learnt.
    """

    reason: Reason
    epochs: int
    step: int
    best_epoch: int | None
    kept_epoch: float
    train_seconds: float
    note: str = ""


Event = Started | StepsDone | EpochDone | Saveable | Snapshot | Activity | Finished
