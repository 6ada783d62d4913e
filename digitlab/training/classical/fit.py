"""`Fit`: fitting a scikit-learn model in a process of its own, as the events of a training.

The process can be killed at any moment, so a stop takes effect at once. Models that learn in rounds
(forests, boosting, scikit-learn's MLP) send their arrays stage by stage, and a stop keeps those of
the last stage; models that are fitted in one step have learnt nothing before the end.
"""

from __future__ import annotations

import json
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from digitlab.data.dataset import Dataset, Split
from digitlab.errors import ConfigError, RunError
from digitlab.models.classical.build import fitted_module
from digitlab.models.classical.catalog import KINDS
from digitlab.models.classical.fitted import Fitted
from digitlab.settings import read_settings
from digitlab.training.config import TrainConfig
from digitlab.training.engine import never
from digitlab.training.events import (
    Activity,
    EpochDone,
    Event,
    Finished,
    Reason,
    Request,
    Started,
    StepsDone,
)
from digitlab.training.normalize import make_normalization
from digitlab.training.predict import BATCH, predict_logits
from digitlab.training.validation import loss_and_accuracy
from digitlab.words import duration

MAX_THREADS = 4  # of the process, unless OMP_NUM_THREADS is set
POLL_SECONDS = 0.1  # how often `ask` is called
REPORT_SECONDS = 1.0  # how often progress is reported
MEASURED = 5_000  # training images that slow families are evaluated on; the others on all
_SLOW = ("svm", "neighbours", "trees")
_ROUNDS = {"n_estimators": "trees", "max_iter": "rounds"}
_NOTHING = (
    "Stopped before fitting had finished: this model is fitted in one step, so it has learnt "
    "nothing and there are no weights."
)
_PAUSED = (
    "Paused. Fitting a scikit-learn model cannot be resumed; continuing starts again from the "
    "beginning."
)
_UNCONVERGED = (
    "Fitting reached its maximum number of iterations before it converged; raise max_iter."
)
_END = object()


class Fit:
    """Fits a classical model in place.

    Of the recipe, `subset`, `normalization`, `val_fraction` and `seed` are used. One epoch is the
    whole fit, or one stage of a model that learns in rounds.
    """

    def __init__(self, model: torch.nn.Module, data: Dataset, config: TrainConfig) -> None:
        module = fitted_module(model)
        assert module is not None, "networks are trained by `Training`"
        self.model, self.module, self.seed = model, module, config.seed
        self.kind = KINDS[module.name]
        self.train, self.val = config.take_subset(data).train, data.val
        self.normalization = make_normalization(config.normalization, self.train.images)
        self.rounds = self.kind.rounds(module.args)
        self.stages = self.rounds_done = 0
        self.seconds = self.reported = 0.0
        self.started: float | None = None  # when the process began to fit
        self.expected: float | None = None  # seconds of the whole fit
        self.best: tuple[float, float, int] | None = None  # accuracy, −loss, epoch
        self.ask: Callable[[], Request | None] = never

    def state(self) -> None:
        """None: a fit cannot be resumed."""

    def events(self, ask: Callable[[], Request | None] = never) -> Iterator[Event]:
        """Fit and yield the events.

        `ask` is called many times a second; "stop" and "pause" end the fit at once. Raises
        ConfigError if scikit-learn refuses the arguments, RunError if its process dies.
        """
        self.ask = ask
        _check_size(self.module, self.train)
        yield self._started()
        reason: Reason = "completed"
        with FitProcess(self._job(), self.train) as process:
            while not process.done:
                message = process.receive(POLL_SECONDS)
                if self._should_stop():
                    reason = "paused" if ask() == "pause" else "stopped"
                    break
                if message and "stage" in message:
                    yield from self._finish_stage(message, process)
                elif message or time.monotonic() - self.reported >= REPORT_SECONDS:
                    yield self._report(message or {})
        if self.stages:
            yield Activity("Fitted; evaluating the test images …")
        yield self._finished(reason, converged=process.converged)

    def _should_stop(self) -> bool:
        return self.ask() in ("stop", "pause")  # there is no state to save

    def _started(self) -> Started:
        return Started(
            device="cpu",
            train_images=len(self.train),
            val_images=len(self.val),
            steps_per_epoch=1,
            total_steps=self.kind.epochs(self.module.args),
            mean=self.normalization.mean,
            std=self.normalization.std,
        )

    def _job(self) -> dict[str, Any]:
        """What the worker is to fit: the estimator sees `images · scale − offset`, float32."""
        return {
            "name": self.module.name,
            "args": self.module.args,
            "seed": self.seed,
            "scale": 1 / (255 * self.normalization.std),
            "offset": self.normalization.mean / self.normalization.std,
            "threads": _threads(),
        }

    def _report(self, message: dict[str, Any]) -> Activity:
        """How far the fit is and how long it is likely to take."""
        self.reported = now = time.monotonic()
        if "started" in message:
            self.started = now
        self.expected = message.get("expected", self.expected)
        what = f"Fitting {self.kind.name} on {len(self.train):,} images"
        if self.started is None:
            return Activity(f"{what}: starting …")
        elapsed = now - self.started
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

    def _finish_stage(self, message: dict[str, Any], process: FitProcess) -> Iterator[Event]:
        """Load the arrays of a finished stage into the model and evaluate it."""
        arrays = process.read_stage(message["stage"])
        self.module.take({name: torch.from_numpy(array) for name, array in arrays.items()})
        self.stages, self.rounds_done = message["stage"], message["rounds"]
        self.seconds += message["seconds"]
        yield self._report({})
        train_loss, train_accuracy = self._evaluate(self._measured())
        yield StepsDone(
            step=self.stages,
            epoch=float(self.stages),
            loss=train_loss,
            loss_min=train_loss,
            loss_max=train_loss,
            learning_rate=0.0,
            grad_norm=None,
            images_per_second=len(self.train) / max(message["seconds"], 1e-9),
        )
        val_loss, val_accuracy = self._evaluate(self.val)
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
            seconds=message["seconds"],
            best=best,
        )

    def _measured(self) -> Split:
        """The training images to evaluate on: all, or a fixed random part of many."""
        train = self.train
        if self.kind.family not in _SLOW or len(train) <= MEASURED:
            return train
        generator = torch.Generator().manual_seed(0)
        rows = torch.randperm(len(train), generator=generator)[:MEASURED]
        return Split(train.name, train.images[rows], train.labels[rows], train.indices[rows])

    def _evaluate(self, split: Split) -> tuple[float | None, float | None]:
        """Loss and accuracy. When stopped: of the training images so far, of validation None."""
        parts = []
        for images in split.images.split(BATCH) if len(split) else ():
            if self._should_stop() and (parts or split is self.val):
                break
            parts.append(predict_logits(self.model, images, self.normalization))
        if not parts or (split is self.val and sum(map(len, parts)) < len(split)):
            return None, None
        logits = torch.cat(parts)
        return loss_and_accuracy(logits, split.labels[: len(logits)], TrainConfig())

    def _finished(self, reason: Reason, *, converged: bool) -> Finished:
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


