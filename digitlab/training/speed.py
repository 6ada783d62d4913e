"""`Probe`: how fast a network trained in a measurement. See `probe`, which makes it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Probe:
    """A measurement: `steps` steps of `batch_size` images each took `seconds` in total."""

    batch_size: int
    steps: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Training images per second: forward pass, backward pass and the optimizer's step."""
        return self.batch_size * self.steps / self.seconds

    def epoch_seconds(self, images: int) -> float:
        """Seconds of an epoch of that many training images, without validation."""
        return images / self.images_per_second
