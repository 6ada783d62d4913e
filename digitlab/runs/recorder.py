"""`Recorder`: writes one training down, event by event."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import torch

from digitlab.errors import StoreError
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.models.spec import ModelSpec
from digitlab.runs import artifacts, store
from digitlab.runs.record import RunRecord, Status
from digitlab.runs.speed import Speed
from digitlab.training.config import TrainConfig
from digitlab.training.devices import describe_machine
from digitlab.training.events import EpochDone, Event, Finished, Started, StepsDone
from digitlab.training.normalize import Normalization
from digitlab.training.predict import predict_logits

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.runs.stopping import StopSwitch

WRITE_SECONDS = 0.5  # how often steps reach the store: pages look once a second
WEIGHTS_SECONDS = 5.0  # how often an epoch's weights are saved, so that a killed run has some

_ENDS: dict[str, Status] = {
    "completed": "finished",
    "early-stopped": "finished",
    "stopped": "stopped",
    "diverged": "failed",
}


class Recorder:
    """Writes one training down."""

    def __init__(self, record: RunRecord, switch: StopSwitch) -> None:
        self.record = record
        self.switch = switch
        self.folder = artifacts.run_folder(record.id)
        self.config = TrainConfig.from_dict(record.config)
        self.model: torch.nn.Module | None = None
        self.steps: list[StepsDone] = []
        self.epochs: list[EpochDone] = []
        self.last_write = 0.0
        self.speed = Speed()
        self.last_weights = time.monotonic()
        self.saved_epoch: float | None = None  # whose weights are on disk

    def begin(self, model: torch.nn.Module, data: Dataset) -> None:
        """Write down what is about to be carried out."""
        self.model, self.data = model, data
        self._write_settings()

    def stop_before_training(self) -> None:
        """End a run that was stopped before its first step."""
        store.update_run(
            self.record.id,
            status="stopped",
            ended=time.time(),
            message="Stopped before its first step.",
        )

    def save_what_was_learnt(self) -> None:
        """Save the weights of a training that broke off, where they are fit to be kept."""
        if self.last_write and self.model is not None:
            self._write_weights()

    def _write_settings(self) -> None:
        artifacts.write_atomically(
            self.folder / artifacts.SPEC, ModelSpec.from_dict(self.record.spec).to_yaml()
        )
        artifacts.write_json(self.folder / artifacts.CONFIG, self.config.model_dump())

    def note(self, event: Event) -> None:
        """Write down one event of the training."""
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, StepsDone):
            self.steps.append(event)
            self.speed.note(event, self.config.batch_size)
            if time.monotonic() - self.last_write >= WRITE_SECONDS:
                self._write_history()
        elif isinstance(event, EpochDone):
            self.epochs.append(event)
            self._write_history(**_columns(event))
            if time.monotonic() - self.last_weights >= WEIGHTS_SECONDS:
                self._write_weights(event.epoch)
        else:
            self._finish(event)

    def _start(self, event: Started) -> None:
        environment = describe_machine(torch.device(event.device))
        artifacts.write_json(self.folder / artifacts.ENVIRONMENT, environment)
        self.normalization = Normalization(event.mean, event.std)
        store.update_run(
            self.record.id,
            environment=environment,
            normalization={"mean": event.mean, "std": event.std},
            total_steps=event.total_steps,
            data={
                **self.record.data,
                "fingerprint": self.data.fingerprint,
                "train_images": event.train_images,
                "val_images": event.val_images,
                "test_images": len(self.data.test),
            },
        )

    def _write_history(self, *, last: bool = False, **columns: object) -> None:
        """Write the curves; a store that is busy now is asked again, and must answer at last."""
        if self.steps:
            columns = {
                "step": self.steps[-1].step,
                "train_loss": self.steps[-1].loss,
                "images_per_second": self.speed.images_per_second,
                **columns,
            }
        self.last_write = time.monotonic()
        if not self.steps and not self.epochs:
            return
        try:
            store.append_history(self.record.id, self.steps, self.epochs, **columns)
        except StoreError:
            if last:
                raise
            return
        self.steps, self.epochs = [], []

    def _write_weights(self, epoch: float | None = None) -> None:
        """Save the weights, unless some are no longer numbers: those would replace good ones."""
        self.last_weights = time.monotonic()
        state = self.model.state_dict()
        if all(bool(value.isfinite().all()) for value in state.values()):
            artifacts.write_tensors(self.folder / artifacts.WEIGHTS, state)
            self.saved_epoch = epoch

    def _finish(self, event: Finished) -> None:
        self._write_history(last=True)
        self._write_weights(event.kept_epoch)
        columns = {
            "status": _ENDS[event.reason],
            "ended": time.time(),
            "epochs_done": event.epochs,
            "step": event.step,
            "best_epoch": event.best_epoch,
            "kept_epoch": self.saved_epoch,
            "train_seconds": event.train_seconds,
            "message": _explain_end(event),
        }
        if event.reason == "stopped":  # said at once: reading the test images may take a while
            store.update_run(self.record.id, **columns)
        if self.saved_epoch == event.kept_epoch:
            columns |= self._write_predictions()
        record = store.get_record(self.record.id).model_copy(update=columns)
        steps, epochs = store.read_history(self.record.id)
        artifacts.write_json(self.folder / artifacts.HISTORY, {"steps": steps, "epochs": epochs})
        artifacts.write_json(self.folder / artifacts.RECORD, record.model_dump())
        store.update_run(self.record.id, **columns)

    def _write_predictions(self) -> dict[str, float]:
        """Save logits and labels of the held-out splits; their losses and accuracies."""
        tensors, columns = {}, {}
        for name in ("val", "test"):
            split = self.data.split(name)
            if len(split):
                logits = predict_logits(self.model, split.images, self.normalization)
                tensors |= {f"{name}_logits": logits, f"{name}_labels": split.labels}
                result = evaluate_logits(logits.numpy(), split.labels.numpy(), self.data.classes)
                columns |= {f"{name}_loss": result.loss, f"{name}_accuracy": result.accuracy}
        artifacts.write_tensors(self.folder / artifacts.PREDICTIONS, tensors)
        return columns


def _columns(event: EpochDone) -> dict[str, object]:
    return {
        "epochs_done": event.epoch,
        "train_accuracy": event.train_accuracy,
        "val_loss": event.val_loss,
        "val_accuracy": event.val_accuracy,
    }


def _explain_end(event: Finished) -> str:
    if event.reason == "diverged":
        return (
            "The loss is no longer a finite number, so training was stopped. The usual cause is a "
            "learning rate that is too high: try a tenth of it, or clip the gradient."
        )
    if event.reason == "early-stopped":
        return f"Stopped early: no better validation accuracy since epoch {event.best_epoch}."
    return ""