class FitProcess:
    """The worker process of one fit, a context manager; leaving it kills the process, done or not.

    `job` is a mapping of JSON values, described in `Fit`; `train` holds the images to fit to.
    """

    def __init__(self, job: dict[str, Any], train: Split) -> None:
        self.name, self.threads = job["name"], str(job["threads"])
        self.done = False
        self.converged = True
        self._lines: queue.Queue[Any] = queue.Queue()
        self._temporary = tempfile.TemporaryDirectory(prefix="digitlab-fit-")
        self._folder = Path(self._temporary.name)
        images, labels = train.images.flatten(1).numpy(), train.labels.numpy()
        np.save(self._folder / "images.npy", images, allow_pickle=False)
        np.save(self._folder / "labels.npy", labels, allow_pickle=False)
        (self._folder / "job.json").write_text(json.dumps(job), encoding="utf-8")

    def __enter__(self) -> FitProcess:
        package_parent = str(Path(__file__).parents[3])
        paths = [package_parent, *filter(None, [os.environ.get("PYTHONPATH")])]
        # In a session of its own it gets no Ctrl-C, which is for the process that started it.
        own = {"start_new_session": True} if os.name != "nt" else {}
        with (self._folder / "errors.txt").open("wb") as errors:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "digitlab.training.classical.worker", str(self._folder)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=errors,
                env={
                    **os.environ,
                    "PYTHONPATH": os.pathsep.join(paths),
                    **dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), self.threads),
                },
                **own,
            )
        threading.Thread(target=self._read_lines, daemon=True).start()
        return self

    def _read_lines(self) -> None:
        for line in self._process.stdout:
            self._lines.put(line)
        self._lines.put(_END)

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._temporary.cleanup()

    def receive(self, seconds: float) -> dict[str, Any] | None:
        """The next message of the process, or None if there is none within `seconds`.

        Raises ConfigError if scikit-learn refused the job, RunError if the process died.
        """
        try:
            line = self._lines.get(timeout=seconds)
        except queue.Empty:
            return None
        if line is _END:
            raise RunError(
                f"Fitting {self.name} failed: its process ended unexpectedly{self._last_error()}. "
                "The most common cause is a lack of memory: use fewer training images (subset)."
            )
        message = json.loads(line)
        if "error" in message:
            raise ConfigError(f"scikit-learn cannot fit {self.name}: {_explain(message['error'])}")
        if "done" in message:
            self.done = True
            while (line := self._lines.get(timeout=60)) is not _END:
                self.converged = self.converged and not json.loads(line).get("unconverged")
        return message

    def _last_error(self) -> str:
        errors = (self._folder / "errors.txt").read_text(encoding="utf-8", errors="replace")
        last = errors.strip().splitlines()[-1:]
        return f" ({last[0][:200]})" if last else ""

    def read_stage(self, stage: int) -> dict[str, np.ndarray]:
        """The arrays of a stage, by name; its file is deleted."""
        path = self._folder / f"stage-{stage}.npz"
        with np.load(path, allow_pickle=False) as file:
            arrays = {name: file[name] for name in file.files}
        path.unlink()
        return arrays


def _threads() -> int:
    setting = os.environ.get("OMP_NUM_THREADS", "")
    if setting.isdecimal() and int(setting):
        return int(setting)
    return min(os.cpu_count() or 1, MAX_THREADS)


def _explain(error: str) -> str:
    """scikit-learn's sentence, with the remedy if it is known."""
    sentence = error.rstrip(".") + "."
    if "egative values" in error:
        sentence += " Set normalization to 'none', which keeps pixels between 0 and 1."
    return sentence


def _check_size(module: Fitted, train: Split) -> None:
    """ConfigError if a nearest-neighbour model would store more numbers than the limit allows."""
    limit = read_settings().max_parameters
    if KINDS[module.name].family == "neighbours" and len(train) * (module.features + 1) > limit:
        raise ConfigError(
            f"subset: {module.name} stores all {len(train):,} training images, more than the "
            f"{limit:,} numbers allowed (DIGITLAB_MAX_PARAMETERS); set subset to at most "
            f"{limit // (module.features + 1):,}.",
            field="subset",
        )
