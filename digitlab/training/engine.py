"""The training loop: a generator of events over tensors that are already on the device.

There is no Python per sample: a batch is an index into the uint8 images, which are normalised when
they are used. Losses and logits stay on the device and are read once per window of steps, so that
no step waits for a GPU.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict

import torch

from digitlab.data.dataset import Dataset
from digitlab.errors import ConfigError
from digitlab.training.augment import augment_twice
from digitlab.training.batch_norm import shared_statistics
from digitlab.training.compute import choose_compute
from digitlab.training.config import TrainConfig
from digitlab.training.ema import EMA
from digitlab.training.events import (
    EpochDone,
    Event,
    Finished,
    Reason,
    Request,
    Saveable,
    Snapshot,
    Started,
    StepsDone,
)
from digitlab.training.normalize import Normalization, make_normalization
from digitlab.training.optim import make_optimizer, make_schedule, make_step
from digitlab.training.ranks import ALONE, Ranks
from digitlab.training.snapshot import Snapshots
from digitlab.training.state import (
    Progress,
    TrainState,
    pack_optimizer,
    random_states,
    set_random_states,
    unpack_optimizer,
)
from digitlab.training.step import batch_loss, clip_gradient, make_batches
from digitlab.training.tensors import Tensors, named, part
from digitlab.training.validation import Validator
from digitlab.training.window import Window, window_steps


def never() -> Request | None:
    """The default for `ask`: nobody interrupts the training."""
    return None


def train_events(
    model: torch.nn.Module,
    data: Dataset,
    config: TrainConfig,
    ask: Callable[[], Request | None] = never,
) -> Iterator[Event]:
    """Train `model` in place and yield the events of the training.

    `ask` is called after every step and may return "stop", "pause" or "save"; a stopped training
    keeps the weights that it has. The model is moved to the recipe's device and stays there.
    Raises ConfigError if the device is not available or if batch normalisation gets batches of one
    image.

    Shuffling and augmentation have generators of their own; dropout uses PyTorch's global one,
    which is seeded here and not restored. The same seed gives the same weights, bit for bit, on
    the same machine with the same versions and number of threads, as long as nothing else draws
    from the global generator between the events.
    """
    yield from Training(model, data, config).events(ask)


class Training:
    """A training from the beginning, or resumed from a `state`, which must be of the same recipe.

    Images are normalised as the recipe says, unless a `normalization` is given. On several devices
    each of the `ranks` is such a training. `state()` may be called whenever `events()` has yielded
    an event.
    """

    def __init__(
        self,
        model: torch.nn.Module,
        data: Dataset,
        config: TrainConfig,
        state: TrainState | None = None,
        normalization: Normalization | None = None,
        ranks: Ranks = ALONE,
    ) -> None:
        self.config, data, self.ranks = config, config.take_subset(data), ranks
        self.compute = choose_compute(model, data.train.images.shape[1:], config, ranks)
        self.device = torch.device(self.compute.device)
        self.model = self.compute.to_device(model).train()
        wrapped = ranks.wrap(self.model, self.device, compiled=self.compute.compiled)
        self.forward = self.compute.compile(wrapped)
        torch.manual_seed(config.seed)  # dropout draws from the global generator
        self.shuffle = torch.Generator().manual_seed(config.seed)
        self.generator = torch.Generator(self.device).manual_seed(config.seed + 1)
        self.images = data.train.images.to(self.device)
        self.labels = data.train.labels.to(self.device)
        self.val = data.val.to(self.device)
        self.test = data.test.to(self.device) if config.test_curve else None
        self.augments = config.augmentation.active
        self.normalization = normalization or make_normalization(
            config.normalization, data.train.images
        )
        self.steps_per_epoch = len(make_batches(self.labels, config.batch_size))
        self.total_steps = self.steps_per_epoch * config.epochs
        self.window_steps = window_steps(self.steps_per_epoch, config.epochs)
        self.optimizer = make_optimizer(self.model, config)
        self.parameters = [p for p in self.model.parameters() if p.requires_grad]
        self.schedule = make_schedule(config, self.steps_per_epoch)
        self.ema = EMA(self.model, config.average) if config.average else None
        self.validator = Validator(self.model, self.normalization, self.compute, self.ema, config)
        self.snapshots = Snapshots(
            self.val if len(self.val) else data.train, reconstructs=config.task == "reconstruct"
        )
        self.final_state: TrainState | None = None  # set once the model has its final weights
        self.progress = Progress()
        self.learning_rate = math.nan
        self.best_weights: Tensors | None = None
        self.window = Window()
        self.order_state = self.shuffle.get_state()  # before the current epoch's permutation
        if state:
            self._restore(state)
        self.optimize = make_step(self.optimizer)

    def events(self, ask: Callable[[], Request | None] = never) -> Iterator[Event]:
        """Train and yield the events; see `train_events`."""
        with self.compute.applied(self.model), shared_statistics(self.model, self.ranks):
            yield self._started()
            reason: Reason = "completed"
            for epoch in range(self.progress.epochs_done + 1, self.config.epochs + 1):
                interruption = yield from self._run_epoch(epoch, ask)
                if interruption:
                    reason = interruption
                    break
                yield self._finish_epoch(epoch, ask)
                yield from self._take_snapshot(epoch, epoch_end=True)
                if self.ranks.agree(lambda: "stop" if self._stops_early(epoch) else None):  # noqa: B023
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
        self, epoch: int, ask: Callable[[], Request | None]
    ) -> Iterator[Event]:  # returns the reason to end early, or None
        progress, began = self.progress, time.perf_counter()
        self.shuffle.set_state(self.order_state)
        order = torch.randperm(len(self.labels), generator=self.shuffle).to(self.device)
        batches = make_batches(order, self.config.batch_size)
        for rows in batches[progress.batch :]:
            norm = self._take_step(rows)
            request = self.ranks.agree(ask)
            full = len(self.window) >= self.window_steps or progress.batch == len(batches)
            if full or request:  # the time that a caller spends on an event is not counted
                progress.epoch_seconds += time.perf_counter() - began
                # A paused window stays open, but of several ranks each has only its part of it.
                if full or request == "stop" or self.ranks.size > 1:
                    done = self._close_window(epoch - 1 + progress.batch / len(batches), norm)
                    yield done
                    if not math.isfinite(done.loss):
                        return "diverged"
                    yield from self._take_snapshot(done.epoch)
                if request == "save":
                    yield Saveable(progress.step)
                elif request:
                    return "stopped" if request == "stop" else "paused"
                began = time.perf_counter()
        progress.epoch_seconds += time.perf_counter() - began
        return None

    def _take_step(self, rows: torch.Tensor) -> torch.Tensor | None:
        labels = self.ranks.part(self.labels.index_select(0, rows))
        inputs, pixels = self._prepare(self.images.index_select(0, rows))
        progress = self.progress
        self.ranks.seed_dropout(self.config.seed, progress.step)
        self._set_rate(self.schedule(progress.step))
        for parameter in self.parameters:  # as zero_grad does, without its bookkeeping
            parameter.grad = None
        outputs = self._forward(inputs)
        targets = labels if pixels is None else pixels
        loss = batch_loss(self.model, outputs, targets, self.config)
        weight = self.ranks.weight(len(rows))
        (loss if weight == 1 else loss * weight).backward()
        progress.step, progress.batch = progress.step + 1, progress.batch + 1
        clips = self.config.gradient_clip is not None
        measures = len(self.window) + 1 >= self.window_steps
        norm = clip_gradient(self.model, self.config) if clips or measures else None
        self.optimize()
        if self.ema:
            self.ema.update()
        if pixels is not None:
            outputs = outputs.new_zeros(len(labels), 1)  # images, of which none is a right answer
        self.window.add(loss.detach(), self.compute.retain(outputs.detach()), labels)
        return norm

    def _set_rate(self, rate: float) -> None:
        if rate != self.learning_rate:
            self.learning_rate = rate
            for group in self.optimizer.param_groups:
                group["lr"] = rate

    def _forward(self, inputs: torch.Tensor) -> torch.Tensor:
        try:
            with self.compute.autocast():
                return self.forward(inputs).float()
        except ValueError as e:
            if "more than 1 value per channel" not in str(e):
                raise
            raise ConfigError(
                "batch_size: batch normalisation needs more than one image per batch; not "
                f"{len(inputs)}. Use a batch_size of at least 2.",
                field="batch_size",
            ) from e

    def _prepare(self, images: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor | None]:
        """The network's inputs, and the pixels, from 0 to 1, that an autoencoder is to give.

        Each rank augments the whole batch, so that its images are those of a single device.
        """
        clean = images
        if self.augments:
            clean, images = augment_twice(images.float(), self.config.augmentation, self.generator)
        clean, images = self.ranks.part(clean), self.ranks.part(images)
        pixels = clean.float() / 255 if self.config.task == "reconstruct" else None
        return self.normalization(images), pixels

    def _close_window(self, epoch: float, norm: torch.Tensor | None) -> StepsDone:
        progress, window, self.window = self.progress, self.window, Window()
        done = window.close(progress.step, epoch, self.learning_rate, norm, self.ranks)
        progress.seen += window.images
        progress.loss_sum += window.loss_sum
        progress.correct += window.correct
        return done

    def _finish_epoch(self, epoch: int, ask: Callable[[], Request | None]) -> EpochDone:
        """Validate, keep the best weights, and report the epoch."""
        progress = self.progress
        progress.epochs_done, progress.batch = epoch, 0
        self.order_state = self.shuffle.get_state()
        reconstructs = self.config.task == "reconstruct"
        val_loss, val_accuracy = self.validator.evaluate(self.val, ask)
        test_loss, test_accuracy = self.validator.evaluate(self.test, ask)
        done = EpochDone(
            epoch=epoch,
            step=progress.step,
            train_loss=progress.loss_sum / progress.seen,
            train_accuracy=None if reconstructs else progress.correct / progress.seen,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=self.learning_rate,
            seconds=progress.epoch_seconds,
            best=self._is_best(epoch, val_loss, val_accuracy),
            test_loss=test_loss,
            test_accuracy=test_accuracy,
        )
        progress.seconds += progress.epoch_seconds
        progress.seen = progress.correct = progress.loss_sum = progress.epoch_seconds = 0
        return done

    def _is_best(self, epoch: int, loss: float | None, accuracy: float | None) -> bool:
        best, score = self.progress.best, (accuracy or 0.0, -(loss or 0.0))
        if loss is None or (best and score <= best[:2]):
            return False
        self.progress.best = (*score, epoch)
        if self.config.keep == "best":
            self.best_weights = {name: value.clone() for name, value in self._weights().items()}
        return True

    def _weights(self) -> Tensors:
        """The weights that the run would end with now: averaged if the recipe has an EMA."""
        return {**self.model.state_dict(), **(self.ema.values if self.ema else {})}

    def _take_snapshot(self, epoch: float, *, epoch_end: bool = False) -> Iterator[Snapshot]:
        """A snapshot of the network if one is due; always one after the last epoch."""
        last = epoch_end and epoch == self.config.epochs
        if self.ranks.leads and (last or self.snapshots.is_due(epoch_end=epoch_end)):
            yield self.snapshots.take(self.model, self.validator.predict, self.progress.step, epoch)

    def _stops_early(self, epoch: int) -> bool:
        """Whether early stopping ends the run after this epoch."""
        patience, best = self.config.early_stopping, self.progress.best
        return bool(patience and best and epoch - best[2] >= patience)

    def _finished(self, reason: Reason) -> Finished:
        """Load the weights that the recipe keeps into the model; nothing is trained after this."""
        progress = self.progress
        self.final_state, kept_epoch = self.state(), progress.step / self.steps_per_epoch
        if self.best_weights is not None and progress.best:
            self.model.load_state_dict(self.best_weights)
            kept_epoch = float(progress.best[2])
        elif self.ema:
            self.model.load_state_dict(self._weights())
        return Finished(
            reason=reason,
            epochs=progress.epochs_done,
            step=progress.step,
            best_epoch=progress.best[2] if progress.best else None,
            kept_epoch=kept_epoch,
            train_seconds=progress.seconds + progress.epoch_seconds,
        )

    def state(self) -> TrainState:
        """Everything needed to resume from here; the names in it are those of all checkpoints."""
        if self.final_state:
            return self.final_state
        tensors, window = self.window.pack()
        random = {"order": self.order_state, "chance": self.generator.get_state()}
        tensors |= named("model", self.model.state_dict())
        tensors |= pack_optimizer(self.optimizer)
        tensors |= named("random", random_states(self.device) | random)
        if self.best_weights is not None:
            tensors |= named("best", self.best_weights)
        if self.ema:
            tensors |= named("average", self.ema.values)
        averaged = self.ema.steps if self.ema else 0
        return TrainState(
            tensors, {**asdict(self.progress), "window": window, "averaged": averaged}
        )

    def _restore(self, state: TrainState) -> None:
        """Resume from a state; ConfigError if it was taken on another kind of device."""
        tensors, values = state.tensors, state.values
        self.model.load_state_dict(part(tensors, "model"))
        unpack_optimizer(self.optimizer, tensors)
        self.progress = Progress.from_values(values)
        self.best_weights = part(tensors, "best") or None
        if self.ema:
            self.ema.load(part(tensors, "average"), int(values["averaged"]))
        self.window = Window.unpack(tensors, values["window"], self.device)
        random = part(tensors, "random")
        self.order_state = random.pop("order")
        self.generator.set_state(random.pop("chance"))
        set_random_states(random, self.device)
        # The epoch may have no step left, so the rate of the last step is what its end reports.
        self._set_rate(self.schedule(max(0, self.progress.step - 1)))
