"""A run's learning curves as a TensorBoard event file."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from digitlab.errors import ExportError

if TYPE_CHECKING:
    from digitlab.runs.run import Run

STEPS = {
    "loss": "steps/loss",
    "learning_rate": "steps/learning_rate",
    "grad_norm": "steps/gradient_norm",
    "images_per_second": "steps/images_per_second",
}
EPOCHS = {
    "train_loss": "epochs/train_loss",
    "val_loss": "epochs/val_loss",
    "test_loss": "epochs/test_loss",
    "train_accuracy": "epochs/train_accuracy",
    "val_accuracy": "epochs/val_accuracy",
    "test_accuracy": "epochs/test_accuracy",
    "seconds": "epochs/seconds",
}


def write_events(run: Run) -> bytes:
    """The event file's bytes: every scalar of every step window and epoch, by step.

    What was not measured is left out. The times of the steps are unknown, so every event carries
    the time at which the run started. Raises ExportError where tensorboardX is not installed.
    """
    try:
        from tensorboardX import SummaryWriter
    except ImportError as e:
        raise ExportError(
            "TensorBoard event files need the package tensorboardX, which is not installed: "
            "pip install tensorboardX."
        ) from e
    history = run.history
    started = run.record.started or run.record.created
    with tempfile.TemporaryDirectory() as folder:
        with SummaryWriter(folder, filename_suffix=f".{run.id}") as writer:
            for rows, tags in ((history.steps, STEPS), (history.epochs, EPOCHS)):
                for row in rows:
                    _add(writer, row, tags, started)
        return next(Path(folder).iterdir()).read_bytes()


def _add(writer: Any, row: Mapping[str, Any], tags: Mapping[str, str], time: float) -> None:
    for name, tag in tags.items():
        if row.get(name) is not None:
            writer.add_scalar(tag, row[name], row["step"], walltime=time)
