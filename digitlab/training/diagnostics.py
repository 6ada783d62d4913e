"""`Watcher`: says in words when a training goes wrong, from its events alone."""

from __future__ import annotations

import itertools

from digitlab.training.events import EpochDone, Event, Snapshot, Started, StepsDone

CHANCE_STEPS = 300  # after which a network should read better than by guessing
CHANCE_MARGIN = 1.3  # times the share that guessing gets right
RISING_EPOCHS = 3  # in a row with a higher validation loss
SILENT_SHARE = 0.5  # of a ReLU's channels


class Watcher:
    """Takes events in and gives sentences out, each kind of trouble once."""

    def __init__(self, classes: int) -> None:
        self.classes = classes
        self._said: set[str] = set()
        self._losses: list[float] = []
        self._steps_per_epoch = 1

    def note(self, event: Event) -> list[str]:
        """Sentences about what this event shows; mostly none."""
        if isinstance(event, Started):
            self._steps_per_epoch = event.steps_per_epoch
        elif isinstance(event, StepsDone) and event.grad_norm == 0:
            return self._once(
                "no-gradient",
                "The gradient is exactly zero: nothing is learnt any more. Usual causes are units "
                "that all went silent and a layer that cuts off the way back.",
            )
        elif isinstance(event, EpochDone):
            return self._judge_epoch(event)
        elif isinstance(event, Snapshot):
            return self._judge_look(event)
        return []

    def _judge_epoch(self, event: EpochDone) -> list[str]:
        if event.val_loss is None:
            return []
        self._losses.append(event.val_loss)
        recent = self._losses[-RISING_EPOCHS - 1 :]
        rising = all(a < b for a, b in itertools.pairwise(recent))
        if len(recent) <= RISING_EPOCHS or not rising:
            return []
        return self._once(
            "rising",
            f"Validation loss has risen for {RISING_EPOCHS} epochs, up to epoch {event.epoch}: the "
            "network begins to learn its training images by heart. Early stopping, dropout, weight "
            "decay or augmentation help.",
        )

    def _judge_look(self, event: Snapshot) -> list[str]:
        said = []
        images = int(event.confusion.sum())
        right = int(event.confusion.diagonal().sum())
        guessing = float(event.confusion.sum(1).max()) / max(images, 1)
        if event.step >= CHANCE_STEPS and right / max(images, 1) < CHANCE_MARGIN * guessing:
            said += self._once(
                "chance",
                f"After {event.step:,} steps {right / images:.0%} are read right, about as many as "
                "by guessing. Usual causes: a learning rate far too high or low, or first weights "
                "that saturate every unit.",
            )
        for name, share in event.silent.items():
            if share >= SILENT_SHARE and event.step >= CHANCE_STEPS:
                said += self._once(
                    f"silent:{name}",
                    f"{share:.0%} of the channels after {_place(name)} are silent: no image makes "
                    "them positive, so they learn nothing more. A lower learning rate, batch "
                    "normalisation or LeakyReLU help.",
                )
        return said

    def _once(self, kind: str, sentence: str) -> list[str]:
        if kind in self._said:
            return []
        self._said.add(kind)
        return [sentence]


def _place(name: str) -> str:
    """A module's name as the layer tables count: `0.2` is layer 1.3."""
    parts = [str(int(part) + 1) if part.isdigit() else part for part in name.split(".")]
    return "ReLU in layer " + ".".join(part for part in parts if part != "layers")
