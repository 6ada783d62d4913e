"""`probe_speed`: how fast a network would train on this machine, from a few real training steps."""

from __future__ import annotations

import contextlib
import threading
import time
from dataclasses import dataclass, field

import torch

from digitlab.data.dataset import Dataset, Split
from digitlab.data.info import INPUT_SHAPE
from digitlab.data.registry import find_dataset
from digitlab.errors import SpecError
from digitlab.models.build import build, check_fits
from digitlab.models.spec import ModelSpec
from digitlab.models.summary import ModelSummary
from digitlab.training.config import TrainConfig
from digitlab.training.engine import train_events
from digitlab.training.events import Wish

SECONDS = 0.8  # of timed steps
_IMAGES = 54_000  # that the steps go through, as many as MNIST has: the loop reports as often
_RANDOM = 1_000  # of them are drawn, and repeated
# Multiply-adds a second, of which a slow machine is capable: a batch that would take it longer
# than a fifth of the time is probed with fewer images.
_SLOW = 4e9

_LEAST_STEPS = 3  # timed ones, unless they take twice the time

_ONE_AT_A_TIME = threading.Lock()  # two at once would measure each other


@dataclass(frozen=True)
class Probe:
    """What was measured: `steps` timed steps of `batch_size` images took `seconds`."""

    batch_size: int
    steps: int
    seconds: float

    @property
    def images_per_second(self) -> float:
        """Training images that go forward, back and into a step of the optimizer in a second."""
        return self.batch_size * self.steps / self.seconds

    def epoch_seconds(self, images: int) -> float:
        """Seconds that one pass over so many training images would take, without validation."""
        return images / self.images_per_second


def probe_speed(
    spec: ModelSpec,
    config: TrainConfig | None = None,
    *,
    classes: int = 10,
    seconds: float = SECONDS,
) -> Probe:
    """Train `spec` for about `seconds` on random images [N, 1, 28, 28] by the recipe `config`.

    The first step, in which memory is found and kernels are chosen, is not timed. A network whose
    step on a whole batch would take too long is probed with smaller batches; one whose single step
    takes longer than `seconds` ends after it. The global random state is left as it was. Raises
    SpecError, before anything is allocated, for a network that does not fit or is over a limit, and
    ConfigError where the recipe's device is not there.
    """
    config = config or TrainConfig()
    summary = check_fits(spec, INPUT_SHAPE, classes, batch_size=config.batch_size)
    if not summary.trainable:
        raise SpecError(f"{spec.name} has no weights to learn; add a Linear or a convolution.")
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
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices=[]):
        data = _random_data(_IMAGES, classes)
        events = train_events(build(spec, seed=0), data, config, clock.tick)
        with contextlib.closing(events):
            clock.start()
            for _ in events:
                if clock.over:
                    break
    return Probe(size, *clock.measured())


@dataclass
class _Clock:
    """Notes when each step ended; asked after every step whether to stop."""

    limit: float
    ticks: list[float] = field(default_factory=list)

    def start(self) -> None:
        self.ticks = [time.perf_counter()]

    def tick(self) -> Wish | None:
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        self.ticks.append(time.perf_counter())
        return "stop" if self.over else None

    @property
    def over(self) -> bool:
        """Whether the time is used up; on a busy machine it may take longer for three steps."""
        steps = len(self.ticks) - 1  # with the first, which is not timed
        if steps < 2:
            return steps == 1 and self.ticks[1] - self.ticks[0] > self.limit
        taken = self.ticks[-1] - self.ticks[1]
        return taken > (self.limit if steps > _LEAST_STEPS else 2 * self.limit)

    def measured(self) -> tuple[int, float]:
        """Timed steps and their seconds; the first one counts only where it is alone."""
        begin = 1 if len(self.ticks) > 2 else 0
        return len(self.ticks) - 1 - begin, max(self.ticks[-1] - self.ticks[begin], 1e-9)


def _batch(summary: ModelSummary, wanted: int, seconds: float) -> int:
    """The recipe's batch, or as many images of it as fit a fifth of the time; at least 2."""
    each = 3 * max(summary.operations, 1) / _SLOW  # backward takes about twice the forward pass
    return min(wanted, max(2, int(seconds / 5 / each)))


def _random_data(images: int, classes: int) -> Dataset:
    """Random pixels and labels in the form of a dataset without validation and test images."""
    chance = torch.Generator().manual_seed(0)
    drawn = torch.randint(0, 256, (_RANDOM, *INPUT_SHAPE), dtype=torch.uint8, generator=chance)
    pixels = drawn.repeat(images // _RANDOM, 1, 1, 1)
    labels = torch.randint(0, classes, (images,), generator=chance)
    places = torch.arange(images)
    nothing = pixels[:0], labels[:0], places[:0]
    return Dataset(
        info=find_dataset("mnist"),
        train=Split("train", pixels, labels, places),
        val=Split("val", *nothing),
        test=Split("test", *nothing),
        val_fraction=0.0,
        split_seed=0,
    )
