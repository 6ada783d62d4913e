"""What recording costs a short training: `python -m tests.benchmarks.recording [ROUNDS]`.

Each round trains the same network on the same images twice, in turns: bare, as events that nobody
writes down, and by `dl.train`, which records it in a home on disk. Ratios of recorded to bare of
each pair, in seconds of the processor (all threads) and of the clock: of the training, from its
first step to its last epoch, and of the whole call, from the recipe to the answers for the
held-out splits, which a bare training computes, too. MNIST is left out where it is not on disk.

On a machine that does other work, too, `--busy` lets what is written twice a second be paced by the
processor's seconds, and no lease be renewed (it is every two seconds, which takes a thousandth of
the time): else a training that waits for others is written more often.
Only the processor's ratios tell something then. `--profile` prints where they go instead.
"""

from __future__ import annotations

import cProfile
import pstats
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import digitlab as dl
from digitlab.bench.networks import BATCH, IMAGES, MLP
from digitlab.data.dataset import Dataset
from digitlab.data.registry import is_available
from digitlab.models.build import build
from digitlab.runs import lease
from digitlab.settings import another_home
from digitlab.training.engine import Training
from digitlab.training.events import EpochDone, Event, Snapshot, Started
from digitlab.training.predict import predict_splits

ROUNDS = 15


class Clocks(NamedTuple):
    """Seconds of the processor and of the clock."""

    processor: float
    wall: float


def read_clocks() -> Clocks:
    """The clocks now."""
    return Clocks(time.process_time(), time.perf_counter())


class Watch:
    """Takes the times of a training: as a whole, and from its first step to its last epoch."""

    def __init__(self) -> None:
        self.called = read_clocks()

    def note(self, event: Event) -> None:
        """Called after the event was dealt with."""
        if isinstance(event, Started):
            self.began = read_clocks()
        elif isinstance(event, EpochDone | Snapshot):
            self.ended = read_clocks()

    def seconds(self) -> list[float]:
        """Seconds of the training, then of the whole: of the processor and of the clock each."""
        done = read_clocks()
        pairs = (*zip(self.ended, self.began, strict=True), *zip(done, self.called, strict=True))
        return [after - before for after, before in pairs]


def train_bare(data: Dataset, config: dl.TrainConfig) -> list[float]:
    """The seconds of a training that nobody writes down."""
    watch = Watch()
    split = data.resplit(data.val_fraction, data.split_seed)
    training = Training(build(MLP, seed=config.seed), split, config)
    for event in training.events():
        watch.note(event)
    predict_splits(training.model, split, training.normalization, config)
    return watch.seconds()


def train_recorded(data: Dataset, config: dl.TrainConfig) -> list[float]:
    """The seconds of the same training by `dl.train`."""
    watch = Watch()
    dl.train(MLP, data, config, progress=False, on_event=watch.note)
    return watch.seconds()


def workloads() -> dict[str, tuple[Dataset, dl.TrainConfig]]:
    """Short trainings by name: their data and recipes."""
    config = dl.TrainConfig(batch_size=BATCH, device="cpu")
    optdigits = dl.load_dataset("optdigits")
    found = {"Optdigits, 20 epochs": (optdigits, config.changed(epochs=20))}
    if is_available("mnist"):
        mnist = dl.load_dataset("mnist").subset(IMAGES)
        found[f"MNIST, {IMAGES:,} images, 5 epochs"] = (mnist, config.changed(epochs=5))
    return found


def compare(data: Dataset, config: dl.TrainConfig, rounds: int) -> list[list[float]]:
    """Of each round: bare seconds, and the ratios of recorded to bare; the first does not count."""
    rows = []
    for number in range(rounds + 1):
        order: list[Callable[..., list[float]]] = [train_bare, train_recorded]
        taken = {}
        for train in order if number % 2 else reversed(order):
            taken[train] = train(data, config)
        bare, recorded = taken[train_bare], taken[train_recorded]
        ratios = [after / before for after, before in zip(recorded, bare, strict=True)]
        rows.append([*bare, *ratios])
    return rows[1:]


def main() -> None:
    """Measure, and print a line for each workload."""
    numbers = [int(argument) for argument in sys.argv[1:] if argument.isdecimal()]
    rounds = numbers[0] if numbers else ROUNDS
    if "--busy" in sys.argv:
        time.monotonic = time.process_time
        lease.BEAT_SECONDS = 3600.0
    with tempfile.TemporaryDirectory() as folder, another_home(Path(folder)):
        for name, (data, config) in workloads().items():
            if "--profile" in sys.argv:
                profile(name, data, config, rounds)
                continue
            rows = compare(data, config, rounds)
            medians = [statistics.median(column) for column in zip(*rows, strict=True)]
            print(f"{name}; n = {rounds}, recorded to bare: median (quartiles)")
            for number, title in enumerate(("training", "whole call")):
                for clock in range(2):
                    column = 2 * number + clock
                    low, middle, high = statistics.quantiles([row[4 + column] for row in rows], n=4)
                    what = ("processor", "clock")[clock]
                    bare = f"bare {medians[column]:.2f} s"
                    print(f"  {title:11} {what:10} {bare}, {middle:.3f} ({low:.3f} to {high:.3f})")


def profile(name: str, data: Dataset, config: dl.TrainConfig, rounds: int) -> None:
    """Print where the time of the recorder goes."""
    train_recorded(data, config)
    profiler = cProfile.Profile(time.process_time)
    with profiler:
        for _ in range(rounds):
            train_recorded(data, config)
    print(name)
    pstats.Stats(profiler).sort_stats("cumulative").print_stats("digitlab|fsync|commit", 60)


if __name__ == "__main__":
    main()
