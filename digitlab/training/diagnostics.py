"""`Diagnostics`: sentences about what goes wrong in a training, from its events alone."""

from __future__ import annotations

import itertools
import math
from typing import TYPE_CHECKING

from digitlab.training.config import TrainConfig
from digitlab.training.events import EpochDone, Event, Finished, Snapshot, StepsDone
from digitlab.words import percent

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

MIN_STEPS = 300  # before which a network may still be as good as guessing
HARDLY = 0.1  # of the way from guessing to perfect: less is hardly better than guessing
NOT_AT_ALL = 0.04  # the same while it trains: it may only be slow
RISING_EPOCHS = 3  # consecutive epochs with a higher validation loss
RISEN = 1.2  # times the lowest validation loss
SILENT_SHARE = 0.5  # of a ReLU's channels
DEAD_SHARE = 0.9  # of a ReLU's channels: what is left of them no longer tells classes apart
EXPLODED = 2.0  # times the first loss
FAR = 20.0  # times the usual learning rate, or a part of it
SUPPORT = 10  # images of a class that must be there before it is called lost
# Rates with which a small network on digits learns, whatever else the recipe says.
_USUAL_RATES = {
    **{"sgd": 0.05, "adam": 0.001, "adamw": 0.001, "muon": 0.002},
    **{"rmsprop": 0.001, "adadelta": 1.0},
}
_UNSURE = (
    "Usual causes: a learning rate that is far too high or too low, or initial weights that "
    "saturate all units."
)


def is_guessing(accuracy: float, guessing: float, margin: float = HARDLY) -> bool:
    """Whether an accuracy is hardly better than the share of the most frequent class."""
    return accuracy - guessing < margin * (1 - guessing)


def usual_rate(config: TrainConfig) -> float | None:
    """The learning rate to try where this recipe's taught nothing; None where that is usual."""
    rate, usual = config.learning_rate, _USUAL_RATES[config.optimizer] * (1 - config.momentum)
    usual = float(f"{usual:.2g}")
    if rate < usual / FAR:
        return usual
    lower = float(f"{min(usual, rate / 10):.2g}")
    return lower if rate > usual else None


def blind_score(data: Dataset, config: TrainConfig) -> float:
    """What is reached without looking at the images, on those that validate a training.

    The accuracy of always answering the most frequent class; of an autoencoder, the loss of always
    giving the mean image.
    """
    import torch

    from digitlab.training.loss import pixel_errors

    part = data.val if len(data.val) else data.train
    if config.task == "classify":
        return int(torch.bincount(part.labels).max()) / len(part)
    pixels = part.images[:1_000].float() / 255
    mean = pixels.mean(0, keepdim=True).clamp(1e-4, 1 - 1e-4)
    outputs = mean.logit() if config.pixel_loss == "binary" else mean
    return float(pixel_errors(outputs.expand_as(pixels), pixels, config).mean())


