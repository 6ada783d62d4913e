"""`Diagnostics`: sentences about what goes wrong in a training, from its events alone."""

from __future__ import annotations

import itertools

from digitlab.training.events import EpochDone, Event, Snapshot, StepsDone
from digitlab.words import percent

MIN_STEPS = 300  # before which a network may still be as good as guessing
GUESSING_MARGIN = 1.3  # times the accuracy of guessing
RISING_EPOCHS = 3  # consecutive epochs with a higher validation loss
SILENT_SHARE = 0.5  # of a ReLU's channels


class Diagnostics:
    """Takes the events of a training and returns warnings, each kind of problem once."""

    def __init__(self) -> None:
        self._reported: set[str] = set()
        self._losses: list[float] = []

    def check(self, event: Event) -> list[str]:
        """New warnings, in full sentences, that follow from this event; mostly none."""
        if isinstance(event, StepsDone) and event.grad_norm == 0:
            return self._once(
                "no-gradient",
                "The gradient is exactly zero, so the network no longer learns. Usual causes: all "
                "units are silent, or a layer blocks the gradient.",
            )
        if isinstance(event, EpochDone):
            return self._check_epoch(event)
        if isinstance(event, Snapshot) and event.step >= MIN_STEPS:
            return self._check_accuracy(event) + self._check_silent(event)
        return []

    def _check_epoch(self, event: EpochDone) -> list[str]:
        if event.val_loss is None:
            return []
        self._losses.append(event.val_loss)
        recent = self._losses[-RISING_EPOCHS - 1 :]
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
        if accuracy >= GUESSING_MARGIN * guessing:
            return []
        return self._once(
            "guessing",
            f"After {event.step:,} steps the accuracy is {percent(accuracy, 0)}, about as good as "
            "guessing. Usual causes: a learning rate that is far too high or too low, or initial "
            "weights that saturate all units.",
        )

    def _check_silent(self, event: Snapshot) -> list[str]:
        warnings = []
        for name, share in event.silent.items():
            if share >= SILENT_SHARE:
                warnings += self._once(
                    f"silent:{name}",
                    f"{percent(share, 0)} of the channels after the ReLU in {_layer(name)} are "
                    "silent: no image makes them positive, so they no longer learn. A lower "
                    "learning rate, batch normalisation or LeakyReLU help.",
                )
        return warnings

    def _once(self, kind: str, sentence: str) -> list[str]:
        if kind in self._reported:
            return []
        self._reported.add(kind)
        return [sentence]


def _layer(name: str) -> str:
    """A module's name as the tables of layers number it: `0.2` is layer 1.3; a layer's own name,
    `layer1.0.relu`, as it is."""
    if not name[:1].isdigit():
        return f"layer {name}"
    parts = [str(int(part) + 1) if part.isdigit() else part for part in name.split(".")]
    return "layer " + ".".join(part for part in parts if part != "layers")
