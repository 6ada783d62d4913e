"""The training loop: a generator of events over tensors that are already on the device.

No per-sample Python: a batch is an index into the uint8 images, normalised as it is used. Losses
and answers stay on the device and are read once a window, so that no step waits for a GPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F

from digitlab.data.dataset import Dataset
from digitlab.errors import ConfigError
from digitlab.training.augment import augment
from digitlab.training.compute import choose_compute
from digitlab.training.config import TrainConfig
from digitlab.training.ema import Average
from digitlab.training.events import (
    EpochDone,
    Event,
    Finished,
    Reason,
    Saveable,
    Snapshot,
    Started,
    StepsDone,
    Wish,
)
from digitlab.training.normalize import make_normalization
from digitlab.training.optim import make_optimizer, make_schedule, make_step
from digitlab.training.snapshot import Observer
from digitlab.training.state import TrainState, put_state, take_state
from digitlab.training.tensors import Tensors
from digitlab.training.validation import Judge
from digitlab.training.window import Window, window_steps


def never() -> Wish | None:
    """What to ask of a training that nobody interrupts."""
    return None


def train_events(
    model: torch.nn.Module,
    data: Dataset,
    config: TrainConfig,
    ask: Callable[[], Wish | None] = never,
) -> Iterator[Event]:
    """Train `model` in place and yield what happens; the same seed gives the same weights.

    `ask` is called after every step and may wish for something; a stopped training keeps what was
    learnt so far. The model is moved to the recipe's device and stays there. Raises ConfigError
    where the device is not there, or where batch normalisation meets batches of one.

    Order and augmentation have generators of their own; dropout draws from PyTorch's global one,
    which is seeded here and is not put back. Weights are bit-equal on one machine with the same
    versions and number of threads, as long as nobody else draws from it between the events.
    """
    yield from Training(model, data, config).events(ask)


class Training:
    """One training, from its beginning or from a saved state, which must be of the same recipe.

    `state()` may be called whenever `events` has yielded one.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        data: Dataset,
        config: TrainConfig,
        state: TrainState | None = None,
    ) -> None:
        self.config, data = config, config.take_subset(data)
        self.compute = choose_compute(model, data.train.images.shape[1:], config)
        self.device = torch.device(self.compute.device)
        self.model = self.compute.place(model).train()
        self.forward = self.compute.compile(self.model)
        torch.manual_seed(config.seed)  # dropout draws from the global generator
        self.shuffle = torch.Generator().manual_seed(config.seed)
        self.chance = torch.Generator(self.device).manual_seed(config.seed + 1)
        self.images = data.train.images.to(self.device)
        self.labels = data.train.labels.to(self.device)
        self.val = data.val.to(self.device)
        self.test = data.test.to(self.device) if config.test_curve else None
        self.augments = config.augmentation.active
        self.normalization = make_normalization(config.normalization, data.train.images)
        self.steps_per_epoch = len(_batches(self.labels, config.batch_size))
        self.total_steps = self.steps_per_epoch * config.epochs
        self.window_steps = window_steps(self.steps_per_epoch, config.epochs)
        self.optimizer = make_optimizer(self.model, config)
        self.parameters = [p for g in self.optimizer.param_groups for p in g["params"]]
        self.schedule = make_schedule(config, self.steps_per_epoch)
        self.average = Average(self.model, config.average) if config.average else None
        self.judge = Judge(self.model, self.normalization, self.compute, self.average)
        self.observer = Observer(self.val if len(self.val) else data.train)
        self.final_state: TrainState | None = None  # once the model has the weights to keep
        self.step = self.epochs_done = self.batch = self.seen = self.correct = 0
        self.seconds = self.epoch_seconds = self.loss_sum = 0.0
        self.learning_rate = math.nan
        self.best: tuple[float, float, int] | None = None  # accuracy, −loss, epoch
        self.best_weights: Tensors | None = None
        self.window = Window()
        self.order_state = self.shuffle.get_state()  # before the present epoch's permutation
        if state:
            put_state(self, state)
            self._set_rate(self.schedule(max(0, self.step - 1)))  # an epoch may be all but ended
        self.optimize = make_step(self.optimizer)

    def events(self, ask: Callable[[], Wish | None] = never) -> Iterator[Event]:
        """Train, and yield what happens."""
        with self.compute.in_force(self.model):
            yield self._started()
            reason: Reason = "completed"
            for epoch in range(self.epochs_done + 1, self.config.epochs + 1):
                interruption = yield from self._run_epoch(epoch, ask)
                if interruption:
                    reason = interruption
                    break
                yield self._finish_epoch(epoch, ask)
                yield from self._look(epoch, at_an_end=True)
                if self._waited_too_long(epoch):
                    reason = "early-stopped"
                    break
            yield self._finished(reason)

    def _started(self) -> Started:
        return Started(
            device=self.compute.device,
            train_images=len(self.labels),
            val_images=len(self.val),
            steps_per_epoch=self.steps_per_epoch,
            total_steps=self.total_steps,
            mean=self.normalization.mean,
            std=self.normalization.std,
            compute=self.compute.to_dict(),
        )

    def _run_epoch(
        self, epoch: int, ask: Callable[[], Wish | None]
    ) -> Iterator[Event]:  # returns the reason to end early, or None
        began = time.perf_counter()
        self.shuffle.set_state(self.order_state)
        order = torch.randperm(len(self.labels), generator=self.shuffle).to(self.device)
        batches = _batches(order, self.config.batch_size)
        for rows in batches[self.batch :]:
            norm = self._take_step(rows)
            wish = ask()
            full = len(self.window) >= self.window_steps or self.batch == len(batches)
            if full or wish:  # what is done with an event is no part of the training's time
                self.epoch_seconds += time.perf_counter() - began
                if full or wish == "stop":  # a pause leaves its window open, to be gone on with
                    done = self._close_window(epoch - 1 + self.batch / len(batches), norm)
                    yield done
                    if not math.isfinite(done.loss):
                        return "diverged"
                    yield from self._look(done.epoch)
                if wish == "save":
                    yield Saveable(self.step)
                elif wish:
                    return "stopped" if wish == "stop" else "paused"
                began = time.perf_counter()
        self.epoch_seconds += time.perf_counter() - began
        return None

    def _take_step(self, rows: torch.Tensor) -> torch.Tensor | None:
        labels = self.labels.index_select(0, rows)
        inputs = self._prepare(self.images.index_select(0, rows))
        self._set_rate(self.schedule(self.step))
        for parameter in self.parameters:  # what zero_grad does, without its bookkeeping
            parameter.grad = None
        logits = self._forward(inputs)
        loss = F.cross_entropy(logits, labels, label_smoothing=self.config.label_smoothing)
        loss.backward()
        self.step, self.batch = self.step + 1, self.batch + 1
        norm = self._clip(len(self.window) + 1 >= self.window_steps)
        self.optimize()
        if self.average:
            self.average.update()
        self.window.note(loss.detach(), logits.detach(), labels)
        return norm

    def _set_rate(self, rate: float) -> None:
        if rate != self.learning_rate:
            self.learning_rate = rate
            for group in self.optimizer.param_groups:
                group["lr"] = rate

    def _forward(self, inputs: torch.Tensor) -> torch.Tensor:
        try:
            with self.compute.casting():
                return self.forward(inputs).float()
        except ValueError as e:
            if "more than 1 value per channel" not in str(e):
                raise
            raise ConfigError(
                f"batch_size: batch normalisation learns from several images at once, but a batch "
                f"holds {len(inputs)}; use at least 2.",
                field="batch_size",
            ) from e

    def _prepare(self, images: torch.Tensor) -> torch.Tensor:
        if self.augments:
            images = augment(images.float(), self.config.augmentation, self.chance)
        return self.normalization(images)

    def _clip(self, wanted: bool) -> torch.Tensor | None:
        """Clip the gradient where the recipe says so; its norm where it was computed or wanted."""
        limit = self.config.gradient_clip
        if limit is None and not wanted:
            return None
        return torch.nn.utils.clip_grad_norm_(self.model.parameters(), limit or math.inf)

    def _close_window(self, epoch: float, norm: torch.Tensor | None) -> StepsDone:
        window, self.window = self.window, Window()
        done = window.close(self.step, epoch, self.learning_rate, norm)
        self.seen += window.images
        self.loss_sum += window.loss_sum
        self.correct += window.correct
        return done

    def _finish_epoch(self, epoch: int, ask: Callable[[], Wish | None]) -> EpochDone:
        """Validate, remember the best, and say how the epoch went."""
        self.epochs_done, self.batch = epoch, 0
        self.order_state = self.shuffle.get_state()
        val_loss, val_accuracy = self.judge.measure(self.val, ask)
        test_loss, test_accuracy = self.judge.measure(self.test, ask)
        best = self._is_best(epoch, val_loss, val_accuracy)
        done = EpochDone(
            epoch=epoch,
            step=self.step,
            train_loss=self.loss_sum / self.seen,
            train_accuracy=self.correct / self.seen,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=self.learning_rate,
            seconds=self.epoch_seconds,
            best=best,
            test_loss=test_loss,
            test_accuracy=test_accuracy,
        )
        self.seconds += self.epoch_seconds
        self.seen = self.correct = self.loss_sum = self.epoch_seconds = 0
        return done

    def _is_best(self, epoch: int, loss: float | None, accuracy: float | None) -> bool:
        if accuracy is None or (self.best and (accuracy, -loss) <= self.best[:2]):
            return False
        self.best = (accuracy, -loss, epoch)
        if self.config.keep == "best":
            self.best_weights = {name: value.clone() for name, value in self._weights().items()}
        return True

    def _weights(self) -> Tensors:
        """What the run would end with now: the network's state, averaged where it is."""
        return {**self.model.state_dict(), **(self.average.values if self.average else {})}

    def _look(self, epoch: float, *, at_an_end: bool = False) -> Iterator[Snapshot]:
        """A look at the network, where one is due."""
        last = at_an_end and epoch == self.config.epochs
        if last or self.observer.is_due(at_an_end=at_an_end):
            yield self.observer.look(self.model, self.judge.answer, self.step, epoch)

    def _waited_too_long(self, epoch: int) -> bool:
        """Whether early stopping ends the run after this epoch."""
        patience = self.config.early_stopping
        return bool(patience and self.best and epoch - self.best[2] >= patience)

    def _finished(self, reason: Reason) -> Finished:
        """The weights that the recipe keeps are put into the model; nothing is trained after."""
        self.final_state, kept = self.state(), self.step / self.steps_per_epoch
        if self.best_weights is not None and self.best:
            self.model.load_state_dict(self.best_weights)
            kept = float(self.best[2])
        elif self.average:
            self.model.load_state_dict(self._weights())
        return Finished(
            reason=reason,
            epochs=self.epochs_done,
            step=self.step,
            best_epoch=self.best[2] if self.best else None,
            kept_epoch=kept,
            train_seconds=self.seconds + self.epoch_seconds,
        )

    def state(self) -> TrainState:
        """Everything needed to go on from here, whatever happens to this process."""
        return self.final_state or take_state(self)


def _batches(order: torch.Tensor, size: int) -> list[torch.Tensor]:
    """Batches of `size`; a single image left over is dropped, as batch norm needs two."""
    batches = list(order.split(size))
    left_over = size > 1 and len(batches) > 1 and len(batches[-1]) == 1
    return batches[:-1] if left_over else batches