class Diagnostics:
    """Takes the events of a training and returns warnings, each kind of problem once.

    `blind` is `blind_score` of its data. `withdrawn` are warnings that no longer hold.
    """

    def __init__(self, config: TrainConfig, blind: float) -> None:
        self.withdrawn: set[str] = set()
        self._config, self._blind = config, blind
        self._reported: dict[str, str] = {}
        self._epochs: list[EpochDone] = []
        self._first = math.inf  # loss of the first steps
        self._peak = 0.0  # the highest loss of a batch
        self._rate = 0.0
        self._snapshot: Snapshot | None = None

    def check(self, event: Event) -> list[str]:
        """New warnings, in full sentences, that follow from this event; mostly none."""
        if isinstance(event, StepsDone):
            return self._check_steps(event)
        if isinstance(event, EpochDone):
            return self._check_epoch(event)
        if isinstance(event, Finished):
            return self._check_end(event)
        if isinstance(event, Snapshot):
            self._snapshot = event
            if event.step >= MIN_STEPS:
                return self._check_accuracy(event) + self._check_silent(event)
        return []

    def _check_steps(self, event: StepsDone) -> list[str]:
        if self._first == math.inf:
            self._first = event.loss_min
        self._peak, self._rate = max(self._peak, event.loss_max), event.learning_rate
        if event.grad_norm != 0:
            return []
        return self._once(
            "no-gradient",
            "The gradient is exactly zero, so the network no longer learns. Usual causes: all "
            "units are silent, or a layer blocks the gradient.",
        )

    def _check_epoch(self, event: EpochDone) -> list[str]:
        self._epochs.append(event)
        if event.val_loss is None:
            return []
        recent = [epoch.val_loss for epoch in self._epochs[-RISING_EPOCHS - 1 :]]
        rising = all(a < b for a, b in itertools.pairwise(recent))
        if len(recent) <= RISING_EPOCHS or not rising:
            return []
        return self._once(
            "rising",
            f"The validation loss has risen for {RISING_EPOCHS} epochs, up to epoch {event.epoch}: "
            "the network starts to overfit its training images. Early stopping, dropout, weight "
            "decay or augmentation help.",
        )

    def _check_accuracy(self, event: Snapshot) -> list[str]:
        if not event.confusion.numel():  # an autoencoder guesses nothing
            return []
        images = max(int(event.confusion.sum()), 1)
        accuracy = int(event.confusion.diagonal().sum()) / images
        guessing = int(event.confusion.sum(1).max()) / images  # always the most frequent class
        if not is_guessing(accuracy, guessing, NOT_AT_ALL):
            return []
        return self._once(
            "guessing",
            f"It learnt next to nothing in {event.step:,} steps: its accuracy is "
            f"{percent(accuracy, 0)}, about as good as guessing. {self._explain(event.step)}",
        )

    def _check_silent(self, event: Snapshot) -> list[str]:
        silent = [
            f"{percent(share, 0)} of the channels after the ReLU in {_layer(name)}"
            for name, share in event.silent.items()
            if share >= SILENT_SHARE
        ]
        if not silent:
            return []
        return self._once(
            "silent",
            f"{' and '.join(silent)} are silent: no image makes them positive, so they no longer "
            "learn. A lower learning rate, batch normalisation or LeakyReLU help.",
        )

    def _check_end(self, event: Finished) -> list[str]:
        """What the training, if it was not cut short, failed to learn."""
        if event.reason not in ("completed", "early-stopped") or not self._epochs:
            return []
        last = self._epochs[-1]
        epoch = next((e for e in self._epochs if e.epoch == event.kept_epoch), last)
        if self._config.task == "reconstruct":
            return self._check_reconstruction(epoch, event.step)
        accuracy = epoch.train_accuracy if epoch.val_accuracy is None else epoch.val_accuracy
        if accuracy is None:
            return []
        if is_guessing(accuracy, self._blind):
            self._withdraw("rising")  # nothing was learnt that could overfit
            return self._once(
                "guessing",
                f"It learnt next to nothing: its accuracy is {percent(accuracy, 0)}, and always "
                f"giving the most frequent answer reaches {percent(self._blind, 0)}. "
                f"{self._explain(event.step)}",
            )
        self._withdraw("guessing")
        self._withdraw("no-gradient")  # of a batch that is learnt perfectly
        return self._sum_up_rising() + self._check_lost(event.step) + self._check_loss(last)

    def _sum_up_rising(self) -> list[str]:
        """In place of a rise during the training, what became of it."""
        if "rising" not in self._reported:
            return []
        self._withdraw("rising")
        known = [epoch for epoch in self._epochs if epoch.val_loss is not None]
        best, last = min(known, key=lambda epoch: epoch.val_loss), known[-1]
        if last.val_loss < RISEN * best.val_loss:
            return []
        return [
            f"The validation loss was lowest after epoch {best.epoch} ({best.val_loss:.3g}) and "
            f"ended at {last.val_loss:.3g}: the network overfits its training images. Early "
            "stopping, dropout, weight decay or augmentation help."
        ]

    def _check_reconstruction(self, epoch: EpochDone, step: int) -> list[str]:
        loss = epoch.train_loss if epoch.val_loss is None else epoch.val_loss
        if loss < (1 - HARDLY / 2) * self._blind:
            return []
        self._withdraw("rising")
        return self._once(
            "guessing",
            f"It learnt no more than the mean of all images: its loss is {loss:.4f}, and always "
            f"giving that mean reaches {self._blind:.4f}. {self._explain(step)}",
        )

    def _check_lost(self, step: int) -> list[str]:
        snapshot = self._snapshot
        if snapshot is None or snapshot.step != step:
            return []
        lost = (snapshot.confusion.sum(1) >= SUPPORT) & (snapshot.confusion.sum(0) == 0)
        if int(lost.sum()) < 2:  # a single one may be a matter of the few images
            return []
        return self._once(
            "lost",
            f"It never answers {int(lost.sum())} of the {len(lost)} classes. {self._explain(step)}",
        )

    def _check_loss(self, last: EpochDone) -> list[str]:
        """A loss that is worse than that of a network that answers all classes alike."""
        if self._config.loss not in ("cross-entropy", "nll") or not self._rate:
            return []
        confusion = self._snapshot.confusion if self._snapshot else ()
        if len(confusion) < 2 or last.train_loss <= math.log(len(confusion)):
            return []
        return self._once(
            "worse-loss",
            f"The training loss ended at {last.train_loss:.3g}, above the "
            f"{math.log(len(confusion)):.3g} of equal probabilities for all classes: where the "
            f"network is wrong it is far too certain. {self._explain(last.step)}",
        )

    def _explain(self, step: int) -> str:
        """The cause that is most likely, and its remedy."""
        if not self._rate:  # a classical model, which has none
            return "Its settings, or the number of training images, do not suit it."
        rate, usual = self._config.learning_rate, usual_rate(self._config)
        silent = max(self._snapshot.silent.values(), default=0.0) if self._snapshot else 0.0
        exploded = self._peak >= EXPLODED * self._first
        jumped = exploded or silent >= DEAD_SHARE
        if usual is not None and rate > usual and (jumped or rate > FAR * usual):
            times = f"{round(rate / usual):,}"
            return (
                f"The learning rate of {rate:g} is too high: divide it by {times}, which gives "
                f"{usual:g}."
            )
        if usual is not None and rate < usual:
            return f"The learning rate of {rate:g} is too low: try {usual:g}."
        if step < MIN_STEPS:
            return f"It took only {step:,} steps: train it for more epochs."
        return _UNSURE

    def _withdraw(self, kind: str) -> None:
        if kind in self._reported:
            self.withdrawn.add(self._reported[kind])

    def _once(self, kind: str, sentence: str) -> list[str]:
        if kind in self._reported:
            return []
        self._reported[kind] = sentence
        return [sentence]


def _layer(name: str) -> str:
    """A module's name as the tables of layers number it: `0.2` is layer 1.3; a layer's own name,
    `layer1.0.relu`, as it is."""
    if not name[:1].isdigit():
        return f"layer {name}"
    parts = [str(int(part) + 1) if part.isdigit() else part for part in name.split(".")]
    return "layer " + ".".join(part for part in parts if part != "layers")
