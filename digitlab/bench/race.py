"""Time to 99 % accuracy on MNIST's test images: the preset `fast` and PyTorch's MNIST example.

The example is run as published: two convolutions in float32, Adadelta with a learning rate of 1.0
that is multiplied by 0.7 after each epoch, batches of 64 from a DataLoader, and an evaluation on
the test images after every epoch. Its seconds are those of training alone, up to the end of the
first epoch with a test accuracy of 99 %. `fast` is trained by its own recipe with ten seeds,
recorded as in the app, and tested once, at its end.
"""

from __future__ import annotations

import statistics
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch

import digitlab as dl
from digitlab.bench.networks import BATCH, CNN, module, torchvision_mnist, train_epoch
from digitlab.bench.training import record_training
from digitlab.settings import another_home
from digitlab.training.devices import pick_device
from digitlab.words import percent

GOAL = 0.99
SEEDS = 10
MAX_EPOCHS = 14  # of the example, as published


def measure_race(progress: Callable[[str], None]) -> list[dict[str, Any]]:
    """The rows of `measure_fast` and one of the example, with ratios to the mean time of `fast`."""
    rows = measure_fast(progress)
    ours = rows[-1]["seconds"]
    rows.append(_example(progress))
    return [row | {"ratio": row["seconds"] / ours} for row in rows]


def measure_fast(progress: Callable[[str], None], seeds: int = SEEDS) -> list[dict[str, Any]]:
    """Rows of {contender, seconds, test_accuracy, deviation}; needs MNIST and a minute.

    The last row has the means, and the standard deviation of the accuracy between seeds.
    """
    preset = dl.load_preset("fast")
    rows: list[dict[str, Any]] = []
    for seed in range(seeds):
        progress(f"fast, seed {seed}")
        config = dl.TrainConfig.from_dict(preset.recipe).changed(seed=seed)
        with tempfile.TemporaryDirectory() as folder, another_home(Path(folder)):
            seconds, run = record_training(preset.spec, dl.load_dataset("mnist"), config)
            rows.append(
                {
                    "contender": f"fast, seed {seed}",
                    "seconds": seconds,
                    "test_accuracy": run.record.test_accuracy,
                    "deviation": None,
                }
            )
    seconds, accuracies = ([row[key] for row in rows] for key in ("seconds", "test_accuracy"))
    means = {
        "contender": f"fast, mean of {seeds} seeds",
        "seconds": statistics.mean(seconds),
        "test_accuracy": statistics.mean(accuracies),
        "deviation": statistics.stdev(accuracies),
    }
    return [*rows, means]


def _example(progress: Callable[[str], None]) -> dict[str, Any]:
    from torch.utils.data import DataLoader

    train = DataLoader(torchvision_mnist(train=True), BATCH, shuffle=True)
    test = DataLoader(torchvision_mnist(train=False), 1000)
    torch.manual_seed(1)
    model = module(CNN).to(pick_device("auto"))
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds, accuracy = 0.0, 0.0
    for epoch in range(1, MAX_EPOCHS + 1):
        progress(f"PyTorch's example, epoch {epoch}: {percent(accuracy)} so far")
        seconds += train_epoch(model, optimizer, train)
        schedule.step()
        accuracy = _accuracy(model, test)
        if accuracy >= GOAL:
            break
    name = f"PyTorch's MNIST example, {epoch} epochs"
    return {"contender": name, "seconds": seconds, "test_accuracy": accuracy, "deviation": None}


@torch.no_grad()
def _accuracy(model: torch.nn.Module, test: Any) -> float:
    model.eval()
    device = next(model.parameters()).device
    correct = sum(
        int((model(images.to(device)).argmax(1).cpu() == labels).sum()) for images, labels in test
    )
    return correct / len(test.dataset)
