"""The training loop: a generator of events over tensors that are already on the device.

No per-sample Python: a batch is an index into the uint8 images, normalised as it is used. Losses
are collected on the device and read once a window, so that a GPU is never waited for each step.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import torch
import torch.nn.functional as F

from digitlab.data.dataset import Dataset, Split
from digitlab.errors import ConfigError
from digitlab.training.augment import augment
from digitlab.training.config import TrainConfig
from digitlab.training.devices import pick_device
from digitlab.training.events import EpochDone, Event, Finished, Reason, Started, StepsDone
from digitlab.training.normalize import make_normalization
from digitlab.training.optim import make_optimizer, make_schedule
from digitlab.training.predict import BATCH, predict_logits

WINDOWS = 1500  # at most so many StepsDone in a run, however long it is, and one an epoch


def never() -> bool:
    """A `should_stop` for trainings that nobody stops."""
    return False


def train_events(
    model: torch.nn.Module,
    data: Dataset,
    config: TrainConfig,
    should_stop: Callable[[], bool] = never,
) -> Iterator[Event]:
    """Train `model` in place and yield what happens; the same seed gives the same weights.

    `should_stop` is asked after every step; a stopped training keeps what was learnt so far. The
    model is moved to the recipe's device and stays there. Raises ConfigError where the device is
    not there, or where batch normalisation meets batches of one.

    Order and augmentation have generators of their own; dropout draws from PyTorch's global one,
    which is seeded here and is not put back. Weights are bit-equal on one machine with the same
    versions and number of threads, as long as nobody else draws from it between the events.
    """
    loop = _Loop(model, data, config)
    yield loop.started()
    reason: Reason = "completed"
    for epoch in range(1, config.epochs + 1):
        interruption = yield from loop.run_epoch(epoch, should_stop)
        if interruption:
            reason = interruption
            break
        yield loop.finish_epoch(epoch, should_stop)
        if loop.waited_too_long(epoch):
            reason = "early-stopped"
            break
    yield loop.finished(reason)


@dataclass
class _Window:
    """Losses of the steps since the last StepsDone, still on the device."""

    losses: list[torch.Tensor] = field(default_factory=list)
    images: int = 0
    began: float = field(default_factory=time.perf_counter)


class _Loop:
    """The state of one training."""

    def __init__(self, model: torch.nn.Module, data: Dataset, config: TrainConfig) -> None:
        self.config = config
        self.device = pick_device(config.device)
        torch.manual_seed(config.seed)  # dropout draws from the global generator
        self.shuffle = torch.Generator().manual_seed(config.seed)
        self.chance = torch.Generator().manual_seed(config.seed + 1)
        self.model = model.to(self.device).train()
        self.images = data.train.images.to(self.device)
        self.labels = data.train.labels.to(self.device)
        self.val = _to_device(data.val, self.device)
        self.normalization = make_normalization(config.normalization, data.train.images)
        self.steps_per_epoch = len(_batches(self.labels, config.batch_size))
        self.total_steps = self.steps_per_epoch * config.epochs
        windows = max(1, WINDOWS // config.epochs)  # in each epoch, at whose end one closes
        self.window_steps = math.ceil(self.steps_per_epoch / windows)
        self.optimizer = make_optimizer(self.model, config)
        self.schedule = make_schedule(config, self.steps_per_epoch)
        self.step = 0
        self.seconds = 0.0
        self.learning_rate = self.schedule(0)
        self.best: tuple[float, float, int] | None = None  # accuracy, −loss, epoch
        self.best_weights: dict[str, torch.Tensor] | None = None
        self.epochs_done = 0

    def started(self) -> Started:
        return Started(
            device=str(self.device),
            train_images=len(self.labels),
            val_images=len(self.val),
            steps_per_epoch=self.steps_per_epoch,
            total_steps=self.total_steps,
            mean=self.normalization.mean,
            std=self.normalization.std,
        )

    def run_epoch(
        self, epoch: int, should_stop: Callable[[], bool]
    ) -> Iterator[Event]:  # returns the reason to end early, or None
        began = time.perf_counter()
        order = torch.randperm(len(self.labels), generator=self.shuffle).to(self.device)
        self.loss_sum = torch.zeros((), device=self.device)
        self.correct = torch.zeros((), dtype=torch.int64, device=self.device)
        self.seen = 0
        window = _Window()
        interruption: Reason | None = None
        batches = _batches(order, self.config.batch_size)
        for number, rows in enumerate(batches, 1):
            grad_norm = self._take_step(rows, window)
            stop = should_stop()
            if len(window.losses) >= self.window_steps or stop or number == len(batches):
                done = self._close(window, epoch - 1 + number / len(batches), grad_norm)
                paused = time.perf_counter()
                yield done  # what is done with it is no part of the training's time
                began += time.perf_counter() - paused
                window = _Window()
                if not math.isfinite(done.loss):
                    interruption = "diverged"
                    break
            if stop:
                interruption = "stopped"
                break
        self.epoch_seconds = time.perf_counter() - began
        self.seconds += self.epoch_seconds
        return interruption

    def _take_step(self, rows: torch.Tensor, window: _Window) -> torch.Tensor | None:
        images, labels = self.images[rows], self.labels[rows]
        inputs = self._prepare(images)
        self.learning_rate = self.schedule(self.step)
        for group in self.optimizer.param_groups:
            group["lr"] = self.learning_rate
        self.optimizer.zero_grad(set_to_none=True)
        logits = self._forward(inputs)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.config.label_smoothing)
        loss.backward()
        self.step += 1
        norm = self._clip(len(window.losses) + 1 >= self.window_steps)
        self.optimizer.step()
        detached = loss.detach()
        window.losses.append(detached)
        window.images += len(rows)
        self.seen += len(rows)
        self.loss_sum += detached * len(rows)
        self.correct += (logits.detach().argmax(1) == labels).sum()
        return norm

    def _forward(self, inputs: torch.Tensor) -> torch.Tensor:
        try:
            return self.model(inputs)
        except ValueError as e:
            if "more than 1 value per channel" not in str(e):
                raise
            raise ConfigError(
                f"batch_size: batch normalisation learns from several images at once, but a batch "
                f"holds {len(inputs)}; use at least 2.",
                field="batch_size",
            ) from e

    def _prepare(self, images: torch.Tensor) -> torch.Tensor:
        if self.config.augmentation.active:
            images = augment(images.float(), self.config.augmentation, self.chance)
        return self.normalization(images)

    def _clip(self, wanted: bool) -> torch.Tensor | None:
        """Clip the gradient where the recipe says so; its norm where it was computed or wanted."""
        limit = self.config.gradient_clip
        if limit is None and not wanted:
            return None
        return torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit or math.inf)

    def _close(self, window: _Window, epoch: float, norm: torch.Tensor | None) -> StepsDone:
        losses = torch.stack(window.losses)
        mean, low, high = torch.stack([losses.mean(), losses.min(), losses.max()]).tolist()
        elapsed = max(time.perf_counter() - window.began, 1e-9)
        return StepsDone(
            step=self.step,
            epoch=epoch,
            loss=mean,
            loss_min=low,
            loss_max=high,
            learning_rate=self.learning_rate,
            grad_norm=None if norm is None else float(norm),
            images_per_second=window.images / elapsed,
        )

    def finish_epoch(self, epoch: int, should_stop: Callable[[], bool] = never) -> EpochDone:
        """Validate, remember the best, and say how the epoch went."""
        self.epochs_done = epoch
        val_loss, val_accuracy = self._validate(should_stop)
        best = val_accuracy is not None and (
            self.best is None or (val_accuracy, -val_loss) > self.best[:2]
        )
        if best:
            self.best = (val_accuracy, -val_loss, epoch)
            if self.config.keep == "best":
                state = self.model.state_dict()
                self.best_weights = {name: value.clone() for name, value in state.items()}
        return EpochDone(
            epoch=epoch,
            step=self.step,
            train_loss=float(self.loss_sum) / self.seen,
            train_accuracy=int(self.correct) / self.seen,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=self.learning_rate,
            seconds=self.epoch_seconds,
            best=best,
        )

    def _validate(self, should_stop: Callable[[], bool]) -> tuple[float | None, float | None]:
        """Loss and accuracy; none where there is nothing to validate on, or no time left to."""
        parts = []
        for images in self.val.images.split(BATCH) if len(self.val) else ():
            if parts and should_stop():
                return None, None
            parts.append(predict_logits(self.model, images, self.normalization))
        if not parts:
            return None, None
        logits = torch.cat(parts)
        labels = self.val.labels.cpu()
        loss = float(F.cross_entropy(logits, labels))
        return loss, int((logits.argmax(1) == labels).sum()) / len(labels)

    def waited_too_long(self, epoch: int) -> bool:
        """Whether early stopping ends the run after this epoch."""
        patience = self.config.early_stopping
        return bool(patience and self.best and epoch - self.best[2] >= patience)

    def finished(self, reason: Reason) -> Finished:
        kept = self.step / self.steps_per_epoch
        if self.best_weights is not None and self.best:
            self.model.load_state_dict(self.best_weights)
            kept = float(self.best[2])
        return Finished(
            reason=reason,
            epochs=self.epochs_done,
            step=self.step,
            best_epoch=self.best[2] if self.best else None,
            kept_epoch=kept,
            train_seconds=self.seconds,
        )


def _to_device(split: Split, device: torch.device) -> Split:
    return Split(split.name, split.images.to(device), split.labels.to(device), split.indices)


def _batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Batches of `size`; a single image left over is dropped, as batch norm needs two."""
    batches = list(order.split(size))
    left_over = size > 1 and len(batches) > 1 and len(batches[-1]) == 1
    return batches[:-1] if left_over else batches
