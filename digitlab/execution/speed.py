"""`Speed`: images per second, steady enough to tell how much time is left."""

from __future__ import annotations

from digitlab.training.events import StepsDone


class Speed:
    """A mean over about the last five seconds of training."""

    SECONDS = 5.0

    def __init__(self, step: int = 0) -> None:
        self.images_per_second: float | None = None
        self._last_step = step

    def note(self, event: StepsDone, batch_size: int) -> None:
        images = (event.step - self._last_step) * batch_size
        self._last_step = event.step
        seconds = images / max(event.images_per_second, 1e-9)
        if self.images_per_second is None:
            self.images_per_second = event.images_per_second
            return
        weight = min(seconds / self.SECONDS, 1.0)  # by time, so that bursts of windows count little
        pace = (1 - weight) / self.images_per_second + weight / max(event.images_per_second, 1e-9)
        self.images_per_second = 1 / pace
