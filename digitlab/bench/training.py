"""How fast trainings are, as ratios to other loops in the same run: `digitlab bench --training`.

Every figure is the best of several rounds, in which the contenders take turns, so that a machine
that is busy for a moment does not favour any. digitlab trains as the app does, with its curves
written to a store and its checkpoints to disk; its seconds go from the first step to the last.
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

from digitlab.bench.networks import (
    BATCH,
    CNN,
    IMAGES,
    MLP,
    fixed_batch_epoch,
    loader_epoch,
)
from digitlab.bench.peers import PEERS
from digitlab.data.load import load_dataset
from digitlab.models.spec import ModelSpec
from digitlab.settings import another_home, read_settings
from digitlab.training.config import TrainConfig
from digitlab.training.events import EpochDone, Event, Snapshot, Started

Tell = Callable[[str], None]
ROUNDS = {"mlp": 5, "cnn": 2}
EPOCHS = {"mlp": 5, "cnn": 1}  # that digitlab's seconds are a mean of
SIZES = (60_000, 240_000, 1_000_000)


def measure_training(tell: Tell, *, peers: bool = False) -> list[dict[str, Any]]:
    """Rows of {workload, contender, seconds, ratio}: ratio is seconds over digitlab's.

    Needs MNIST. With `peers` the libraries that are installed run the same networks.
    """
    rows = []
    for key, spec in (("mlp", MLP), ("cnn", CNN)):
        rows += _measure_network(key, spec, tell, peers)
    return rows


def _measure_network(key: str, spec: ModelSpec, tell: Tell, peers: bool) -> list[dict[str, Any]]:
    data = load_dataset("mnist")
    part = data.resplit(0).subset(IMAGES)
    config = TrainConfig(epochs=EPOCHS[key], batch_size=BATCH, val_fraction=0)
    contenders: dict[str, Callable[[], float]] = {
        "digitlab, recording": lambda: recorded_epoch(spec, part, config),
        "the same steps on one fixed batch": fixed_batch_epoch(spec, config),
        "DataLoader over torchvision's MNIST": loader_epoch(spec, str(read_settings().data)),
        "digitlab, recording nothing": lambda: bare_epoch(spec, part, config),
    }
    if peers:
        images = part.train.images.numpy().astype("float32") / 255
        images = (images - 0.1307) / 0.3081
        for name, make in PEERS.items():
            if epoch := make(spec, images, part.train.labels.numpy()):
                contenders[name] = epoch
    best = dict.fromkeys(contenders, float("inf"))
    for number in range(ROUNDS[key]):
        for name, epoch in contenders.items():
            tell(f"{spec.name}, round {number + 1} of {ROUNDS[key]}: {name}")
            best[name] = min(best[name], epoch())
    ours = best["digitlab, recording"]
    tell(f"{spec.name}: reading the 10,000 test images")
    best["digitlab, reading 10,000 test images"] = min(
        reading(spec, part, config) for _ in range(ROUNDS[key])
    )
    return [
        {"workload": f"{spec.name}, {IMAGES:,} images", "contender": name, "seconds": seconds}
        | {"ratio": seconds / ours}
        for name, seconds in best.items()
    ]


def recorded_epoch(spec: ModelSpec, data: object, config: TrainConfig) -> float:
    """Seconds per epoch as the app trains: curves stored, state saved, looks written."""
    with tempfile.TemporaryDirectory() as folder, another_home(Path(folder)):
        return record_training(spec, data, config)[0] / config.epochs


def record_training(spec: ModelSpec, data: object, config: TrainConfig) -> tuple[float, Any]:
    """Seconds from the first step to the last thing written of the last epoch; and the run.

    Reading the test images, which comes after, is not counted.
    """
    import digitlab as dl

    moments: dict[str, float] = {}

    def note(event: Event) -> None:  # called when the event has been written down
        if isinstance(event, Started):
            moments["begins"] = time.perf_counter()
        elif isinstance(event, EpochDone | Snapshot):
            moments["ends"] = time.perf_counter()

    run = dl.train(spec, data, config, progress=False, on_event=note)
    return moments["ends"] - moments["begins"], run


def reading(spec: ModelSpec, data: Any, config: TrainConfig) -> float:
    """Seconds of measuring loss and accuracy on the test images, as after an epoch."""
    from digitlab.models.build import build
    from digitlab.training.engine import Training, never

    training = Training(build(spec, seed=0), data.subset(1_000), config)
    with training.compute.applied(training.model):
        training.validator.evaluate(data.test, never)  # the first time is of warming up
        began = time.perf_counter()
        training.validator.evaluate(data.test, never)
        return time.perf_counter() - began


def bare_epoch(spec: ModelSpec, data: Any, config: TrainConfig) -> float:
    """Seconds per epoch of a training whose events nobody writes down."""
    from digitlab.models.build import build
    from digitlab.training.engine import train_events

    began = 0.0
    for event in train_events(build(spec, seed=0), data, config):
        if isinstance(event, Started):
            began = time.perf_counter()
    return (time.perf_counter() - began) / config.epochs


def measure_growth(tell: Tell) -> list[dict[str, Any]]:
    """Seconds per epoch and peak memory for 60k, 240k and 1M images, each in a fresh process.

    The images are MNIST's, repeated; memory is what the process has at most above what it has
    after importing torch.
    """
    import json
    import subprocess
    import sys

    rows = []
    for images in SIZES:
        tell(f"{images:,} images")
        code = f"from digitlab.bench.training import _grow; _grow({images})"
        done = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        rows.append(json.loads(done.stdout.splitlines()[-1]))
    return rows


def _grow(images: int) -> None:
    import json

    from digitlab.data.dataset import Split

    before = _peak()
    data = load_dataset("mnist").resplit(0)
    places = torch.arange(images) % len(data.train)
    if images != len(data.train):
        train = Split("train", data.train.images[places], data.train.labels[places], places)
        data = type(data)(data.info, train, data.val, data.test, data.val_fraction, data.split_seed)
    config = TrainConfig(epochs=1, batch_size=BATCH, val_fraction=0)
    seconds = bare_epoch(MLP, data, config)
    memory = _peak() - before
    row = {"images": images, "seconds": seconds, "megabytes": memory / 1e6}
    print(json.dumps(row | {"images_per_second": images / seconds}))


def _peak() -> float:
    """The most memory that this process has had, in bytes."""
    unit = 1 if platform.system() == "Darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit
