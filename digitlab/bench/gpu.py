"""What a GPU does here: `python -m digitlab bench --gpu`, on a machine that has one.

The preset `fast` is trained by its own recipe, recorded as in the app and tested once at its end,
with three seeds on the GPU and one on the CPU. A network with augmentation, dropout and EMA is
trained twice with one seed, again with a break in the middle, and compiled: the weights should be
the same to the bit, but for the compiled one. Where there are several GPUs, one run uses two.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import torch

import digitlab as dl
from digitlab.bench.training import record_training
from digitlab.data.dataset import Dataset
from digitlab.models.build import build
from digitlab.settings import another_home
from digitlab.training.config import Augmentation, TrainConfig
from digitlab.training.devices import describe_machine, pick_device, synchronize
from digitlab.training.engine import Training
from digitlab.training.events import EpochDone, Request, Saveable
from digitlab.words import percent

SEEDS = 3
MODEL = "cnn-8-16-tuned"  # it has dropout
RECIPE = TrainConfig(
    epochs=2,
    batch_size=64,
    augmentation=Augmentation(rotation=10, shift=0.1, thickness=0.3, noise=0.05, erasing=0.1),
    average=0.99,
    device="cuda",
)


def measure_gpu(progress: Callable[[str], None], data: Dataset | None = None) -> list[dict]:
    """Rows of {workload, outcome, seconds}; ConfigError where no CUDA GPU is at hand.

    Trains on MNIST, unless other `data` is given.
    """
    device = pick_device("cuda")
    machine = describe_machine(device)
    data = data or dl.load_dataset("mnist")
    rows = [_row(f"{machine['gpu']}, torch {machine['torch']}", "", 0.0)]
    for row in (*_fast(data), *_bits(data), *_several(data)):
        progress(f"{row['workload']}: {row['outcome']}")
        rows.append(row)
    return rows


def _row(workload: str, outcome: str, seconds: float) -> dict[str, Any]:
    return {"workload": workload, "outcome": outcome, "seconds": seconds}


def _fast(data: Dataset) -> Iterator[dict[str, Any]]:
    """From the first step to the last, curves and checkpoints included."""
    preset = dl.load_preset("fast")
    for device, seed in (*(("cuda", seed) for seed in range(SEEDS)), ("cpu", 0)):
        config = TrainConfig.from_dict(preset.recipe).changed(seed=seed, device=device)
        seconds, accuracy = _recorded(preset.spec, data, config)
        yield _row(f"fast on {device}, seed {seed}", f"{percent(accuracy)} of the test", seconds)


def _recorded(spec: dl.ModelSpec, data: Dataset, config: TrainConfig) -> tuple[float, float]:
    with tempfile.TemporaryDirectory() as folder, another_home(Path(folder)):
        seconds, run = record_training(spec, data, config)
        return seconds, run.record.test_accuracy


def _bits(data: Dataset) -> Iterator[dict[str, Any]]:
    """Whether the weights of a seed are the same each time, also after a break."""
    begun = time.perf_counter()
    first, accuracy = _train(data, RECIPE)
    yield _row(f"{MODEL}, 2 epochs", f"{percent(accuracy)} of validation", _since(begun))
    for workload, halts in (("the same seed again", False), ("halted and resumed", True)):
        begun = time.perf_counter()
        weights, _ = _train(data, RECIPE, halts=halts)
        same = all(torch.equal(value, weights[name]) for name, value in first.items())
        outcome = "the same bits" if same else f"weights differ by up to {_apart(first, weights)}"
        yield _row(f"{MODEL}, {workload}", outcome, _since(begun))
    begun = time.perf_counter()
    _, accuracy = _train(data, RECIPE.changed(compile=True))
    yield _row(f"{MODEL}, compiled", f"{percent(accuracy)} of validation", _since(begun))


def _train(
    data: Dataset, config: TrainConfig, *, halts: bool = False
) -> tuple[dict[str, torch.Tensor], float]:
    """The weights at the end, and the last epoch's validation accuracy."""
    training = _begin(data, config)
    if halts:
        middle = training.total_steps // 2 + 1

        def save() -> Request | None:
            return "save" if training.progress.step == middle else None

        for event in training.events(save):
            if isinstance(event, Saveable):
                break
        state = training.state()
        torch.manual_seed(config.seed + 1)  # another process would not have drawn the same
        training = _begin(data, config, state)
    accuracy = 0.0
    for event in training.events():
        if isinstance(event, EpochDone):
            accuracy = event.val_accuracy or 0.0
    synchronize()
    return {name: value.cpu() for name, value in training.model.state_dict().items()}, accuracy


def _begin(data: Dataset, config: TrainConfig, *state: Any) -> Training:
    return Training(build(dl.load_model(MODEL), seed=config.seed), data, config, *state)


def _several(data: Dataset) -> Iterator[dict[str, Any]]:
    """One run on two GPUs, where they are there."""
    if torch.cuda.device_count() < 2:
        return
    spec = dl.load_model("resnet-mini")
    for devices in (1, 2):
        config = RECIPE.changed(devices=devices, batch_size=512)
        seconds, accuracy = _recorded(spec, data, config)
        yield _row(f"{spec.name} on {devices} GPU(s)", f"{percent(accuracy)} of the test", seconds)


def _since(begun: float) -> float:
    return time.perf_counter() - begun


def _apart(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> str:
    return f"{max(float((a[name] - b[name]).float().abs().max()) for name in a):.1e}"
