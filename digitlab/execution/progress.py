"""A progress bar in the terminal for a run in the foreground."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from digitlab.runs.record import RunRecord
from digitlab.training.events import Activity, EpochDone, Event, Finished, Started, StepsDone
from digitlab.words import percent


@contextmanager
def show_progress(record: RunRecord, *, enabled: bool) -> Iterator[Callable[[Event], None]]:
    """A function that takes each event and shows a Rich progress bar on stderr."""
    if not enabled:
        yield lambda event: None
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

    columns = (
        TextColumn("{task.description}", markup=False),  # a name may hold brackets
        BarColumn(),
        TextColumn("{task.percentage:>3.0f} %"),
        TextColumn("{task.fields[figures]}"),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=Console(stderr=True)) as bar:
        task = bar.add_task(record.model, total=None, figures="")
        validation = ""

        def show(event: Event) -> None:
            nonlocal validation
            if isinstance(event, Started):
                bar.update(task, total=event.total_steps)
            elif isinstance(event, StepsDone):
                figures = (
                    f"loss {event.loss:.3f}{validation} · {event.images_per_second:,.0f} img/s"
                )
                bar.update(task, completed=event.step, figures=figures)
            elif isinstance(event, EpochDone) and event.val_accuracy is not None:
                validation = f" · val {percent(event.val_accuracy)}"
            elif isinstance(event, Activity):
                bar.update(task, figures=event.text)
            elif isinstance(event, Finished) and event.reason == "stopped":
                bar.update(task, figures="stopped; saving what was learnt")

        yield show


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
