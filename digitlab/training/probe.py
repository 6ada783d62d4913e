"""`probe_speed`: how fast a network trains on this machine, measured on a few training steps."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field

import torch

from digitlab.data.dataset import Dataset
from digitlab.data.load import only_training
from digitlab.errors import SpecError
from digitlab.models.build import build, check_fits
from digitlab.models.spec import ModelSpec
from digitlab.models.summary import ModelSummary
from digitlab.training.config import TrainConfig
from digitlab.training.devices import synchronize
from digitlab.training.engine import train_events
from digitlab.training.events import Request
from digitlab.training.loss import check_loss, scoring_spec
from digitlab.training.speed import Probe

SECONDS = 0.8  # of timed steps
_IMAGES = 54_000  # as many as MNIST's, so that the loop reports as often
_RANDOM = 1_000  # different ones, repeated
# Multiply-adds per second of a slow machine: a batch that would take it more than a fifth of the
# time is probed with fewer images.
_SLOW = 4e9
_MIN_STEPS = 3  # to time, unless they take twice the time
_LOCK = threading.Lock()  # two probes at once would slow each other down


def probe_speed(
    spec: ModelSpec,
    config: TrainConfig | None = None,
    *,
    classes: int = 10,
    seconds: float = SECONDS,
) -> Probe:
    """Train `spec` for about `seconds` on random images of its shape by the recipe `config`.

    The first step, which allocates memory and chooses kernels, is not timed. A network that would
    take too long for a step on a whole batch is probed with smaller batches, and the probe ends
    after one step if that takes longer than `seconds`. The global random state is restored. Raises
    SpecError, before anything is allocated, if the network does not fit or exceeds a limit, and
    ConfigError if the recipe's device is not available.
    """
    config = config or TrainConfig()
    outputs = classes if config.task == "classify" else None
    summary = check_fits(spec, spec.input, outputs, batch_size=config.batch_size)
    if not summary.trainable:
        raise SpecError(f"{spec.name} has no weights to learn; add a Linear or a convolution.")
    check_loss(spec, config)
    size = _batch(summary, config.batch_size, seconds)
    config = config.changed(
        batch_size=size,
        early_stopping=None,
        keep="last",
        compile=False,
        test_curve=False,
        subset=None,
    )
    clock = _Clock(seconds)
    with _LOCK, torch.random.fork_rng(devices=[]):
        data = _random_data(_IMAGES, spec.input, classes)
        network = build(scoring_spec(spec, config), seed=0)
        events = train_events(network, data, config, clock.tick)
        with contextlib.closing(events):
            clock.start()
            for _ in events:
                if clock.over:
                    break
    return Probe(size, *clock.measured())


@dataclass
class _Clock:
    """Records when each step ends; `tick` is the training's `ask`."""

    limit: float
    ticks: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.ticks = [time.perf_counter()]

    def tick(self) -> Request | None:
        synchronize()
        self.ticks.append(time.perf_counter())
        return "stop" if self.over else None

    @property
    def over(self) -> bool:
        """Whether the time is used up; it may be twice as long to complete _MIN_STEPS."""
        steps = len(self.ticks) - 1  # including the first, which is not timed
        if steps < 2:
            return steps == 1 and self.ticks[1] - self.ticks[0] > self.limit
        taken = self.ticks[-1] - self.ticks[1]
        return taken > (self.limit if steps > _MIN_STEPS else 2 * self.limit)

    def measured(self) -> tuple[int, float]:
        """The timed steps and their seconds; the first step counts only if there is no other."""
        first = 1 if len(self.ticks) > 2 else 0
        return len(self.ticks) - 1 - first, max(self.ticks[-1] - self.ticks[first], 1e-9)


def _batch(summary: ModelSummary, batch_size: int, seconds: float) -> int:
    """The recipe's batch size, reduced to what takes a fifth of the time, but at least 2."""
    # The backward pass takes about twice as long as the forward pass.
    seconds_per_image = 3 * max(summary.operations, 1) / _SLOW
    return min(batch_size, max(2, int(seconds / 5 / seconds_per_image)))


def _random_data(images: int, shape: tuple[int, ...], classes: int) -> Dataset:
    """A dataset of random pixels and labels."""
    generator = torch.Generator().manual_seed(0)
    drawn = torch.randint(0, 256, (_RANDOM, *shape), dtype=torch.uint8, generator=generator)
    pixels = drawn.repeat(images // _RANDOM, 1, 1, 1)
    labels = torch.randint(0, classes, (images,), generator=generator)
    return only_training(pixels, labels)
