"""Fitting: a classical model learns in a process of its own, told as the events of a training.

That process can be ended at any moment, so that a stop takes effect at once. What learns in rounds
(forests, boosting, scikit-learn's MLP) hands its arrays over stage by stage, and a stop keeps those
of the last one; what learns at once has learnt nothing before its end.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

import torch
import torch.nn.functional as F

from digitlab.data.dataset import Dataset, Split
from digitlab.errors import ConfigError
from digitlab.models.classical.build import fitted_module
from digitlab.models.classical.catalog import KINDS, Kind
from digitlab.models.classical.fitted import Fitted
from digitlab.settings import read_settings
from digitlab.training.classical.process import FitProcess, Job
from digitlab.training.config import TrainConfig
from digitlab.training.engine import never
from digitlab.training.events import (
    Activity,
    EpochDone,
    Event,
    Finished,
    Reason,
    Started,
    StepsDone,
    Wish,
)
from digitlab.training.normalize import Normalization, make_normalization
from digitlab.training.predict import BATCH, predict_logits
from digitlab.words import duration

LOOK_SECONDS = 0.1  # how often a wish to stop is looked for
TELL_SECONDS = 1.0  # how often progress is told
MEASURED = 5_000  # training images that the slow families are measured on; the others on all
_SLOW = ("svm", "neighbours", "trees")


def fit_events(
    model: torch.nn.Module,
    data: Dataset,
    config: TrainConfig,
    ask: Callable[[], Wish | bool | None] = never,
) -> Iterator[Event]:
    """Fit the classical `model` in place and yield what happens.

    Of the recipe, `subset`, `normalization`, `val_fraction` and `seed` count. One epoch is one
    fit, or one stage of those that learn in rounds. `ask` is called many times a second: a wish to
    stop or to pause ends the fit at once. Raises ConfigError where scikit-learn refuses
    the arguments, RunError where its process dies.
    """

    def should_stop() -> bool:
        return ask() not in (None, False, "save")  # there is no state to save within a fit

    fit = _Fit(model, data, config, should_stop)
    yield fit.started()
    reason: Reason = "completed"
    with FitProcess(fit.job()) as process:
        while not process.done:
            said = process.listen(LOOK_SECONDS)
            if should_stop():
                reason = "paused" if ask() == "pause" else "stopped"
                break
            if said and "stage" in said:
                yield from fit.take_stage(said, process)
            elif said or time.monotonic() - fit.told >= TELL_SECONDS:
                yield fit.progress(said or {})
    if fit.stages:
        yield Activity("Fitted; reading the test images …")
    yield fit.finished(reason, converged=process.converged)


class _Fit:
    """The state of one fit."""

    def __init__(
        self,
        model: torch.nn.Module,
        data: Dataset,
        config: TrainConfig,
        should_stop: Callable[[], bool],
    ) -> None:
        module = fitted_module(model)
        assert module is not None, "a network is trained by the engine"
        self.model, self.module, self.config = model, module, config
        self.should_stop = should_stop
        self.kind: Kind = KINDS[module.name]
        self.train = config.take_subset(data).train
        self.val = data.val
        self.normalization: Normalization = make_normalization(
            config.normalization, self.train.images
        )
        self.rounds = self.kind.rounds(module.args)
        self.epochs = self.kind.epochs(module.args)
        self.stages = self.rounds_done = 0
        self.seconds, self.began, self.told = 0.0, time.monotonic(), 0.0
        self.expected: float | None = None
        self.begun = False
        self.best: tuple[float, float, int] | None = None  # accuracy, −loss, epoch
        _check_size(self.module, self.train)

    def started(self) -> Started:
        return Started(
            device="cpu",
            train_images=len(self.train),
            val_images=len(self.val),
            steps_per_epoch=1,
            total_steps=self.epochs,
            mean=self.normalization.mean,
            std=self.normalization.std,
        )

    def job(self) -> Job:
        """What the process is to do."""
        return Job(
            name=self.module.name,
            args=self.module.args,
            seed=self.config.seed,
            images=self.train.images.flatten(1).numpy(),
            labels=self.train.labels.numpy(),
            scale=1 / (255 * self.normalization.std),
            offset=self.normalization.mean / self.normalization.std,
        )

    def progress(self, said: dict) -> Activity:
        """What to tell of the time that it takes."""
        self.told = time.monotonic()
        if said.get("begun"):
            self.begun = True
            self.began = self.told  # the process has come up: this is where the fit begins
        self.expected = said.get("expected", self.expected)
        elapsed = self.told - self.began
        what = f"Fitting {self.kind.name} on {len(self.train):,} images"
        if not self.begun:
            return Activity(f"{what}: starting …")
        so_far = f"{duration(elapsed)} so far"
        if self.rounds > 1:
            done = f"{self.rounds_done:,} of {self.rounds:,} {_ROUNDS[self.kind.stages]}"
            left = ""
            if self.rounds_done:
                rest = elapsed * (self.rounds - self.rounds_done) / self.rounds_done
                left = f", about {duration(rest)} left"
            return Activity(f"{what}: {done}; {so_far}{left}")
        if self.expected is None:
            return Activity(f"{what}; {so_far}")
        return Activity(f"{what}; {so_far}, about {duration(self.expected)} expected")

    def take_stage(self, said: dict, process: FitProcess) -> Iterator[Event]:
        """Hold the arrays of a stage that is done, and say how good they are."""
        arrays = process.read_stage(said["stage"])
        self.module.take({name: torch.from_numpy(array) for name, array in arrays.items()})
        self.stages, self.rounds_done = said["stage"], said["rounds"]
        self.seconds += said["seconds"]
        yield self.progress({})
        train_loss, train_accuracy = self._measure(self._measured())
        yield StepsDone(
            step=self.stages,
            epoch=float(self.stages),
            loss=train_loss,
            loss_min=train_loss,
            loss_max=train_loss,
            learning_rate=0.0,
            grad_norm=None,
            images_per_second=len(self.train) / max(said["seconds"], 1e-9),
        )
        val_loss, val_accuracy = self._measure(self.val)
        best = val_accuracy is not None and (
            self.best is None or (val_accuracy, -val_loss) > self.best[:2]
        )
        if best:
            self.best = (val_accuracy, -val_loss, self.stages)
        yield EpochDone(
            epoch=self.stages,
            step=self.stages,
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
            learning_rate=0.0,
            seconds=said["seconds"],
            best=best,
        )

    def _measured(self) -> Split:
        """The training images that accuracy is measured on: all, or a fixed part of many."""
        train = self.train
        if self.kind.family not in _SLOW or len(train) <= MEASURED:
            return train
        chance = torch.Generator().manual_seed(0)
        rows = torch.randperm(len(train), generator=chance)[:MEASURED]
        return Split(train.name, train.images[rows], train.labels[rows], train.indices[rows])

    def _measure(self, split: Split) -> tuple[float | None, float | None]:
        """Loss and accuracy; of training at least on some images, of validation None if stopped."""
        parts = []
        for images in split.images.split(BATCH) if len(split) else ():
            if self.should_stop() and (parts or split is self.val):
                break
            parts.append(predict_logits(self.model, images, self.normalization))
        if not parts or (split is self.val and sum(map(len, parts)) < len(split)):
            return None, None
        logits = torch.cat(parts)
        labels = split.labels[: len(logits)]
        loss = float(F.cross_entropy(logits, labels))
        return loss, int((logits.argmax(1) == labels).sum()) / len(labels)

    def finished(self, reason: Reason, *, converged: bool) -> Finished:
        note = "" if converged else _UNCONVERGED
        if not self.stages:
            note = _NOTHING
        if reason == "paused":
            note = _PAUSED
        return Finished(
            reason=reason,
            epochs=self.stages,
            step=self.stages,
            best_epoch=self.best[2] if self.best else None,
            kept_epoch=float(self.stages),
            train_seconds=self.seconds,
            note=note,
        )


_NOTHING = (
    "Stopped before the fit was done: a model that is fitted at once has learnt nothing until "
    "then, so there are no weights."
)
_PAUSED = "Paused: a fit cannot be gone on with, so it begins anew when it is continued."
_ROUNDS = {"n_estimators": "trees", "max_iter": "rounds"}
_UNCONVERGED = (
    "The fit ended at its limit of iterations and would still change: raise max_iter to let it "
    "converge."
)


def _check_size(module: Fitted, train: Split) -> None:
    """ConfigError where neighbours would have to keep more than the limit allows."""
    limit = read_settings().max_parameters
    if KINDS[module.name].family == "neighbours" and len(train) * (module.features + 1) > limit:
        raise ConfigError(
            f"subset: {module.name} keeps all {len(train):,} training images, more than the "
            f"{limit:,} numbers allowed (DIGITLAB_MAX_PARAMETERS); set subset to at most "
            f"{limit // (module.features + 1):,}.",
            field="subset",
        )
