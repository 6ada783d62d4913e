"""How fast training is, as ratios to other loops in the same run: `python -m digitlab bench`.

Every number is the best of several rounds in which the contenders take turns, so that a machine
that is busy for a moment does not favour one of them. digitlab trains as in the app, with its
curves written to a store and its checkpoints to disk, and is timed from the first step to the last.
"""

from __future__ import annotations

import platform
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import digitlab as dl
from digitlab.bench.networks import (
    BATCH,
    CNN,
    IMAGES,
    MLP,
    fixed_batch_epoch,
    loader_epoch,
)
from digitlab.bench.peers import PEERS
from digitlab.data.dataset import Split
from digitlab.data.load import load_dataset
from digitlab.models.build import build
from digitlab.models.spec import ModelSpec
from digitlab.settings import another_home
from digitlab.training.config import TrainConfig
from digitlab.training.engine import Training, never, train_events
from digitlab.training.events import EpochDone, Event, Snapshot, Started

Progress = Callable[[str], None]
ROUNDS = {"mlp": 5, "cnn": 2}
EPOCHS = {"mlp": 5, "cnn": 1}  # digitlab's seconds are their mean
SIZES = (60_000, 240_000, 1_000_000)


def measure_training(progress: Progress, *, peers: bool = False) -> list[dict[str, Any]]:
    """Rows of {workload, contender, seconds, ratio}, the ratio being to digitlab's seconds.

    Needs MNIST. With `peers`, other libraries that are installed train the same networks.
    """
    rows = []
    for key, spec in (("mlp", MLP), ("cnn", CNN)):
        rows += _measure_network(key, spec, progress, peers)
    return rows


def _measure_network(
    key: str, spec: ModelSpec, progress: Progress, peers: bool
) -> list[dict[str, Any]]:
    data = load_dataset("mnist").resplit(0).subset(IMAGES)
    config = TrainConfig(epochs=EPOCHS[key], batch_size=BATCH, val_fraction=0)
    contenders: dict[str, Callable[[], float]] = {
        "digitlab, recording": lambda: recorded_epoch(spec, data, config),
        "the same steps on one fixed batch": fixed_batch_epoch(spec, config),
        "DataLoader over torchvision's MNIST": loader_epoch(spec),
        "digitlab, recording nothing": lambda: bare_epoch(spec, data, config),
    }
    if peers:
        images = data.train.images.numpy().astype("float32") / 255
        images = (images - 0.1307) / 0.3081
        for name, make in PEERS.items():
            if epoch := make(spec, images, data.train.labels.numpy()):
                contenders[name] = epoch
    best = dict.fromkeys(contenders, float("inf"))
    for number in range(ROUNDS[key]):
        for name, epoch in contenders.items():
            progress(f"{spec.name}, round {number + 1} of {ROUNDS[key]}: {name}")
            best[name] = min(best[name], epoch())
    ours = best["digitlab, recording"]
    progress(f"{spec.name}: evaluating the 10,000 test images")
    best["digitlab, evaluating 10,000 test images"] = min(
        evaluation_seconds(spec, data, config) for _ in range(ROUNDS[key])
    )
    return [
        {"workload": f"{spec.name}, {IMAGES:,} images", "contender": name, "seconds": seconds}
        | {"ratio": seconds / ours}
        for name, seconds in best.items()
    ]


def recorded_epoch(spec: ModelSpec, data: object, config: TrainConfig) -> float:
    """Seconds per epoch as in the app: curves, checkpoints and snapshots are written."""
    with tempfile.TemporaryDirectory() as folder, another_home(Path(folder)):
        return record_training(spec, data, config)[0] / config.epochs


def record_training(spec: ModelSpec, data: object, config: TrainConfig) -> tuple[float, Any]:
    """The run, and its seconds from the first step until the last epoch has been written.

    The evaluation on the test images, which follows, is not counted.
    """
    times: dict[str, float] = {}

    def on_event(event: Event) -> None:  # called after the event has been written
        if isinstance(event, Started):
            times["start"] = time.perf_counter()
        elif isinstance(event, EpochDone | Snapshot):
            times["end"] = time.perf_counter()

    run = dl.train(spec, data, config, progress=False, on_event=on_event)
    return times["end"] - times["start"], run


def evaluation_seconds(spec: ModelSpec, data: Any, config: TrainConfig) -> float:
    """Seconds of computing loss and accuracy on the test images, as after an epoch."""
    training = Training(build(spec, seed=0), data.subset(1_000), config)
    with training.compute.applied(training.model):
        training.validator.evaluate(data.test, never)  # to warm up
        start = time.perf_counter()
        training.validator.evaluate(data.test, never)
        return time.perf_counter() - start


def bare_epoch(spec: ModelSpec, data: Any, config: TrainConfig) -> float:
    """Seconds per epoch of a training whose events are not written."""
    start = 0.0
    for event in train_events(build(spec, seed=0), data, config):
        if isinstance(event, Started):
            start = time.perf_counter()
    return (time.perf_counter() - start) / config.epochs


def measure_growth(progress: Progress) -> list[dict[str, Any]]:
    """Seconds per epoch and peak memory for 60k, 240k and 1M images, each in a fresh process.

    The images are MNIST's, repeated. Memory is the peak of the process above that after importing
    torch, in megabytes.
    """
    import json
    import subprocess
    import sys

    rows = []
    for images in SIZES:
        progress(f"{images:,} images")
        code = f"from digitlab.bench.training import _measure_size; _measure_size({images})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def _measure_size(images: int) -> None:
    import json

    before = _peak_memory()
    data = load_dataset("mnist").resplit(0)
    rows = torch.arange(images) % len(data.train)
    if images != len(data.train):
        train = Split("train", data.train.images[rows], data.train.labels[rows], rows)
        data = type(data)(data.info, train, data.val, data.test, data.val_fraction, data.split_seed)
    config = TrainConfig(epochs=1, batch_size=BATCH, val_fraction=0)
    seconds = bare_epoch(MLP, data, config)
    memory = _peak_memory() - before
    row = {"images": images, "seconds": seconds, "megabytes": memory / 1e6}
    print(json.dumps(row | {"images_per_second": images / seconds}))


def _peak_memory() -> float:
    """The peak memory of this process, in bytes."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
