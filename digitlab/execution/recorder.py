"""`Recorder`: writes one training down, event by event."""

from __future__ import annotations

import contextlib
import platform
import time
from collections.abc import Iterable
from typing import TYPE_CHECKING

import torch

from digitlab import files
from digitlab.errors import RunNotFoundError, StoreError
from digitlab.execution.control import hold_lock
from digitlab.execution.progress import Speed
from digitlab.models.classical.build import fitted_module
from digitlab.runs import checkpoints, lease, run_folder, storage, store
from digitlab.runs.record import RunRecord, Status
from digitlab.runs.snapshot import write_snapshot
from digitlab.runs.transaction import patient, repeatable
from digitlab.training.devices import describe_machine
from digitlab.training.diagnostics import Diagnostics, blind_score
from digitlab.training.events import (
    Activity,
    EpochDone,
    Event,
    Finished,
    Saveable,
    Snapshot,
    Started,
    StepsDone,
)
from digitlab.training.normalize import Normalization
from digitlab.training.predict import predict_splits

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset
    from digitlab.execution.control import Control
    from digitlab.training.learner import Learner

WRITE_SECONDS = 0.5  # how often steps and epochs reach the store: pages look once a second
FILES_SECONDS = 10.0  # how often the record and its curves are written beside the weights

_ENDS: dict[str, Status] = {
    "completed": "finished",
    "early-stopped": "finished",
    "stopped": "stopped",
    "paused": "paused",
    "diverged": "failed",
}


