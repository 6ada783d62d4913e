"""Time to 99 % on MNIST's test images: the preset `fast` against PyTorch's own MNIST example.

The example is run as published: two convolutions in float32, Adadelta at 1.0 times 0.7 an epoch,
batches of 64 from a DataLoader, the test images after every epoch. Its seconds are of training
alone, up to the end of the first epoch after which 99 % are read right; `fast` is trained by its
own recipe, recorded as in the app, and tested once, at its end.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
import torch.nn.functional as F

from digitlab.bench.networks import BATCH, CNN, module
from digitlab.bench.training import record_training
from digitlab.settings import another_home, read_settings
from digitlab.words import percent

GOAL = 0.99
MOST_EPOCHS = 14  # of the example, as published


def measure_race(tell: Callable[[str], None], seeds: int = 3) -> list[dict[str, Any]]:
    """Rows of {contender, seconds, test_accuracy, ratio}; needs MNIST and some minutes."""
    import digitlab as dl

    preset = dl.load_preset("fast")
    rows = []
    for seed in range(seeds):
        tell(f"fast, seed {seed}")
        config = dl.TrainConfig.from_dict(preset.recipe).changed(seed=seed)
        with tempfile.TemporaryDirectory() as folder, another_home(Path(folder)):
            seconds, run = record_training(preset.spec, dl.load_dataset("mnist"), config)
            rows.append(
                {
                    "contender": f"fast, seed {seed}",
                    "seconds": seconds,
                    "test_accuracy": run.record.test_accuracy,
                }
            )
    ours = sum(row["seconds"] for row in rows) / len(rows)
    rows.append(_example(tell))
    return [row | {"ratio": row["seconds"] / ours} for row in rows]


def _example(tell: Callable[[str], None]) -> dict[str, Any]:
    from torch.utils.data import DataLoader
    from torchvision import transforms
    from torchvision.datasets import MNIST

    transform = transforms.Compose(
        [transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))]
    )
    root = str(read_settings().data)
    train = DataLoader(MNIST(root, train=True, transform=transform), BATCH, shuffle=True)
    test = DataLoader(MNIST(root, train=False, transform=transform), 1000)
    torch.manual_seed(1)
    model = module(CNN)
    optimizer = torch.optim.Adadelta(model.parameters(), lr=1.0)
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.7)
    seconds, accuracy = 0.0, 0.0
    for epoch in range(1, MOST_EPOCHS + 1):
        tell(f"PyTorch's example, epoch {epoch}: {percent(accuracy)} so far")
        began = time.perf_counter()
        model.train()
        for images, labels in train:
            optimizer.zero_grad()
            F.cross_entropy(model(images), labels).backward()
            optimizer.step()
        schedule.step()
        seconds += time.perf_counter() - began
        accuracy = _accuracy(model, test)
        if accuracy >= GOAL:
            break
    name = f"PyTorch's MNIST example, {epoch} epochs"
    return {"contender": name, "seconds": seconds, "test_accuracy": accuracy}


@torch.no_grad()
def _accuracy(model: torch.nn.Module, test: Any) -> float:
    model.eval()
    right = sum(int((model(images).argmax(1) == labels).sum()) for images, labels in test)
    return right / len(test.dataset)
