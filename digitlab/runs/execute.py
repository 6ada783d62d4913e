"""Carrying out a run: the events of a training are written down as they come."""

from __future__ import annotations

import contextlib
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING

import torch

from digitlab.data.load import load_dataset
from digitlab.errors import DigitlabError, RunError
from digitlab.evaluation.metrics import evaluate_logits
from digitlab.models.build import build
from digitlab.models.spec import ModelSpec
from digitlab.runs import artifacts, store
from digitlab.runs.record import RunRecord, Status
from digitlab.runs.run import Run
from digitlab.runs.speed import Speed
from digitlab.training.config import TrainConfig
from digitlab.training.devices import describe_machine
from digitlab.training.engine import train_events
from digitlab.training.events import EpochDone, Event, Finished, Started, StepsDone
from digitlab.training.normalize import Normalization
from digitlab.training.predict import predict_logits

if TYPE_CHECKING:
    from digitlab.data.dataset import Dataset

WRITE_SECONDS = 0.5  # how often steps reach the store: pages look once a second
WEIGHTS_SECONDS = 5.0  # how often an epoch's weights are saved, so that a killed run has some
STOP_SECONDS = 0.1  # how often a wish to stop is looked for

_ENDS: dict[str, Status] = {
    "completed": "finished",
    "early-stopped": "finished",
    "stopped": "stopped",
    "diverged": "failed",
}


class StopSwitch:
    """Answers whether a run should stop: on a stop file, a signal, or a call of `press`."""

    def __init__(self, run_id: str) -> None:
        self._file = artifacts.stop_file(run_id)
        self._pressed = False
        self.signalled = False  # so that a worker begins no other run
        self._next_look = 0.0

    def press(self, *_: object) -> None:
        self._pressed = True

    def __call__(self) -> bool:
        now = time.monotonic()
        if not self._pressed and now >= self._next_look:
            self._next_look = now + STOP_SECONDS
            self._pressed = self._file.exists()
        return self._pressed

    @contextlib.contextmanager
    def on_signals(self) -> Iterator[None]:
        """While this lasts, Ctrl-C and a termination request stop the run cleanly.

        A second Ctrl-C interrupts at once. Outside the main thread nothing changes.
        """
        if threading.current_thread() is not threading.main_thread():
            yield
            return
        before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}

        def stop_or_interrupt(*_: object) -> None:
            if self.signalled:
                raise KeyboardInterrupt
            self.signalled = True
            self.press()

        for number in before:
            signal.signal(number, stop_or_interrupt)
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def execute(
    record: RunRecord,
    data: Dataset | None = None,
    on_event: Callable[[Event], None] | None = None,
    switch: StopSwitch | None = None,
) -> Run:
    """Carry out a run that is marked as running, to its end, and return it.

    The caller holds the run's lock, so that others can see that it lives. Whatever happens is
    written down: a failure ends the run as `failed` with its reason, and is raised again.
    """
    switch = switch or StopSwitch(record.id)
    try:
        with switch.on_signals():
            _Recorder(record, data, switch, on_event).carry_out()
    except KeyboardInterrupt:
        _fail(record, "interrupted", "Interrupted before its results were saved.")
        raise
    except DigitlabError as e:
        _fail(record, "failed", str(e))
        raise
    except Exception as e:
        _fail(record, "failed", _describe(e))
        if _is_out_of_memory(e):
            raise RunError(_describe(e), run_id=record.id) from e
        raise
    return Run(store.get_record(record.id))


def _fail(record: RunRecord, status: Status, message: str) -> None:
    # Each on its own and without complaint: the first error is the one to report.
    with contextlib.suppress(DigitlabError):
        store.update_run(record.id, status=status, message=message, ended=time.time())
    with contextlib.suppress(DigitlabError):
        artifacts.write_atomically(
            artifacts.run_folder(record.id) / artifacts.ERROR, traceback.format_exc()
        )


def _describe(e: Exception) -> str:
    first = (str(e).strip() or type(e).__name__).splitlines()[0][:300]
    if _is_out_of_memory(e):
        return f"The device ran out of memory ({first}). Use a smaller batch or network."
    return f"{type(e).__name__}: {first}"


def _is_out_of_memory(e: Exception) -> bool:
    text = str(e).lower()  # a GPU says the first, PyTorch on the CPU the second
    return isinstance(e, MemoryError) or "out of memory" in text or "allocate memory" in text


class _Recorder:
    """Writes one training down."""

    def __init__(
        self,
        record: RunRecord,
        data: Dataset | None,
        switch: StopSwitch,
        on_event: Callable[[Event], None] | None,
    ) -> None:
        self.record = record
        self.data = data
        self.switch = switch
        self.on_event = on_event
        self.folder = artifacts.run_folder(record.id)
        self.spec = ModelSpec.from_dict(record.spec)
        self.config = TrainConfig.from_dict(record.config)
        self.steps: list[StepsDone] = []
        self.epochs: list[EpochDone] = []
        self.last_write = 0.0
        self.speed = Speed()
        self.last_weights = time.monotonic()

    def carry_out(self) -> None:
        split = self.record.data
        data = self.data or load_dataset(self.record.dataset)
        self.data = data.resplit(split["val_fraction"], split["split_seed"])
        self._write_settings()
        self.model = build(self.spec, seed=self.config.seed)
        for event in train_events(self.model, self.data, self.config, self.switch):
            self._note(event)
            if self.on_event:
                self.on_event(event)

    def _write_settings(self) -> None:
        artifacts.write_atomically(self.folder / artifacts.SPEC, self.spec.to_yaml())
        artifacts.write_json(self.folder / artifacts.CONFIG, self.config.model_dump())

    def _note(self, event: Event) -> None:
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
                self._write_weights()
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

    def _write_history(self, **columns: object) -> None:
        if self.steps:
            last = self.steps[-1]
            columns = {
                "step": last.step,
                "train_loss": last.loss,
                "images_per_second": self.speed.images_per_second,
                **columns,
            }
        if self.steps or self.epochs:
            store.append_history(self.record.id, self.steps, self.epochs, **columns)
        self.steps, self.epochs = [], []
        self.last_write = time.monotonic()

    def _write_weights(self) -> None:
        artifacts.write_tensors(self.folder / artifacts.WEIGHTS, self.model.state_dict())
        self.last_weights = time.monotonic()

    def _finish(self, event: Finished) -> None:
        self._write_history()
        results = {}
        if event.reason != "diverged":  # weights that are not numbers would replace good ones
            self._write_weights()
            results = self._write_predictions()
        columns = {
            "status": _ENDS[event.reason],
            "ended": time.time(),
            "epochs_done": event.epochs,
            "step": event.step,
            "best_epoch": event.best_epoch,
            "kept_epoch": event.kept_epoch,
            "train_seconds": event.train_seconds,
            "message": _explain_end(event),
            **results,
        }
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