class Recorder:
    """Writes one training down."""

    def __init__(self, record: RunRecord, control: Control) -> None:
        self.record = record
        self.control = control
        self.folder = run_folder.run_folder(record.id)
        self.config = record.experiment.config
        self.model: torch.nn.Module | None = None
        self.learner: Learner | None = None
        self.notices = list(record.notices)
        self.steps: list[StepsDone] = []
        self.epochs: list[EpochDone] = []
        self.unsure = False  # whether the store may have some of these already
        self.last_write = 0.0
        self.last_epoch = 0.0  # when epochs were written last
        self.last_files = time.monotonic()
        self.speed = Speed(record.step)
        self.saved_epoch: float | None = None  # of the weights on disk
        self.begun: dict[str, object] = {}  # what is known of the run since its training began

    def begin(self, model: torch.nn.Module, data: Dataset, learner: Learner) -> None:
        """Write the files that describe the run."""
        self.model, self.data, self.learner = model, data, learner
        self.diagnostics = Diagnostics(self.config, blind_score(data, self.config))
        self._write_settings()
        self.control.begin()

    def stop_before_training(self) -> None:
        """End a run that was stopped or paused before its first step."""
        request = self.control()
        if self.control.gave_way:
            return
        status: Status = "paused" if request == "pause" else "stopped"
        store.update_run(
            self.record.id,
            status=status,
            ended=time.time(),
            message=self.control.note or f"{status.capitalize()} before its first step.",
        )

    def save_what_was_learnt(self) -> None:
        """Save the weights of a training that failed, if they are finite."""
        if self.last_write and self.model is not None:
            self._write_weights()

    def _write_settings(self) -> None:
        spec = self.record.experiment.spec
        files.write_atomically(self.folder / run_folder.SPEC, spec.to_yaml())
        files.write_json(self.folder / run_folder.CONFIG, self.config.model_dump())

    def note(self, event: Event) -> None:
        """Write down one event of the training."""
        self._warn(self.diagnostics.check(event))
        if isinstance(event, Started):
            self._start(event)
        elif isinstance(event, StepsDone):
            self.steps.append(event)
            self.speed.note(event, self.config.batch_size)
            if time.monotonic() - self.last_write >= WRITE_SECONDS:
                self._write_history()
        elif isinstance(event, EpochDone):
            self.epochs.append(event)
            if self.control.may_save():
                self._save_state()
            elif time.monotonic() - self.last_epoch >= WRITE_SECONDS:
                self._write_history()
        elif isinstance(event, Snapshot):
            write_snapshot(self.record.id, event, self.data)
        elif isinstance(event, Saveable):
            self._save_state()
        elif isinstance(event, Activity):
            self.tell(event.text)
        elif isinstance(event, Finished):
            self._finish(event)

    def _withdraw(self, sentences: set[str]) -> None:
        self.notices = [notice for notice in self.notices if notice not in sentences]
        if sentences:
            store.update_run(self.record.id, notices=self.notices)

    def _warn(self, sentences: list[str]) -> None:
        for sentence in sentences:
            if sentence not in self.notices:
                self.notices.append(sentence)
                with contextlib.suppress(StoreError):
                    store.update_run(self.record.id, notices=self.notices)

    def _save_state(self) -> None:
        """Save a checkpoint once the store has the history up to it.

        If either cannot be written, training continues and the next checkpoint is tried.
        """
        began = time.monotonic()
        with contextlib.suppress(StoreError):
            hold_lock(self.record.id)
        self._write_history()
        with contextlib.suppress(StoreError):
            if (self.steps or self.epochs) and self._come_back():  # the store had lost the run
                self._write_history()
        state = None if self.steps or self.epochs else self.learner.state()
        if state is not None and is_finite(state.weights.values()):
            try:
                lease.check(self.record.id)
                checkpoints.save_state(self.record.id, state)
                self._tell_unsent(storage.send(self.record.id, self.folder))
            except StoreError as e:
                reason = getattr(e.__cause__, "strerror", None) or str(e)
                self._warn(
                    [f"A checkpoint could not be saved ({reason}); the previous one is kept."]
                )
        if time.monotonic() - self.last_files >= FILES_SECONDS:
            with contextlib.suppress(StoreError):
                self._write_files(store.get_record(self.record.id))
        self.control.saved(time.monotonic() - began)

    def tell(self, text: str) -> None:
        """Show what is being done; a store that is busy misses one of many such messages."""
        with contextlib.suppress(StoreError):
            store.update_run(self.record.id, message=text)

    @patient()
    def _start(self, event: Started) -> None:
        environment = describe_machine(torch.device(event.device)) | event.compute
        files.write_json(self.folder / run_folder.ENVIRONMENT, environment)
        self.normalization = Normalization(event.mean, event.std)
        self.steps_per_epoch = event.steps_per_epoch
        self.begun = {
            "environment": environment,
            "normalization": {"mean": event.mean, "std": event.std},
            "total_steps": event.total_steps,
            "message": "",
            "data": self.record.data.changed(
                fingerprint=self.data.fingerprint,
                train_images=event.train_images,
                val_images=event.val_images,
                test_images=len(self.data.test),
            ).model_dump(),
        }
        store.update_run(self.record.id, **self.begun)

    def _come_back(self) -> bool:
        """Put the run into the store again where that was deleted; whether it was."""
        try:
            store.get_record(self.record.id)
        except RunNotFoundError:
            store.add_run(self.record.changed(status="running", **self.begun))
            self._write_settings()
            return True
        return False

    def _write_history(self, *, last: bool = False) -> None:
        """Write the history; if the store is busy, next time. The `last` write must succeed."""
        columns = _columns(self.epochs[-1]) if self.epochs else {}
        if self.steps:
            columns |= {
                "step": self.steps[-1].step,
                "train_loss": self.steps[-1].loss,
                "images_per_second": self.speed.images_per_second,
            }
        self.last_write = time.monotonic()
        if self.epochs:
            self.last_epoch = self.last_write
        elif not self.steps:
            return
        try:
            if self.unsure:
                self._leave_out_what_was_written()
            store.append_history(self.record.id, self.steps, self.epochs, **columns)
        except StoreError:
            self.unsure = True
            if last:
                raise
            return
        self.steps, self.epochs, self.unsure = [], [], False

    def _leave_out_what_was_written(self) -> None:
        """After a failed write: its connection may have been lost when the store had it already."""
        step, epoch = store.last_written(self.record.id)
        self.steps = [window for window in self.steps if window.step > step]
        self.epochs = [each for each in self.epochs if each.epoch > epoch]

    def _write_weights(self, epoch: float | None = None) -> None:
        """Save the weights, unless some are not finite: they would replace good ones."""
        classical = fitted_module(self.model)
        if classical is not None and not classical.fitted:
            return  # nothing was learnt yet
        state = self.model.state_dict()
        if is_finite(state.values()):
            lease.check(self.record.id)
            files.write_tensors(self.folder / run_folder.WEIGHTS, state)
            self.saved_epoch = epoch

    @patient()
    def _finish(self, event: Finished) -> None:
        self._withdraw(self.diagnostics.withdrawn)
        with contextlib.suppress(StoreError):
            self._come_back()
        repeatable(self._write_history)(last=True)  # which leaves out what the store has already
        epoch = event.kept_epoch
        if event.reason == "diverged":
            epoch = self._go_back() or epoch
        else:
            self._save_state()
        self._write_weights(epoch)
        gave_way = event.reason == "paused" and self.control.gave_way
        columns = {
            # who gave way runs for others until its process has let go of it: see `jobs.worker`
            "status": "running" if gave_way else _ENDS[event.reason],
            "ended": time.time(),
            "epochs_done": event.epochs,
            "step": event.step,
            "best_epoch": event.best_epoch,
            "kept_epoch": self.saved_epoch,
            "train_seconds": event.train_seconds,
            "message": self.control.note or _explain_end(event, self.saved_epoch),
        }
        classical = fitted_module(self.model)
        if classical is not None:
            columns["parameters"] = classical.numbers
        if event.reason in ("stopped", "paused"):  # at once: evaluating them takes a while
            store.update_run(self.record.id, **columns)
            columns = {}  # it may have been resumed when they are evaluated
        else:
            self.tell("Evaluating the test images …")
        if self.saved_epoch == epoch and event.reason != "paused":
            columns |= self._write_predictions()
        self._write_files(store.get_record(self.record.id).model_copy(update=columns))
        if not gave_way:  # else it is this process's until it waits again
            store.end_run(self.record.id, **columns)

    def _go_back(self) -> float | None:
        """Load the weights of the last checkpoint into the model; their epoch."""
        state = checkpoints.load_state(self.record.id)
        if state is None:
            return None
        self.model.load_state_dict(state.weights)
        return state.step / max(self.steps_per_epoch, 1)

    def _write_files(self, record: RunRecord) -> None:
        """Write the record and its history to the folder, from which a lost store is rebuilt."""
        self.last_files = time.monotonic()
        steps, epochs = store.read_history(self.record.id)
        files.write_json(self.folder / run_folder.HISTORY, {"steps": steps, "epochs": epochs})
        self._tell_unsent(run_folder.write_record(record))

    def _tell_unsent(self, reason: str) -> None:
        """Say that files are on this machine alone, as long as the bucket cannot be written."""
        warnings = [notice for notice in self.notices if notice.startswith(storage.ALONE)]
        if reason and not warnings:
            self._warn([f"{storage.ALONE} {platform.node()}. {reason}"])
        elif warnings and not reason:
            self._withdraw(set(warnings))

    def _write_predictions(self) -> dict[str, float]:
        """Save what the network says on the held-out splits; their losses and accuracies."""
        tensors, columns = predict_splits(self.model, self.data, self.normalization, self.config)
        lease.check(self.record.id)
        files.write_tensors(self.folder / run_folder.PREDICTIONS, tensors)
        return columns


def _columns(event: EpochDone) -> dict[str, object]:
    return {
        "epochs_done": event.epoch,
        "train_accuracy": event.train_accuracy,
        "val_loss": event.val_loss,
        "val_accuracy": event.val_accuracy,
    }


def is_finite(tensors: Iterable[torch.Tensor]) -> bool:
    """Whether every value is a number."""
    return all(bool(value.isfinite().all()) for value in tensors)


def _explain_end(event: Finished, epoch: float | None) -> str:
    if event.reason == "diverged":
        back = f" The weights of epoch {epoch:.4g} are kept." if epoch else ""
        return (
            "The loss is no longer a finite number, so training was stopped. The usual cause is a "
            "learning rate that is too high: try a tenth of it, or clip the gradient. Others are "
            f"inputs that are not normalised and divisions by almost nothing.{back}"
        )
    if event.reason == "early-stopped":
        return f"Stopped early: no better validation accuracy since epoch {event.best_epoch}."
    return event.note
